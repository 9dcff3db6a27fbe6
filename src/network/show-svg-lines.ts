/** What stands in the boxes of the picture, as lines of text. */

import { type Line, type Run, run } from '../ui/svg.ts';
import { lanInterface, publishInterface } from './guard.ts';
import type { LinkWord, RulesWord } from './in-force.ts';
import type { NetworkShow, ShownInstance, ShownInterface, ShownNetwork } from './show.ts';
import type { Source } from './show-paths.ts';
import {
  apiText,
  IN_HOST,
  networkWords,
  notInForce,
  ROLES,
  RULES_DO,
  returnPathText,
  rulesWord,
  warningsOf,
  wayOutText,
} from './show-words.ts';

export function sourceLines({ title, words }: Source): Line[] {
  return [
    [run(title, 'strong')],
    ...words.map((text) => [run(text, /^\d/.test(text) ? 'mono' : 'muted')]),
  ];
}

/** @param link null: it is gone */
export function interfaceLines(
  { host }: NetworkShow,
  name: string,
  link: ShownInterface | null,
): Line[] {
  const out = host.wayOut?.interface === name ? [ROLES['way-out']] : [];
  const role = link && link.role !== 'way-out' ? [ROLES[link.role]] : [];
  const words = [...role, ...out].join(', ');
  return [
    [run(name, 'mono strong'), run('  '), linkRun(link?.state ?? 'missing')],
    ...(link ? [[run(link.addresses.join(' ') || 'no address', 'mono')]] : []),
    ...(words ? [[run(words, 'muted')]] : []),
  ];
}

export function networkLines(network: ShownNetwork): Line[] {
  const { more, old } = networkWords(network);
  return [
    [run(network.name, 'mono')],
    [run(`${network.driver} ${network.subnet}`, 'muted')],
    ...more.map((text) => [run(text, 'muted')]),
    ...old.map((text) => [run(text, 'warn')]),
  ];
}

/** The host's own way to the instances' LAN addresses, where it hangs on this network's parent. */
export function shimLines({ host }: NetworkShow, network: ShownNetwork): Line[] {
  return host.interfaces
    .filter(({ role, parent }) => role === 'shim' && parent === network.interface)
    .flatMap(({ name, state, addresses }) => [
      [
        run(name, 'mono strong'),
        run('  '),
        linkRun(state),
        run('  '),
        run(addresses.join(' '), 'mono'),
      ],
      [run(ROLES.shim, 'muted')],
    ]);
}

/** Rules, and what else of the host concerns all instances. */
export function hostLines({ host }: NetworkShow): Line[] {
  const { rules, returnPath, forwarding } = host;
  return [
    [rulesRun(rules), ...(rules === 'in-force' ? [run(`: ${RULES_DO}`, 'muted')] : [])],
    ...(returnPath === null ? [] : [[run(`return path ${returnPathText(returnPath)}`, 'muted')]]),
    ...(forwarding ? [] : [[run('forwarding is off: no published port leads in', 'bad')]]),
  ];
}

export function routerLines(address: string | null, words: readonly string[]): Line[] {
  return [
    address === null
      ? [run('Directly connected', 'strong')]
      : [run('Router ', 'strong'), run(address, 'mono')],
    ...words.map((text) => [run(text, 'muted')]),
  ];
}

/** What stands at the left and at the right of a card, from the top, and what goes below. */
export interface Card {
  /** The first one is the name, in larger letters. */
  left: Line[];
  right: Line[];
  below: Line[];
}

export function cardOf(instance: ShownInstance): Card {
  const { name, state, api, bridge, lan, sideServices } = instance;
  const paper = sideServices.find(({ service }) => service === 'paper');
  const answers = [api, paper?.api ?? api].every((it) => it === 'handshake' || it === 'logged-in');
  const down = (link: LinkWord) => (link === 'up' ? [] : [run('  '), linkRun(link)]);
  return {
    left: [
      [run(name, 'strong')],
      ...(bridge
        ? [
            [
              run(`${publishInterface} `, 'muted'),
              run(bridge.address, 'mono'),
              ...down(bridge.state),
            ],
          ]
        : []),
      ...instance.attached.map((it) => [
        run(`${it.interface} `, 'muted'),
        run(it.address, 'mono'),
        ...down(it.state),
      ]),
      ...sideServices.flatMap(({ service, published }) =>
        published === null ? [] : [[run(`${service} `, 'muted'), run(published.address, 'mono')]],
      ),
      ...(instance.sharesHost ? [[run(IN_HOST, 'muted')]] : []),
      [run(`${wayOutText(instance)} · `, 'muted'), rulesRun(instance.rules)],
    ],
    right: [
      [
        run(state, state === 'running' ? 'good' : 'warn'),
        run(' · ', 'muted'),
        run(`API ${apiText(instance)}`, answers ? 'good' : 'warn'),
      ],
      ...(lan
        ? [[run(lan.address, 'mono'), run(` ${lanInterface}`, 'muted'), ...down(lan.state)]]
        : []),
      ...(lan?.mac ? [[run(lan.mac, 'mono muted')]] : []),
    ],
    below: warningsOf(instance).map((text) => [run(`! ${text}`, 'warn')]),
  };
}

/** Of an instance that has no network of its own now. */
export function idleLines(instance: ShownInstance): Line[] {
  const { name, state } = instance;
  return [
    [run(name, 'strong'), run('  '), run(state, state === 'failed' ? 'bad' : 'warn')],
    [run(state === 'running' ? `API ${apiText(instance)}` : notInForce(instance), 'muted')],
    ...warningsOf(instance).map((text) => [run(`! ${text}`, 'warn')]),
  ];
}

function rulesRun(rules: RulesWord | 'none'): Run {
  return run(`rules ${rulesWord(rules)}`, rules === 'in-force' ? 'good' : 'bad');
}

function linkRun(state: LinkWord): Run {
  return run(state, state === 'up' ? 'good' : 'bad');
}
