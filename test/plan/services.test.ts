/** What an instance can be reached by, as every command lists it. */

import { describe, expect, test } from 'vitest';
import { apisOf, publishedOf, type Reachable, servicesOf } from '../../src/plan/services.ts';

const api: Reachable & { mode: string } = {
  mode: 'paper',
  relayPort: 4004,
  publish: '127.0.0.1:4002',
  sideServices: [],
  lan: { address: '10.0.0.193' },
};
const both: Reachable & { mode: string } = {
  mode: 'both',
  relayPort: 4003,
  publish: '127.0.0.1:4001',
  sideServices: [
    { service: 'paper', relayPort: 4004, publish: '127.0.0.1:4002' },
    { service: 'vnc', relayPort: 5900, publish: '127.0.0.1:5901' },
    { service: 'rdp', relayPort: 3389, publish: '127.0.0.1:33001' },
  ],
  lan: { address: '10.0.0.192' },
};

test('one API, of its own mode', () => {
  expect(servicesOf(api)).toEqual([
    {
      service: 'api',
      half: 'paper',
      relayPort: 4004,
      publish: '127.0.0.1:4002',
      lan: '10.0.0.193:4004',
    },
  ]);
});

describe('mode both', () => {
  test('two APIs, live first; screens have no half', () => {
    expect(servicesOf(both).map(({ service, half }) => [service, half])).toEqual([
      ['api', 'live'],
      ['paper', 'paper'],
      ['vnc', null],
      ['rdp', null],
    ]);
    expect(apisOf(both).map(({ half, relayPort }) => [half, relayPort])).toEqual([
      ['live', 4003],
      ['paper', 4004],
    ]);
  });

  test('the LAN gets the APIs and VNC, never RDP', () => {
    expect(servicesOf(both).map(({ lan }) => lan)).toEqual([
      '10.0.0.192:4003',
      '10.0.0.192:4004',
      '10.0.0.192:5900',
      null,
    ]);
    expect(servicesOf({ ...both, lan: null }).every(({ lan }) => lan === null)).toBe(true);
  });

  test('every port of the host that it takes, with its title', () => {
    expect(publishedOf(both)).toEqual([
      { title: 'port', publish: '127.0.0.1:4001' },
      { title: 'paper port', publish: '127.0.0.1:4002' },
      { title: 'VNC port', publish: '127.0.0.1:5901' },
      { title: 'RDP port', publish: '127.0.0.1:33001' },
    ]);
  });
});

test('in mode lan nothing is published', () => {
  expect(publishedOf({ ...api, publish: null })).toEqual([]);
});
