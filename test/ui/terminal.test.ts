/** The Ui of a real process: which stream gets what, and how questions end. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { bundleScript } from '../support/bundle.ts';
import { type Child, startChild } from '../support/child.ts';

const SCRIPT = `
import { terminalUi } from './src/ui/terminal.ts';

const [what = '', ...flags] = process.argv.slice(2);
const ui = terminalUi({ quiet: flags.includes('-q'), color: !flags.includes('--no-color') });
async function main() {
  if (what === 'say') {
    ui.print(ui.style('red', 'data'));
    ui.note('progress');
    ui.warn('trouble');
  } else if (what === 'foreign') {
    const foreign = 'a\\u001b[31mred\\u001b]52;c;eA==\\u0007\\r\\u202eb\\u009b2J\\tc\\nd';
    ui.print(ui.style('green', foreign));
    ui.note(foreign);
    ui.warn('x'.repeat(1_000_000));
  } else if (what === 'json') ui.json({ a: 1 });
  else if (what === 'confirm') {
    const options = { assumeYes: flags.includes('-y'), flag: '-y' };
    ui.print('answer ' + (await ui.confirm('sure?', options)));
  } else if (what === 'twice') {
    const first = await ui.readHidden('One: ');
    ui.print(JSON.stringify([first, await ui.readHidden('Two: ')]));
  } else ui.print(JSON.stringify(await ui.readHidden('Password: ')));
}
main().catch((error) => {
  console.error(error.message);
  process.exitCode = error.exitCode;
});
`;

let directory = '';
let script = '';
beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'ibq-ui-'));
  script = await bundleScript(SCRIPT, directory);
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const PLAIN = { PATH: process.env.PATH, TERM: 'xterm' };

/** In pipes. */
function piped(args: readonly string[], input = ''): Child {
  const child = startChild([process.execPath, script, ...args], { env: PLAIN });
  child.process.stdin.end(input);
  return child;
}

/** On a terminal of its own, by script(1) of util-linux. */
function onTerminal(args: readonly string[], env: NodeJS.ProcessEnv = {}): Child {
  const command = [process.execPath, script, ...args].join(' ');
  return startChild(['script', '--quiet', '--return', '--flush', '-c', command, '/dev/null'], {
    env: { ...PLAIN, ...env },
  });
}

describe('in a pipe', () => {
  test('data on stdout, everything else on stderr, nothing coloured', async () => {
    const child = piped(['say']);
    await child.ended;
    expect(child.stdout).toBe('data\n');
    expect(child.stderr).toBe('progress\nibq: warning: trouble\n');
  });

  test('-q silences progress, not warnings', async () => {
    const child = piped(['say', '-q']);
    await child.ended;
    expect(child.stderr).toBe('ibq: warning: trouble\n');
  });

  test('JSON begins with its version', async () => {
    const child = piped(['json']);
    await child.ended;
    expect(child.stdout).toBe('{\n  "schemaVersion": 1,\n  "a": 1\n}\n');
  });

  test('a question fails and names the flag', async () => {
    const child = piped(['confirm'], 'y\n');
    expect(await child.ended).toBe(64);
    expect(child.stderr).toBe('"sure?" needs an answer and there is no terminal; pass -y\n');
  });

  test('-y answers it', async () => {
    const child = piped(['confirm', '-y']);
    expect(await child.ended).toBe(0);
    expect(child.stdout).toBe('answer true\n');
  });

  test.each([
    ['secret\n', 'secret'],
    ['secret\r\n', 'secret'],
    ['secret', 'secret'],
    ['two\nlines\n', 'two\nlines'],
    [' blanks stay \n\n', ' blanks stay \n'],
    ['', ''],
    ['pässwörd\n', 'pässwörd'],
  ])('a hidden value is all of stdin without its last newline: %j', async (input, value) => {
    const child = piped(['hidden'], input);
    await child.ended;
    expect(JSON.parse(child.stdout)).toBe(value);
    expect(child.stderr).toBe('');
  });
});

