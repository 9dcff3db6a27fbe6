/** What `network show` makes of the kernel's and Podman's answers; rules as nft 1.1.3 printed them. */

import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import type { InstanceState, NamespaceState, NetworkInForce } from '../../src/network/in-force.ts';
import { field, listOf } from '../../src/network/json.ts';
import { parseRules, sameRules } from '../../src/network/nft-rules.ts';
import { showNetwork } from '../../src/network/show.ts';
import { renderDiagram } from '../../src/network/show-diagram.ts';
import { misfits } from '../schema/validate.ts';

const guard = read('guard');
const link = { kind: null, parent: null, state: 'up' as const };

describe('rules', () => {
  test('those of a guard: who gets in, and where', () => {
    const rules = parseRules(guard);
    expect(rules?.policies).toEqual({ input: 'drop', forward: 'drop' });
    expect(rules?.sets).toEqual({ allow: ['10.0.0.7'] });
    expect(rules?.rules.every(({ understood }) => understood)).toBe(true);
    expect(rules?.rules.at(-2)).toMatchObject({
      input: 'lan0',
      from: ['10.0.0.7'],
      ports: ['4004'],
      verdict: 'accept',
    });
  });

  test('sets of subnets, ranges and elements with a time-out', () => {
    const elem = [
      { prefix: { addr: '10.0.0.0', len: 28 } },
      { range: ['10.0.0.20', '10.0.0.22'] },
      { elem: { val: '10.0.0.50', timeout: 30 } },
    ];
    const listing = { nftables: [{ table: { name: 'ibq' } }, { set: { name: 'allow', elem } }] };
    expect(parseRules(listing)?.sets.allow).toEqual([
      '10.0.0.0/28',
      '10.0.0.20-10.0.0.22',
      '10.0.0.50',
    ]);
  });

  test('no table, no JSON: nothing', () => {
    expect(parseRules(undefined)).toBeNull();
    expect(parseRules({ nftables: [{ metainfo: {} }] })).toBeNull();
  });

  test('are the same whatever their handles; one element makes another', () => {
    const other = JSON.parse(JSON.stringify(guard).replaceAll('"handle":4', '"handle":44'));
    expect(sameRules(guard, other)).toBe(true);
    expect(sameRules(guard, withAllowed('10.0.0.7', '10.0.0.8'))).toBe(false);
  });
});

