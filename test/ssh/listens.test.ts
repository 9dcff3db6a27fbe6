/** Where targets listen: a rule for each way to say it. */

import { describe, expect, test } from 'vitest';
import type { Instance, Port, Settings } from '../../src/config/types.ts';
import { listensOf, listenText } from '../../src/ssh/listens.ts';
import { hostKeyName, parseTarget } from '../../src/ssh/target.ts';
import { profile, tunnelled, withScreen } from './sample.ts';

const TWO = ['user1@client1.com', 'user2@client2.com'];
const BOTH = { mode: 'both', sidePorts: { paper: 4002 as Port } } as const;

function places(instance: Instance): string[][] {
  return listensOf(instance, profile).map(({ listens }) => listens.map(listenText));
}

describe('ports of the API on each target', () => {
  test.each<[string, Partial<Settings['ssh']>, string[][]]>([
    ["none set: the instance's own, on loopback", {}, [['127.0.0.1:4001']]],
    [
      'one for all',
      { targets: TWO, remote_ports: ['14001'] },
      [['127.0.0.1:14001'], ['127.0.0.1:14001']],
    ],
    [
      'one for each',
      { targets: TWO, remote_ports: ['4001', '4002'] },
      [['127.0.0.1:4001'], ['127.0.0.1:4002']],
    ],
    ['with an address', { remote_ports: ['10.0.0.9:4001'] }, [['10.0.0.9:4001']]],
    ['localhost is loopback', { remote_ports: ['localhost:4001'] }, [['127.0.0.1:4001']]],
    ['on all addresses', { remote_ports: ['*:4001'] }, [['*:4001']]],
    ['mode no', { mode: 'no' }, []],
  ])('%s', (_title, ssh, expected) => {
    expect(places(tunnelled('4001', ssh))).toEqual(expected);
  });
});

describe('trading mode both: the paper API is carried too', () => {
  test.each<[string, Partial<Settings['ssh']>, string[][]]>([
    ['its own port', {}, [['127.0.0.1:4001', '127.0.0.1:4002']]],
    [
      'the port after the one that is set',
      { remote_ports: ['14001'] },
      [['127.0.0.1:14001', '127.0.0.1:14002']],
    ],
    [
      'by the image: always the gateway’s own',
      { via: 'image' },
      [['127.0.0.1:4001', '127.0.0.1:4002']],
    ],
  ])('%s', (_title, ssh, expected) => {
    expect(places(tunnelled('4001', ssh, BOTH))).toEqual(expected);
  });
});

test('the image listens where it likes: a live gateway at 4001, whatever the instance’s port', () => {
  const live = tunnelled('5555', { via: 'image' }, { mode: 'live' });
  expect(places(live)).toEqual([['127.0.0.1:4001']]);
});

test('VNC is carried where it is on and has a port there, on loopback in any case', () => {
  const ssh = { vnc_port: 15_900, remote_ports: ['*:4001'] };
  expect(places(tunnelled('4001', ssh))).toEqual([['*:4001']]);
  expect(places(withScreen(tunnelled('4001', ssh)))).toEqual([['*:4001', '127.0.0.1:15900']]);
});

describe('targets', () => {
  test.each([
    [
      'trader@vps.example.com',
      { user: 'trader', host: 'vps.example.com', port: 22 },
      'vps.example.com',
    ],
    ['a@VPS.Example.com', { user: 'a', host: 'vps.example.com', port: 22 }, 'vps.example.com'],
    [
      'user@client-machine.com:2222',
      { user: 'user', host: 'client-machine.com', port: 2222 },
      '[client-machine.com]:2222',
    ],
  ])('%s', (text, parsed, known) => {
    expect(parseTarget(text)).toEqual({ text, ...parsed });
    expect(hostKeyName(parseTarget(text))).toBe(known);
  });
});
