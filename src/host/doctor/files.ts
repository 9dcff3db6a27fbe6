/** Facts about files: the current generation, what others put beside it, the user's drop-ins. */

import type { DropInFacts, GenerationFiles } from '../../doctor/facts.ts';
import { findDrift } from '../../plan/assemble.ts';
import type { Installed } from '../../plan/installed.ts';
import { CURRENT, QUADLET_DIRECTORY, STATIC_UNITS } from '../../plan/paths.ts';
import type { FileReader } from '../host.ts';
import { readServiceDropIns } from '../service-drop-ins.ts';

/** @param shipped plain units as this ibq writes them */
export function readGenerationFiles(
  files: FileReader,
  installed: Installed,
  shipped: readonly { path: string; text: string }[],
): GenerationFiles {
  const { manifest } = installed;
  const names = Object.keys(manifest?.instances ?? {});
  const own = new Set([
    ...Object.keys(manifest?.files ?? {}),
    ...names.map((name) => `units/ib-gateway@${name}.container`),
    'manifest.json',
  ]);
  return {
    drift: findDrift(installed),
    foreign: walk(files, CURRENT, '').filter((path) => !own.has(path)),
    linked: installed.quadletLinked,
    staticUnits: shipped.flatMap(({ path, text }) => {
      const found = installed.staticUnits.get(path) ?? null;
      if (found === text) return [];
      return { path, state: found === null ? ('missing' as const) : ('edited' as const) };
    }),
    shadows: [
      ...matching(files, STATIC_UNITS, /^(ib-gateway@\w*|ibq-.*-network)\.service$/),
      ...matching(files, QUADLET_DIRECTORY, /^(ib-gateway@\w*\.container|ibq-.*\.network)$/),
    ],
  };
}

/** Every file below a directory, relative to `base`. Links are not followed. */
function walk(files: FileReader, base: string, inside: string): string[] {
  return files.list(`${base}/${inside}`).flatMap((name) => {
    const path = `${inside}${name}`;
    if (files.readLink(`${base}/${path}`) !== null) return path;
    const below = walk(files, base, `${path}/`);
    return below.length > 0 ? below : path;
  });
}

function matching(files: FileReader, directory: string, pattern: RegExp): string[] {
  return files
    .list(directory)
    .filter((name) => pattern.test(name))
    .map((name) => `${directory}/${name}`);
}

export function readDropIns(files: FileReader): DropInFacts[] {
  const ofQuadlets = files
    .list(QUADLET_DIRECTORY)
    .filter((name) => /^ib-gateway@\w*\.container\.d$/.test(name))
    .flatMap((directory) =>
      files.list(`${QUADLET_DIRECTORY}/${directory}`).map((name) => {
        const path = `${QUADLET_DIRECTORY}/${directory}/${name}`;
        return { path, unit: directory.replace(/\.d$/, ''), text: readOrNull(files, path) };
      }),
    );
  return [...ofQuadlets, ...readServiceDropIns(files)];
}

function readOrNull(files: FileReader, path: string): string | null {
  try {
    return files.readText(path);
  } catch {
    return null;
  }
}
