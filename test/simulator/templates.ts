/** How the images fill in their templates, and the files that an image has from its build. */

import { stringify } from 'ini';
import type { Contract, Environment } from './contract.ts';
import sample from './contracts/ibc-sample.json' with { type: 'json' };

/** GNU `envsubst`: `$NAME` and `${NAME}`, unset is empty, values are not looked into again. */
export function substitute(template: string, env: Environment): string {
  return template.replace(
    /\$(?:\{([A-Za-z_]\w*)\}|([A-Za-z_]\w*))/g,
    (_whole, braced: string | undefined, bare: string | undefined) =>
      env[braced ?? bare ?? ''] ?? '',
  );
}

/**
 * init_container_settings: `${NAME}` and `${NAME:-default}`.
 * @param emptyCounts the program of 2025 takes an empty variable as it is, that of today as unset
 */
export function expand(
  template: string,
  env: Environment,
  { emptyCounts }: { emptyCounts: boolean },
): string {
  return template.replace(
    /\$\{([A-Za-z_]\w*)(?::-(.*?))?\}/g,
    (_whole, name: string, fallback: string | undefined) => {
      const value = env[name];
      if (value === undefined || (value === '' && !emptyCounts)) return fallback ?? '';
      return value;
    },
  );
}

/** A file or directory (without `text`) of the image; `own`: it belongs to the image's user. */
export interface ImageFile {
  path: string;
  text?: string;
  own: boolean;
}

/** What the image brings along that matters here, directories before what is in them. */
export function imageFiles({ paths, configIni, jtsIni, boot }: Contract): ImageFile[] {
  const config = render(configIni);
  const jts = stringify(jtsIni);
  const files: ImageFile[] = [
    { path: paths.home, own: true },
    { path: paths.ibc, own: true },
    { path: paths.program, own: true },
    // What the archive of IBC has: used where nobody brings a configuration.
    { path: `${paths.ibc}/config.ini`, text: render(sample.configIni), own: true },
    { path: paths.configTemplate, text: config, own: true },
  ];
  if (boot.startsWith('danklabs')) {
    files.push(
      { path: paths.settings, own: true },
      { path: paths.configIni, text: config, own: true },
      { path: `${paths.settings}/jts.ini`, text: jts, own: true },
    );
  }
  if (paths.jtsTemplate !== null) files.push({ path: paths.jtsTemplate, text: jts, own: true });
  return files;
}

function render(settings: Readonly<Record<string, string>>): string {
  return Object.entries(settings)
    .map(([key, value]) => `${key}=${value}\n`)
    .join('');
}
