/** The user's own drop-ins for the services that Quadlet makes (`systemctl edit ib-gateway@NAME`). */

import { STATIC_UNITS } from '../plan/paths.ts';
import type { FileReader } from './host.ts';

/** Where systemd looks for them (systemd.unit(5)); what `systemctl edit --runtime` makes is in /run. */
const DIRECTORIES = [STATIC_UNITS, '/run/systemd/system'];

export function readServiceDropIns(
  files: FileReader,
): { path: string; unit: string; text: string | null }[] {
  return DIRECTORIES.flatMap((above) =>
    files
      .list(above)
      .filter((name) => /^ib-gateway@\w*\.service\.d$/.test(name))
      .flatMap((name) => {
        const directory = `${above}/${name}`;
        const unit = name.replace(/\.d$/, '');
        return files.list(directory).map((file) => ({
          path: `${directory}/${file}`,
          unit,
          text: readOrNull(files, `${directory}/${file}`),
        }));
      }),
  );
}

function readOrNull(files: FileReader, path: string): string | null {
  try {
    return files.readText(path);
  } catch {
    return null;
  }
}
