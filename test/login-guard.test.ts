/** `scripts/login-guard`: what counts as a refused login, when it ends the gateway, what it leaves behind. */

import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { execa } from 'execa';
import { describe, expect, test } from 'vitest';
import { parseLogLine } from '../src/gateway/log-line.ts';
import { IBC_REFUSALS } from '../src/gateway/login-refusals.ts';
import { profileOf } from '../src/images/index.ts';
import { renderLogin } from '../src/quadlet/render-login.ts';
import { NO_OWN_FILES } from '../src/quadlet/render-settings.ts';
import { sampleInstance } from './quadlet/sample.ts';
import { temporaryDirectory } from './support/sandbox.ts';

const script = new URL('../scripts/login-guard', import.meta.url).pathname;

const at = (text: string) => `2026-11-28 02:28:53:659 IBC: ${text}`;
const FRESH = at('Starting session: will exit if login dialog is not displayed within 60 seconds');
const ATTEMPT = at('Login attempt: 1');
const FAILED = [at('detected dialog entitled: Login failed; event=Opened'), at('Login failed')];
const ERROR = [at('Login error message: '), 'Invalid username or password.'];
const UNRECOGNIZED = at(
  'detected dialog entitled: Unrecognized Username or Password; event=Opened',
);
const LOCKED = at('Too many failed login attempts. Please wait 4 minutes & 47 seconds before …');
const COMPLETED = at('Login has completed');
const RESUMED = at('Re-starting session');

interface Situation {
  attempts?: number;
  mode?: 'live' | 'both';
  /** Ports that somebody listens on. */
  listening?: readonly number[];
  mark?: string;
  /** What earlier runs left of refusals. */
  tally?: string;
  /** The gateway does not run yet. */
  fresh?: boolean;
}