describe('an instance', () => {
  test('as it was deployed', () => {
    const { instances, problems, host } = showNetwork(facts());
    expect(problems).toEqual([]);
    expect(host.interfaces.map(({ name, role }) => [name, role])).toEqual([
      ['eth0', 'way-out'],
      ['eth1', 'parent'],
      ['ibq1', 'bridge'],
    ]);
    expect(instances[0]).toEqual({
      name: '4001',
      state: 'running',
      api: 'handshake',
      pendingRestart: false,
      deployed: { publish: '127.0.0.1:4001', lan: '10.0.0.192:4004', sideServices: [] },
      bridge: { network: 'ibq-publish-1', address: '10.89.0.3', state: 'up' },
      lan: {
        network: 'ibq-lan-1',
        address: '10.0.0.192',
        mac: '02:a6:5b:df:56:1e',
        state: 'up',
      },
      attached: [],
      wayOut: { interface: 'pub0', gateway: '10.89.0.1' },
      published: { address: '127.0.0.1:4001', relayPort: 4004, listening: true, forwarded: true },
      sideServices: [],
      sharesHost: false,
      rules: 'in-force',
      reach: [
        { by: 'host', from: ['10.89.0.1'], except: [], to: '10.89.0.3:4004' },
        { by: 'lan', from: ['10.0.0.7'], except: [], to: '10.0.0.192:4004' },
      ],
      problems: [],
    });
  });

  test('allowed is the whole LAN: other gateways are not', () => {
    const rules = parseRules(withAllowed({ prefix: { addr: '10.0.0.0', len: 24 } }));
    const [instance] = showNetwork(facts({ namespace: { ...inside, rules } })).instances;
    expect(instance?.reach[1]).toEqual({
      by: 'lan',
      from: ['10.0.0.0/24'],
      except: ['10.0.0.192/27'],
      to: '10.0.0.192:4004',
    });
  });

  test.each<[string, Partial<InstanceState>, RegExp]>([
    ['waits for a restart', { pendingRestart: true }, /waits for "sudo ibq restart 4001"/],
    [
      'lost its rules',
      { namespace: { ...inside, rules: null, rulesState: 'missing' } },
      /everybody gets in; to close it again: sudo nsenter .* nft -f \/run\/ibq\/instances\/4001\/guard\.nft/,
    ],
    [
      'has other rules than were loaded',
      { namespace: { ...inside, rulesState: 'changed' } },
      /not those that ibq loaded/,
    ],
    ['publishes what nobody listens on', { publish: '127.0.0.1:4999' }, /nothing listens on/],
    ['runs without a guard that ibq knows', { namespace: null, pid: null }, /nothing shows that/],
  ])('%s', (_what, changes, problem) => {
    const [instance] = showNetwork(facts(changes)).instances;
    expect(instance?.problems.join('\n')).toMatch(problem);
  });

  test('without rules is open to everybody, and is shown so', () => {
    const gone = { ...inside, rules: null, rulesState: 'missing' as const };
    const show = showNetwork(facts({ namespace: gone }));
    expect(show.instances[0]?.reach.map(({ by, from }) => [by, from])).toEqual([
      ['lan', []],
      ['published', []],
    ]);
    expect(renderDiagram(show, plain)).toMatch(/10\.0\.0\.192 .* all ports ← everybody/);
  });

  test('Podman’s forwards flushed: its socket still listens, and leads nowhere', () => {
    const flushed = { ...facts({ api: 'silent' }), forwards: null };
    const [instance] = showNetwork(flushed).instances;
    expect(instance?.published).toMatchObject({ listening: true, forwarded: false });
    expect(instance?.problems.join()).toContain('podman network reload --all');
  });

  describe('with more than its API', () => {
    const sides = [
      {
        service: 'paper' as const,
        relayPort: 4004,
        publish: '127.0.0.1:4001',
        lan: '10.0.0.192:4004',
        api: 'closed' as const,
      },
      {
        service: 'rdp' as const,
        relayPort: 3389,
        publish: '127.0.0.1:33001',
        lan: null,
        api: null,
      },
    ];

    test('each has its port, and what leads nowhere is said', () => {
      const [instance] = showNetwork(facts({ sideServices: sides })).instances;
      expect(instance?.sideServices).toEqual([
        {
          service: 'paper',
          api: 'closed',
          published: {
            address: '127.0.0.1:4001',
            relayPort: 4004,
            listening: true,
            forwarded: true,
          },
          lan: '10.0.0.192:4004',
        },
        {
          service: 'rdp',
          api: 'unchecked',
          published: {
            address: '127.0.0.1:33001',
            relayPort: 3389,
            listening: false,
            forwarded: false,
          },
          lan: null,
        },
      ]);
      expect(instance?.problems).toEqual([
        'nothing listens on 127.0.0.1:33001',
        expect.stringMatching(/^127\.0\.0\.1:33001 leads nowhere/),
      ]);
    });

    test('the diagram has both APIs, and the ports of the host', () => {
      const drawn = renderDiagram(showNetwork(facts({ sideServices: sides })), plain);
      expect(drawn).toContain('API live handshake, paper closed');
      expect(drawn).toContain(':3389 ← 127.0.0.1:33001 (rdp)');
    });

    test('stopped: what it would have', () => {
      const stopped = { unit: 'inactive', namespace: null, pid: null, api: null };
      const show = showNetwork(facts({ ...stopped, sideServices: sides }));
      expect(show.instances[0]?.sideServices).toEqual([]);
      expect(renderDiagram(show, plain)).toContain('127.0.0.1:33001');
      expect(misfits('network-show', { schemaVersion: 1, ...show })).toEqual([]);
    });

    test('where nobody can see a forward, a screen is taken to be forwarded as its API is', () => {
      const own = { ...facts({ sideServices: sides.slice(1) }), forwards: null };
      expect(showNetwork(own).instances[0]?.sideServices[0]?.published?.forwarded).toBe(true);
    });
  });

  const accept = (from: string, input?: string) => ({
    rule: {
      chain: 'input',
      expr: [
        ...(input
          ? [{ match: { op: '==', left: { meta: { key: 'iifname' } }, right: input } }]
          : []),
        {
          match: {
            op: '==',
            left: { payload: { protocol: 'ip', field: 'saddr' } },
            right: { prefix: { addr: from, len: from.endsWith('.0') ? 24 : 32 } },
          },
        },
        {
          match: { op: '==', left: { payload: { protocol: 'tcp', field: 'dport' } }, right: 4004 },
        },
        { accept: null },
      ],
    },
  });
  const withRules = (...more: unknown[]) =>
    parseRules({ nftables: [...listOf(field(guard, 'nftables')), ...more] });

  test('joined to a network of the user’s: its containers get in, and that is no foreign rule', () => {
    const joined = { ...link, name: 'join0', kind: 'veth', mac: null, addresses: ['10.90.0.5/24'] };
    const show = showNetwork(
      facts({
        namespace: {
          ...inside,
          links: [...inside.links, joined],
          rules: withRules(accept('10.90.0.0', 'join0')),
        },
      }),
    );
    const [instance] = show.instances;
    expect(instance?.attached).toEqual([{ interface: 'join0', address: '10.90.0.5', state: 'up' }]);
    expect(instance?.reach.at(-1)).toEqual({
      by: 'attached',
      from: ['10.90.0.0/24'],
      except: [],
      to: '10.90.0.5:4004',
    });
    const diagram = renderDiagram(show, plain);
    expect(diagram).toContain('\n  join0  10.90.0.5  :4004 ← 10.90.0.0/24');
    expect(diagram).not.toContain('!');
    expect(misfits('network-show', { schemaVersion: 1, ...show })).toEqual([]);
  });

  test('in a sidecar’s network: its interfaces, and who comes by its tunnel', () => {
    const veth = { ...link, name: 'eth0', kind: 'veth', mac: null, addresses: ['10.88.0.4/16'] };
    const tunnel = {
      ...link,
      name: 'wg0',
      kind: 'wireguard',
      mac: null,
      addresses: ['10.8.0.2/24'],
    };
    const show = showNetwork(
      facts({
        // As it is deployed: in the network of another container it has none.
        lan: null,
        namespace: {
          ...inside,
          links: [veth, tunnel],
          rules: withRules(accept('10.8.0.7')),
        },
      }),
    );
    const [instance] = show.instances;
    expect(instance).toMatchObject({ bridge: null, lan: null, problems: [expect.anything()] });
    expect(instance?.reach.map(({ by, to }) => [by, to])).toContainEqual(['attached', '*:4004']);
    const diagram = renderDiagram(show, plain);
    expect(diagram).toContain(
      '\n  eth0  10.88.0.4\n  wg0  10.8.0.2\n  :4004 ← 10.8.0.7/32\n  :4004 ← 127.0.0.1:4001 on the host',
    );
  });

  test('stopped: what it would have is said, nothing is in force', () => {
    const show = showNetwork(facts({ unit: 'inactive', namespace: null, pid: null, api: null }));
    expect(show.instances[0]).toMatchObject({
      state: 'stopped',
      lan: null,
      reach: [],
      problems: [],
    });
    expect(renderDiagram(show, plain)).toContain(
      '4001  stopped  not in force: 127.0.0.1:4001, 10.0.0.192:4004',
    );
  });
});

