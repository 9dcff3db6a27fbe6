import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { InstanceName, Lan } from '../../src/config/types.ts';
import { formatProblem } from '../../src/errors.ts';
import {
  type AddressPlanInput,
  type LanAddress,
  planAddresses,
  shimAddress,
} from '../../src/network/address-plan.ts';
import { type Cidr, cidrContains, type Ipv4 } from '../../src/network/ipv4.ts';

const lan: Lan = {
  driver: 'macvlan',
  interface: 'eth1',
  subnet: '10.0.0.0/24' as Cidr,
  gateway: '10.0.0.1' as Ipv4,
  range: '10.0.0.192/29' as Cidr,
};

const named = (...names: string[]) =>
  names.map((name) => ({
    name: name as InstanceName,
    file: `/etc/ibq/instances/${name}.toml`,
    fixed: null as Ipv4 | null,
  }));

const input = (changes: Partial<AddressPlanInput> = {}): AddressPlanInput => ({
  lan,
  instances: named('a', 'b'),
  hostAccess: false,
  previous: new Map(),
  held: new Map(),
  hostAddresses: ['10.0.0.5' as Ipv4],
  seen: [],
  answered: [],
  machineId: '0123456789abcdef0123456789abcdef',
  file: '/etc/ibq/network.toml',
  ...changes,
});

const plan = (changes: Partial<AddressPlanInput> = {}) => {
  const { assignments, problems } = planAddresses(input(changes));
  const addresses = [...assignments].map(([name, { address }]) => `${name} ${address}`);
  return { addresses, problems: problems.map(formatProblem), assignments };
};

const had = (addresses: Record<string, string>): Map<string, LanAddress> =>
  new Map(
    Object.entries(addresses).map(([name, address], at) => [
      name,
      { address: address as Ipv4, mac: `02:00:00:00:00:0${at}` as LanAddress['mac'] },
    ]),
  );

const holds = (addresses: Record<string, string>) =>
  new Map(Object.entries(addresses).map(([name, address]) => [name, [address as Ipv4]]));

describe('addresses', () => {
  test.each<[string, Partial<AddressPlanInput>, string[]]>([
    ['are the lowest free ones', {}, ['a 10.0.0.192', 'b 10.0.0.193']],
    [
      'are kept, whatever came or went before them',
      { previous: had({ b: '10.0.0.192' }), instances: named('a', 'b') },
      ['a 10.0.0.193', 'b 10.0.0.192'],
    ],
    [
      'of a removed instance are not given away while it may run',
      { previous: had({ gone: '10.0.0.192' }) },
      ['a 10.0.0.193', 'b 10.0.0.194'],
    ],
    [
      'of one that is long gone are its own while others are free',
      { previous: had({ gone: '10.0.0.192' }), retired: new Set(['gone']) },
      ['a 10.0.0.193', 'b 10.0.0.194'],
    ],
    [
      'of one that is long gone are given to others where nothing else is free',
      {
        lan: { ...lan, range: '10.0.0.192/30' as Cidr },
        instances: named('a', 'b', 'c'),
        previous: had({ gone: '10.0.0.193' }),
        retired: new Set(['gone']),
      },
      ['a 10.0.0.192', 'b 10.0.0.194', 'c 10.0.0.193'],
    ],
    [
      'of one that is long gone are its own again when it comes back',
      {
        instances: named('a', 'gone'),
        previous: had({ gone: '10.0.0.192' }),
        retired: new Set(['gone']),
      },
      ['a 10.0.0.193', 'gone 10.0.0.192'],
    ],
    [
      'of one that runs, and of which nothing was written down, are its own',
      { held: holds({ b: '10.0.0.195' }) },
      ['a 10.0.0.192', 'b 10.0.0.195'],
    ],
    [
      'seen on the LAN are avoided',
      { seen: ['10.0.0.192' as Ipv4] },
      ['a 10.0.0.193', 'b 10.0.0.194'],
    ],
    [
      'seen on the LAN are kept where it is the instance that was seen',
      { previous: had({ a: '10.0.0.192' }), seen: ['10.0.0.192' as Ipv4] },
      ['a 10.0.0.192', 'b 10.0.0.193'],
    ],
    [
      'for which somebody answers are not given back to an instance that had them',
      { previous: had({ a: '10.0.0.192' }), answered: ['10.0.0.192' as Ipv4] },
      ['a 10.0.0.193', 'b 10.0.0.194'],
    ],
    [
      'of the host and the gateway are avoided',
      {
        lan: { ...lan, gateway: '10.0.0.192' as Ipv4 },
        hostAddresses: ['10.0.0.193' as Ipv4],
      },
      ['a 10.0.0.194', 'b 10.0.0.195'],
    ],
    [
      'outside the range are given anew',
      { previous: had({ a: '10.0.0.100', b: '10.0.0.192' }) },
      ['a 10.0.0.193', 'b 10.0.0.192'],
    ],
    [
      'never include those of the subnet itself',
      { lan: { ...lan, subnet: '10.0.0.0/28' as Cidr, range: '10.0.0.0/28' as Cidr } },
      ['a 10.0.0.2', 'b 10.0.0.3'],
    ],
  ])('%s', (_, changes, addresses) => {
    expect(plan(changes)).toMatchObject({ addresses, problems: [] });
  });

  const fixed = (addresses: Record<string, string>) =>
    named('a', 'b').map((it) => ({ ...it, fixed: (addresses[it.name] ?? null) as Ipv4 | null }));
  test.each<[string, Partial<AddressPlanInput>, string[]]>([
    [
      'that were chosen are had, in the range',
      { instances: fixed({ b: '10.0.0.192' }) },
      ['a 10.0.0.193', 'b 10.0.0.192'],
    ],
    [
      'that were chosen are had, outside the range too',
      { instances: fixed({ a: '10.0.0.100' }) },
      ['a 10.0.0.100', 'b 10.0.0.192'],
    ],
    [
      'that were chosen go before those of before',
      { instances: fixed({ a: '10.0.0.100' }), previous: had({ a: '10.0.0.192' }) },
      ['a 10.0.0.100', 'b 10.0.0.193'],
    ],
    [
      'that were chosen outside the range are given up with the choice',
      { instances: fixed({}), previous: had({ a: '10.0.0.100' }) },
      ['a 10.0.0.192', 'b 10.0.0.193'],
    ],
    [
      'the last of the range may be chosen while the host does not want it',
      { instances: fixed({ a: '10.0.0.199' }) },
      ['a 10.0.0.199', 'b 10.0.0.192'],
    ],
    [
      'that a running instance has by its older definition are not given to another',
      { previous: had({ a: '10.0.0.100' }), held: holds({ c: '10.0.0.192', a: '10.0.0.193' }) },
      ['a 10.0.0.194', 'b 10.0.0.195'],
    ],
  ])('%s', (_, changes, addresses) => {
    expect(plan(changes)).toMatchObject({ addresses, problems: [] });
  });

  test('the last of the range is kept back for the host', () => {
    expect(shimAddress(lan)).toBe('10.0.0.199');
    const seven = named('a', 'b', 'c', 'd', 'e', 'f', 'g');
    expect(plan({ instances: seven }).addresses.at(-1)).toBe('g 10.0.0.198');
    expect(plan({ instances: seven }).problems).toEqual([]);
  });
});

