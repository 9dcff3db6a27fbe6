/** Files that a service is given: Compose's secrets and configs, and files of the host that are mounted. */

import { posix } from 'node:path';
import type { ComposeFile } from './document.ts';
import type { Service } from './service.ts';

/** What lies at a path of the container; null: the Compose file does not say. */
export type GivenText = (path: string) => { path: string; text: string | null } | null;

/** @param readFile of the host; null: it is not there, or can't be read as text */
export function givenTexts(
  file: ComposeFile,
  { given, mounts }: Service,
  readFile: (path: string) => string | null,
): GivenText {
  const whole = (text: string | null) => text?.replace(/\r?\n$/, '') ?? null;
  return (path) => {
    const own = given.find(({ target }) => target === path);
    if (own !== undefined) {
      const source = (own.kind === 'secret' ? file.secrets : file.configs).get(own.name);
      if (source?.file != null) return { path: source.file, text: whole(readFile(source.file)) };
      if (source?.text != null) return { path: 'FILE', text: whole(source.text) };
      return null;
    }
    const mount = mounts.find(
      ({ source, target }) =>
        source.startsWith('/') &&
        (path === target || path.startsWith(`${target.replace(/\/$/, '')}/`)),
    );
    if (mount === undefined) return null;
    const at = posix.join(mount.source, path.slice(mount.target.replace(/\/$/, '').length));
    const inside = at === mount.source || at.startsWith(`${mount.source.replace(/\/$/, '')}/`);
    return inside ? { path: at, text: whole(readFile(at)) } : null;
  };
}
