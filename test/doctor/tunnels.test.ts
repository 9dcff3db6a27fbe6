/** What the checks of tunnels say: one row a cause. */

import { TUNNEL_PARTS } from '../../src/plan/parts.ts';
import { tunnels } from './facts.ts';
import { judgeTable, type Row } from './rows.ts';

const [state] = tunnels.states;
if (state === undefined) throw new Error('no state');
const withState = (changes: Partial<(typeof state)['state']>) => ({
  tunnels: { ...tunnels, states: [{ ...state, state: { ...state.state, ...changes } }] },
});
const withFile = (uid: number, mode: number) => ({
  tunnels: { ...tunnels, knownHosts: { uid, mode } },
});
const NONE = { tunnels: { instances: [], missingParts: [], knownHosts: null, states: [] } };

const rows: Row[] = [
  ['ssh-client', 'no tunnel', NONE, 'ok', 'no tunnel is configured', null],
  [
    'ssh-client',
    'missing',
    {
      tunnels: {
        ...tunnels,
        missingParts: TUNNEL_PARTS.filter(({ id }) => id === 'libnss_systemd'),
      },
    },
    'fail',
    /libnss_systemd, by which ssh learns the name of the user/,
    'install the package libnss-systemd',
  ],
  [
    'host-keys',
    'not pinned',
    { tunnels: { ...tunnels, instances: [{ name: '4001', unpinned: ['vps.example.com'] }] } },
    'fail',
    'the host key of vps.example.com is not pinned',
    'sudo ibq tunnel trust 4001',
  ],
  [
    'host-keys',
    'of another user',
    withFile(1000, 0o100644),
    'fail',
    /root's alone to write/,
    /chown root:root/,
  ],
  [
    'host-keys',
    'writable by a group',
    withFile(0, 0o100664),
    'fail',
    /root's alone to write/,
    /chmod 0644/,
  ],
  [
    'host-keys',
    'not readable',
    withFile(0, 0o100600),
    'fail',
    /should be readable for all/,
    /chmod 0644/,
  ],
  [
    'tunnels',
    'down',
    withState({ state: 'down', detail: 'Connection refused' }),
    'fail',
    /4001: tunnel to trader@vps\.example\.com: down .*Connection refused/,
    'journalctl -u ibq-tunnel@4001',
  ],
  ['tunnels', 'connecting', withState({ state: 'connecting' }), 'warn', /connecting/, /status/],
  ['tunnels', 'its gateway is stopped', withState({ state: 'stopped' }), 'ok', '0 of 1 up', null],
];

judgeTable('tunnels', rows);