describe('an address that was chosen', () => {
  const chosen = (address: string) => [
    ...named('a').map((it) => ({ ...it, fixed: address as Ipv4 })),
    ...named('b'),
  ];
  test.each<[string, string, Partial<AddressPlanInput>, string]>([
    [
      'is in another subnet',
      '10.0.1.9',
      {},
      'should be the address of a machine in 10.0.0.0/24, got 10.0.1.9',
    ],
    [
      'is the subnet itself',
      '10.0.0.0',
      {},
      'should be the address of a machine in 10.0.0.0/24, got 10.0.0.0',
    ],
    [
      'is for all',
      '10.0.0.255',
      {},
      'should be the address of a machine in 10.0.0.0/24, got 10.0.0.255',
    ],
    ['is the host’s', '10.0.0.5', {}, 'should be free, 10.0.0.5 is that of the host'],
    ['is the gateway', '10.0.0.1', {}, 'should be free, 10.0.0.1 is that of the gateway'],
    [
      'is the host’s among the instances',
      '10.0.0.199',
      { hostAccess: true },
      'should be free, 10.0.0.199 is that of the host (network.host_access)',
    ],
    [
      'is had by a running instance until its restart',
      '10.0.0.100',
      { held: holds({ b: '10.0.0.100' }) },
      'should be free, 10.0.0.100: instance b has it until it is stopped or restarted; run "sudo ibq stop b" first',
    ],
  ])('%s', (_, address, changes, message) => {
    const { problems } = plan({ instances: chosen(address), ...changes });
    expect(problems).toEqual([`/etc/ibq/instances/a.toml: address: ${message}`]);
  });

  test('is an older one’s: whoever was there first is not blamed', () => {
    const instances = [
      ...named('a'),
      ...named('b').map((it) => ({ ...it, fixed: '10.0.0.192' as Ipv4 })),
    ];
    expect(plan({ instances, previous: had({ a: '10.0.0.192' }) }).problems).toEqual([
      '/etc/ibq/instances/b.toml: address: should be free, 10.0.0.192 is that of instance a',
    ]);
  });

  test('of two that chose it the second is told', () => {
    const instances = named('a', 'b').map((it) => ({ ...it, fixed: '10.0.0.100' as Ipv4 }));
    expect(plan({ instances }).problems).toEqual([
      '/etc/ibq/instances/b.toml: address: should be free, 10.0.0.100 is that of instance a',
    ]);
  });

  test('is its own while it runs', () => {
    const { addresses, problems } = plan({
      instances: chosen('10.0.0.100'),
      held: holds({ a: '10.0.0.100' }),
    });
    expect(addresses).toEqual(['a 10.0.0.100', 'b 10.0.0.192']);
    expect(problems).toEqual([]);
  });
});

