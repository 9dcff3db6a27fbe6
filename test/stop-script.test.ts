/** `scripts/stop`: whom it tells what, when it kills, what it says; with a stand-in for all that it calls. */

import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { execa } from 'execa';
import { describe, expect, test } from 'vitest';
import { temporaryDirectory } from './support/sandbox.ts';

const script = new URL('../scripts/stop', import.meta.url).pathname;

const UNIT = 'ib-gateway@4001.service';
const CATCHES = 'SigCgt:\t0000000000014002\n';
const CATCHES_NOTHING = 'SigCgt:\t0000000000010002\n';

/** The container's IBC: a port that is told something closes, and with the last of its ports the container ends. */
const NSENTER = `#!/bin/sh
for argument; do word=$last; last=$argument; done
echo "$word $last" >>"$IBQ_ROOT/sent"
cat "$IBQ_ROOT/answers/$last" 2>/dev/null || exit 9
[ ! -e "$IBQ_ROOT/deaf" ] || exit 0
case $last in 7462) api=4001 ;; *) api=$((last - 10000)) ;; esac
tcp=$(echo "$IBQ_ROOT"/proc/*/net/tcp)
grep -v -e ":$(printf %04X "$last") " -e ":$(printf %04X "$api") " "$tcp" >"$tcp.new"
mv "$tcp.new" "$tcp"
[ -s "$tcp" ] || [ -e "$IBQ_ROOT/stays" ] || rm -r "$IBQ_ROOT/proc"
`;

/** Since IBC was told, its start script has seen the end of Java: its ports are closed. */
const JOURNALCTL = `#!/bin/sh
case $* in
  *--since=*) echo >>"$IBQ_ROOT/asked"; [ -s "$(echo "$IBQ_ROOT"/proc/*/net/tcp)" ] || [ -e "$IBQ_ROOT/lingers" ] || echo 'IBC returned exit status 0' ;;
  *_SYSTEMD_INVOCATION_ID=ab*) cat "$IBQ_ROOT/log" ;;
esac
`;

const at = (text: string) => `2026-11-28 02:28:53:659 IBC: ${text}`;
const LOGIN = [
  at('Starting session: will exit if …'),
  at('Login attempt: 1'),
  at('Login has completed'),
];

const RECORD = 'pid=PID\nstop=7462:4001\nsession=ab12\nstop_timeout=3\n';

interface Situation {
  /** What the guard wrote down. */
  record?: string;
  /** Ports that somebody listens on. */
  listening?: readonly number[];
  /** Lines of `systemctl list-jobs`. */
  jobs?: string;
  /** Files below the root. */
  files?: Readonly<Record<string, string>>;
  status?: string;
  /** What IBC has written in this run. */
  log?: readonly string[];
  mainPid?: string;
}

