/** The picture of `network show`: what is in it, that it can be read, and that nothing overlaps. */

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { NetworkShow, ShownInstance } from '../../src/network/show.ts';
import { renderSvg } from '../../src/network/show-svg.ts';
import { contains, lanes, overlaps, rectangles, texts } from '../support/svg-boxes.ts';
import { elementsOf, parseXml, textOf, type XmlElement } from '../support/xml.ts';
import { CONDITIONS, changed, MODES, OLD_LAN, type Options, shownHost } from './shown.ts';

const AT = '2025-11-21 08:00:00 UTC';

/** Every line of text of it. */
function linesOf(svg: XmlElement): string[] {
  return elementsOf(svg, 'text').map(textOf);
}

function draw(show: NetworkShow): XmlElement {
  return parseXml(renderSvg(show, AT));
}

/** How many arrows of each look end at cards, that of the legend not counted. */
function arrows(svg: XmlElement): Record<string, number> {
  const count = (look: string) =>
    elementsOf(svg, 'path').filter(({ attributes }) => attributes.class === look).length;
  const ends = (state: string) => (count(`line ${state}`) > 0 ? 1 : 0);
  return {
    open: count('head open') - 1,
    closed: count('line closed cross') - 1,
    broken: count('head broken') - ends('broken'),
    exposed: count('head exposed') - ends('exposed'),
  };
}

