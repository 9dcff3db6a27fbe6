/** Podman secrets that hold files of the user's (`custom_config`). */

import { FILE_SECRET } from '../plan/own-files.ts';
import { generationPath } from '../plan/paths.ts';
import type { FileReader } from './host.ts';

/** Those that no generation on disk names: any of these may be the one to go back to. */
export function surplusFileSecrets(
  files: FileReader,
  generations: readonly number[],
  secrets: ReadonlySet<string>,
  wanted: readonly string[],
): string[] {
  const others = [...secrets].filter((name) => FILE_SECRET.test(name) && !wanted.includes(name));
  if (others.length === 0) return [];
  const dropIns = generations.flatMap((number) => {
    const units = `${generationPath(number)}/units`;
    return files
      .list(units)
      .filter((name) => name.endsWith('.container.d'))
      .map((name) => files.readText(`${units}/${name}/10-ibq.conf`) ?? '');
  });
  return others.filter((name) => !dropIns.some((text) => text.includes(name))).sort();
}
