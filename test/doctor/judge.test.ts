/** What each check says of what was found: one row a cause. */

import { describe, expect, test } from 'vitest';
import type { Result } from '../../src/doctor/check.ts';
import type { FactValues } from '../../src/doctor/facts.ts';
import {
  address,
  config,
  facts,
  generationFiles,
  guard,
  hook,
  instance,
  judged,
  listener,
  MAC,
  manifest,
  network,
  volume,
  wayOut,
} from './facts.ts';

/** id, what is wrong, facts, result, words of the detail, words of the mend */
type Row = [string, string, Partial<FactValues>, Result, string | RegExp, string | RegExp | null];

const SHIFTED = network({}, {}, '10.0.5.0/24');
const NO_LAN = config({ mode: 'bridge', lan: null });
const UNIT = { id: 'ib-gateway@4001.service', load: 'loaded', loaded: 'a', deployed: 'a' };
const GENERATOR = { path: '/g', services: new Map<string, string>(), errors: ['bad file'] };
const silent = [{ name: '4001', answered: false }];

const parts: Row[] = [
  [
    'podman',
    'missing',
    { podman: { version: '', failure: 'missing' } },
    'fail',
    /not installed/,
    /apt install podman/,
  ],
  [
    'podman',
    'hangs',
    { podman: { version: '5.4.2', failure: 'hangs' } },
    'fail',
    /hangs/,
    /ps -C podman/,
  ],
  [
    'podman',
    '5.2',
    { podman: { version: '5.2.9', failure: null } },
    'fail',
    /5\.2\.9 is too old/,
    /5\.3/,
  ],
  ['podman', '5.3', { podman: { version: '5.3.0', failure: null } }, 'ok', '5.3.0', null],
  ['podman', '6.0', { podman: { version: '6.0.0', failure: null } }, 'ok', '6.0.0', null],
  ['systemd', '253', { systemd: { version: 253, failure: null } }, 'fail', /253 is too old/, /254/],
  ['systemd', '254', { systemd: { version: 254, failure: null } }, 'ok', '254', null],
  [
    'systemd',
    'none',
    { systemd: { version: 0, failure: 'missing' } },
    'fail',
    /not installed/,
    /254/,
  ],
  [
    'systemd',
    'not booted',
    { systemd: { version: 257, failure: 'not-booted' } },
    'fail',
    /not booted/,
    /254/,
  ],
  [
    'systemd',
    'hangs',
    { systemd: { version: 257, failure: 'hangs' } },
    'fail',
    /hangs/,
    /journalctl/,
  ],
  ['netavark', 'missing', { parts: {} }, 'fail', /netavark, .* is missing/, /package netavark/],
  ['nft', 'missing', { parts: { nft: null } }, 'fail', /\/usr\/sbin\/nft or/, /package nftables/],
  [
    'guard-hook',
    'no definition',
    { hook: { ...hook, definition: null } },
    'fail',
    /json is missing/,
    /install\.sh/,
  ],
  [
    'guard-hook',
    'not JSON',
    { hook: { ...hook, definition: '{' } },
    'fail',
    /should run/,
    /install\.sh/,
  ],
  [
    'guard-hook',
    'another stage',
    {
      hook: { ...hook, definition: hook.definition?.replace('createRuntime', 'poststop') ?? null },
    },
    'fail',
    /should run/,
    /install\.sh/,
  ],
  [
    'guard-hook',
    'no program',
    { hook: { ...hook, guardExecutable: false } },
    'fail',
    /should be a program/,
    /install\.sh/,
  ],
  [
    'guard-hook',
    'of a user',
    { hook: { ...hook, paths: [{ path: '/opt', uid: 1000, mode: 0o755 }] } },
    'fail',
    /belong to root, to uid 1000/,
    'chown root: /opt',
  ],
  [
    'guard-hook',
    'group may write',
    { hook: { ...hook, paths: [{ path: '/opt', uid: 0, mode: 0o40775 }] } },
    'fail',
    /mode 775/,
    'chmod go-w /opt',
  ],
  [
    'cgroups-v2',
    'version 1',
    { cgroups: { unified: false } },
    'fail',
    /version 2/,
    /unified_cgroup_hierarchy/,
  ],
  [
    'kernel-modules',
    'none',
    { kernelDriver: { driver: 'ipvlan', available: false, said: 'Unknown device type.' } },
    'fail',
    /ipvlan links, says: Unknown/,
    /reboot/,
  ],
];