describe('what is in it', () => {
  test.each(MODES)('%s: each gateway with its addresses, ports and state', (mode) => {
    const show = shownHost({ mode, count: 12 });
    const lines = linesOf(draw(show));
    for (const { name, bridge, lan, published } of show.instances) {
      const port = Number(name) % 2 === 1 ? 4003 : 4004;
      expect(lines).toContain(name);
      if (bridge) expect(lines).toContain(`pub0 ${bridge.address}`);
      if (published) expect(lines).toContain(published.address);
      if (lan) {
        expect(lines).toEqual(
          expect.arrayContaining([`${lan.address} lan0`, `${lan.address}:${port}`, lan.mac]),
        );
      }
    }
    expect(lines.filter((it) => it === 'running · API handshake')).toHaveLength(12);
  });

  test('what is published beside the API, and both APIs', () => {
    const at = (address: string, relayPort: number) => ({
      address,
      relayPort,
      listening: true,
      forwarded: true,
    });
    const sideServices: ShownInstance['sideServices'] = [
      { service: 'paper', api: 'closed', published: at('127.0.0.1:4002', 4004), lan: null },
      { service: 'vnc', api: 'unchecked', published: at('127.0.0.1:5901', 5900), lan: null },
    ];
    const show = changed(shownHost({ mode: 'dual', count: 1 }), 0, { sideServices });
    expect(linesOf(draw(show))).toEqual(
      expect.arrayContaining([
        'running · API live handshake, paper closed',
        'paper 127.0.0.1:4002',
        'vnc 127.0.0.1:5901',
      ]),
    );
    expect(faults(draw(show))).toEqual([]);
  });

  test('host, interfaces, networks, router, who is allowed, and when it was so', () => {
    expect(linesOf(draw(shownHost({ mode: 'dual', count: 1 })))).toEqual(
      expect.arrayContaining([
        `in force ${AT}`,
        ...['may connect', 'is dropped', 'way out'],
        ...['This host', 'eth0  up', '198.51.100.2/24', 'Router 198.51.100.1'],
        ...['ibq0fd8daf1  up', '10.89.0.1/24', 'ibq-publish-0fd8daf1', 'bridge 10.89.0.0/24'],
        ...['eth1  up', '10.0.0.5/24', 'ibq-lan-a828e57e', 'macvlan 10.0.0.0/24'],
        ...['range 10.0.0.193 to 10.0.0.254', 'LAN 10.0.0.0/24', 'Router 10.0.0.1'],
        ...['Programs on this host', 'Allowed clients', '10.0.0.7', 'Everybody else'],
        'way out pub0 via 10.89.0.1 · rules in force',
      ]),
    );
  });

  test.each<[string, Options, Record<string, number>]>([
    ['dual', { mode: 'dual', count: 3 }, { open: 6, closed: 6 }],
    ['bridge', { mode: 'bridge', count: 3 }, { open: 3, closed: 3 }],
    ['lan', { mode: 'lan', count: 3 }, { open: 3, closed: 3 }],
    ['host', { mode: 'host', count: 3 }, { open: 3, closed: 3 }],
    ['host, published', { mode: 'host', count: 3, published: true }, { open: 6, closed: 3 }],
    [
      'published, with a shim',
      { mode: 'dual', count: 3, published: true, shim: true },
      { open: 12, closed: 6 },
    ],
  ])('arrows of three gateways, %s', (_what, options, expected) => {
    expect(arrows(draw(shownHost(options)))).toEqual({ broken: 0, exposed: 0, ...expected });
  });

  test.each<[string, Record<string, number>, string[]]>([
    ['stopped', { open: 0, closed: 0 }, ['4001  stopped', 'not in force: 127.0.0.1:4001,']],
    ['failed', { open: 0, closed: 0 }, ['4001  failed']],
    ['without a guard that is known', { open: 0, closed: 0 }, ['4001  running', 'API unchecked']],
    ['waits for a restart', {}, ['! changed, waits for "sudo ibq restart 4002" (new login)']],
    ['its port leads nowhere', { open: 1, broken: 1 }, ['let in, but leads nowhere']],
    [
      'its rules are gone',
      { open: 1, closed: 0, exposed: 2 },
      ['Everybody', '10.0.0.192, all ports', '10.89.0.3, all ports'],
    ],
    [
      'somebody added a rule',
      { exposed: 2 },
      ['By a foreign rule', '10.0.0.66', '10.0.0.192:22', 'but not 10.0.0.192/27'],
    ],
    [
      'joined to a network',
      { open: 3 },
      ['join0 10.90.0.5', 'By another network', '10.90.0.0/24', '10.90.0.5:4003'],
    ],
    [
      "in a sidecar's network",
      { open: 2, closed: 1 },
      ['eth0 10.88.0.4', 'wg0 10.8.0.2', '10.8.0.7', '*:4003', '127.0.0.1:4001'],
    ],
    [
      'opens several ports',
      {},
      ['10.89.0.3:4003, 5900, 22, 8888', '10.0.0.192:4003, 5900, 22, 8888'],
    ],
    [
      'with the longest of everything',
      { open: 0, broken: 2 },
      [
        'research_desk_with_31_character',
        'stopping · API link-down',
        'pub0 255.255.255.255  no-carrier',
      ],
    ],
    [
      'on a LAN of before',
      { open: 1, broken: 1 },
      ['eth2  missing', 'old: goes when nobody uses it'],
    ],
  ])('%s', (condition, expected, words) => {
    const show = changed(shownHost({ mode: 'dual', count: 1 }), 0, CONDITIONS[condition] ?? {});
    const svg = draw({ ...show, networks: [...show.networks, OLD_LAN] });
    expect(arrows(svg)).toEqual({ open: 2, closed: 2, broken: 0, exposed: 0, ...expected });
    expect(linesOf(svg)).toEqual(expect.arrayContaining(words));
  });

  test.each<['missing' | 'changed' | 'unknown', string]>([
    ['missing', 'Other containers'],
    ['changed', 'Others'],
    ['unknown', 'Others'],
  ])('rules of the host %s: nothing says that they get nowhere', (rules, who) => {
    const show = shownHost({ mode: 'bridge', count: 1 });
    const svg = draw({ ...show, host: { ...show.host, rules }, problems: ['flushed'] });
    expect(arrows(svg)).toMatchObject({ exposed: 1, closed: 1 });
    expect(linesOf(svg)).toEqual(
      expect.arrayContaining([`rules ${rules}`, who, 'Other gateways', '! flushed']),
    );
  });

  test('the way back of published ports, and the host among its instances', () => {
    const lines = linesOf(draw(shownHost({ mode: 'dual', count: 1, published: true, shim: true })));
    expect(lines.join(' ')).toContain(
      'return path for 10.0.0.0/24: published ports are answered by',
    );
    expect(lines).toEqual(
      expect.arrayContaining([
        'ibqshim  up  10.0.0.222/32',
        'This host, by ibqshim',
        '10.0.0.5:4001',
      ]),
    );
  });

  test.each<[string, Options, string[]]>([
    ['the host', { mode: 'dual', count: 1 }, ['way out of the host']],
    [
      'the LAN',
      { mode: 'dual', count: 1, egress: 'lan' },
      ['way out of the host', 'way out of the gateways'],
    ],
  ])('the way out over %s', (_what, options, words) => {
    const svg = draw(shownHost(options));
    expect(linesOf(svg).filter((it) => it.startsWith('way out of'))).toEqual(words);
    expect(elementsOf(svg, 'path').filter((it) => it.attributes.class === 'head out')).toHaveLength(
      1 + words.length,
    );
  });

  test("in the host's own network: its rules are what closes it", () => {
    const show = shownHost({ mode: 'host', count: 1, published: true });
    expect(linesOf(draw(show))).toEqual(
      expect.arrayContaining([
        ...["in the host's own network", 'way out eth0 via 198.51.100.1 · rules in force'],
        ...['10.0.0.5:4001', '10.0.0.5:4003', '10.0.0.7'],
      ]),
    );
    const flushed = changed(show, 0, {
      rules: 'missing',
      reach: [{ by: 'published', from: [], except: [], to: '*:4003' }],
    });
    expect(arrows(draw(flushed))).toEqual({ open: 1, closed: 0, broken: 0, exposed: 1 });
    expect(linesOf(draw(flushed))).toEqual(expect.arrayContaining(['Everybody', '*:4003']));
    const deaf = { address: '10.0.0.5:4001', relayPort: 4003, listening: false, forwarded: true };
    expect(arrows(draw(changed(show, 0, { published: deaf })))).toMatchObject({
      open: 0,
      broken: 2,
    });
  });

  test.each<[string, (show: NetworkShow) => NetworkShow]>([
    [
      'the host finds nothing that accepts at the published port',
      (show) => changed(show, 0, { api: 'refused' }),
    ],
    [
      'the shim is down',
      ({ host, ...show }) => {
        const interfaces = host.interfaces.map((it) =>
          it.role === 'shim' ? { ...it, state: 'down' as const } : it,
        );
        return { ...show, host: { ...host, interfaces } };
      },
    ],
    [
      'the way back is gone: clients of the LAN get no answer',
      ({ host, ...show }) => ({ ...show, host: { ...host, returnPath: null } }),
    ],
  ])('let in, but leads nowhere: %s', (_what, change) => {
    const show = shownHost({ mode: 'dual', count: 1, published: true, shim: true });
    expect(arrows(draw(show))).toMatchObject({ open: 4, broken: 0 });
    expect(arrows(draw(change(show)))).toMatchObject({ open: 3, broken: 1 });
  });

  test('no way back is needed for clients beyond the LAN, unless the LAN is the way out', () => {
    const brokenOf = (egress: 'host' | 'lan', allow: string[]) => {
      const show = shownHost({ mode: 'dual', count: 1, published: true, egress, allow });
      return arrows(draw({ ...show, host: { ...show.host, returnPath: null } })).broken;
    };
    expect(brokenOf('host', ['203.0.113.10'])).toBe(0);
    expect(brokenOf('host', ['203.0.113.10', '10.0.0.0/8'])).toBe(1);
    expect(brokenOf('lan', ['203.0.113.10'])).toBe(1);
  });

  test('everybody is allowed: that is no allowed client', () => {
    const everybody = shownHost({ mode: 'dual', count: 1, published: true, allow: ['0.0.0.0/0'] });
    expect(arrows(draw(everybody))).toEqual({ open: 1, closed: 0, broken: 0, exposed: 2 });
    expect(linesOf(draw(everybody)).filter((it) => it === '10.0.0.5:4001')).toHaveLength(2);
  });

  test('gateways with the same networks and sources share them; one on another LAN does not', () => {
    const show = changed(
      shownHost({ mode: 'dual', count: 4 }),
      2,
      CONDITIONS['on a LAN of before'] ?? {},
    );
    const lines = linesOf(draw({ ...show, networks: [...show.networks, OLD_LAN] }));
    expect(lines.filter((it) => it.startsWith('LAN '))).toEqual([
      'LAN 10.0.0.0/24',
      'LAN 192.168.7.0/24',
    ]);
    expect(lines.filter((it) => it === 'Allowed clients')).toHaveLength(2);
  });

  test('nothing deployed, nothing attached', () => {
    const empty = shownHost({ mode: 'dual', count: 0 });
    expect(linesOf(draw({ ...empty, networks: [] }))).toContain('Nothing is deployed');
    expect(linesOf(draw(empty))).toEqual(
      expect.arrayContaining(['ibq-lan-a828e57e', 'ibq-publish-0fd8daf1']),
    );
  });
});

