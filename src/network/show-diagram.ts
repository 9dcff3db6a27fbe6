/** `network show` as a diagram in text: the host, what hangs on each interface, who gets in where. */

import type { Style } from '../ui/ui.ts';
import type { Reach } from './reach-in.ts';
import type { NetworkShow, ShownInstance, ShownInterface, ShownNetwork } from './show.ts';

type Paint = (style: Style, text: string) => string;

interface Node {
  text: string;
  below: Node[];
}

const ROLES: Readonly<Record<ShownInterface['role'], string>> = {
  parent: 'the LAN',
  bridge: 'bridge of the published ports',
  shim: "the host's own way to the instances' LAN addresses",
  'way-out': 'way out',
};

export function renderDiagram(show: NetworkShow, paint: Paint): string {
  const root: Node = {
    text: paint('bold', 'host'),
    below: [
      ...show.host.interfaces.map((link) => interfaceNode(show, link, paint)),
      rulesNode(show, paint),
      ...show.instances.filter((it) => it.sharesHost).map((it) => sharingNode(it, paint)),
    ],
  };
  const missing = show.networks.filter(({ interfaceState }) => interfaceState === 'missing');
  root.below.push(
    ...missing.map((network) => ({
      text: paint('red', `${network.interface}  missing`),
      below: [networkNode(show, network, paint)],
    })),
  );
  const lines = [
    ...draw(root, '', ''),
    '',
    ...show.instances.flatMap((instance) => instanceLines(instance, paint)),
    ...show.problems.map((problem) => paint('red', `! ${problem}`)),
  ];
  return lines.join('\n').trimEnd();
}

function draw(node: Node, first: string, rest: string): string[] {
  const below = node.below.flatMap((child, index) => {
    const last = index === node.below.length - 1;
    return draw(child, `${rest}${last ? '└─ ' : '├─ '}`, `${rest}${last ? '   ' : '│  '}`);
  });
  return [`${first}${node.text}`, ...below];
}

function interfaceNode(show: NetworkShow, link: ShownInterface, paint: Paint): Node {
  const { wayOut } = show.host;
  const out = wayOut?.interface === link.name;
  const via = wayOut?.gateway ? `way out via ${wayOut.gateway}` : 'way out';
  const role = link.role === 'way-out' ? [] : [ROLES[link.role]];
  const words = [
    link.name,
    paint(link.state === 'up' ? 'green' : 'red', link.state),
    link.addresses.join(' ') || 'no address',
    [...role, ...(out ? [via] : [])].join(', '),
  ];
  return {
    text: words.join('  '),
    below: show.networks
      .filter((network) => network.interface === link.name)
      .map((network) => networkNode(show, network, paint)),
  };
}

function rulesNode({ host }: NetworkShow, paint: Paint): Node {
  const good = host.rules === 'in-force';
  const what = 'what other machines and containers send to the bridge is dropped';
  return {
    text: `rules  ${paint(good ? 'green' : 'red', good ? 'in force' : host.rules)}${good ? `: ${what}` : ''}`,
    below: [],
  };
}

function sharingNode(instance: ShownInstance, paint: Paint): Node {
  const words = [
    paint('bold', instance.name),
    "in the host's own network",
    bridgeEnd(instance).trim(),
  ];
  return { text: words.join('  '), below: [] };
}

function networkNode(show: NetworkShow, network: ShownNetwork, paint: Paint): Node {
  const { range } = network;
  const words = [
    network.name,
    network.driver,
    network.subnet,
    ...(range ? [`range ${range.first} to ${range.last}`] : []),
    ...(network.gateway ? [`gateway ${network.gateway}`] : []),
    ...(network.current ? [] : [paint('yellow', 'old: goes when nobody uses it')]),
  ];
  const side = network.kind === 'lan' ? 'lan' : 'bridge';
  const inside = show.instances.filter((instance) => instance[side]?.network === network.name);
  const width = Math.max(0, ...inside.map(({ name }) => name.length));
  return {
    text: words.join('  '),
    below: inside.map((instance) => ({
      text: `${paint('bold', instance.name.padEnd(width))}  ${
        side === 'lan' ? lanEnd(instance) : bridgeEnd(instance)
      }`,
      below: [],
    })),
  };
}

function lanEnd({ lan, reach }: ShownInstance): string {
  const words = [lan?.address ?? '', ...(lan?.mac ? [lan.mac] : [])];
  const inward = reach.filter(({ by }) => by === 'lan').map(inwardText);
  return [...words, ...(inward.length > 0 ? inward : ['← nobody'])].join('  ');
}

function bridgeEnd({ bridge, published, reach }: ShownInstance): string {
  const port = published ? [`← ${published.address} on the host`] : [];
  const more = reach.filter(({ by }) => by === 'published').map(inwardText);
  return [
    bridge === null ? '' : `${bridge.address}${published ? `:${published.relayPort}` : ''}`,
    ...port,
    ...more,
  ].join('  ');
}

function inwardText({ from, except, to }: Reach): string {
  const not = except.length > 0 ? ` but not ${except.join(', ')}` : '';
  const port = to.slice(to.lastIndexOf(':') + 1);
  return `${port === 'any' ? 'all ports' : `:${port}`} ← ${from.join(', ') || 'everybody'}${not}`;
}

function instanceLines(instance: ShownInstance, paint: Paint): string[] {
  const { name, state, api, wayOut, rules, problems, deployed } = instance;
  const running = state === 'running';
  const out = wayOut
    ? `way out ${wayOut.interface}${wayOut.gateway ? ` via ${wayOut.gateway}` : ''}`
    : 'no way out';
  const odd = instance.reach
    .filter(({ by }) => by === 'other')
    .map((reach) => `also open: ${inwardText(reach)}`);
  const words = running
    ? [`API ${api}`, out, `rules ${rules === 'in-force' ? 'in force' : rules}`]
    : [`not in force: ${[deployed.publish, deployed.lan].filter(Boolean).join(', ')}`];
  return [
    `${paint('bold', name)}  ${paint(running ? 'green' : 'yellow', state)}  ${words.join('  ')}`,
    ...[...problems, ...odd].map((line) => `  ${paint('yellow', `! ${line}`)}`),
  ];
}
