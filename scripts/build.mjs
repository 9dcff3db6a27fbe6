#!/usr/bin/env node
// Bundles src/cli.ts into one file, dist/ibq.cjs. Dynamic imports stay lazy inside the bundle: a
// module's body runs when it is first asked for, so a verb pays only for what it uses. CommonJS,
// because an ES module's imports of Node's own modules are all loaded at the start (30 ms).
import { chmodSync, readFileSync } from 'node:fs';
import { build } from 'esbuild';

const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));
const outfile = process.argv[2] ?? 'dist/ibq.cjs';

await build({
  entryPoints: ['src/cli.ts'],
  outfile,
  bundle: true,
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
  banner: { js: '#!/usr/bin/env node' },
});
chmodSync(outfile, 0o755);