const ESCAPED = 'a\\u{1b}[31mred\\u{1b}]52;c;eA==\\u{7}\\u{d}\\u{202e}b\\u{9b}2J\tc\nd';

test('in a pipe, foreign text is escaped on both streams, and what is endless is cut', async () => {
  const child = piped(['foreign']);
  await child.ended;
  expect(child.stdout).toBe(`${ESCAPED}\n`);
  const [first, second, warning = ''] = child.stderr.split('\n');
  expect(`${first}\n${second}`).toBe(ESCAPED);
  expect(warning).toMatch(/^ibq: warning: x{4096}… \(995904 more characters\)$/);
});

describe('on a terminal', () => {
  test('foreign text is escaped within colours of our own', async () => {
    const child = onTerminal(['foreign']);
    await child.ended;
    const plain = child.stdout.replaceAll('\r\n', '\n');
    expect(plain).toContain(`\u001b[32m${ESCAPED}\u001b[39m\n${ESCAPED}\n`);
  });

  const RED = '\u001b[31m';
  test.each<[string, string[], NodeJS.ProcessEnv, boolean]>([
    ['colours', [], {}, true],
    ['--no-color', ['--no-color'], {}, false],
    ['NO_COLOR', [], { NO_COLOR: '1' }, false],
    ['an empty NO_COLOR means nothing', [], { NO_COLOR: '' }, true],
    ['TERM=dumb', [], { TERM: 'dumb' }, false],
  ])('%s', async (_title, flags, env, coloured) => {
    const child = onTerminal(['say', ...flags], env);
    await child.ended;
    expect(child.stdout.includes(RED)).toBe(coloured);
    expect(child.stdout).toContain('data');
  });

  test.each([
    ['y\r', 'answer true', 0],
    ['\r', 'answer true', 0],
    ['YES\r', 'answer true', 0],
    ['n\r', 'answer false', 0],
    ['\u0003', 'aborted, no changes made', 130],
    ['\u0004', 'aborted, no changes made', 130],
  ])('a question answered with %j: %s', async (keys, said, exitCode) => {
    const child = onTerminal(['confirm']);
    await child.said('sure? [Y/n]');
    child.process.stdin.write(keys);
    expect(await child.ended).toBe(exitCode);
    expect(child.stdout).toContain(said);
  });

  test.each([['typed after each prompt'], ['typed ahead']])(
    'two hidden values, %s',
    async (how) => {
      const child = onTerminal(['twice']);
      await child.said('One: ');
      child.process.stdin.write(how === 'typed ahead' ? 'ab\rcd\r' : 'ab\r');
      await child.said('Two: ');
      if (how !== 'typed ahead') child.process.stdin.write('cd\r');
      expect(await child.ended).toBe(0);
      expect(child.stdout).toContain('["ab","cd"]');
    },
  );

  test('an answer that is neither yes nor no is asked for again', async () => {
    const child = onTerminal(['confirm']);
    await child.said('sure? [Y/n]');
    child.process.stdin.write('what?\r');
    await child.said('please answer y or n');
    child.process.stdin.write('n\r');
    expect(await child.ended).toBe(0);
    expect(child.stdout).toContain('answer false');
  });

  test.each([
    ['secret\r', '"secret"', 0],
    ['secrex\u007ft\r', '"secret"', 0],
    ['ö\u007f\r', '""', 0],
    ['secret\u0004', '"secret"', 0],
    ['sec\u0003', 'aborted, no changes made', 130],
  ])('a hidden value, keys %j: %s', async (keys, said, exitCode) => {
    const child = onTerminal(['hidden']);
    await child.said('Password: ');
    child.process.stdin.write(keys);
    expect(await child.ended).toBe(exitCode);
    expect(child.stdout.replaceAll('\r', '')).toBe(`Password: \n${said}\n`);
  });
});