const configuration: Row[] = [
  [
    'configuration',
    'invalid',
    { configuration: { problems: ['a: b', 'c: d'], files: 0 } },
    'fail',
    'a: b; c: d',
    /ibq plan/,
  ],
  [
    'secrets',
    'one is missing',
    { secrets: new Set(['ibq-4001-password']) },
    'fail',
    /password of 4002/,
    'sudo ibq secret set 4002 password',
  ],
  ['image-present', 'local', { images: new Set() }, 'fail', /not on this host/, /build or load/],
  [
    'image-present',
    'of a registry',
    {
      images: new Set(),
      manifest: {
        ...manifest,
        instances: { a: { ...manifest.instances['4001'], image: 'ghcr.io/x' } },
      } as unknown as FactValues['manifest'],
    },
    'fail',
    /ghcr/,
    'sudo podman pull ghcr.io/x',
  ],
  ['image-present', 'nothing deployed', { manifest: null }, 'skipped', 'nothing is deployed', null],
  [
    'image-uid',
    'of root',
    { volumes: [{ ...volume, owner: '0:0' }] },
    'fail',
    /1000:1000, .* to 0:0/,
    'sudo chown -R 1000:1000 /v',
  ],
  [
    'image-uid',
    'another image',
    { volumes: [{ ...volume, imageUser: '911' }] },
    'fail',
    /runs as user 911, images of the profile simulator as 1000:1000/,
    /profile of this image/,
  ],
  ['image-uid', 'none yet', { volumes: [] }, 'skipped', /no instance/, null],
  ['memory', 'too much', { memoryWarning: 'too much' }, 'warn', 'too much', /java_heap/],
  [
    'disk',
    'full',
    { disks: [{ path: '/etc', freeBytes: 1e6 }] },
    'fail',
    /\/etc is full/,
    /df -h \/etc/,
  ],
  [
    'disk',
    'low for images',
    { disks: [{ path: '/var/lib/containers', freeBytes: 1e9 }] },
    'warn',
    /953 MB/,
    /prune/,
  ],
  ['disk', 'enough for files', { disks: [{ path: '/etc', freeBytes: 1e8 }] }, 'ok', /95 MB/, null],
  [
    'clock',
    'free-running',
    { clock: { synchronised: false } },
    'warn',
    /not synchronised/,
    /timesyncd/,
  ],
];

