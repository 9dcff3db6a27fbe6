/** What a table of single values (`contracts.test.ts`) does not show: volumes, secrets, two starts. */

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { probeApi } from '../../src/gateway/probe.ts';
import { contractOf } from './contract.ts';
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
    expect((await probeApi({ host: '127.0.0.1', port })).state).toBe('closed');
  });

  it('another session open, and nobody said what to do: waits until somebody does', async () => {
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

  it("IBC's own sample as configuration: its user has no account", async () => {
    const simulator = run({
      env: { ...RIGHT, CUSTOM_CONFIG: 'yes', TWS_SETTINGS_PATH: undefined },
    });
    await simulator.logged(/Login failed/);
    expect(simulator.readFile('/home/ibgateway/ibc/config.ini')).toContain('IbLoginId=edemo\n');
  });
});

describe('a volume, from one container to the next', () => {
  it('keeps the time zone that was written first', async () => {
    const path = '/home/ibgateway/tws_settings/ibq/jts.ini';
    const first = run();
    await first.logged(/tasks completed/);
    expect(first.readFile(path)).toContain('TimeZone=America/New_York');
    await first.stop();
    const second = run({ root: first.root, env: { ...RIGHT, TIME_ZONE: 'Asia/Tokyo' } });
    await second.logged(/already exists, not setting timezone/);
    expect(second.readFile(path)).toContain('TimeZone=America/New_York');
  });

  it('keeps what IBC set in the gateway', async () => {
    const first = run();
    await first.logged(/Read-Only API checkbox is now set to: false/);
    await first.stop();
    const second = run({ root: first.root, env: { ...RIGHT, READ_ONLY_API: 'no' } });
    await second.logged(/Read-Only API checkbox is already set to: false/);
  });

  it('has a directory for each half of both', async () => {
    const env = { ...RIGHT, TRADING_MODE: 'both', TWS_USERID_PAPER: 'bobpaper' };
    const simulator = run({ env });
    await simulator.until(
      () => simulator.halves().filter(({ apiPort }) => apiPort !== null).length === 2,
    );
    const settings = join(simulator.root, '/home/ibgateway/tws_settings');
    for (const half of ['ibq_live', 'ibq_paper']) {
      expect(existsSync(join(settings, half, 'jts.ini'))).toBe(true);
    }
    expect(existsSync(join(settings, 'ibq'))).toBe(false);
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

describe('SIMULATOR_CONTRACT', () => {
  it('is the gnzsnz gateway where it is unset', () => {
    expect(contractOf({}).name).toBe('gnzsnz-gateway');
  });

  it('refuses an image that it does not know', () => {
    const wrong = () => contractOf({ SIMULATOR_CONTRACT: 'gnzsnz' });
    expect(wrong).toThrow(/should be one of gnzsnz-gateway, gnzsnz-tws, .*, got gnzsnz/);
  });
});