describe('the host', () => {
  const from = (right: unknown) => ({
    match: { op: '==', left: { payload: { protocol: 'ip', field: 'saddr' } }, right },
  });
  const lan = from({ prefix: { addr: '10.0.0.0', len: 24 } });
  test.each<[string, unknown[], string[] | null]>([
    ['none where ports are on loopback', [], null],
    ['none for what the host itself sends', [masquerade(ofHost)], null],
    ['for clients of the LAN', [masquerade(ofHost), masquerade(lan)], ['10.0.0.0/24']],
    ['for all, where the way out is the LAN', [masquerade(ofHost), masquerade()], []],
  ])('return path: %s', (_what, rules, expected) => {
    const state = facts();
    const listing = { nftables: [...listOf(field(read('host'), 'nftables')), ...rules] };
    const show = showNetwork({ ...state, host: { ...state.host, rules: parseRules(listing) } });
    expect(show.host.returnPath).toEqual(expected);
    const words = /return path {2}for (.*): published ports are answered by the host's address/;
    expect(words.exec(renderDiagram(show, plain))?.[1]).toBe(
      expected === null ? undefined : expected.join(', ') || 'all clients',
    );
  });

  test('parent down, rules flushed', () => {
    const state = facts();
    state.host = {
      ...state.host,
      rulesState: 'missing',
      links: state.host.links.map((it) => (it.name === 'eth1' ? { ...it, state: 'down' } : it)),
    };
    expect(showNetwork(state).problems).toEqual([
      expect.stringContaining('systemctl reload ibq-host-rules'),
      'eth1, which carries ibq-lan-1, is down',
    ]);
  });

  test('the parent is gone: its network is still drawn', () => {
    const state = facts();
    state.host = { ...state.host, links: state.host.links.filter(({ name }) => name !== 'eth1') };
    const show = showNetwork(state);
    expect(show.networks[0]?.interfaceState).toBe('missing');
    expect(renderDiagram(show, plain)).toMatch(/eth1 {2}missing\n.*ibq-lan-1/);
  });
});

test('the diagram', () => {
  expect(renderDiagram(showNetwork(facts()), plain)).toBe(
    `host
├─ eth0  up  198.51.100.2/24  way out via 198.51.100.1
├─ eth1  up  10.0.0.5/24  the LAN
│  └─ ibq-lan-1  macvlan  10.0.0.0/24  range 10.0.0.192 to 10.0.0.223  gateway 10.0.0.1
│     └─ 4001  10.0.0.192  02:a6:5b:df:56:1e  :4004 ← 10.0.0.7
├─ ibq1  up  10.89.0.1/24  bridge of the published ports
│  └─ ibq-publish-1  bridge  10.89.0.0/24  gateway 10.89.0.1
│     └─ 4001  10.89.0.3:4004  ← 127.0.0.1:4001 on the host
└─ rules  in force: what other machines and containers send to the bridge is dropped

4001  running  API handshake  way out pub0 via 10.89.0.1  rules in force`,
  );
});

