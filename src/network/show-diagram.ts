/** `network show` as a diagram in text: the host, what hangs on each interface, who gets in where. */

import type { Style } from '../ui/ui.ts';
import type { Reach } from './reach-in.ts';
import type { NetworkShow, ShownInstance, ShownInterface, ShownNetwork } from './show.ts';
import {
  apiText,
  IN_HOST,
  inwardText,
  networkWords,
  notInForce,
  ROLES,
  RULES_DO,
  returnPathText,
  rulesWord,
  warningsOf,
  wayOutText,
} from './show-words.ts';

type Paint = (style: Style, text: string) => string;

interface Node {
  text: string;
  below: Node[];
}

export function renderDiagram(show: NetworkShow, paint: Paint): string {
  const root: Node = {
    text: paint('bold', 'host'),
    below: [
      ...show.host.interfaces.map((link) => interfaceNode(show, link, paint)),
      ...hostNodes(show, paint),
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

function hostNodes({ host }: NetworkShow, paint: Paint): Node[] {
  const good = host.rules === 'in-force';
  const rules = paint(good ? 'green' : 'red', rulesWord(host.rules));
  const { returnPath } = host;
  return [
    ...(returnPath === null
      ? []
      : [{ text: `return path  ${returnPathText(returnPath)}`, below: [] }]),
    { text: `rules  ${rules}${good ? `: ${RULES_DO}` : ''}`, below: [] },
  ];
}

function sharingNode(instance: ShownInstance, paint: Paint): Node {
  const words = [paint('bold', instance.name), IN_HOST, bridgeEnd(instance).trim()];
  return { text: words.join('  '), below: [] };
}

function networkNode(show: NetworkShow, network: ShownNetwork, paint: Paint): Node {
  const { more, old } = networkWords(network);
  const words = [
    network.name,
    network.driver,
    network.subnet,
    ...more,
    ...old.map((text) => paint('yellow', text)),
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

function bridgeEnd({ bridge, published, sideServices, reach }: ShownInstance): string {
  const port = published ? [`← ${published.address} on the host`] : [];
  const sides = sideServices.flatMap(({ service, published: at }) =>
    at === null ? [] : `:${at.relayPort} ← ${at.address} (${service})`,
  );
  const more = reach.filter(({ by }) => by === 'published').map(inwardText);
  return [
    bridge === null ? '' : `${bridge.address}${published ? `:${published.relayPort}` : ''}`,
    ...port,
    ...sides,
    ...more,
  ].join('  ');
}

function instanceLines(instance: ShownInstance, paint: Paint): string[] {
  const { name, state, rules } = instance;
  const running = state === 'running';
  const words = running
    ? [`API ${apiText(instance)}`, wayOutText(instance), `rules ${rulesWord(rules)}`]
    : [notInForce(instance)];
  return [
    `${paint('bold', name)}  ${paint(running ? 'green' : 'yellow', state)}  ${words.join('  ')}`,
    ...attachedLines(instance),
    ...warningsOf(instance).map((line) => `  ${paint('yellow', `! ${line}`)}`),
  ];
}

/** Networks of the user's, which no interface of the host stands for above. */
function attachedLines({ bridge, attached, published, reach }: ShownInstance): string[] {
  const inward = reach.filter(({ by }) => by === 'attached');
  const at = ({ to }: Reach) => to.slice(0, to.lastIndexOf(':'));
  const lines = attached.map((it) =>
    [
      it.interface,
      it.address,
      ...inward.filter((one) => at(one) === it.address).map(inwardText),
    ].join('  '),
  );
  const anywhere = inward.filter((one) => !attached.some(({ address }) => address === at(one)));
  return [
    ...lines,
    ...anywhere.map(inwardText),
    ...(published && !bridge && attached.length > 0
      ? [`:${published.relayPort} ← ${published.address} on the host`]
      : []),
  ].map((line) => `  ${line}`);
}
