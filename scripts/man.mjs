#!/usr/bin/env node
// Writes docs/man/ibq.1 from the command tree itself; `--check` fails when it is stale.
import { readFileSync, writeFileSync } from 'node:fs';
import { build } from 'esbuild';

const target = new URL('../docs/man/ibq.1', import.meta.url);

const bundled = await build({
  entryPoints: ['src/program.ts'],
  bundle: true,
  write: false,
  platform: 'node',
  format: 'esm',
  external: ['../commands/*'],
  logLevel: 'error',
  banner: {
    js: "import{createRequire as r}from'node:module';const require=r('file:///');",
  },
});
const code = Buffer.from(bundled.outputFiles[0].contents).toString('base64');
const { buildProgram } = await import(`data:text/javascript;base64,${code}`);
const page = renderPage(buildProgram('', () => {}));

if (process.argv[2] === '--check') {
  if (readFileSync(target, 'utf8') !== page) {
    process.stderr.write('docs/man/ibq.1 is stale: run "npm run docs"\n');
    process.exitCode = 1;
  }
} else {
  writeFileSync(target, page);
}

function renderPage(program) {
  const lines = [
    '.TH IBQ 1 "" "ibq" "User Commands"',
    '.SH NAME',
    'ibq \\- Interactive Brokers gateways as systemd services',
    '.SH SYNOPSIS',
    '.B ibq',
    '[options] command',
    '.SH DESCRIPTION',
    text(program.description().replace('\n', ' ')),
    '.SH GLOBAL OPTIONS',
    ...options(program),
    '.SH COMMANDS',
    ...program.commands.flatMap((command) => section(command, '')),
    '.SH EXIT STATUS',
    ...[
      ['0', 'done'],
      ['1', 'failed'],
      ['2', 'changes are pending (plan --detailed-exitcode only)'],
      ['3', 'an instance is not healthy'],
      ['64', 'wrong usage'],
      ['69', 'a needed part is missing: podman, systemd, a usable interface, an image'],
      ['75', 'another ibq holds the lock; it is named'],
      ['77', 'needs root'],
      ['78', 'the configuration is invalid'],
      ['130, 143', 'interrupted between two steps'],
    ].flatMap(([code, meaning]) => ['.TP', `.B ${code}`, text(meaning)]),
    '.SH FILES',
    ...[
      ['/etc/ibq/ibq.toml', 'the host'],
      ['/etc/ibq/network.toml', 'the pinned network'],
      ['/etc/ibq/instances/NAME.toml', 'one instance each'],
      ['/etc/ibq/current', 'the generation in force'],
    ].flatMap(([path, meaning]) => ['.TP', `.I ${text(path)}`, text(meaning)]),
    '.SH SEE ALSO',
    '.BR systemctl (1),',
    '.BR podman-systemd.unit (5),',
    '.BR journalctl (1)',
  ];
  return `${lines.join('\n')}\n`;
}

function section(command, parent) {
  const name = `${parent}${command.name()}`;
  if (command.commands.length > 0) {
    return command.commands.flatMap((child) => section(child, `${name} `));
  }
  return [
    '.TP',
    `.B ibq ${text(name)} ${text(command.usage())}`,
    text(command.description().replaceAll('\n', ' ')),
    ...(command.options.length > 0 ? ['.RS', ...options(command), '.RE'] : []),
  ];
}

function options(command) {
  const shown = command.options.filter(({ hidden }) => !hidden);
  return shown.flatMap(({ flags, description }) => ['.TP', `.B ${text(flags)}`, text(description)]);
}

/** roff: a hyphen that is a minus, a backslash, and lines that must not begin a request. */
function text(words) {
  return words
    .replaceAll('\\', '\\e')
    .replaceAll('-', '\\-')
    .replace(/^([.'])/gm, '\\&$1');
}
