/** The log of a unit's present run: what journalctl is asked for, and what becomes of its answer. */

import { describe, expect, test } from 'vitest';
import type { Half } from '../../src/gateway/halves.ts';
import { followRunLogs, parseJournal, unitLog } from '../../src/host/run-log.ts';
import { journalOutput, liveHost } from '../support/live-host.ts';
import { sandbox } from '../support/sandbox.ts';

const UNIT = { invocation: 'abc' };
const RELAY = [
  '2026/11/28 00:51:37 socat[209] W connect(5, AF=2 127.0.0.1:4001, 16): Connection refused',
  '2026/11/28 00:51:37 socat[209] E TCP:127.0.0.1:4001: Connection refused',
];
const ASKED = [
  '.> Starting IBC/IB gateway',
  '.> Starting IBC in live mode, with params:',
  '2026-11-28 00:06:44:123 IBC: Login attempt: 1',
  '2026-11-28 00:06:45:123 IBC: Second Factor Authentication initiated',
];

/** A journal that grows, and what was asked of it. */
function journal(lines: string[]) {
  const { context, ran } = liveHost(sandbox(), (line) =>
    line.startsWith('journalctl') ? { stdout: journalOutput(lines, line) } : undefined,
  );
  return { host: context.host, asked: () => ran.map(({ line }) => line) };
}

describe('followed', () => {
  test('only what came after the last look is asked for and taken further', async () => {
    const lines = [...ASKED];
    const { host, asked } = journal(lines);
    const logs = followRunLogs(host);
    expect(await logs.read(UNIT)).toHaveLength(4);
    expect(logs.stage(UNIT, 'gnzsnz').stage).toBe('waiting-for-two-factor');
    lines.push('2026-11-28 00:06:59:123 IBC: Login has completed');
    expect(await logs.read(UNIT)).toHaveLength(5);
    expect(logs.stage(UNIT, 'gnzsnz')).toMatchObject({ stage: 'logged-in', attempts: 1 });
    expect(asked()).toEqual([
      expect.stringMatching(/_SYSTEMD_INVOCATION_ID=abc \+ INVOCATION_ID=abc$/),
      expect.stringContaining('--after-cursor=cursor-3 '),
    ]);
  });

  test("however much the relay writes, the stage is that of the gateway's own lines", async () => {
    const lines = [...ASKED, ...Array.from({ length: 5000 }, () => RELAY).flat()];
    const { host } = journal(lines);
    const logs = followRunLogs(host);
    expect(await logs.read(UNIT)).toHaveLength(4);
    expect(logs.stage(UNIT, 'gnzsnz').stage).toBe('waiting-for-two-factor');
    expect(await unitLog(host, UNIT, 2)).toEqual(ASKED.slice(-2));
  });

  test('whose a line was is seen anew when another API answers', async () => {
    const both = [
      ...ASKED.slice(0, 3),
      '.> Starting IBC in paper mode, with params:',
      '2026-11-28 00:07:00:123 IBC: Login attempt: 1',
      '2026-11-28 00:07:01:123 IBC: Login has completed',
    ];
    const logs = followRunLogs(journal(both).host);
    await logs.read(UNIT);
    const none = logs.halves(UNIT, 'gnzsnz', new Set());
    expect(none.live.detail).toContain('(or the other of the two)');
    const paper = logs.halves(UNIT, 'gnzsnz', new Set<Half>(['paper']));
    expect([paper.live.stage, paper.paper.stage]).toEqual(['logging-in', 'logged-in']);
  });

  test('a unit that never ran has no log, and nobody is asked', async () => {
    const { host, asked } = journal(ASKED);
    expect(await followRunLogs(host).read({ invocation: '' })).toEqual([]);
    expect(asked()).toEqual([]);
  });

  test('a log that takes too long to read is known by its end', async () => {
    const { context, ran } = liveHost(sandbox(), (line) =>
      line.includes('--lines=')
        ? { stdout: journalOutput(ASKED) }
        : { stdout: journalOutput(['old']), exitCode: null, failure: 'timed-out' as const },
    );
    expect(await followRunLogs(context.host).read(UNIT)).toHaveLength(4);
    expect(ran.at(-1)?.line).toContain('--lines=5000');
  });
});

describe("journalctl's answer", () => {
  const entry = (message: unknown) =>
    JSON.stringify({ __CURSOR: 'c', __REALTIME_TIMESTAMP: '1764288000123456', MESSAGE: message });

  test.each<[string, string, string[]]>([
    ['a message that ends in a newline', entry('a\n'), ['a']],
    ['several lines', entry('a\nb\n'), ['a', 'b']],
    ['an empty message', entry('\n'), []],
    ['bytes that are no UTF-8', entry([97, 255, 98]), ['a\ufffdb']],
    ['the field twice', entry(['a', 'b']), ['a', 'b']],
    ['no message', entry(null), []],
    ["Podman's events", entry('2026-11-21 09:41:06.7 +0000 UTC m=+0.02 image pull x'), []],
    ['no JSON', '{"MESSAGE":', []],
    ['nothing', '', []],
  ])('%s', (_, text, lines) => {
    expect(parseJournal(text).lines.map((line) => line.text)).toEqual(lines);
  });

  test('each line has its time, and the last one the cursor', () => {
    expect(parseJournal(entry('a'))).toEqual({
      cursor: 'c',
      lines: [{ text: 'a', at: 1_764_288_000_123 }],
    });
    expect(parseJournal('', 'kept').cursor).toBe('kept');
  });
});
