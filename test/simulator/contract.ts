/** What the imitated image is, as data: `contracts/gnzsnz-gateway.json`. */

import { stringify } from 'ini';
import contract from './contracts/gnzsnz-gateway.json' with { type: 'json' };

export { contract };

export type Mode = 'live' | 'paper';
/** An environment as a process sees it; what is absent is unset. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** A program that ended: its last words and its status (0-255). */
export class Exit extends Error {
  override readonly name = 'Exit';
  readonly status: number;
  constructor(status: number, message = `exit status ${status}`) {
    super(message);
    this.status = status;
  }
}

/** GNU `envsubst`: `$NAME` and `${NAME}`, unset is empty, values are not looked into again. */
export function substitute(template: string, env: Environment): string {
  return template.replace(
    /\$(?:\{([A-Za-z_]\w*)\}|([A-Za-z_]\w*))/g,
    (_whole, braced: string | undefined, bare: string | undefined) =>
      env[braced ?? bare ?? ''] ?? '',
  );
}

/** The image's `config.ini.tmpl`, without its comments. */
export function configTemplate(): string {
  return render(contract.configIni);
}

/** The image's `jts.ini.tmpl`. */
export function jtsTemplate(): string {
  return stringify(contract.jtsIni);
}

function render(settings: Readonly<Record<string, string>>): string {
  return Object.entries(settings)
    .map(([key, value]) => `${key}=${value}\n`)
    .join('');
}