const lan: Row[] = [
  ['parent-interface', 'mode bridge', { config: NO_LAN }, 'skipped', /mode bridge/, null],
  [
    'parent-interface',
    'gone',
    { network: { ...network(), links: [] } },
    'fail',
    /is gone$/,
    /network detect --write/,
  ],
  [
    'parent-interface',
    'renamed',
    { network: network({ name: 'ens5' }) },
    'fail',
    /ens5 \(02:00:0a:00:00:05\) has its subnet/,
    /NETWORK_INTERFACE=ens5/,
  ],
  [
    'parent-interface',
    'down',
    { network: network({ operstate: 'down' }) },
    'fail',
    /is down/,
    /ip link set eth1 up/,
  ],
  [
    'parent-interface',
    'no cable',
    { network: network({ operstate: 'lowerlayerdown' }) },
    'fail',
    /lowerlayerdown/,
    /cable/,
  ],
  [
    'parent-interface',
    'another subnet',
    { network: SHIFTED },
    'fail',
    /in 10\.0\.0\.0\/24, has 10\.0\.5\.0\/24/,
    /detect --write/,
  ],
  [
    'wireless',
    'macvlan',
    { network: network({ wireless: true }) },
    'fail',
    /one MAC address/,
    /driver = "ipvlan"/,
  ],
  [
    'wireless',
    'mode bridge',
    { config: NO_LAN, network: network({ wireless: true }) },
    'skipped',
    /bridge/,
    null,
  ],
  [
    'cloud',
    'with a LAN',
    { network: network({}, { sysVendor: 'Amazon EC2' }) },
    'fail',
    /Amazon EC2 drops/,
    /mode = "bridge"/,
  ],
  [
    'cloud',
    'mode bridge',
    { config: NO_LAN, network: network({}, { sysVendor: 'Amazon EC2' }) },
    'ok',
    /without addresses/,
    null,
  ],
  [
    'virtual-switch',
    'filtered',
    { lanFromInside: { gateway: address('10.0.0.1'), host: true, instances: silent } },
    'fail',
    /host and not 4001/,
    /port security/,
  ],
  [
    'virtual-switch',
    'filtered by VMware',
    {
      network: network({}, { sysVendor: 'VMware, Inc.' }),
      lanFromInside: { gateway: address('10.0.0.1'), host: true, instances: silent },
    },
    'fail',
    /not 4001/,
    /promiscuous mode/,
  ],
  [
    'virtual-switch',
    'no gateway there',
    { lanFromInside: { gateway: address('10.0.0.1'), host: false, instances: silent } },
    'skipped',
    /host either/,
    null,
  ],
  [
    'duplicate-address',
    'a stranger',
    { lanAnswers: new Map([[address('10.0.0.193'), '02:ff:00:00:00:01']]) },
    'fail',
    /10\.0\.0\.193 of 4002 is also that of 02:ff/,
    /MAC 02:ff/,
  ],
  [
    'duplicate-address',
    'the instance itself',
    { lanAnswers: new Map([[address('10.0.0.193'), MAC[4002]]]) },
    'ok',
    /nobody else/,
    null,
  ],
  [
    'dhcp-range',
    'a stranger',
    { lanAnswers: new Map([[address('10.0.0.200'), '02:ff:00:00:00:01']]) },
    'warn',
    /10\.0\.0\.200 \(MAC 02:ff/,
    /DHCP/,
  ],
  [
    'dhcp-range',
    'outside the range',
    { lanAnswers: new Map([[address('10.0.0.20'), '02:ff:00:00:00:01']]) },
    'ok',
    /nobody/,
    null,
  ],
];

const ports: Row[] = [
  [
    'ports',
    'taken',
    { listeners: [listener(4002, '')] },
    'fail',
    '127.0.0.1:4002 of 4002 is taken by python3 (pid 7)',
    /4002\.toml/,
  ],
  [
    'ports',
    'taken by a unit, on all addresses',
    { listeners: [listener(4002, 'x.service', null)] },
    'fail',
    /\(pid 7\) of x\.service/,
    /stop that/,
  ],
  [
    'ports',
    'by another instance',
    { listeners: [listener(4002, 'ib-gateway@4001.service')] },
    'fail',
    /of ib-gateway@4001/,
    /4002\.toml/,
  ],
  [
    'ports',
    'on another address',
    { listeners: [listener(4002, '', '10.0.0.5')] },
    'ok',
    /4001, 4002/,
    null,
  ],
  ['ports', 'mode lan', { config: config({ mode: 'lan' }) }, 'skipped', /mode lan/, null],
  [
    'port-rules',
    'flushed',
    { ruleset: '', instances: [{ ...instance, answers: false }] },
    'fail',
    /nothing forwards 127\.0\.0\.1:4001/,
    'sudo podman network reload --all',
  ],
  [
    'port-rules',
    'another port alone',
    {
      ruleset: 'tcp dport 40010 dnat ip to 10.89.0.2:4003',
      instances: [{ ...instance, answers: false }],
    },
    'fail',
    /4001/,
    /reload/,
  ],
  ['port-rules', 'not by nftables, and it answers', { ruleset: '' }, 'ok', /4001/, null],
  [
    'port-rules',
    'the gateway hangs',
    { instances: [{ ...instance, answers: false }] },
    'ok',
    /4001/,
    null,
  ],
  [
    'port-rules',
    'nothing runs',
    { instances: [{ ...instance, active: 'inactive' }] },
    'skipped',
    /no instance/,
    null,
  ],
  [
    'forwarding',
    'off',
    { wayOut: { ...wayOut, ipForward: false, instances: silent } },
    'fail',
    /ip_forward should be 1/,
    /sysctl -w/,
  ],
  [
    'forwarding',
    'off, and nothing runs',
    { wayOut: { ...wayOut, ipForward: false, instances: [] } },
    'skipped',
    /no instance/,
    null,
  ],
  [
    'forwarding',
    'dropped',
    { wayOut: { ...wayOut, instances: silent } },
    'fail',
    /198\.51\.100\.1 answers the host and not 4001/,
    /nft list ruleset/,
  ],
  [
    'forwarding',
    'dropped by a chain',
    { wayOut: { ...wayOut, instances: silent, droppingChains: ['ip filter FORWARD'] } },
    'fail',
    /not 4001/,
    /nft 'add rule ip filter FORWARD iifname "ibq\*" accept'/,
  ],
  [
    'forwarding',
    'a next hop that never answers',
    { wayOut: { ...wayOut, host: false, instances: silent } },
    'ok',
    /does not answer the host/,
    null,
  ],
  [
    'firewall-reload',
    'flushes',
    { nftablesService: { enabled: true, flushes: true, file: '/f' } },
    'warn',
    /\/f begins with/,
    /destroy table/,
  ],
  [
    'firewall-reload',
    'leaves others alone',
    { nftablesService: { enabled: true, flushes: false, file: '/f' } },
    'ok',
    /\/f leaves/,
    null,
  ],
];

const files: Row[] = [
  [
    'generation',
    'broken',
    { generation: { problem: 'm.json: is missing; point at another' } },
    'fail',
    'm.json: is missing',
    'point at another',
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
    'sudo ibq status',
  ],
];

describe.each([
  ['parts', parts],
  ['configuration', configuration],
  ['LAN', lan],
  ['ports', ports],
  ['files', files],
  ['in force', force],
])('%s', (_group, rows) => {
  test.each(rows)('%s: %s', (id, _what, changes, result, detail, mend) => {
    const found = judged(id, facts(changes));
    expect(found).toMatchObject({ id, result });
    if (typeof detail === 'string') expect(found.detail).toBe(detail);
    else expect(found.detail).toMatch(detail);
    if (mend instanceof RegExp) expect(found.mend).toMatch(mend);
    else expect(found.mend).toBe(mend);
  });
});

/** One line of a drop-in of the user's for instance 4001. */
const lines: [string, Result, RegExp][] = [
  ['[Container]\nNetwork=host', 'fail', /will not start/],
  ['[Container]\nNetwork=', 'fail', /takes away the networks/],
  ['[Container]\nNetwork=db.container', 'fail', /will not start/],
  ['[Container]\nNetwork=db.network', 'warn', /lets nobody in/],
  ['[Container]\nGlobalArgs=', 'fail', /all its ports would be open/],
  ['[Container]\nAnnotation=', 'fail', /takes the guard away/],
  ['[Container]\nAnnotation=ibq.instance=4002', 'fail', /replaces the guard/],
  ['[Container]\nGlobalArgs=--log-level=debug', 'ok', /x\.conf$/],
  ['[Container]\nPodmanArgs=--privileged', 'fail', /may open/],
  ['[Container]\nPodmanArgs=--cpus=2', 'ok', /x\.conf$/],
  ['[Container]\nAddCapability=CAP_NET_ADMIN', 'fail', /its own guard/],
  ['[Container]\nAddCapability=CHOWN', 'ok', /x\.conf$/],
  ['[Container]\nPublishPort=5900:5900', 'warn', /keeps closed/],
  ['[Container]\nPublishPort=', 'fail', /own port/],
  ['[Container]\nContainerName=mine', 'fail', /ib-gateway-%i/],
  ['[Container]\nAutoUpdate=registry', 'warn', /new login/],
  ['[Service]\nRestart=always', 'ok', /x\.conf$/],
];

describe('a drop-in of the user', () => {
  const directory = '/etc/containers/systemd/ib-gateway@4001.container.d';
  const dropIn = (text: string | null, name = 'x.conf', unit = 'ib-gateway@4001.container') =>
    judged('user-drop-ins', facts({ dropIns: [{ path: `${directory}/${name}`, unit, text }] }));

  test.each(lines)('%j', (text, result, detail) => {
    const found = dropIn(`${text}\n`);
    expect(found).toMatchObject({ result, detail: expect.stringMatching(detail) });
    if (result !== 'ok') expect(found.mend).toContain('x.conf');
  });

  test('another ending is not read', () =>
    expect(dropIn('', 'x.conf.bak')).toMatchObject({ result: 'warn' }));
  test('unreadable', () => expect(dropIn(null)).toMatchObject({ result: 'fail' }));
  test('for no instance', () => {
    const found = dropIn('', 'x.conf', 'ib-gateway@typo.container');
    expect(found).toMatchObject({ result: 'warn', detail: expect.stringContaining('typo') });
  });
  test('for all instances', () =>
    expect(dropIn('', 'x.conf', 'ib-gateway@.container')).toMatchObject({ result: 'ok' }));
});
