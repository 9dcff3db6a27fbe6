/** Why nothing leads to a gateway from its published port: by addresses, routes and answers. */

import { expect, test } from 'vitest';
import { portLost } from '../../src/host/port-lost.ts';
import { liveHost } from '../support/live-host.ts';
import { sandbox } from '../support/sandbox.ts';

const RUNNING = { container: 'ab', pid: 100, definition: 'd', halves: [], session: '', guard: '' };
const BRIDGE = {
  '/sys/class/net/ibq0fd8daf1/bridge/bridge_id': '',
  '/proc/100/net/fib_trie':
    'Local:\n  +-- 0.0.0.0/0 3 0 5\n           |-- 10.89.0.2\n              /32 host LOCAL\n',
};

/** The host has 192.168.1.10. */
async function why(publish: string, { refused = false, device = 'ibq0fd8daf1' } = {}) {
  const sand = sandbox(BRIDGE, {}, 'plain-server');
  const { context } = liveHost(sand, () => ({ stdout: `[{"dst":"10.89.0.2","dev":"${device}"}]` }));
  const api = { service: 'api', half: 'live', relayPort: 4003, publish, lan: null } as const;
  const verdict = await portLost(context.host, { name: '4001', api, refused, running: RUNNING });
  expect(verdict).toMatchObject({ ready: false, word: 'port lost' });
  return [verdict.problems[0]?.split(`${publish}: `)[1], verdict.mend];
}

test.each<[string, string, { refused?: boolean; device?: string }, RegExp, RegExp]>([
  [
    'a rule of a VPN',
    '127.0.0.1:4001',
    { refused: true, device: 'tailscale0' },
    /10\.89\.0\.2 leaves by tailscale0/,
    /^sudo ibq doctor$/,
  ],
  [
    'an address that is gone',
    '10.0.0.5:4001',
    { refused: true },
    /no address of this host any more/,
    /publish\.address/,
  ],
  [
    'a firewall that refuses',
    '192.168.1.10:4001',
    { refused: true },
    /a firewall of the host refuses it/,
    /^sudo ibq doctor$/,
  ],
  [
    'a firewall that was flushed',
    '127.0.0.1:4001',
    {},
    /firewall was flushed/,
    /^sudo podman network reload ib-gateway-4001/,
  ],
])('%s', async (_title, publish, facts, reason, mend) => {
  const [said, cure] = await why(publish, facts);
  expect(said).toMatch(reason);
  expect(cure).toMatch(mend);
});
