/** What the image's scripts and IBC do with a wrong environment. */

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { probeApi } from '../../src/gateway/probe.ts';
import { RIGHT, type Setup, start, type TestSimulator } from './running.ts';

const open: TestSimulator[] = [];

afterEach(async () => {
  for (const simulator of open.splice(0)) await simulator.end();
});

function run(setup: Setup = {}): TestSimulator {
  const simulator = start(setup);
  open.push(simulator);
  return simulator;
}

describe('an environment with which the container ends', () => {
  const rows: {
    name: string;
    env: Record<string, string | undefined>;
    status: number;
    says: RegExp;
  }[] = [
    {
      name: 'no mode',
      env: { TRADING_MODE: undefined },
      status: 1,
      says: /Invalid TRADING_MODE: $/,
    },
    {
      name: 'a mode in capitals',
      env: { TRADING_MODE: 'PAPER' },
      status: 1,
      says: /Invalid TRADING_MODE: PAPER/,
    },
    {
      name: 'password and file',
      env: { TWS_PASSWORD: 'x' },
      status: 1,
      says: /both TWS_PASSWORD and TWS_PASSWORD_FILE are set/,
    },
    {
      name: 'a missing file',
      env: { TWS_PASSWORD_FILE: '/run/secrets/none' },
      status: 1,
      says: /\/run\/secrets\/none: No such file/,
    },
    {
      name: 'a directory for a file',
      env: { TWS_PASSWORD_FILE: '/run/secrets' },
      status: 1,
      says: /Is a directory/,
    },
    {
      name: 'VNC password and file',
      env: { VNC_SERVER_PASSWORD: 'x', VNC_SERVER_PASSWORD_FILE: '/y' },
      status: 1,
      says: /both VNC_SERVER_PASSWORD/,
    },
    {
      name: 'settings below nothing',
      env: { TWS_SETTINGS_PATH: '/nowhere/ibq' },
      status: 1,
      says: /mkdir: cannot create directory ‘\/nowhere\/ibq’: No such file/,
    },
    {
      name: 'a heap with a unit',
      env: { JAVA_HEAP_SIZE: '2g' },
      status: 1,
      says: /IBC returned exit status 1/,
    },
    {
      name: 'a heap that breaks sed',
      env: { JAVA_HEAP_SIZE: '1/2' },
      status: 1,
      says: /sed: -e expression/,
    },
    {
      name: 'an unknown 2FA action',
      env: { TWOFA_TIMEOUT_ACTION: 'wait' },
      status: 3,
      says: /2FA timeout action set to wait/,
    },
    {
      name: 'a cold restart that is no time',
      env: { TWS_COLD_RESTART: 'noon' },
      status: 81,
      says: /Invalid ColdRestartTime setting: 'noon'/,
    },
    {
      name: 'a bypass that is neither yes nor no',
      env: { BYPASS_WARNING: 'true' },
      status: 81,
      says: /Invalid setting value/,
    },
    {
      name: 'own configuration, settings below nothing',
      env: { CUSTOM_CONFIG: 'yes' },
      status: 5,
      says: /TWS settings path: .* does not exist/,
    },
    {
      name: 'own configuration, absent',
      env: { CUSTOM_CONFIG: 'yes', TWS_SETTINGS_PATH: undefined },
      status: 6,
      says: /IBC configuration file: .* does not exist/,
    },
    {
      name: 'both, password styles mixed',
      env: { TRADING_MODE: 'both', TWS_PASSWORD_PAPER: 'x' },
      status: 1,
      says: /both TWS_PASSWORD and/,
    },
  ];
  it.each(rows)('$name: $status', async ({ env, status, says }) => {
    const simulator = run({ env: { ...RIGHT, ...env } });
    expect(await simulator.exited).toBe(status);
    expect(simulator.lines.some((line) => says.test(line))).toBe(true);
  });
});

