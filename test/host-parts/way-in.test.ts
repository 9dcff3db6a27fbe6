/** Whether this host sends to its instances what is for them. */

import { expect, test } from 'vitest';
import type { RunResult } from '../../src/host/host.ts';
import { describeAstray, findAstray, mendAstray } from '../../src/host/way-in.ts';
import { liveHost } from '../support/live-host.ts';
import { sandbox } from '../support/sandbox.ts';

const NETWORK = {
  '/etc/containers/networks/ibq-publish-1a2b.json': '{"subnet": "10.89.0.0/24"}',
};
const ADDRESS = {
  '/proc/100/net/fib_trie':
    'Local:\n  +-- 0.0.0.0/0 3 0 5\n           |-- 10.89.0.2\n              /32 host LOCAL\n',
};

/** As `ip -json route get` of iproute2 6 says it. */
const route = (dev: string) => ({
  stdout: `[{"dst":"10.89.0.2","dev":"${dev}","uid":0,"cache":[]}]`,
});

test.each<[string, Record<string, string>, Partial<RunResult>, string | null]>([
  ['by the bridge', { ...NETWORK, ...ADDRESS }, route('ibq0fd8daf1'), null],
  ['by a VPN', { ...NETWORK, ...ADDRESS }, route('tailscale0'), 'tailscale0'],
  ['nobody tells', { ...NETWORK, ...ADDRESS }, { exitCode: 2, stdout: '' }, null],
  ['it has no address on a bridge', NETWORK, route('tailscale0'), null],
])('%s', async (_title, files, result, device) => {
  const { context } = liveHost(sandbox(files), () => result);
  const astray = await findAstray(context.host, 100);
  expect(astray?.device ?? null).toBe(device);
  if (astray === null) return;
  expect(describeAstray(astray)).toContain('10.89.0.2 to tailscale0');
  expect(mendAstray(astray)).toBe('sudo ip rule add pref 5200 to 10.89.0.0/24 lookup main');
});
