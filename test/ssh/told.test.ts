/** What is told of tunnels, and read back: states, proofs, lines of authorized_keys and known_hosts. */

import { describe, expect, test } from 'vitest';
import type { ProbeResult, ProbeState } from '../../src/gateway/probe.ts';
import { bastionLine, targetLine } from '../../src/ssh/authorized-keys.ts';
import { parseHostKeys, withHostKeys } from '../../src/ssh/known-hosts.ts';
import { listensOf } from '../../src/ssh/listens.ts';
import { judgeProof } from '../../src/ssh/proof.ts';
import { describeTunnel, isWell, judgeTunnel, type TunnelState } from '../../src/ssh/state.ts';
import { parseStatusText } from '../../src/ssh/status-text.ts';
import { parseTarget } from '../../src/ssh/target.ts';
import { profile, tunnelled } from './sample.ts';

const UP = 'trader@vps.example.com: up since 2026-11-21T12:41:35Z';
const DOWN =
  'b@two:2222: down since 2026-11-21T12:42:00Z: ssh: connect to host two port 2222: Connection refused';

describe('STATUS= of the unit', () => {
  test('one entry for each target, with why', () => {
    expect(parseStatusText(`${UP}; ${DOWN}`)).toEqual([
      { target: 'trader@vps.example.com', state: 'up', since: '2026-11-21T12:41:35Z', why: '' },
      {
        target: 'b@two:2222',
        state: 'down',
        since: '2026-11-21T12:42:00Z',
        why: 'ssh: connect to host two port 2222: Connection refused',
      },
    ]);
  });

  test.each([
    '',
    'up',
    'trader@x: up',
    'x: up since now',
    'trader@x: gone since 2026-11-21T12:41:35Z',
  ])('%j tells nothing', (text) => {
    expect(parseStatusText(text)).toEqual([]);
  });
});

describe('state of a tunnel', () => {
  const TARGETS = [
    { target: 'trader@vps.example.com', listens: ['127.0.0.1:4001'] },
    { target: 'b@two:2222', listens: ['127.0.0.1:14001'] },
  ];
  const unit = (active: string, sub: string, statusText = '') => ({ active, sub, statusText });
  test.each<[string, Parameters<typeof judgeTunnel>[1], string[]]>([
    [
      'as it says',
      { unit: unit('active', 'running', `${UP}; ${DOWN}`), log: [], gatewayRuns: true },
      ['up', 'down'],
    ],
    [
      'just started',
      { unit: unit('active', 'running'), log: [], gatewayRuns: true },
      ['connecting', 'connecting'],
    ],
    [
      'preparing',
      { unit: unit('activating', 'start-pre'), log: [], gatewayRuns: true },
      ['connecting', 'connecting'],
    ],
    [
      'a target that it does not know yet',
      { unit: unit('active', 'running', UP), log: [], gatewayRuns: true },
      ['up', 'pending'],
    ],
    [
      'no gateway',
      { unit: unit('inactive', 'dead', UP), log: [], gatewayRuns: false },
      ['stopped', 'stopped'],
    ],
    [
      'stopped by hand',
      { unit: unit('inactive', 'dead', UP), log: [], gatewayRuns: true },
      ['down', 'down'],
    ],
    ['systemd knows nothing of it', { unit: null, log: [], gatewayRuns: true }, ['down', 'down']],
  ])('%s', (_title, facts, states) => {
    expect(judgeTunnel({ via: 'host', targets: TARGETS }, facts).map(({ state }) => state)).toEqual(
      states,
    );
  });

  test('what keeps it from being made is its log’s last word', () => {
    const log = [
      'Starting…',
      'instance 4001: its ssh_key is not set; run "sudo ibq tunnel key 4001"',
      'Failed.',
    ];
    const [first] = judgeTunnel(
      { via: 'host', targets: TARGETS },
      { unit: unit('activating', 'auto-restart'), log, gatewayRuns: true },
    );
    expect(first).toMatchObject({ state: 'down', detail: log[1] });
  });

  test('the image’s own is not known', () => {
    const facts = { unit: null, log: [], gatewayRuns: true };
    const [first] = judgeTunnel({ via: 'image', targets: TARGETS }, facts);
    expect(first && [first.state, isWell(first)]).toEqual(['unchecked', true]);
  });

  test('in a line', () => {
    const [, down] = judgeTunnel(
      { via: 'host', targets: TARGETS },
      { unit: unit('active', 'running', `${UP}; ${DOWN}`), log: [], gatewayRuns: true },
    );
    expect(down && describeTunnel(down)).toBe(
      'tunnel to b@two:2222: down since 2026-11-21T12:42:00Z: ssh: connect to host two port 2222: Connection refused',
    );
  });
});

