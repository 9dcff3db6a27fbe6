#!/usr/bin/env node
// The image of the simulator for one contract: its root file system as a tar, and what `podman import`
// is told of it. Same input, same bytes.

import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { build } from 'esbuild';
import { writeRoot } from './image-root.mjs';

const here = dirname(fileURLToPath(import.meta.url));
const USAGE =
  'usage: scripts/simulator-image [--contract NAME] OUT.tar | --load | --import-args | --reference\n';

const { values, positionals } = parseArgs({
  options: {
    contract: { type: 'string' },
    load: { type: 'boolean' },
    'import-args': { type: 'boolean' },
    reference: { type: 'boolean' },
  },
  allowPositionals: true,
  strict: false,
});
const { contractOf, imageFiles } = await sources();
const contract = contractOf({ SIMULATOR_CONTRACT: values.contract });
const byDefault = contractOf({}).name;
const suffix = contract.name === byDefault ? '' : `-${contract.name}`;
const reference = `localhost/ibq-simulator${suffix}:latest`;

const [out] = positionals;
if (values['import-args']) process.stdout.write(`${importArguments().join('\n')}\n`);
else if (values.reference) process.stdout.write(`${reference}\n`);
else if (values.load) {
  await inTemporaryDirectory(async (directory) => {
    const tar = join(directory, 'simulator.tar');
    await writeImage(tar, directory);
    const command = ['import', ...importArguments(), tar, reference];
    execFileSync('podman', command, { stdio: 'inherit' });
  });
} else if (out !== undefined && positionals.length === 1) {
  await inTemporaryDirectory((directory) => writeImage(resolve(out), directory));
} else {
  process.stderr.write(USAGE);
  process.exitCode = 64;
}

/** The contracts and what an image has of them, from the simulator's own sources. */
async function sources() {
  const contents = "export * from './contract.ts'; export * from './templates.ts';";
  const bundle = await build({
    stdin: { contents, resolveDir: here },
    bundle: true,
    write: false,
    platform: 'node',
    format: 'esm',
  });
  const [{ text }] = bundle.outputFiles;
  return import(`data:text/javascript;base64,${Buffer.from(text).toString('base64')}`);
}

async function writeImage(tar, directory) {
  const bundle = await build({
    entryPoints: [join(here, 'main.ts')],
    bundle: true,
    write: false,
    minify: true,
    platform: 'node',
    format: 'cjs',
    target: 'node20.18',
  });
  const [{ contents }] = bundle.outputFiles;
  writeRoot({ tar, directory, contract, files: imageFiles(contract), program: contents });
}

/** The real image's user, directory, variables, ports and volumes; the program is the simulator. */
function importArguments() {
  const { user, container } = contract;
  const variables = Object.entries(container.environment).filter(([, value]) => value !== '');
  if (contract.name !== byDefault) variables.push(['SIMULATOR_CONTRACT', contract.name]);
  return [
    'CMD ["/usr/local/bin/node","/opt/simulator/simulator.cjs"]',
    ...(user.declared === '' ? [] : [`USER ${user.declared}`]),
    `WORKDIR ${container.workingDirectory}`,
    ...variables.map(([name, value]) => `ENV ${name}=${value}`),
    'ENV PATH=/usr/local/bin:/usr/bin:/bin',
    ...container.exposed.map((port) => `EXPOSE ${port}`),
    ...container.volumes.map((path) => `VOLUME ${path}`),
  ].flatMap((change) => ['--change', change]);
}

async function inTemporaryDirectory(work) {
  const directory = mkdtempSync(join(tmpdir(), 'ibq-simulator-'));
  try {
    await work(directory);
  } finally {
    rmSync(directory, { recursive: true });
  }
}
