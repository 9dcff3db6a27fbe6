/** `ibq restart --soft`: what is refused before anything is done, and what is told of what is. */

import { describe, expect, test, vi } from 'vitest';
import { softRestart } from '../../src/commands/soft-restart.ts';
import { observeInstances } from '../../src/host/observe.ts';
import { deployedTree } from '../support/deployed-tree.ts';
import { type Answer, journalOutput, liveHost } from '../support/live-host.ts';

// The real ones are the host's; test/host/settings.test.ts has them.
vi.mock('../../src/host/lock.ts', () => ({
  withLock: (_host: unknown, _command: string, action: () => Promise<unknown>) => action(),
}));
vi.mock('../../src/host/observe.ts', () => ({ observeInstances: vi.fn() }));

interface Look {
  ready?: boolean;
  word?: string;
  stage?: string;
  ports?: number[];
  pendingRestart?: boolean;
  active?: string;
}

/** What a look at an instance finds; the last one again and again. */
function looks(all: readonly Look[]): void {
  let turn = 0;
  vi.mocked(observeInstances).mockImplementation(async (_host, instances) => {
    const {
      ready = true,
      word = 'ready',
      stage = 'unknown',
      ...look
    } = all[Math.min(turn++, all.length - 1)] ?? {};
    return Object.entries(instances).map(([name, instance]) => ({
      name,
      instance: { ...instance, commandPorts: look.ports ?? [7462] },
      pendingRestart: look.pendingRestart ?? false,
      unit: { active: look.active ?? 'active', invocation: 'abc' },
      running: null,
      probe: null,
      stage: { stage, detail: '' },
      verdict: { ready, word, problems: [], mend: null },
      log: [],
    })) as never;
  });
}

const LOG = [
  'CommandServer received command: RESTART',
  'autorestart file found at /x: authentication will not be required',
  'Login has completed',
];

async function run(
  names: string[],
  { answer = 'OK RESTART in progress\n', log = LOG, timeoutSeconds = 300 } = {},
) {
  const sand = await deployedTree();
  // Each command that was sent has what follows from it in the log.
  const journal: string[] = [];
  const answers: Answer = (line) => {
    if (line.startsWith('journalctl')) return { stdout: journalOutput(journal, line) };
    if (!line.startsWith('podman exec')) return undefined;
    journal.push(...log);
    return { stdout: answer };
  };
  const { context, ran } = liveHost(sand, answers);
  const exitCode = await softRestart(context, names, { all: false, timeoutSeconds });
  const sent = ran.map(({ line }) => line).filter((line) => line.startsWith('podman exec'));
  return { exitCode, sent, notes: sand.notes, warnings: sand.warnings };
}

test('one after the other, told from inside of its container', async () => {
  looks([{}]);
  const { exitCode, sent, notes, warnings } = await run(['4001', '4002']);
  expect(exitCode).toBe(0);
  expect(
    sent.map((line) =>
      line
        .split(' ')
        .filter((_, at) => at === 2 || at >= 11)
        .join(' '),
    ),
  ).toEqual([
    expect.stringMatching(/^ib-gateway-4001 .*send 7462$/),
    expect.stringMatching(/^ib-gateway-4002 .*send 7462$/),
  ]);
  expect(notes).toEqual([
    'restarting 4001 inside its container: its API is away for a minute or two',
    '4001: logged in again after 0 s, without a second factor',
    'restarting 4002 inside its container: its API is away for a minute or two',
    '4002: logged in again after 0 s, without a second factor',
  ]);
  expect(warnings).toEqual([]);
});

test('in mode both each half', async () => {
  looks([{ ports: [14_001, 14_002] }]);
  const { sent } = await run(['4001']);
  expect(sent.map((line) => line.split(' ').at(-1))).toEqual(['14001', '14002']);
});

describe('is refused, and nothing is told to anybody', () => {
  test.each<[string, Look, RegExp]>([
    [
      'where nobody is logged in',
      { ready: false, word: 'waiting for 2FA', stage: 'waiting-for-two-factor' },
      /^4001 is not logged in \(waiting for 2FA\), and only a session that is there can go on; .*nothing was changed$/s,
    ],
    [
      'where the unit is down',
      { ready: false, word: 'stopped' },
      /^4001 is not logged in \(stopped\)/,
    ],
    [
      'where the image has no command server',
      { ports: [] },
      /^4001: images of profile simulator have no command server of IBC that ibq turns on; "sudo ibq restart 4001" is a new login/,
    ],
    [
      'where it runs from before there was one',
      { ports: [], pendingRestart: true },
      /^4001: as it runs now it has no command server of IBC;/,
    ],
  ])('%s', async (_, look, message) => {
    looks([look]);
    await expect(run(['4001'])).rejects.toThrow(message);
  });
});

describe('is told of', () => {
  test('a gateway that answers no client but has a session', async () => {
    looks([{ ready: false, word: 'hung', stage: 'logged-in' }, {}]);
    expect((await run(['4001'])).exitCode).toBe(0);
  });

  test('changes that a soft restart does not put into force', async () => {
    looks([{ pendingRestart: true }]);
    const { warnings } = await run(['4001']);
    expect(warnings).toEqual([
      expect.stringMatching(/^4001 goes on as it is: .*puts no change into force/),
    ]);
  });

  test('a daily time that IBC had to set', async () => {
    looks([{}]);
    const { warnings } = await run(['4001'], {
      answer: 'OK RESTART in progress\nOK RESTART at 09:41 AM\n',
    });
    expect(warnings).toEqual([
      expect.stringMatching(/^4001 restarts at 09:41 AM, and by itself at that time/),
    ]);
  });

  test('a login after all', async () => {
    looks([{}]);
    const { notes, warnings } = await run(['4001'], {
      log: [
        ...LOG.slice(0, 2),
        'IBC: Re-starting session',
        'IBC: Login error message:',
        'IBC: Cold restart in progress',
        'IBC: Login attempt: 1',
        'Login has completed',
      ],
    });
    expect(warnings).toEqual([expect.stringMatching(/^4001 logs in anew after all/)]);
    expect(notes.at(-1)).toMatch(/with a full login$/);
  });

  test('a command server that does not answer, or refuses', async () => {
    looks([{}]);
    await expect(run(['4001'], { answer: '' })).rejects.toThrow(/does not answer on port 7462/);
    await expect(run(['4001'], { answer: 'ERROR RESTART already in progress\n' })).rejects.toThrow(
      /IBC refused to restart: RESTART already in progress/,
    );
  });

  test('one that does not come back: 3, and the next is left alone', async () => {
    looks([{}, { ready: false, word: 'failed', active: 'failed' }]);
    const { exitCode, sent, warnings } = await run(['4001', '4002']);
    expect(exitCode).toBe(3);
    expect(sent).toHaveLength(1);
    expect(warnings).toEqual(['4001: its unit ended', '4001 does not answer the IB API: failed']);
  });

  test('one that never went: 3', async () => {
    looks([{}]);
    const { exitCode, warnings } = await run(['4001'], { log: [], timeoutSeconds: 0 });
    expect(exitCode).toBe(3);
    expect(warnings).toEqual([
      expect.stringMatching(/^4001 did not restart within 0 s; it still answers/),
    ]);
  });
});
