#!/usr/bin/env node
// Bundles src/cli.ts into one file, dist/ibq.cjs. Dynamic imports stay lazy inside the bundle: a
// module's body runs when it is first asked for, so a verb pays only for what it uses. CommonJS,
// because an ES module's imports of Node's own modules are all loaded at the start (30 ms).
import { chmodSync, readFileSync } from 'node:fs';
import { build } from 'esbuild';

const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));
const outfile = process.argv[2] ?? 'dist/ibq.cjs';

/** What both kinds of bundle have in common. */
const common = {
  bundle: true,
  platform: 'node',
  format: 'cjs',
  target: 'node20.18',
  minifySyntax: true,
  minifyWhitespace: true,
  legalComments: 'none',
};

/**
 * Large packages that only some verbs load stand in the bundle as text, compiled when they are first
 * imported: as code they would be parsed at every start (15 ms, most of what ibq adds to Node's own).
 */
const compiledWhenUsed = {
  name: 'compiled-when-used',
  setup({ onResolve, onLoad, resolve }) {
    onResolve(
      { filter: /^(execa|systeminformation)$/ },
      async ({ path, kind, resolveDir, pluginData }) => {
        if (kind !== 'dynamic-import' || pluginData === 'resolved') return undefined;
        const found = await resolve(path, { kind, resolveDir, pluginData: 'resolved' });
        return { path: found.path, namespace: 'text', pluginData: path };
      },
    );
    onLoad({ filter: /.*/, namespace: 'text' }, async ({ path, pluginData: name }) => {
      const { outputFiles } = await build({
        ...common,
        entryPoints: [path],
        minify: true,
        write: false,
      });
      const text = JSON.stringify(outputFiles[0].text);
      return {
        resolveDir: import.meta.dirname,
        contents: `
          const { compileFunction } = require('node:vm');
          const options = { filename: ${JSON.stringify(`ibq:${name}`)} };
          compileFunction(${text}, ['module', 'exports', 'require'], options)(module, exports, require);`,
      };
    });
  },
};

await build({
  ...common,
  entryPoints: ['src/cli.ts'],
  outfile,
  plugins: [compiledWhenUsed],
  define: {
    IBQ_VERSION: JSON.stringify(version),
    'import.meta.dirname': '__dirname',
  },
  banner: { js: '#!/usr/bin/env node' },
});
chmodSync(outfile, 0o755);
