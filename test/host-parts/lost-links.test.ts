/** Which of the gateways that answer have lost their link to IBKR: one look at the journal for all of them. */

import { describe, expect, test } from 'vitest';
import { findLostLinks } from '../../src/host/lost-links.ts';
import { journalOutput, liveHost } from '../support/live-host.ts';
import { sandbox } from '../support/sandbox.ts';

const DONE = '2026-11-28 00:06:44:123 IBC: Login has completed';
const frame = (event: string, title = 'Connecting to server...') =>
  `2026-11-28 00:06:44:123 IBC: detected frame entitled: ${title}; event=${event}`;
/** The window closes under the title that it has by then. */
const BACK = frame('Closed', 'Starting application...');

/** @param logs the lines that journalctl finds, by the invocation that they are of */
async function look(
  logs: Readonly<Record<string, readonly string[]>>,
  profiles: Readonly<Record<string, string>> = {},
) {
  const { context, ran } = liveHost(sandbox(), () => ({
    stdout: Object.entries(logs)
      .map(([invocation, lines]) => journalOutput(lines, '', invocation))
      .join('\n'),
  }));
  const runs = Object.keys(logs).map((invocation) => ({
    invocation,
    profile: profiles[invocation] ?? 'gnzsnz',
  }));
  return { lost: [...(await findLostLinks(context.host, runs))], ran: ran.map(({ line }) => line) };
}

describe('a gateway that answers', () => {
  test.each<[string, readonly string[], boolean]>([
    ['says nothing', [], false],
    ['has logged in', [DONE], false],
    ['connects again', [DONE, frame('Opened')], true],
    ['has logged in longer ago than anybody looks', [frame('Opened')], true],
    ['has connected again', [DONE, frame('Opened'), BACK], false],
    ['has connected again at once', [DONE, frame('Opened'), frame('Closed')], false],
    ['lost it twice', [frame('Opened'), BACK, frame('Opened')], true],
    ['showed the window while it logged in', [frame('Opened'), BACK, DONE], false],
    ['lost it, and was restarted inside its container', [DONE, frame('Opened'), DONE], false],
  ])('that %s', async (_, lines, isLost) => {
    expect((await look({ a1: lines })).lost).toEqual(isLost ? ['a1'] : []);
  });
});

test('one process for all of them, and each is told by its own lines', async () => {
  const { lost, ran } = await look({ a1: [DONE], b2: [frame('Opened')], c3: [frame('Closed')] });
  expect(lost).toEqual(['b2']);
  expect(ran).toHaveLength(1);
  expect(ran[0]).toMatch(/--since=\S+ .*_SYSTEMD_INVOCATION_ID=a1 .*=b2 .*=c3$/);
});

test('those that write other lines, and those without a run, are not looked for', async () => {
  const { lost, ran } = await look(
    { a1: [frame('Opened')], '': [frame('Opened')] },
    { a1: 'ibg-controller' },
  );
  expect(lost).toEqual([]);
  expect(ran).toEqual([]);
});