test('the picture of docs/network-show.md is of today (update it with vitest -u)', async () => {
  const show = shownHost({ mode: 'dual', count: 3 });
  const networks = show.networks.map((it) =>
    it.kind === 'lan' ? { ...it, range: { first: '10.0.0.192', last: '10.0.0.223' } } : it,
  );
  const pending = changed({ ...show, networks }, 1, CONDITIONS['waits for a restart'] ?? {});
  const stopped = changed(pending, 2, {
    ...CONDITIONS.stopped,
    name: 'research',
    deployed: { publish: '127.0.0.1:4010', lan: '10.0.0.194:4004', sideServices: [] },
  });
  await expect(`${renderSvg(stopped, AT)}\n`).toMatchFileSnapshot('../../docs/network-show.svg');
});

describe('for those who read it otherwise', () => {
  const svg = draw(changed(shownHost({ mode: 'dual', count: 2 }), 1, CONDITIONS.stopped ?? {}));

  test('a title and a description are its name', () => {
    const [title, desc] = [elementsOf(svg, 'title')[0], elementsOf(svg, 'desc')[0]];
    expect(svg.attributes).toMatchObject({
      role: 'img',
      'aria-labelledby': `${title?.attributes.id} ${desc?.attributes.id}`,
    });
    expect(title && textOf(title)).toBe('Network of the gateways');
    expect(desc && textOf(desc).split('\n')).toEqual([
      `In force ${AT}.`,
      '4001, running: Programs on this host: open at 127.0.0.1:4001; Everybody else, other gateways, ' +
        'containers and machines: closed; Allowed clients, 10.0.0.7: open at 10.0.0.192:4003; ' +
        'Everybody else, on the LAN, other gateways too: closed.',
      '4002, stopped: without a network now.',
    ]);
  });

  test('every colour has one for a dark page', () => {
    const style = textOf(elementsOf(svg, 'style')[0] as XmlElement);
    const [light = '', dark = ''] = style.split('@media (prefers-color-scheme:dark){');
    const painted = (css: string) =>
      [...css.matchAll(/^(.*)\{(fill|stroke):#/gm)].map((it) => it[1]);
    expect(painted(dark).length).toBeGreaterThan(20);
    expect(painted(dark)).toEqual(painted(light));
  });

  test('it needs nothing else and runs nothing', () => {
    const names = new Set(allOf(svg).map(({ name }) => name));
    expect([...names].sort()).toEqual([
      'desc',
      'g',
      'path',
      'rect',
      'style',
      'svg',
      'text',
      'title',
      'tspan',
    ]);
    expect(renderSvg(shownHost({ mode: 'dual', count: 2 }), AT)).not.toMatch(
      /href|url\(|@import|on\w+=/,
    );
  });
});

/** Hosts of every mode and size, with whatever may be the matter. */
const anyOptions: fc.Arbitrary<Options> = fc.record({
  mode: fc.constantFrom(...MODES),
  count: fc.integer({ min: 1, max: 6 }),
  published: fc.boolean(),
  shim: fc.boolean(),
  egress: fc.constantFrom('host', 'lan'),
  allow: fc.array(fc.constantFrom('10.0.0.7', '203.0.113.0/24', '10.0.0.100-10.0.0.120'), {
    minLength: 1,
    maxLength: 9,
  }),
});

const anyShow: fc.Arbitrary<NetworkShow> = fc
  .tuple(
    anyOptions,
    // The matter with each of the first ones.
    fc.array(fc.constantFrom({}, ...Object.values(CONDITIONS)), { maxLength: 6 }),
    fc.constantFrom('in-force', 'changed', 'missing', 'unknown'),
    fc.array(
      fc.constant('the host\'s rules were flushed; run "sudo systemctl reload ibq-host-rules"'),
    ),
  )
  .map(([options, conditions, rules, problems]) => {
    const plain = shownHost(options);
    const show = conditions.reduce((it: NetworkShow, changes: Partial<ShownInstance>, at) => {
      const has = it.instances[at];
      // What a mode does not have, no condition gives it.
      const fits = {
        ...changes,
        ...(has?.bridge
          ? {}
          : {
              bridge: null,
              published: changes.published === null ? null : (has?.published ?? null),
            }),
        ...(has?.lan ? {} : { lan: null }),
      };
      return changed(it, at, fits);
    }, plain);
    return {
      ...show,
      networks: [...show.networks, OLD_LAN],
      host: { ...show.host, rules },
      problems,
    };
  });

/** Text that nobody should be able to give anything; what XML can't hold, too. */
const hostile = fc.oneof(
  fc.constantFrom(
    '</text><script>alert(1)</script>',
    '"/><a href="x',
    "'&amp;<!--",
    ']]>',
    '\u202e4001',
  ),
  fc.string({ unit: 'binary', minLength: 1, maxLength: 31 }),
  fc.string({ unit: fc.constantFrom('\0', '\u001b', '\ud800', '\ufffe', 'a', '\n'), minLength: 1 }),
);

describe('whatever the host is like', () => {
  test('it is XML, with every gateway and every address in it', () => {
    fc.assert(
      fc.property(anyShow, (show) => {
        const text = linesOf(draw(show)).join('\n');
        for (const { name, bridge, lan, published, deployed, state } of show.instances) {
          expect(text).toContain(name);
          if (bridge) expect(text).toContain(bridge.address);
          if (lan) expect(text).toContain(lan.address);
          if (published && bridge) expect(text).toContain(published.address);
          if (state === 'stopped') expect(text).toContain(deployed.publish ?? deployed.lan);
        }
        for (const { name, subnet } of show.networks) {
          expect(text).toContain(name);
          expect(text).toContain(subnet);
        }
      }),
      { numRuns: 30 },
    );
  });

  test.each(MODES.flatMap((mode) => [1, 3, 12, 50].map((count) => ({ mode, count }))))(
    'nothing overlaps with $count gateways in mode $mode',
    (options) => {
      expect(faults(draw(shownHost(options)))).toEqual([]);
    },
  );

  test('nothing overlaps, nothing is cut', () => {
    fc.assert(
      fc.property(anyShow, (show) => {
        expect(faults(draw(show))).toEqual([]);
      }),
      {
        numRuns: 30,
      },
    );
  });

  test('hostile names stay text', () => {
    fc.assert(
      fc.property(hostile, fc.constantFrom(...MODES), (name, mode) => {
        const show = shownHost({ mode, count: 2 });
        const named = {
          ...changed(show, 1, { name, problems: [name], state: 'running' }),
          problems: [name],
          networks: show.networks.map((it) => ({ ...it, name: `${it.name}${name}` })),
        };
        const svg = draw({
          ...named,
          instances: named.instances.map((it) => ({
            ...it,
            reach: it.reach.map((one) => ({ ...one, from: [name] })),
          })),
        });
        expect(new Set(allOf(svg).map((it) => it.name))).toEqual(
          new Set(allOf(draw(show)).map((it) => it.name)),
        );
        expect(faults(svg)).toEqual([]);
      }),
      { numRuns: 60 },
    );
  });
});

function allOf(element: XmlElement): XmlElement[] {
  const below = element.children.filter((it) => typeof it !== 'string');
  return [element, ...below.flatMap(allOf)];
}

/** Boxes and texts that overlap, that leave what they stand in, or that a lane goes through. */
function faults(svg: XmlElement): string[] {
  const { width, height } = svg.attributes;
  const page = { what: 'page', left: 0, top: 0, right: Number(width), bottom: Number(height) };
  const [boxes, words, frames] = [
    rectangles(svg, 'box'),
    texts(svg),
    [...rectangles(svg, 'host'), ...rectangles(svg, 'lan')],
  ];
  const left = [...boxes, ...words].filter((it) => !contains(page, it));
  const crossing = (outer: typeof boxes, inner: typeof boxes) =>
    inner.filter((it) =>
      outer.some((one) => !contains(one, it) && overlaps([one], [it]).length > 0),
    );
  return [
    ...[...left, ...crossing(boxes, words), ...crossing(frames, [...boxes, ...words])].map(
      ({ what }) => `${what} is cut`,
    ),
    ...overlaps(boxes),
    ...overlaps(words),
    ...overlaps(frames),
    ...overlaps(lanes(svg), [...boxes, ...words]),
  ];
}
