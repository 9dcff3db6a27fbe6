/** Words that the diagram in text and the picture share. */

import type { RulesWord } from './in-force.ts';
import type { Reach } from './reach-in.ts';
import type { ShownInstance, ShownInterface, ShownNetwork } from './show.ts';

export const ROLES: Readonly<Record<ShownInterface['role'], string>> = {
  parent: 'the LAN',
  bridge: 'bridge of the published ports',
  shim: "the host's own way to the instances' LAN addresses",
  'way-out': 'way out',
};

/** Mode `host`. */
export const IN_HOST = "in the host's own network";

export const RULES_DO = 'what other machines and containers send to the bridge is dropped';

export function rulesWord(rules: RulesWord | 'none'): string {
  return rules === 'in-force' ? 'in force' : rules;
}

/** @param from as in `host.returnPath` */
export function returnPathText(from: readonly string[]): string {
  const whose = from.length > 0 ? from.join(', ') : 'all clients';
  return `for ${whose}: published ports are answered by the host's address`;
}

/** What else there is to say of a network; `old`: that it goes, where it does. */
export function networkWords({ range, gateway, current }: ShownNetwork): {
  more: string[];
  old: string[];
} {
  return {
    more: [
      ...(range ? [`range ${range.first} to ${range.last}`] : []),
      ...(gateway ? [`gateway ${gateway}`] : []),
    ],
    old: current ? [] : ['old: goes when nobody uses it'],
  };
}

/** `:4003 ← 10.0.0.7`: who opens which port. */
export function inwardText({ from, except, to }: Reach): string {
  const port = to.slice(to.lastIndexOf(':') + 1);
  const who = [from.join(', ') || 'everybody', ...butNot(except)].join(' ');
  return `${port === 'any' ? 'all ports' : `:${port}`} ← ${who}`;
}

/** Empty where nobody is left out. */
export function butNot(except: readonly string[]): string[] {
  return except.length > 0 ? [`but not ${except.join(', ')}`] : [];
}

export function wayOutText({ wayOut }: ShownInstance): string {
  if (wayOut === null) return 'no way out';
  return `way out ${wayOut.interface}${wayOut.gateway ? ` via ${wayOut.gateway}` : ''}`;
}

/** What its definition gives an instance that does not run. */
export function notInForce({ deployed }: ShownInstance): string {
  const waiting = [deployed, ...deployed.sideServices].flatMap((it) => [it.publish, it.lan]);
  return `not in force: ${waiting.filter(Boolean).join(', ')}`;
}

/** What the handshake found; in mode `both` of each of the two. */
export function apiText({ api, sideServices }: ShownInstance): string {
  const paper = sideServices.find(({ service }) => service === 'paper');
  return paper === undefined ? api : `live ${api}, paper ${paper.api}`;
}

/** What is wrong with an instance, and who gets in by rules that are not ibq's. */
export function warningsOf({ problems, reach }: ShownInstance): string[] {
  const odd = reach.filter(({ by }) => by === 'other');
  return [...problems, ...odd.map((it) => `also open: ${inwardText(it)}`)];
}
