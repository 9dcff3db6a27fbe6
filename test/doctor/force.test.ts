/** What the checks of files and of what is in force say: one row a cause. */

import { CURRENT_LOST } from '../../src/host/installed.ts';
import { generationFiles, guard, instance, shim } from './facts.ts';
import { judgeTable, type Row } from './rows.ts';

const UNIT = { id: 'ib-gateway@4001.service', load: 'loaded', loaded: 'a', deployed: 'a' };
const GENERATOR = { path: '/g', services: new Map<string, string>(), errors: ['bad file'] };

const files: Row[] = [
  [
    'generation',
    'broken',
    {
      generation: {
        problem:
          'm.json: is missing; generation 6 is the newest whole one: sudo ln -sfn generations/6 /etc/ibq/current && sudo ibq deploy',
      },
    },
    'fail',
    'm.json: is missing',
    'sudo ln -sfn generations/6 /etc/ibq/current && sudo ibq deploy',
  ],
  [
    'generation',
    'no other is whole',
    {
      generation: {
        problem:
          'm.json: is missing; no generation is whole: sudo rm /etc/ibq/current && sudo ibq deploy (then every instance wants a restart)',
      },
    },
    'fail',
    'm.json: is missing',
    'sudo rm /etc/ibq/current && sudo ibq deploy',
  ],
  [
    'generation',
    'the link is gone',
    { generation: { problem: CURRENT_LOST } },
    'fail',
    '/etc/ibq/current is gone: no gateway that ends can start again',
    'sudo ibq deploy',
  ],
  [
    'foreign-files',
    'edited',
    { generationFiles: { ...generationFiles, drift: ['units/a'] } },
    'fail',
    /units\/a was edited/,
    /--replace-drift/,
  ],
  [
    'foreign-files',
    'added',
    { generationFiles: { ...generationFiles, foreign: ['units/b'] } },
    'fail',
    /units\/b is not ibq's/,
    /move it away/,
  ],
  [
    'foreign-files',
    'not linked',
    { generationFiles: { ...generationFiles, linked: false } },
    'fail',
    /should lead to/,
    'sudo ibq deploy',
  ],
  [
    'foreign-files',
    'plain unit',
    { generationFiles: { ...generationFiles, staticUnits: [{ path: '/u', state: 'edited' }] } },
    'fail',
    /\/u is edited/,
    /systemctl edit/,
  ],
  [
    'foreign-files',
    'shadow',
    { generationFiles: { ...generationFiles, shadows: ['/s'] } },
    'fail',
    /\/s takes the place/,
    /daemon-reload/,
  ],
];

const force: Row[] = [
  [
    'networks',
    'gone',
    { podmanNetworks: { wanted: ['ibq-publish-1', 'ibq-lan-2'], defined: ['ibq-lan-2'] } },
    'fail',
    'ibq-publish-1 is gone from Podman: no instance that needs it can start',
    'sudo ibq deploy',
  ],
  [
    'quadlet-generator',
    'missing',
    { generator: { ...GENERATOR, path: null } },
    'fail',
    /missing/,
    /package podman/,
  ],
  [
    'quadlet-generator',
    'makes nothing',
    { generator: GENERATOR },
    'fail',
    /does not make ib-gateway@4001\.service, .*bad file/,
    /daemon-reload/,
  ],
  [
    'quadlet-generator',
    'complains of others',
    { manifest: null, generator: GENERATOR },
    'warn',
    /complains: bad file/,
    /mend the file/,
  ],
  [
    'generated-units',
    'not found',
    { units: [{ ...UNIT, load: 'not-found' }] },
    'fail',
    /is not-found/,
    /daemon-reload/,
  ],
  [
    'generated-units',
    'masked',
    { units: [{ ...UNIT, load: 'masked' }] },
    'fail',
    /masked/,
    'sudo systemctl unmask ib-gateway@4001.service',
  ],
  [
    'generated-units',
    'the template alone',
    { units: [{ ...UNIT, loaded: null }], generatorLog: ['bad key'] },
    'fail',
    /was not generated.*bad key/,
    /daemon-reload/,
  ],
  [
    'generated-units',
    'an older one',
    { units: [{ ...UNIT, loaded: 'b' }] },
    'fail',
    /before the last deploy/,
    'sudo systemctl daemon-reload',
  ],
  [
    'generated-units',
    'messages about others',
    { generatorLog: ['other.container'] },
    'ok',
    '4 loaded',
    null,
  ],
  [
    'host-rules',
    'gone',
    { hostRules: { wanted: 'a', kernel: null } },
    'fail',
    /is not: other containers/,
    'sudo systemctl restart ibq-host-rules',
  ],
  [
    'host-rules',
    'changed',
    { hostRules: { wanted: 'a', kernel: 'b' } },
    'fail',
    /not as it was deployed/,
    /restart/,
  ],
  ['host-rules', 'none', { hostRules: { wanted: null, kernel: null } }, 'skipped', /none/, null],
  [
    'instance-guards',
    'no record',
    { guards: [{ ...guard, pid: null }] },
    'fail',
    /may be open/,
    'sudo ibq restart 4001',
  ],
  [
    'instance-guards',
    'gone',
    { guards: [{ ...guard, kernel: null }] },
    'fail',
    /ports are open/,
    'sudo nsenter -t 41 -n nft -f /run/ibq/instances/4001/guard.nft',
  ],
  [
    'instance-guards',
    'changed',
    { guards: [{ ...guard, kernel: 'x' }] },
    'fail',
    /not as deployed/,
    /nsenter/,
  ],
  [
    'instance-guards',
    'older than the deployed one',
    { guards: [{ ...guard, kernel: 'x', current: false }] },
    'fail',
    /not as deployed/,
    'sudo ibq deploy',
  ],
  ['instance-guards', 'nothing runs', { guards: [] }, 'skipped', /no instance/, null],
  [
    'pending-restarts',
    'one',
    { instances: [{ ...instance, pendingRestart: true }] },
    'warn',
    /4001 runs by an older/,
    /ibq restart 4001/,
  ],
  [
    'pending-restarts',
    'an image that has moved under its tag',
    { instances: [{ ...instance, imageMoved: true }] },
    'warn',
    '4001 runs an older image than its tag names now',
    /ibq restart 4001/,
  ],
  [
    'instances',
    'hung',
    {
      instances: [
        {
          ...instance,
          verdict: { ready: false, word: 'hung', problems: [], mend: 'ibq logs 4001' },
        },
      ],
    },
    'fail',
    '4001: hung',
    'ibq logs 4001',
  ],
  [
    'instances',
    'stopped',
    {
      instances: [
        {
          ...instance,
          active: 'inactive',
          verdict: { ready: false, word: 'stopped', problems: [], mend: null },
        },
      ],
    },
    'warn',
    /stopped/,
    'sudo ibq logs 4001',
  ],
  [
    'instances',
    'runs and is not deployed',
    { undeployed: ['4004'] },
    'warn',
    '4004 runs and is not deployed',
    /instances\/4004\.toml.*sudo ibq deploy/,
  ],
  [
    'instance-guards',
    'its record is gone',
    { guards: [{ ...guard, recorded: false }] },
    'warn',
    /what the guard of 4001 wrote down .* is gone; its rules are in force/,
    'sudo ibq deploy',
  ],
  [
    'boot',
    'disabled',
    { boot: { enabled: false } },
    'fail',
    'ib-gateways.target is not enabled: no gateway starts at boot',
    'sudo ibq deploy',
  ],
  [
    'generated-units',
    'changed under systemd',
    { changedUnits: ['ib-gateway@4001.service'] },
    'warn',
    /the files of ib-gateway@4001\.service were changed/,
    'sudo systemctl daemon-reload',
  ],
];