describe('an environment with which nobody logs in', () => {
  const rows = [
    { name: 'no user', env: { TWS_USERID: undefined } },
    { name: 'no password', env: { TWS_PASSWORD_FILE: undefined } },
    { name: 'an empty password', env: { TWS_PASSWORD_FILE: '/run/secrets/empty' } },
  ];
  it.each(rows)('$name: stops at the login window, its relay accepts', async ({ env }) => {
    const simulator = run({ env: { ...RIGHT, ...env }, files: { '/run/secrets/empty': '\n\n' } });
    const port = await simulator.relay();
    await simulator.logged(/Setting password/);
    await new Promise((resolve) => setTimeout(resolve, 60));
    expect(simulator.lines.join('\n')).not.toContain('Login attempt');
    expect((await probeApi({ host: '127.0.0.1', port })).state).toBe('closed');
  });

  it('another session open, and nobody said what to do: manual', async () => {
    const env = {
      ...RIGHT,
      EXISTING_SESSION_DETECTED_ACTION: undefined,
      SIMULATOR_BEHAVIOUR: 'existing-session',
    };
    const simulator = run({ env });
    await simulator.logged(/User must choose/);
    simulator.behave('normal');
    await simulator.logged(/Login has completed/);
  });

  it('another session open, primary: goes on', async () => {
    const simulator = run({ env: { ...RIGHT, SIMULATOR_BEHAVIOUR: 'existing-session' } });
    await simulator.logged(/Login has completed/);
  });

  it('another session open, an unknown action: ends as secondary', async () => {
    const env = {
      ...RIGHT,
      EXISTING_SESSION_DETECTED_ACTION: 'first',
      SIMULATOR_BEHAVIOUR: 'existing-session',
    };
    expect(await run({ env }).exited).toBe(0);
  });
});

describe('settings that are only logged, or only used once', () => {
  it.each(['23:55 PM', '9:30 AM', '11:55 pm', '11:55'])('a restart time of %j', async (time) => {
    const simulator = run({ env: { ...RIGHT, AUTO_RESTART_TIME: time } });
    await simulator.logged(/Auto restart time setting must be hh:mm AM/);
    await simulator.logged(/Configuration tasks completed/);
  });

  it('a good restart time', async () => {
    const simulator = run({ env: { ...RIGHT, AUTO_RESTART_TIME: '11:55 PM' } });
    await simulator.logged(/Auto restart time set to 11:55 PM/);
  });

  it('the API is left read-only unless it is told', async () => {
    const simulator = run({ env: { ...RIGHT, READ_ONLY_API: undefined } });
    await simulator.logged(/Configuration tasks completed/);
    expect(simulator.lines.join('\n')).not.toContain('Read-Only API checkbox');
  });

  it('the time zone is written where jts.ini is absent, and only there', async () => {
    const path = '/home/ibgateway/tws_settings/ibq/jts.ini';
    const first = run();
    await first.logged(/Setting timezone in/);
    expect(first.readFile(path)).toContain('TimeZone=America/New_York');
    await first.stop();
    const second = run({ root: first.root, env: { ...RIGHT, TIME_ZONE: 'Asia/Tokyo' } });
    await second.logged(/already exists, not setting timezone/);
    expect(second.readFile(path)).toContain('TimeZone=America/New_York');
  });

  it('both runs a gateway of each mode', async () => {
    const env = { ...RIGHT, TRADING_MODE: 'both', TWS_USERID_PAPER: 'bobpaper' };
    const simulator = run({ env });
    await simulator.until(
      () => simulator.halves().filter(({ apiPort }) => apiPort !== null).length === 2,
    );
    expect(existsSync(join(simulator.root, '/home/ibgateway/tws_settings/ibq_live/jts.ini'))).toBe(
      true,
    );
    expect(existsSync(join(simulator.root, '/home/ibgateway/tws_settings/ibq_paper/jts.ini'))).toBe(
      true,
    );
  });
});

describe('the password, through file, config.ini and Java Properties', () => {
  const rows = [
    { name: 'plain', file: 'secret\n', read: 'secret' },
    { name: 'several newlines at its end', file: 'secret\n\n', read: 'secret' },
    { name: 'a doubled backslash', file: 'a\\\\b', read: 'a\\b' },
    { name: 'a single backslash is lost', file: 'a\\bc', read: 'abc' },
    { name: 'signs of a shell', file: `$HOME \`id\` "'%#!=:`, read: `$HOME \`id\` "'%#!=:` },
    { name: 'an escape', file: 'p\\u00e4ss', read: 'päss' },
    { name: 'UTF-8 is taken for ISO 8859-1', file: 'päss', read: 'pÃ¤ss' },
  ];
  it.each(rows)('$name', async ({ file, read }) => {
    const simulator = run({
      env: { ...RIGHT, SIMULATOR_EXPECTED_PASSWORD: read },
      files: { '/run/secrets/password': file },
    });
    await simulator.logged(/Login has completed/);
    expect(simulator.lines.join('\n')).not.toContain(read);
  });
});

describe('the environment as it arrived', () => {
  it('is written as JSON', () => {
    const env = {
      ...RIGHT,
      ODD: 'a b\n%d $x "y" \\ é',
      SIMULATOR_DUMP_ENVIRONMENT: '/tmp/env.json',
    };
    const simulator = run({ env });
    expect(JSON.parse(simulator.readFile('/tmp/env.json'))).toEqual(env);
  });
});
