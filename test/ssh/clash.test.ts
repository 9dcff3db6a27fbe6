/** Two tunnels that want one port of one machine. */

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Settings } from '../../src/config/types.ts';
import { findClashes } from '../../src/ssh/clash.ts';
import { listensOf } from '../../src/ssh/listens.ts';
import { profile, tunnelled } from './sample.ts';

type Ssh = Partial<Settings['ssh']>;

function clashes(...all: [string, Ssh][]): string[] {
  const claimants = all.map(([instance, ssh]) => ({
    instance,
    way: ssh.bastion ?? '',
    targets: listensOf(tunnelled(instance, ssh), profile),
  }));
  return findClashes(claimants).map(
    ({ instance, other, listen }) => `${instance} ${other} ${listen.port}`,
  );
}

const one = (ssh: Ssh = {}): Ssh => ({ targets: ['a@vps.example.com'], ...ssh });

describe('of 4001 and 4002', () => {
  test.each<[string, Ssh, Ssh, string[]]>([
    ['own ports', one(), one(), []],
    [
      'the same port',
      one({ remote_ports: ['4001'] }),
      one({ remote_ports: ['4001'] }),
      ['4001 4002 4001', '4002 4001 4001'],
    ],
    [
      'of other users of the machine',
      one({ remote_ports: ['9'] }),
      { targets: ['b@VPS.example.com'], remote_ports: ['9'] },
      ['4001 4002 9', '4002 4001 9'],
    ],
    [
      'of another sshd: another machine behind a router',
      one({ remote_ports: ['9'] }),
      { targets: ['a@vps.example.com:2222'], remote_ports: ['9'] },
      [],
    ],
    [
      'behind another bastion',
      one({ remote_ports: ['9'], bastion: 'x@y' }),
      one({ remote_ports: ['9'] }),
      [],
    ],
    ['on other addresses', one({ remote_ports: ['10.0.0.1:9'] }), one({ remote_ports: ['9'] }), []],
    [
      'on all addresses and on one',
      one({ remote_ports: ['*:9'] }),
      one({ remote_ports: ['9'] }),
      ['4001 4002 9', '4002 4001 9'],
    ],
    [
      'two images',
      one({ via: 'image' }),
      one({ via: 'image' }),
      ['4001 4002 4002', '4002 4001 4002'],
    ],
  ])('%s', (_title, first, second, expected) => {
    expect(clashes(['4001', first], ['4002', second])).toEqual(expected);
  });
});

test('of one instance: a port of the paper API that another entry has', () => {
  const targets = ['a@vps.example.com', 'b@vps.example.com'];
  expect(clashes(['4001', { targets, remote_ports: ['9', '9'] }])).toEqual([
    '4001 4001 9',
    '4001 4001 9',
  ]);
});

test('is told to both sides or to none, whatever the order', () => {
  const ssh = fc.record({
    targets: fc.uniqueArray(fc.constantFrom('a@x', 'b@x', 'a@y', 'a@x:23'), { minLength: 1 }),
    remote_ports: fc.constantFrom<string[]>([], ['9'], ['*:9'], ['10']),
  });
  fc.assert(
    fc.property(ssh, ssh, ssh, (a, b, c) => {
      const told = clashes(['4001', a], ['4002', b], ['4003', c]);
      const again = clashes(['4003', c], ['4001', a], ['4002', b]);
      const sides = (all: string[]) => new Set(all.map((it) => it.split(' ')[0]));
      expect(sides(again)).toEqual(sides(told));
      for (const it of told) expect(sides(told)).toContain(it.split(' ')[1]);
    }),
  );
});
