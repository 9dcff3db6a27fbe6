/** What IBC makes of its settings and of the gateway's, apart from any image. */

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { isServed } from './api-server.ts';
import { isPermitted } from './command-server.ts';
import { readIbcSettings } from './ibc-settings.ts';
import { describeShutdown, saveTimes } from './ibc-times.ts';
import { ensureJtsIni, trustedAddresses } from './jts-ini.ts';

let directory = '';

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'ibq-ibc-'));
});

afterEach(() => {
  rmSync(directory, { recursive: true });
});

function settings(text: string, log: (message: string) => void = () => undefined) {
  const path = join(directory, 'config.ini');
  writeFileSync(path, text);
  return readIbcSettings(path, log);
}

describe('jts.ini', () => {
  const complete =
    '[IBGateway]\nTrustedIPs=127.0.0.1\nApiOnly=true\n\n[Logon]\ns3store=true\nLocale=en\ndisplayedproxymsg=1\nUseSSL=true\n';
  const rows = [
    {
      name: 'absent: the least there has to be',
      before: null,
      after:
        '[Logon]\ns3store=true\nLocale=en\ndisplayedproxymsg=1\nUseSSL=true\n[IBGateway]\nApiOnly=true\n',
    },
    { name: 'complete: as it was', before: complete, after: complete },
    {
      name: 'addresses of its own: put back to what config.ini says',
      before: complete.replace('127.0.0.1', '127.0.0.1,10.0.0.7'),
      after: complete,
    },
    {
      name: 'addresses that config.ini has',
      before: complete,
      trusted: '10.0.0.7',
      after: complete.replace('127.0.0.1', '127.0.0.1,10.0.0.7'),
    },
    {
      name: 'TWS: addresses are left alone',
      product: 'tws',
      before: complete.replace('127.0.0.1', '127.0.0.1,10.0.0.7'),
      after: complete.replace('127.0.0.1', '127.0.0.1,10.0.0.7'),
    },
    {
      name: 'another language, no SSL: mended; a store of its own: left',
      before: complete
        .replace('=en', '=de')
        .replace('UseSSL=true', 'UseSSL=false')
        .replace('store=true', 'store=false'),
      after: complete.replace('store=true', 'store=false'),
    },
    {
      name: 'lines that are missing: at the end of their section',
      before: '[Logon]\nTimeZone=Asia/Tokyo\n[Communication]\nx=1\n',
      after:
        '[Logon]\nTimeZone=Asia/Tokyo\ns3store=true\nLocale=en\ndisplayedproxymsg=1\nUseSSL=true\n[Communication]\nx=1\n[IBGateway]\nApiOnly=true\nTrustedIPs=127.0.0.1\n',
    },
  ];
  it.each(rows)('$name', ({ before, after, trusted = '', product = 'gateway' }) => {
    const path = join(directory, 'jts.ini');
    if (before !== null) writeFileSync(path, before);
    ensureJtsIni({ path, product, trusted, log: () => undefined });
    expect(readFileSync(path, 'utf8')).toBe(after);
  });

  it('a directory: 84', () => {
    const options = { path: directory, product: 'gateway', trusted: '', log: () => undefined };
    expect(() => ensureJtsIni(options)).toThrow(expect.objectContaining({ status: 84 }));
  });

  it('names the addresses whose clients are served', () => {
    const path = join(directory, 'jts.ini');
    writeFileSync(path, complete.replace('127.0.0.1', '127.0.0.1, 10.0.0.7'));
    expect(trustedAddresses(path)).toEqual(['127.0.0.1', '10.0.0.7']);
  });
});

describe('who is let in', () => {
  it.each([
    ['127.0.0.1', [], true],
    ['10.0.0.7', [], false],
    ['10.0.0.7', ['127.0.0.1', '10.0.0.7'], true],
    ['10.0.0.70', ['10.0.0.7'], false],
  ] as const)('to the API: %s with %j trusted: %s', (client, trusted, served) => {
    expect(isServed(client, trusted)).toBe(served);
  });

  it.each([
    ['127.0.0.1', '', '', true],
    ['10.0.0.7', '', '', false],
    ['10.0.0.7', '', '10.0.0.7', true],
    ['10.0.0.7', '', '10.0.0.8,10.0.0.7', true],
    // Only commas part them: a blank belongs to the name.
    ['10.0.0.7', '', '10.0.0.8, 10.0.0.7', false],
    ['10.0.0.5', '10.0.0.5', '', true],
  ] as const)(
    'to give commands: %s, bound to %j, from %j: %s',
    (client, bound, from, permitted) => {
      expect(isPermitted(client, bound, from)).toBe(permitted);
    },
  );
});

describe('SaveTwsSettingsAt', () => {
  it.each([
    ['08:00 12:30', ['08:00', '12:30']],
    ['Every 8 hours', ['00:00', '08:00', '16:00', '00:00']],
    ['every 90 09:00 12:00', ['09:00', '10:30', '12:00']],
    ['Every 6 hours 20:00 06:00', ['20:00', '02:00', '06:00']],
  ])('%s', (setting, times) => {
    expect(saveTimes(setting)).toEqual(times);
  });

  it.each([
    ['noon', /value 'noon' should be in hh:mm format/],
    ['Every day', /interval is 'day' but should be an integer/],
    ['Every 0 mins', /between 1 and 1439 minutes/],
  ])('%s: refused', (setting, message) => {
    expect(() => saveTimes(setting)).toThrow(message);
  });
});

describe('the end of the gateway by the clock', () => {
  // A Wednesday, local time.
  const now = new Date(2026, 10, 18, 12, 0, 0);
  it.each([
    ['', null],
    ['ColdRestartTime=07:05', 'Gateway will be cold restarted at 2026/11/22 07:05'],
    ['ClosedownAt=22:00', 'Gateway will be shut down at 2026/11/18 22:00'],
    ['ClosedownAt=11:00', 'Gateway will be shut down at 2026/11/19 11:00'],
    ['ClosedownAt=Friday 22:00', 'Gateway will be shut down at 2026/11/20 22:00'],
    ['ClosedownAt=Wed 11:00', 'Gateway will be shut down at 2026/11/25 11:00'],
    [
      'ClosedownAt=Friday 22:00\nColdRestartTime=07:05',
      'Gateway will be shut down at 2026/11/20 22:00',
    ],
    [
      'ClosedownAt=Monday 22:00\nColdRestartTime=07:05',
      'Gateway will be cold restarted at 2026/11/22 07:05',
    ],
  ])('%j', (text, line) => {
    expect(describeShutdown(settings(text), 'Gateway', now)).toBe(line);
  });

  it.each(['ClosedownAt=late', 'ColdRestartTime=noon', 'ClosedownAt=Someday 22:00'])(
    '%s: 81',
    (text) => {
      const read = () => describeShutdown(settings(text), 'Gateway', now);
      expect(read).toThrow(expect.objectContaining({ status: 81 }));
    },
  );
});

describe('a number', () => {
  it.each([
    ['a=7', 7],
    ['a=', 3],
    ['', 3],
    ['a=7 ', 3],
    ['a=x', 3],
  ])('%j', (text, value) => {
    const said: string[] = [];
    expect(settings(text, (line) => said.push(line)).integer('a', 3)).toBe(value);
    expect(said.length).toBe(/x|7 /.test(text) ? 1 : 0);
  });
});