async function stop({
  record = RECORD,
  listening = [7462, 4001],
  jobs = `7 ${UNIT} stop running`,
  files = {},
  status = CATCHES,
  mainPid = '99',
  log = [],
}: Situation) {
  const root = temporaryDirectory();
  // Process 1 of the container, which it may kill.
  const container = execa('sleep', ['60'], { reject: false });
  const pid = String(container.pid);
  const write = (path: string, text: string, mode = 0o644) => {
    const file = join(root, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text.replaceAll('PID', pid));
    chmodSync(file, mode);
  };
  const sockets = listening.map((port, index) => {
    const hex = port.toString(16).toUpperCase().padStart(4, '0');
    return `   ${index}: 0100007F:${hex} 00000000:0000 0A 00000000:00000000 00:00000000\n`;
  });
  // What has ended is in /proc no more.
  const ended = container.then(() =>
    rmSync(join(root, 'proc', pid), { recursive: true, force: true }),
  );
  write('run/ibq/instances/4001/state', record);
  write(`proc/${pid}/cgroup`, `0::/ib.slice/ib-gateways.slice/${UNIT}/libpod-payload-ab\n`);
  write(`proc/${pid}/status`, status);
  write(`proc/${pid}/net/tcp`, sockets.join(''));
  for (const port of [7462, 14001, 14002]) write(`answers/${port}`, 'OK Shutting down\n');
  write(
    'etc/ibq/current/units/ib-gateway@4001.container.d/10-ibq.conf',
    '[Container]\nAnnotation=ibq.session=ab12\n',
  );
  for (const [path, text] of Object.entries(files)) write(path, text);
  write('bin/nsenter', NSENTER, 0o755);
  write('bin/systemctl', `#!/bin/sh\necho '${jobs}'\n`, 0o755);
  write('log', log.map((line) => `${line}\n`).join(''));
  write('bin/journalctl', JOURNALCTL, 0o755);
  write('bin/systemd-notify', '#!/bin/sh\necho "$*" >>"$IBQ_ROOT/notified"\n', 0o755);
  const result = await execa(script, ['4001'], {
    env: {
      IBQ_ROOT: root,
      PATH: `${join(root, 'bin')}:${process.env.PATH}`,
      MAINPID: mainPid,
      INVOCATION_ID: 'ab',
    },
    reject: false,
  });
  // What was not killed ends by another signal, and by that alone.
  container.kill();
  await ended;
  const killed = container.signalCode === 'SIGKILL';
  const read = (path: string) =>
    existsSync(join(root, path)) ? readFileSync(join(root, path), 'utf8').trim() : '';
  return {
    exitCode: result.exitCode,
    killed,
    sent: read('sent').split('\n').filter(Boolean),
    outcome: read('run/ibq/stopped/4001'),
    notified: read('notified'),
    asked: existsSync(join(root, 'asked')) ? readFileSync(join(root, 'asked'), 'utf8').length : 0,
  };
}

const RESTART = `7 ${UNIT} restart running`;

describe('what IBC is told', () => {
  test.each<[string, Situation, string[], string]>([
    ['a stop is a logout', {}, ['STOP 7462'], 'logged out'],
    ['a restart keeps the session', { jobs: RESTART }, ['PAUSE 7462'], 'paused'],
    [
      'so does the end of the host',
      { jobs: `7 ${UNIT} stop running\n8 shutdown.target start waiting` },
      ['PAUSE 7462'],
      'paused',
    ],
    [
      'the restart of another does not',
      { jobs: `7 ${UNIT} stop running\n8 ib-gateway@4002.service restart running` },
      ['STOP 7462'],
      'logged out',
    ],
    [
      'a restart with a new login',
      { jobs: RESTART, files: { 'run/ibq/instances/4001/new-login': '' } },
      ['STOP 7462'],
      'logged out',
    ],
    [
      'a restart with another user',
      {
        jobs: RESTART,
        files: {
          'etc/ibq/current/units/ib-gateway@4001.container.d/10-ibq.conf':
            '[Container]\nAnnotation=ibq.session=cd34\n',
        },
      },
      ['STOP 7462'],
      'logged out',
    ],
    [
      'a restart of one that keeps nothing',
      { jobs: RESTART, record: 'pid=PID\nstop=7462:4001\nsession=\nstop_timeout=\n' },
      ['STOP 7462'],
      'logged out',
    ],
    [
      'a restart of one that is not logged in',
      { jobs: RESTART, listening: [7462] },
      ['STOP 7462'],
      'ended with its API closed',
    ],
    [
      'a restart of one that is logged in with its API off, as TWS may be: its log says so',
      { jobs: RESTART, listening: [7462], log: LOGIN },
      ['PAUSE 7462'],
      'paused',
    ],
    ['a stop of it', { listening: [7462], log: LOGIN }, ['STOP 7462'], 'logged out'],
    [
      'one that was logged in, and logs in again',
      { jobs: RESTART, listening: [7462], log: [...LOGIN, at('Re-login to session')] },
      ['STOP 7462'],
      'ended with its API closed',
    ],
    [
      'a log of two halves, which tells of neither',
      {
        jobs: RESTART,
        record: 'pid=PID\nstop=14001:4001 14002:4002\nsession=ab12\nstop_timeout=\n',
        listening: [14001, 14002],
        log: LOGIN,
      },
      ['STOP 14001', 'STOP 14002'],
      'ended with its API closed',
    ],
    [
      'each half, and by its own state',
      {
        jobs: RESTART,
        record: 'pid=PID\nstop=14001:4001 14002:4002\nsession=ab12\nstop_timeout=\n',
        listening: [14001, 14002, 4002],
      },
      ['STOP 14001', 'PAUSE 14002'],
      'ended with its API closed, paused',
    ],
  ])('%s', async (_, situation, sent, outcome) => {
    const result = await stop(situation);
    expect([result.exitCode, result.sent, result.outcome]).toEqual([0, sent, outcome]);
    expect(result.killed).toBe(false);
    expect(result.notified).toMatch(/^MAINPID=\d+$/);
  });
});