async function watch(
  lines: readonly string[],
  { attempts = 2, mode = 'live', listening = [], mark, tally, fresh = false }: Situation = {},
) {
  const root = temporaryDirectory();
  const container = execa('sleep', ['60'], { reject: false });
  const write = (path: string, text: string, executable = false) => {
    const file = join(root, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
    if (executable) chmodSync(file, 0o755);
  };
  const instance = sampleInstance('4001', { mode });
  const settings = { ...instance.settings, login_attempts: attempts };
  const profile = profileOf('simulator');
  const wanted = renderLogin(profile, { ...instance, settings }, NO_OWN_FILES);
  write('etc/ibq/current/login/4001', wanted);
  if (!fresh) write('run/ibq/instances/4001/state', `container=ab\npid=${container.pid}\n`);
  write(`proc/${container.pid}/cgroup`, '0::/ib.slice/ib-gateway@4001.service/libpod-payload-ab\n');
  const sockets = listening.map(
    (port) => `  0: 0100007F:0${port.toString(16).toUpperCase()} 00000000:0000 0A 0:0 0:0\n`,
  );
  write(`proc/${container.pid}/net/tcp`, sockets.join(''));
  write('log', lines.map((line) => `${line}\n`).join(''));
  const login = /^login=(.*)$/m.exec(wanted)?.[1];
  if (mark !== undefined) {
    write('var/lib/ibq/login-refused/4001', mark.replace('LOGIN', login ?? ''));
  }
  if (tally !== undefined) {
    write('var/lib/ibq/login-refusals/4001', tally.replace('LOGIN', login ?? ''));
  }
  write('bin/journalctl', '#!/bin/sh\ncat "$IBQ_ROOT/log"\n', true);
  write('bin/systemctl', '#!/bin/sh\necho "$*" >>"$IBQ_ROOT/systemctl"\n', true);
  write('bin/systemd-notify', '#!/bin/sh\ntouch "$IBQ_ROOT/ready"\n', true);
  write('bin/logger', '#!/bin/sh\ncat >>"$IBQ_ROOT/journal"\n', true);
  const { exitCode } = await execa(script, ['4001'], {
    env: { IBQ_ROOT: root, PATH: `${join(root, 'bin')}:${process.env.PATH}` },
    reject: false,
  });
  // What was not killed ends by another signal, and by that alone.
  container.kill();
  await container;
  const killed = container.signalCode === 'SIGKILL';
  const read = (path: string) =>
    existsSync(join(root, path)) ? readFileSync(join(root, path), 'utf8') : null;
  const left = read('var/lib/ibq/login-refused/4001');
  return {
    exitCode,
    killed,
    ready: read('ready') !== null,
    stopped: read('systemctl') === 'stop --no-block ib-gateway@4001.service\n',
    journal: read('journal') ?? '',
    count: left === null ? null : Number(/^count=(.*)$/m.exec(left)?.[1]),
    words: left === null ? null : /^words=(.*)$/m.exec(left)?.[1],
    tally: read('var/lib/ibq/login-refusals/4001')?.replace(`login=${login}\n`, '') ?? null,
  };
}

describe('ends it', () => {
  test.each<[string, string[], Situation, number, string]>([
    ['after two refusals', [...FAILED, FRESH, ...FAILED], {}, 2, 'Login failed'],
    ['after one, where one is the cap', FAILED, { attempts: 1 }, 1, 'Login failed'],
    [
      'by the other dialog',
      [UNRECOGNIZED],
      { attempts: 1 },
      1,
      'detected dialog entitled: Unrecognized Username or Password; event=Opened',
    ],
    ['with the words of IBKR', [...ERROR, ...ERROR], {}, 2, 'Invalid username or password.'],
    [
      'at once when IBKR has locked the user',
      [LOCKED],
      {},
      1,
      'Too many failed login attempts. Please wait 4 minutes & 47 seconds before …',
    ],
    [
      'in mode both, although the other logs in',
      [...FAILED, COMPLETED, ...FAILED],
      { mode: 'both' },
      2,
      'Login failed',
    ],
    [
      'after a token was refused, then the password',
      [RESUMED, ...ERROR, FRESH, ...FAILED, ...FAILED],
      {},
      2,
      'Login failed',
    ],
  ])(
    '%s',
    async (_, lines, situation, count, words) => {
      const result = await watch([FRESH, ATTEMPT, ...lines], situation);
      expect(result).toMatchObject({ exitCode: 78, killed: true, stopped: true, count, words });
      expect(result.journal).toContain('OBJECT_SYSTEMD_UNIT=ib-gateway@4001.service\n');
      expect(result.journal).toContain('sudo ibq secret set 4001 password');
    },
    30_000,
  );

  test('but not a half that is logged in: it gets its logout', async () => {
    const result = await watch([...FAILED, ...FAILED], { mode: 'both', listening: [4001] });
    expect(result).toMatchObject({ exitCode: 78, killed: false, stopped: true, count: 2 });
  });
});

test.each<[string, string[], Situation]>([
  ['one refusal', FAILED, {}],
  ['a login between two', [...FAILED, COMPLETED, ...FAILED], {}],
  [
    'both halves log in between two',
    [...FAILED, COMPLETED, COMPLETED, ...FAILED],
    { mode: 'both' },
  ],
  ['no cap', [...FAILED, ...FAILED, ...FAILED], { attempts: 0 }],
  ['a refused token', [RESUMED, ...ERROR, FRESH, ...FAILED], {}],
  [
    'a second factor that nobody answers',
    [
      at('Second Factor Authentication initiated'),
      at('Re-login after second factor authentication timeout in 5 second'),
    ],
    {},
  ],
  ['no way to IBKR', [at('Connection to server failed: x'), at('Cold restart in progress')], {}],
])(
  'leaves it alone: %s',
  async (_, lines, situation) => {
    const result = await watch(lines, situation);
    // Its journal has ended: systemd starts it anew.
    expect(result).toMatchObject({ exitCode: 1, ready: true, killed: false, count: null });
  },
  30_000,
);

describe('over several runs', () => {
  test.each<[string, string[], Situation, number | null, string | null]>([
    ['keeps what it has counted', [UNRECOGNIZED], {}, null, 'before=0\ncount=1\n'],
    [
      'goes on counting in the next run',
      [UNRECOGNIZED],
      { fresh: true, tally: 'before=0\ncount=1\nlogin=LOGIN\n', attempts: 3 },
      null,
      'before=1\ncount=2\n',
    ],
    [
      'counts the lines of a run once, also where it is started anew',
      [UNRECOGNIZED],
      { tally: 'before=0\ncount=1\nlogin=LOGIN\n' },
      null,
      'before=0\ncount=1\n',
    ],
    [
      'forgets them after a login',
      [COMPLETED, UNRECOGNIZED],
      { fresh: true, tally: 'before=0\ncount=1\nlogin=LOGIN\n' },
      null,
      'before=0\ncount=1\n',
    ],
    ['and has nothing to keep then', [UNRECOGNIZED, COMPLETED], {}, null, null],
    [
      'another user begins anew',
      [],
      { fresh: true, tally: 'before=0\ncount=1\nlogin=other\n' },
      null,
      null,
    ],
  ])(
    '%s',
    async (_, lines, situation, count, tally) => {
      expect(await watch([FRESH, ...lines], situation)).toMatchObject({ count, tally });
    },
    30_000,
  );

  test('ends the gateway at the cap, and leaves the mark alone', async () => {
    const tally = 'before=0\ncount=1\nlogin=LOGIN\n';
    const result = await watch([FRESH, UNRECOGNIZED], { fresh: true, tally });
    expect(result).toMatchObject({ exitCode: 78, stopped: true, count: 2, tally: null });
  });
});

describe('while the mark is there', () => {
  test('it does not let the gateway start, and says why', async () => {
    const mark = 'time=2026-11-28T02:29:35Z\ncount=2\nlogin=LOGIN\nwords=Login failed\n';
    const result = await watch([], { mark });
    expect(result).toMatchObject({ exitCode: 78, ready: false, count: 2 });
    expect(result.journal).toContain(
      'MESSAGE=ibq login guard: instance 4001 is not started: IBKR refused its login at 2026-11-28T02:29:35Z (Login failed); set its password anew',
    );
  });

  test('another user is not what was refused', async () => {
    const result = await watch([], { mark: 'count=2\nlogin=another\n' });
    expect(result).toMatchObject({ exitCode: 1, ready: true, count: null });
  });
});

test('its words are those by which ibq reads the log', () => {
  const kinds: Record<string, string> = {
    [FAILED[1] ?? '']: 'login-failed',
    [ERROR[0] ?? '']: 'login-failed',
    [LOCKED]: 'locked-out',
    [COMPLETED]: 'login-completed',
  };
  for (const [line, kind] of Object.entries(kinds)) {
    expect(parseLogLine(line)?.kind).toBe(kind);
    expect(IBC_REFUSALS.filter(([, pattern]) => matches(pattern, line))).toHaveLength(1);
  }
});

/** A pattern of the shell's `case`, of stars alone. */
function matches(pattern: string, line: string): boolean {
  const parts = pattern.split('*').map((part) => part.replace(/[.[\]()?+^$|\\]/g, '\\$&'));
  return new RegExp(`^${parts.join('.*')}$`).test(line);
}
