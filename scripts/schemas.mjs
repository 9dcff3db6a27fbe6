#!/usr/bin/env node
// Writes what is made from the table of keys in src/config/schema.ts: docs/schema/*.json and the
// key tables of docs/configuration.md. With --check it writes nothing and fails where one is stale.

import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const bundle = await build({
  entryPoints: [join(root, 'scripts/reference.ts')],
  bundle: true,
  write: false,
  format: 'esm',
  platform: 'node',
});
const code = Buffer.from(bundle.outputFiles[0].contents).toString('base64');
const { generatedFiles } = await import(`data:text/javascript;base64,${code}`);

const check = process.argv.includes('--check');
const page = readFileSync(join(root, 'docs/configuration.md'), 'utf8');
const stale = [];
for (const [file, text] of generatedFiles(page)) {
  if (readIfThere(join(root, file)) === text) continue;
  stale.push(file);
  if (!check) writeFileSync(join(root, file), text);
}
for (const file of stale) console.error(`${check ? 'stale' : 'wrote'}: ${file}`);
if (check && stale.length > 0) {
  console.error('run "node scripts/schemas.mjs"');
  process.exitCode = 1;
}

function readIfThere(path) {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return null;
  }
}