describe('what is left to Podman', () => {
  test.each<[string, Situation, string]>([
    [
      'a container of an older ibq',
      { record: 'container=ab\npid=PID\ndefinition=cd\n' },
      'ended without a logout: it has no command server of IBC',
    ],
    [
      'one without a record',
      { record: '' },
      'ended without a logout: nothing is known of its container',
    ],
    [
      'a number that is another process by now',
      { files: {}, record: 'pid=1\nstop=7462:4001\n' },
      'ended without a logout: its container had ended',
    ],
    [
      'a gateway that hangs',
      { files: { deaf: '', 'answers/7462': '' } },
      'ended without a logout: IBC did not answer',
    ],
    [
      'a gateway without its command server',
      { listening: [4001] },
      'ended without a logout: the command server of IBC is not there',
    ],
  ])('%s', async (_, situation, outcome) => {
    const { exitCode, killed, outcome: told } = await stop(situation);
    expect([exitCode, killed, told]).toEqual([0, false, outcome]);
  });

  test('a pause that does not end is made a logout first', async () => {
    const { sent, outcome } = await stop({ jobs: RESTART, files: { deaf: '' } });
    expect(sent).toEqual(['PAUSE 7462', 'STOP 7462']);
    expect(outcome).toBe('ended without a logout: it was still there 3 s after IBC was told');
  });

  test('a container that outlives IBC is killed, before it starts IBC again', async () => {
    const record = RECORD.replace('stop_timeout=3', 'stop_timeout=60');
    const { sent, killed, outcome } = await stop({ record, files: { stays: '' } });
    expect([sent, killed, outcome]).toEqual([['STOP 7462'], true, 'logged out']);
  });

  test('… but not before Java has ended, which closes its ports first', async () => {
    const record = RECORD.replace('stop_timeout=3', 'stop_timeout=60');
    const { outcome, asked, killed } = await stop({ record, files: { stays: '', lingers: '' } });
    expect([outcome, killed]).toEqual(['logged out', false]);
    // Again and again, until it gives up.
    expect(asked).toBeGreaterThan(3);
  });

  test('one that ended by itself: nothing is said', async () => {
    expect(await stop({ mainPid: '' })).toMatchObject({ exitCode: 0, sent: [], outcome: '' });
  });
});

describe('before the scripts of the image listen to a signal', () => {
  test('what has begun is told, then all of it is killed', async () => {
    const { sent, killed, outcome } = await stop({
      record: 'pid=PID\nstop=14001:4001 14002:4002\nsession=\nstop_timeout=\n',
      listening: [14001, 4001],
      status: CATCHES_NOTHING,
      files: { stays: '' },
    });
    expect([sent, killed, outcome]).toEqual([['STOP 14001'], true, 'logged out']);
  });

  test('logged in, and its command server is not there yet: it is not killed', async () => {
    const { sent, killed, outcome } = await stop({ listening: [4001], status: CATCHES_NOTHING });
    expect([sent, killed]).toEqual([[], false]);
    expect(outcome).toBe('ended without a logout: the command server of IBC is not there');
  });

  test('nothing has begun: killed at once', async () => {
    const { sent, killed } = await stop({ listening: [], status: CATCHES_NOTHING });
    expect([sent, killed]).toEqual([[], true]);
  });

  test('a half whose login was refused is told last, for the login guard may hold it', async () => {
    const { sent, killed } = await stop({
      record: 'pid=PID\nstop=14001:4001 14002:4002\nsession=ab\nstop_timeout=\n',
      listening: [14001, 4001, 14002],
      files: { stays: '', 'var/lib/ibq/login-refused/4001': 'count=2\n' },
    });
    expect([sent, killed]).toEqual([['STOP 14001', 'STOP 14002'], true]);
  });
});
