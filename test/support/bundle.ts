/** Processes of their own for tests: a script that uses ibq's sources, as one file that Node runs. */

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const PROJECT = fileURLToPath(new URL('../../', import.meta.url));

/**
 * @param source TypeScript; imports are relative to the project, `./src/host/lock.ts`
 * @param directory where the file goes
 * @returns path of the script
 */
export async function bundleScript(source: string, directory: string): Promise<string> {
  const { outputFiles } = await build({
    stdin: { contents: source, loader: 'ts', resolveDir: PROJECT },
    bundle: true,
    platform: 'node',
    format: 'cjs',
    target: 'node20.18',
    logLevel: 'error',
    write: false,
  });
  const path = join(directory, 'script.cjs');
  writeFileSync(path, outputFiles[0]?.contents ?? '');
  return path;
}