test('the JSON fits its schema, also where nothing is in force', () => {
  const stopped = facts({ unit: 'failed', namespace: null, pid: null, api: null });
  for (const state of [facts(), stopped, { ...facts(), networks: [], instances: [] }]) {
    expect(misfits('network-show', { schemaVersion: 1, ...showNetwork(state) })).toEqual([]);
  }
});

const inside: NamespaceState = {
  links: [
    {
      ...link,
      name: 'lan0',
      kind: 'macvlan',
      mac: '02:a6:5b:df:56:1e',
      addresses: ['10.0.0.192/24'],
    },
    { ...link, name: 'pub0', kind: 'veth', mac: 'd6:88:2f:d0:1d:60', addresses: ['10.89.0.3/24'] },
  ],
  routes: [{ destination: 'default', gateway: '10.89.0.1', interface: 'pub0', metric: 100 }],
  rules: parseRules(guard),
  loadedRules: parseRules(guard),
  rulesState: 'in-force',
  listens: ['0.0.0.0:4004'],
};

function facts(changes: Partial<InstanceState> = {}): NetworkInForce {
  return {
    host: {
      links: [
        { ...link, name: 'lo', mac: null, addresses: ['127.0.0.1/8'] },
        { ...link, name: 'eth0', mac: '02:00:c6:33:64:02', addresses: ['198.51.100.2/24'] },
        { ...link, name: 'eth1', mac: '02:00:0a:00:00:05', addresses: ['10.0.0.5/24'] },
        { ...link, name: 'ibq1', kind: 'bridge', mac: null, addresses: ['10.89.0.1/24'] },
      ],
      routes: [
        { destination: 'default', gateway: '198.51.100.1', interface: 'eth0', metric: 0 },
        { destination: '10.0.0.0/24', gateway: null, interface: 'eth1', metric: 0 },
      ],
      rules: parseRules(read('host')),
      loadedRules: parseRules(read('host')),
      rulesState: 'in-force',
      listens: ['127.0.0.1:4001', '0.0.0.0:22'],
    },
    forwarding: true,
    forwards: parseRules(read('netavark')),
    networks: [
      {
        name: 'ibq-lan-1',
        driver: 'macvlan',
        mode: 'bridge',
        interface: 'eth1',
        subnet: '10.0.0.0/24',
        gateway: '10.0.0.1',
        range: { first: '10.0.0.192', last: '10.0.0.223' },
        attached: ['c0ffee/lan0'],
      },
      {
        name: 'ibq-publish-1',
        driver: 'bridge',
        mode: null,
        interface: 'ibq1',
        subnet: '10.89.0.0/24',
        gateway: '10.89.0.1',
        range: null,
        attached: ['c0ffee/pub0'],
      },
    ],
    wantedNetworks: ['ibq-lan-1', 'ibq-publish-1'],
    instances: [
      {
        name: '4001',
        unit: 'active',
        container: 'c0ffee',
        pid: 451,
        pendingRestart: false,
        api: 'handshake',
        publish: '127.0.0.1:4001',
        lan: '10.0.0.192',
        relayPort: 4004,
        sideServices: [],
        sharesHost: false,
        namespace: inside,
        ...changes,
      },
    ],
  };
}

/** `fib saddr type local`, as nft 1.1.3 prints it. */
const ofHost = {
  match: { op: '==', left: { fib: { result: 'type', flags: ['saddr'] } }, right: 'local' },
};

/** `ct status dnat oifname "ibq*" … masquerade` */
function masquerade(...matches: unknown[]): unknown {
  return {
    rule: {
      chain: 'postrouting',
      expr: [
        { match: { op: 'in', left: { ct: { key: 'status' } }, right: 'dnat' } },
        { match: { op: '==', left: { meta: { key: 'oifname' } }, right: 'ibq*' } },
        ...matches,
        { masquerade: null },
      ],
    },
  };
}

/** The guard with other elements in its allow list. */
function withAllowed(...elem: unknown[]): unknown {
  return {
    nftables: listOf(field(guard, 'nftables')).map((item) => {
      const set = field(item, 'set');
      return set ? { set: { ...set, elem } } : item;
    }),
  };
}

function plain(_style: string, text: string): string {
  return text;
}

function read(name: string): unknown {
  return JSON.parse(readFileSync(new URL(`../fixtures/nft/${name}.json`, import.meta.url), 'utf8'));
}