describe('proof from the far end', () => {
  const state: TunnelState = {
    target: 'trader@vps.example.com',
    listens: ['127.0.0.1:4001'],
    state: 'up',
    since: null,
    detail: '',
  };
  const probe = (found: ProbeState): ProbeResult => ({
    state: found,
    serverVersion: found === 'handshake' ? 187 : null,
    connectionTime: null,
    accounts: [],
    nextValidId: null,
    timings: { connectMs: null, handshakeMs: null, loginMs: null },
    detail: `it is ${found}`,
  });
  test.each<[string, ProbeState, string, string, RegExp]>([
    [
      'the API answers',
      'handshake',
      '',
      'proven',
      /on vps\.example\.com at 127\.0\.0\.1:4001, server version 187/,
    ],
    [
      'the key may not open the port',
      'closed',
      'channel 0: open failed: administratively prohibited: open failed\nstdio forwarding failed',
      'unproven',
      /permitopen="127\.0\.0\.1:4001"/,
    ],
    [
      'no second connection',
      'closed',
      'Connection refused',
      'unproven',
      /nobody could ask from there: Connection refused/,
    ],
    [
      'nothing listens there',
      'closed',
      'channel 0: open failed: connect failed: Connection refused\nstdio forwarding failed',
      'failed',
      /it is closed/,
    ],
    ['a gateway that is down', 'closed', '', 'failed', /it is closed/],
  ])('%s', (_title, found, said, expected, detail) => {
    const proof = judgeProof(state, '127.0.0.1:4001', { probe: probe(found), said });
    expect(proof.state).toBe(expected);
    expect(proof.detail).toMatch(detail);
  });

  test('a tunnel that is down was not tried', () => {
    const down = { ...state, state: 'down' as const, detail: 'Connection refused' };
    expect(judgeProof(down, '127.0.0.1:4001', null)).toMatchObject({
      state: 'down',
      detail: 'Connection refused',
    });
  });
});

describe('authorized_keys', () => {
  const KEY = 'ssh-ed25519 AAAA ibq-4001';
  const line = (ssh: Parameters<typeof tunnelled>[1]) =>
    listensOf(tunnelled('4001', ssh), profile).map((it) => targetLine(it, KEY));

  test('a target: its ports to listen at and to open, no command, nothing else', () => {
    expect(line({})).toEqual([
      `restrict,command="false",port-forwarding,permitlisten="127.0.0.1:4001",permitopen="127.0.0.1:4001" ${KEY}`,
    ]);
  });

  test('listening on all addresses, it is opened on loopback', () => {
    expect(line({ remote_ports: ['*:9'] })[0]).toContain(
      'permitlisten="*:9",permitopen="127.0.0.1:9"',
    );
  });

  test('a bastion: through to the targets, and to listen nowhere', () => {
    const targets = ['a@one', 'b@one', 'c@two:2222'].map(parseTarget);
    expect(bastionLine(targets, KEY)).toBe(
      `restrict,command="false",port-forwarding,permitlisten="127.0.0.1:1",permitopen="one:22",permitopen="two:2222" ${KEY}`,
    );
  });
});

describe('known_hosts', () => {
  const OLD =
    '# mine\nvps.example.com ssh-ed25519 OLD\nother,VPS.example.com ssh-rsa BOTH\n@revoked vps.example.com ssh-rsa BAD\n';
  const NEW = [{ name: 'vps.example.com', key: 'ssh-ed25519 NEW' }];

  test('the first key makes the file', () => {
    expect(withHostKeys(null, NEW, [])).toMatch(
      /^# Host keys .*\nvps\.example\.com ssh-ed25519 NEW\n$/,
    );
  });

  test('one more leaves all others as they are', () => {
    expect(withHostKeys(OLD, [{ name: 'x', key: 'ssh-ed25519 X' }], ['x'])).toBe(
      `${OLD}x ssh-ed25519 X\n`,
    );
  });

  test('a replaced one goes, from lines of several names too; a revoked one stays revoked', () => {
    expect(withHostKeys(OLD, NEW, ['vps.example.com'])).toBe(
      '# mine\nother ssh-rsa BOTH\n@revoked vps.example.com ssh-rsa BAD\nvps.example.com ssh-ed25519 NEW\n',
    );
  });

  test('what ssh wrote is read', () => {
    expect(parseHostKeys('[vps.example.com]:2222 ssh-ed25519 AAAA\n\n')).toEqual([
      { name: '[vps.example.com]:2222', key: 'ssh-ed25519 AAAA' },
    ]);
  });
});
