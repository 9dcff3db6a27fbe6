#!/usr/bin/env node
// Bundles src/cli.ts into one file, dist/ibq.js. Dynamic imports stay lazy inside the bundle: a
// module's body runs when it is first asked for, so a verb pays only for what it uses.
import { readFileSync } from 'node:fs';
import { build } from 'esbuild';

const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));

await build({
  entryPoints: ['src/cli.ts'],
  outfile: process.argv[2] ?? 'dist/ibq.js',
  bundle: true,
  platform: 'node',
  format: 'esm',
  target: 'node20.18',
  minifySyntax: true,
  minifyWhitespace: true,
  legalComments: 'none',
  define: { IBQ_VERSION: JSON.stringify(version) },
  // CommonJS dependencies inside an ESM bundle ask for `require`.
  banner: {
    js: "#!/usr/bin/env node\nimport{createRequire as ibqRequire}from'node:module';const require=ibqRequire(import.meta.url);",
  },
});
