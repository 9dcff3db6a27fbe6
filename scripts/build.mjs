#!/usr/bin/env node
// Bundles the program: dist/ibq.cjs, which starts, and the parts that it loads (src/start/parts.ts).
// Dynamic imports stay lazy inside a part: a module's body runs when it is first asked for, so a verb
// pays only for what it uses. CommonJS, because an ES module's imports of Node's own modules are all
// loaded at the start (30 ms).
import { createHash } from 'node:crypto';
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { build } from 'esbuild';

const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));
const root = join(import.meta.dirname, '..');
const outfile = resolve(process.argv[2] ?? join(root, 'dist/ibq.cjs'));
const directory = join(dirname(outfile), 'parts');

/** Packages that only some verbs need. */
const PACKAGES = ['execa', 'systeminformation', 'yaml'];

const common = {
  bundle: true,
  // Names of modules stand in the bundle: relative to the source, wherever that lies and node_modules leads.
  absWorkingDir: root,
  preserveSymlinks: true,
  platform: 'node',
  format: 'cjs',
  target: 'node20.18',
  minifySyntax: true,
  minifyWhitespace: true,
  legalComments: 'none',
  define: {
    IBQ_VERSION: JSON.stringify(version),
    'import.meta.dirname': '__dirname',
  },
};

const packagesApart = {
  name: 'packages-apart',
  setup({ onResolve }) {
    onResolve({ filter: new RegExp(`^(${PACKAGES.join('|')})$`) }, ({ path, kind }) =>
      kind === 'entry-point' ? undefined : { path: `ibq:${path}`, external: true },
    );
  },
};

/**
 * Modules of Node's own that take milliseconds to load, and that many modules name and few verbs
 * call: each function of theirs loads them when it is first asked for.
 */
const nodeWhenUsed = {
  name: 'node-when-used',
  setup({ onResolve, onLoad }) {
    const namespace = 'node-when-used';
    onResolve({ filter: /^(node:)?(crypto|fs\/promises|readline|readline\/promises|v8)$/ }, (it) =>
      it.kind === 'import-statement' ? { path: it.path, namespace } : undefined,
    );
    onLoad({ filter: /.*/, namespace }, async ({ path }) => {
      const names = Object.keys(await import(path)).filter((name) => name !== 'default');
      const getters = names.map((name) => `get ${name}(){return require('${path}').${name}}`);
      return { contents: `module.exports={${getters.join()}}` };
    });
  },
};

/** A part is a function around a module, as Node itself makes one of a file, below a hash of it. */
async function buildPart(name, entryPoint, options = {}) {
  const { outputFiles } = await build({
    ...common,
    ...options,
    entryPoints: [entryPoint],
    write: false,
    banner: { js: '(function(exports,require,module,__filename,__dirname){' },
    footer: { js: '})' },
    // An import of another part is loaded as one.
    supported: { 'dynamic-import': false },
  });
  const text = inAscii(outputFiles[0].text);
  const hash = createHash('sha256').update(text).digest('hex');
  writeFileSync(join(directory, `${name}.cjs`), `//${hash}\n${text}`);
}

/**
 * A part is read byte by byte (src/start/parts.ts). esbuild escapes what is not ASCII in texts and leaves it in
 * patterns, where the same escapes mean the same.
 */
function inAscii(text) {
  return text.replace(
    /[^\0-\x7f]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

mkdirSync(directory, { recursive: true });
await Promise.all([
  build({
    ...common,
    entryPoints: ['src/cli.ts'],
    outfile,
    // What stands behind "--" Node does not take for its own: it looks for --env-file everywhere.
    banner: { js: '#!/usr/bin/env -S node --' },
  }),
  build({
    ...common,
    entryPoints: ['src/start/compile.ts'],
    outfile: join(directory, 'compile.cjs'),
  }),
  buildPart('main', 'src/main.ts', { plugins: [packagesApart, nodeWhenUsed] }),
  ...PACKAGES.map((name) => buildPart(name, name, { minify: true, plugins: [nodeWhenUsed] })),
]);
chmodSync(outfile, 0o755);
