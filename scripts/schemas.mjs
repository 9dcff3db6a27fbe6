#!/usr/bin/env node
// Writes what is made from the table of keys in src/config/schema.ts and the profiles in src/images/:
// docs/schema/*.json, the key tables of docs/configuration.md, docs/images/*.md and the table of docs/images.md. With --check it writes nothing and fails where one is stale.

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
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
const pages = Object.fromEntries(
  ['configuration', 'images'].map((name) => [
    name,
    readFileSync(join(root, `docs/${name}.md`), 'utf8'),
  ]),
);
const stale = [];
for (const [file, text] of generatedFiles(pages)) {
  if (readIfThere(join(root, file)) === text) continue;
  stale.push(file);
  if (check) continue;
  mkdirSync(dirname(join(root, file)), { recursive: true });
  writeFileSync(join(root, file), text);
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