test('the host’s address among the instances is not that of one that still runs there', () => {
  const held = holds({ a: '10.0.0.199' });
  expect(plan({ held, hostAccess: true }).problems).toEqual([
    "/etc/ibq/network.toml: network.range: its last address 10.0.0.199 is the host's (network.host_access), " +
      'but instance a has it until it is stopped or restarted; run "sudo ibq stop a" first',
  ]);
  expect(plan({ held }).problems).toEqual([]);
});

describe('clashes', () => {
  test.each<[string, Partial<AddressPlanInput>, string]>([
    [
      'with the host',
      { previous: had({ a: '10.0.0.195' }), hostAddresses: ['10.0.0.195' as Ipv4] },
      '/etc/ibq/instances/a.toml: LAN address 10.0.0.195 of instance a is also that of the host; ' +
        'give the host another one, or set network.range so that 10.0.0.195 is outside it',
    ],
    [
      'with the gateway',
      {
        previous: had({ a: '10.0.0.195' }),
        lan: { ...lan, gateway: '10.0.0.195' as Ipv4 },
      },
      '/etc/ibq/instances/a.toml: LAN address 10.0.0.195 of instance a is also that of the gateway; ' +
        'give the gateway another one, or set network.range so that 10.0.0.195 is outside it',
    ],
    [
      'with each other',
      { previous: had({ a: '10.0.0.195', b: '10.0.0.195' }) },
      '/etc/ibq/instances/b.toml: LAN address 10.0.0.195 of instance b is also that of instance a; ' +
        'give instance a another one, or set network.range so that 10.0.0.195 is outside it',
    ],
  ])('%s are said', (_, changes, problem) => {
    expect(plan(changes).problems).toEqual([problem]);
  });

  test('a full range says how many are missing and how to enlarge it', () => {
    const nine = named(...'abcdefghi');
    expect(plan({ instances: nine, seen: ['10.0.0.193' as Ipv4] }).problems).toEqual([
      '/etc/ibq/network.toml: network.range: should have an address for each of 9 instances, got ' +
        '10.0.0.192/29 with 7 (1 in use on the LAN), 3 too few; set range = "10.0.0.192/28", which must be ' +
        'outside the DHCP range: all keep their addresses, and what runs takes it over at its next restart',
    ]);
  });

  test('where the subnet has no larger block, that is said', () => {
    const problems = plan({
      instances: named(...Array.from({ length: 300 }, (_, at) => `g${at}`)),
    });
    expect(problems.problems[0]).toContain('choose another range');
  });
});

describe('MAC addresses', () => {
  test('are kept', () => {
    const previous = had({ a: '10.0.0.192' });
    expect(plan({ previous }).assignments.get('a' as InstanceName)?.mac).toBe('02:00:00:00:00:00');
  });

  test('are none with ipvlan, and come with the change to macvlan', () => {
    const ipvlan = plan({ lan: { ...lan, driver: 'ipvlan' } }).assignments;
    expect([...ipvlan.values()].map(({ mac }) => mac)).toEqual([null, null]);
    const macvlan = plan({ previous: ipvlan }).assignments;
    expect([...macvlan.values()].every(({ mac }) => mac !== null)).toBe(true);
  });
});

test('planning again with what was planned changes nothing, and no two share an address', () => {
  const names = fc.uniqueArray(fc.constantFrom(...'abcdefgh', 'constructor', '__proto__'));
  fc.assert(
    fc.property(names, names, (first, second) => {
      const before = planAddresses(input({ instances: named(...first) })).assignments;
      const again = planAddresses(input({ instances: named(...second), previous: before }));
      const all = [...again.assignments.values()].map(({ address }) => address);
      expect(new Set(all).size).toBe(all.length);
      expect(all.every((address) => cidrContains(lan.range, address))).toBe(true);
      for (const [name, had] of before) {
        if (second.includes(name)) expect(again.assignments.get(name)).toEqual(had);
      }
      expect(again.assignments.size < second.length).toBe(again.problems.length > 0);
    }),
  );
});
