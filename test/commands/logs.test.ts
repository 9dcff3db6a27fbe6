/** `ibq logs`: what journalctl is asked for, and what of it is shown. */

import { expect, test } from 'vitest';
import { logs } from '../../src/commands/logs.ts';
import { deployedTree } from '../support/deployed-tree.ts';
import { liveHost } from '../support/live-host.ts';

const OPTIONS = { follow: false, lines: 50, since: null, all: false };
const at = (text: string) => `Nov 28 00:51:37 host ib-gateway-4001[9]: ${text}`;

/** As journalctl prints it with --reverse: an empty line after each message of conmon. */
const JOURNAL = [
  at('2026-11-28 00:51:38:000 IBC: Login has completed'),
  '                                              ',
  at(`"/usr/local/i4j_jres/java" --add-opens=java.base/java.util=ALL-UNNAMED ${'x'.repeat(3000)}`),
  at(''),
  at('.> Starting IBC/IB gateway'),
  '',
].join('\n');

async function run(options = {}, terminal = false, journal = { stdout: JOURNAL }) {
  const sand = await deployedTree();
  const { context, ran } = liveHost(sand, (line) =>
    line.startsWith('journalctl') ? journal : undefined,
  );
  const exitCode = await logs({ ...context, ui: { ...context.ui, terminal }, env: {} }, '4001', {
    ...OPTIONS,
    ...options,
  });
  return { exitCode, out: sand.out.join('\n'), lines: ran.map(({ line }) => line) };
}

test('the oldest first, no empty lines, and the command of Java in short', async () => {
  const { exitCode, out } = await run();
  expect(exitCode).toBe(0);
  expect(out.split('\n')).toEqual([
    at('.> Starting IBC/IB gateway'),
    at('"/usr/local/i4j_jres/java" … (ibq logs --all has all of it)'),
    at('2026-11-28 00:51:38:000 IBC: Login has completed'),
  ]);
});

test("journalctl itself leaves the relay's lines out, so that 50 lines are 50 that say something", async () => {
  const { lines } = await run();
  const [asked = ''] = lines;
  expect(asked).toContain('--unit=ib-gateway@4001.service --lines=50');
  const pattern = new RegExp(/--grep=(.*?) --no-pager/.exec(asked)?.[1] ?? '$^');
  const socat = '2026/11/28 00:51:37 socat[209] ';
  expect(`${socat}W connect(5, AF=2 127.0.0.1:4001, 16): Connection refused`).not.toMatch(pattern);
  expect(`${socat}E TCP:127.0.0.1:4001: Connection refused`).not.toMatch(pattern);
  expect(' \n').not.toMatch(pattern);
  expect(`${socat}W exiting on signal 15`).toMatch(pattern);
});

test('on a terminal, a pager', async () => {
  const { lines, out } = await run({}, true);
  expect(lines.at(-1)).toMatch(/^sh -c .*LESS=FRSXMK.* sh less$/);
  expect(out).toBe('');
});

test('followed, on the terminal itself', async () => {
  const { lines } = await run({ follow: true }, true);
  expect(lines).toEqual([expect.stringMatching(/--grep=.* --no-pager --follow$/)]);
});

test('--all: as journalctl has it', async () => {
  expect((await run({ all: true })).lines).toEqual([
    'journalctl --unit=ib-gateway@4001.service --lines=50 --no-pager',
  ]);
  expect((await run({ all: true, since: 'today' }, true)).lines).toEqual([
    'journalctl --unit=ib-gateway@4001.service --lines=50 --since=today',
  ]);
});

test('what journalctl does not understand it says itself', async () => {
  const refused = { stdout: '', stderr: 'Failed to parse timestamp: x', exitCode: 1 };
  const { lines } = await run({ since: 'x' }, false, refused);
  expect(lines.at(-1)).toBe(
    'journalctl --unit=ib-gateway@4001.service --lines=50 --since=x --no-pager',
  );
});