const RESTART = 'sudo systemctl restart ibq-shim';
const link = {
  up: true,
  mac: '02:00:00:00:00:fe',
  addresses: ['10.0.0.223'],
  routes: ['10.0.0.192/27', '10.0.0.100'],
};

const access: Row[] = [
  [
    'shim',
    'another MAC',
    { shim: { ...shim, link: { ...link, mac: '02:00:00:00:00:aa' } } },
    'fail',
    /should have the MAC 02:00:00:00:00:fe, by which the guards know it, has 02:00:00:00:00:aa/,
    RESTART,
  ],
  ['shim', 'off', { shim: { ...shim, wanted: null, link: null } }, 'ok', /is off/, null],
  [
    'shim',
    'left over',
    { shim: { ...shim, wanted: null } },
    'warn',
    /host_access is off/,
    'sudo ip link delete ibqshim',
  ],
  [
    'shim',
    'gone',
    { shim: { ...shim, link: null } },
    'fail',
    /ibqshim is gone/,
    /^sudo systemctl restart ibq-shim; .* eth1 is up/,
  ],
  [
    'shim',
    'set up otherwise',
    { shim: { ...shim, loaded: 'ADDRESS=10.0.0.94\n' } },
    'fail',
    'ibqshim was set up otherwise than deployed',
    RESTART,
  ],
  [
    'shim',
    'down',
    { shim: { ...shim, link: { ...link, up: false } } },
    'fail',
    'ibqshim should be up, is down',
    RESTART,
  ],
  [
    'shim',
    'without its address',
    { shim: { ...shim, link: { ...link, addresses: [] } } },
    'fail',
    'ibqshim should have 10.0.0.223',
    RESTART,
  ],
  [
    'shim',
    'without its routes',
    { shim: { ...shim, link: { ...link, routes: ['10.0.0.192/27'] } } },
    'fail',
    'ibqshim should have a route to 10.0.0.100',
    RESTART,
  ],
  [
    'shim',
    'shadowed by another route',
    { shim: { ...shim, ways: [{ address: '10.0.0.192', interface: 'tun0' }] } },
    'fail',
    /to 10\.0\.0\.192 leaves by tun0, not by ibqshim/,
    /ip route get 10\.0\.0\.192; ip rule/,
  ],
  [
    'shim',
    'its unit shadowed',
    { shim: { ...shim, unit: { ...shim.unit, fragment: '/run/x/ibq-shim.service' } } },
    'fail',
    /^\/run\/x\/ibq-shim\.service takes the place of/,
    /daemon-reload/,
  ],
  [
    'shim',
    'its unit not loaded',
    { shim: { ...shim, unit: { ...shim.unit, load: 'not-found' } } },
    'fail',
    /is not-found/,
    'sudo ibq deploy',
  ],
  [
    'shim',
    'its unit failed',
    { shim: { ...shim, unit: { ...shim.unit, active: 'failed' } } },
    'fail',
    'ibq-shim.service is failed',
    RESTART,
  ],
  [
    'shim',
    'not at boot',
    { shim: { ...shim, unit: { ...shim.unit, atBoot: false } } },
    'warn',
    /at the next boot/,
    'sudo ibq deploy',
  ],
];

judgeTable('files', files);
judgeTable('host access', access);
judgeTable('in force', force);
