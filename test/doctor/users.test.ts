/** What the checks of users say: one row a cause. */

import { user } from './facts.ts';
import { judgeTable, type Row } from './rows.ts';

const BASE = 2_013_265_920;
const TRADER = { ids: [{ id: 1000, owner: 'trader' }] };
const users = (...changes: Partial<typeof user>[]) => ({
  users: changes.map((change) => ({ ...user, ...change })),
});

const rows: Row[] = [
  ['user-namespace', 'as deployed', {}, 'ok', '4001 in a user namespace each', null],
  ['user-namespace', 'nothing deployed', users(), 'skipped', 'nothing is deployed', null],
  [
    'user-namespace',
    'a drop-in takes it away',
    users({ actual: null, ...TRADER }),
    'fail',
    '4001 should run in a user namespace of its own, runs with the users of this host',
    /drop-ins.*sudo ibq restart 4001/,
  ],
  [
    'user-namespace',
    'not moved yet',
    users({ actual: null, pendingRestart: true }),
    'ok',
    /./,
    null,
  ],
  [
    'user-namespace',
    'other numbers',
    users({ actual: BASE + 65_536 }),
    'fail',
    /begin at 2013265920 on this host, begin at 2013331456/,
    /sudo ibq restart 4001/,
  ],
  [
    'user-namespace',
    'opted out',
    users({ wanted: null, actual: null }),
    'skipped',
    'no instance that runs is to have them',
    null,
  ],
  ['host-users', 'apart', {}, 'ok', /none can read its password/, null],
  ['host-users', 'nothing deployed', users(), 'skipped', 'nothing is deployed', null],
  [
    'host-users',
    'opted out, and the number is somebody’s',
    users({ wanted: null, actual: null, ...TRADER }),
    'fail',
    /^4001 runs as user 1000, which is trader on this host: trader can read its password/,
    /remove user_namespace = false .* sudo ibq deploy --restart-changed/,
  ],
  [
    'host-users',
    'opted out, and nobody has the number',
    users({ wanted: null, actual: null, ids: [{ id: 1000, owner: null }] }),
    'ok',
    /./,
    null,
  ],
  [
    'host-users',
    'not moved yet, of a system user',
    users({ actual: null, pendingRestart: true, ids: [{ id: 999, owner: 'polkitd' }] }),
    'fail',
    /^4001 runs as user 999, which is polkitd on this host/,
    'sudo ibq restart 4001 (a new login)',
  ],
  [
    'host-users',
    'stopped and opted out',
    users({ pid: null, wanted: null, actual: null, ...TRADER }),
    'fail',
    /^4001 will run as user 1000, which is trader/,
    /user_namespace/,
  ],
  ['host-users', 'stopped', users({ pid: null, actual: null, ...TRADER }), 'ok', /./, null],
];

judgeTable('users', rows);
