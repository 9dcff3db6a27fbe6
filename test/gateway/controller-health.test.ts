/** The page of the controller's health: what is read of it, and what is told. */

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  describeHealth,
  readControllerHealth,
  tellsMore,
} from '../../src/gateway/controller-health.ts';

/** As in the documents of v0.12.0. */
const PAGE = {
  status: 'healthy',
  version: '0.12.0',
  mode: 'live',
  state: 'MONITORING',
  jvm_pid: 12345,
  jvm_alive: true,
  api_port: 4001,
  api_port_open: true,
  socat_port: 4003,
  socat_port_open: true,
  last_auth_success_ts: 1712345678.9,
  last_auth_success_age_seconds: 42.5,
  ccp_lockout_streak: 0,
  ccp_backoff_seconds: 0,
  uptime_seconds: 3456.7,
};

const answer = (body: object, status = '503 Service Unavailable') =>
  `HTTP/1.0 ${status}\r\nServer: BaseHTTP/0.6 Python/3.12.3\r\nContent-Type: application/json\r\n\r\n${JSON.stringify(body)}`;

const told = (changed: object) => {
  const health = readControllerHealth(answer({ ...PAGE, ...changed }));
  return health === null ? null : describeHealth(health);
};

describe('the page', () => {
  test('is read, healthy or not', () => {
    const health = {
      version: '0.12.0',
      mode: 'live',
      state: 'MONITORING',
      alive: true,
      apiOpen: true,
      relayOpen: true,
      unanswered: 0,
      backoff: 0,
    };
    expect(readControllerHealth(answer(PAGE))).toEqual(health);
    expect(readControllerHealth(answer(PAGE, '200 OK'))).toEqual(health);
  });

  test('of v0.6.2 says nothing of the relay', () => {
    const { socat_port, socat_port_open, ...older } = PAGE;
    expect(readControllerHealth(answer(older))).toMatchObject({ relayOpen: null });
  });

  test.each([
    '',
    'HTTP/1.0 404 Not Found\r\n\r\n{"error":"not_found"}',
    'HTTP/1.0 200 OK\r\n\r\n{"status":"up"}',
    'HTTP/1.0 200 OK\r\n\r\n[]',
    'HTTP/1.0 200 OK\r\n\r\nnull',
    'HTTP/1.0 200 OK\r\n\r\n{"mode":"live",',
    answer({ ...PAGE, mode: 'both' }),
  ])('%j is none', (text) => {
    expect(readControllerHealth(text)).toBeNull();
  });

  test('of anybody else throws nothing', () => {
    fc.assert(
      fc.property(fc.anything(), (body) => {
        const text = `HTTP/1.1 200 OK\r\n\r\n${JSON.stringify(body) ?? ''}`;
        const health = readControllerHealth(text);
        if (health !== null) expect(describeHealth(health)).not.toBe('');
      }),
    );
  });
});

test.each([
  [{ state: 'TWO_FA', api_port_open: false }, /second factor/],
  [{ state: 'HALTED', api_port_open: false }, /given up/],
  [{ jvm_alive: false, api_port_open: false }, /has ended/],
  [{ api_port_open: false }, /its API is closed/],
  [{ socat_port_open: false }, /relay of its image is gone/],
  [
    { state: 'LOGIN', ccp_lockout_streak: 2, ccp_backoff_seconds: 120 },
    /^IBKR left 2 logins without an answer, and it waits 120 s before the next$/,
  ],
  [{ state: 'DREAMING' }, /^its controller is in state DREAMING$/],
])('%j', (changed, words) => {
  expect(told(changed)).toMatch(words);
});

describe('it is told beside the log', () => {
  test.each([
    [{ state: 'LOGIN', ccp_backoff_seconds: 60, api_port_open: false }, 'ibkr-unreachable', true],
    [{ state: 'TWO_FA', api_port_open: false }, 'unknown', true],
    [{ state: 'TWO_FA', api_port_open: false }, 'waiting-for-two-factor', false],
    [{ state: 'HALTED', api_port_open: false }, 'halted', false],
    [{ state: 'HALTED', api_port_open: false }, 'unknown', true],
    [{ socat_port_open: false }, 'logged-in', true],
    [{ state: 'LAUNCHING', api_port_open: false }, 'starting', false],
    [{}, 'logged-in', false],
  ] as const)('%j, %s: %s', (changed, stage, more) => {
    const health = readControllerHealth(answer({ ...PAGE, ...changed }));
    expect(health && tellsMore(health, stage)).toBe(more);
  });
});
