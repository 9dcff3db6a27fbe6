import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  ipv4FromNumber,
  ipv4ToNumber,
  makeCidr,
  maskOf,
  networkOf,
  prefixOf,
} from '../../src/network/ipv4.ts';
import {
  type ByteOrder,
  byteOrderOf,
  parseInterfaces,
  parseLocalAddresses,
  parseNeighbours,
  parseRoutes,
  type Route,
  RTF_GATEWAY,
  RTF_UP,
} from '../../src/network/proc.ts';
import { hostPath } from './hosts.ts';

/** The kernel's header, padded to 127 characters as its rows are. */
const HEADER =
  'Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT'.padEnd(127);

/** What `fib_route_seq_show` prints. */
function formatRoutes(routes: readonly Route[], order: ByteOrder): string {
  const hex = (value: number) => {
    const bytes = Buffer.alloc(4);
    if (order === 'big') bytes.writeUInt32BE(value);
    else bytes.writeUInt32LE(value);
    return bytes.toString('hex').toUpperCase();
  };
  const rows = routes.map((route) => {
    const gateway = route.gateway === null ? 0 : ipv4ToNumber(route.gateway);
    const fields = [
      route.interface,
      hex(networkOf(route.destination)),
      hex(gateway),
      route.flags.toString(16).toUpperCase().padStart(4, '0'),
      0,
      0,
      route.metric,
      hex(maskOf(prefixOf(route.destination))),
      0,
      0,
      0,
    ];
    return fields.join('\t').padEnd(127);
  });
  return `${[HEADER, ...rows].join('\n')}\n`;
}

const nameCharacter = fc.constantFrom(...'abcxyzEIf0189.-@_%|');
const interfaceName = fc.string({ unit: nameCharacter, minLength: 1, maxLength: 15 });
const address = fc.integer({ min: 1, max: 2 ** 32 - 1 });
const route = fc
  .record({
    interface: interfaceName,
    destination: fc.tuple(address, fc.integer({ min: 0, max: 32 })),
    gateway: fc.option(address),
    metric: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
  })
  .map(
    (made): Route => ({
      interface: made.interface,
      destination: makeCidr(...made.destination),
      gateway: made.gateway === null ? null : ipv4FromNumber(made.gateway),
      flags: RTF_UP | (made.gateway === null ? 0 : RTF_GATEWAY),
      metric: made.metric,
    }),
  );

describe('/proc/net/route', () => {
  test.each(['little', 'big'] as const)('reads back every table in %s-endian', (order) => {
    fc.assert(
      fc.property(fc.array(route), (routes) => {
        expect(parseRoutes(formatRoutes(routes, order), order)).toEqual({
          entries: routes,
          skipped: 0,
        });
      }),
    );
  });

  test.each(['little', 'big'] as const)('finds %s-endian where one mask tells', (order) => {
    const telling = route.filter(({ destination }) => ![0, 32].includes(prefixOf(destination)));
    fc.assert(
      fc.property(fc.array(route), telling, (routes, one) => {
        const all = [...routes, one];
        expect(parseRoutes(formatRoutes(all, order)).entries).toEqual(all);
      }),
    );
  });

  test.each([
    [[], 'little'],
    [['00000000', 'FFFFFFFF'], 'little'],
    [['000000FF'], 'little'],
    [['FF000000'], 'big'],
    [['00FFFFFF', '0000FFFF', 'FFFFFF00'], 'little'],
    [['00000000', 'FFFFFC00'], 'big'],
    [['nonsense'], 'little'],
  ])('masks %j: %s-endian', (masks, order) => {
    expect(byteOrderOf(masks)).toBe(order);
  });

  test('leaves out unreachable routes and those of no interface', () => {
    const text = [
      HEADER,
      '*\t0000000A\t00000000\t0201\t0\t0\t0\t000000FF\t0\t0\t0',
      'lo\t0001A8C0\t00000000\t0201\t0\t0\t0\t00FFFFFF\t0\t0\t0',
      'eth0\t0002A8C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0',
    ].join('\n');
    const { entries, skipped } = parseRoutes(text);
    expect(entries.map(({ destination }) => destination)).toEqual(['192.168.2.0/24']);
    expect(skipped).toBe(0);
  });

  test('skips and counts what makes no sense, whatever it is', () => {
    const text = `${HEADER}\neth0\tXYZ\n\neth0\t0002A8C0\t00000000\t0001\t0\t0\t0\t00FF00FF\t0\t0\t0\n`;
    expect(parseRoutes(text)).toEqual({ entries: [], skipped: 2 });
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (noise) => {
        parseRoutes(noise);
        parseInterfaces(noise);
        parseLocalAddresses(noise);
        parseNeighbours(noise);
      }),
    );
  });
});

describe('/proc/net/dev', () => {
  const counters = '1234567 29 0 0 0 0 0 0 3193 29 0 0 0 0 0 0';
  const header = 'Inter-|   Receive  |  Transmit\n face |bytes    packets|bytes    packets\n';

  test('reads names, glued to the colon or not, with any character a name may have', () => {
    fc.assert(
      fc.property(fc.array(interfaceName), fc.boolean(), (names, glued) => {
        const rows = names.map((name) => `${name.padStart(6)}:${glued ? '' : ' '}${counters}\n`);
        const parsed = parseInterfaces(header + rows.join(''));
        expect(parsed).toEqual({ entries: names, skipped: 0 });
      }),
    );
  });

  test('counts a line without counters', () => {
    expect(parseInterfaces(`${header}  eth0 1 2 3\n`)).toEqual({ entries: [], skipped: 1 });
  });
});

describe('/proc/net/fib_trie', () => {
  test('finds the local addresses of a real table, once each', () => {
    const text = readFileSync(`${hostPath('several-subnets')}/proc/net/fib_trie`, 'utf8');
    expect(parseLocalAddresses(text)).toEqual({
      entries: ['10.17.0.5', '127.0.0.1', '192.168.7.2', '203.0.113.9'],
      skipped: 0,
    });
  });
});

describe('/proc/net/arp', () => {
  test('reads every neighbour, those that do not answer included', () => {
    const text = [
      'IP address       HW type     Flags       HW address            Mask     Device',
      '192.168.1.1      0x1         0x2         52:54:00:12:00:00     *        eth0',
      '192.168.1.77     0x1         0x0         00:00:00:00:00:00     *        eth0',
      'somewhere        0x1         0x0         00:00:00:00:00:00     *        eth0',
    ].join('\n');
    expect(parseNeighbours(text)).toEqual({
      entries: [
        { address: '192.168.1.1', mac: '52:54:00:12:00:00', interface: 'eth0' },
        { address: '192.168.1.77', mac: null, interface: 'eth0' },
      ],
      skipped: 1,
    });
  });
});
