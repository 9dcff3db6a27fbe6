/** Checks of the pinned LAN: the parent interface, whose addresses are whose, what lies between. */

import type { Lan } from '../config/types.ts';
import { connectedSubnets } from '../network/connected.ts';
import type { NetworkFacts } from '../network/facts.ts';
import { type Cidr, cidrContains, type Ipv4 } from '../network/ipv4.ts';
import { cloudOf, hypervisorWarning } from '../network/machine.ts';
import {
  type Check,
  defineCheck,
  type Finding,
  fail,
  ok,
  skipped,
  verdictOf,
  warn,
} from './check.ts';

const NO_LAN = 'no LAN is configured (mode bridge)';

const parent = defineCheck({
  id: 'parent-interface',
  title: 'parent interface',
  needs: ['config', 'network'],
  judge: ({ config, network }) => {
    const { lan } = config.network;
    if (lan === null) return skipped(NO_LAN);
    const finding = judgeParent(lan, network);
    return finding ?? ok(`${lan.interface} is up, ${lan.subnet}`);
  },
});

function judgeParent(lan: Lan, network: NetworkFacts): Finding | null {
  const link = network.links.find(({ name }) => name === lan.interface);
  if (link === undefined) {
    const successor = network.links.find(
      ({ name }) =>
        !name.startsWith('ibq') && connectedSubnets(network, name).includes(lan.subnet as Cidr),
    );
    return successor === undefined
      ? fail(
          `${lan.interface} should be an interface of this host, is gone`,
          `bring it back, or pin another: sudo ibq network detect --write`,
        )
      : fail(
          `${lan.interface} should be an interface of this host, is gone; ${successor.name} (${successor.mac ?? 'no MAC'}) has its subnet ${lan.subnet} now: renamed?`,
          `name it ${lan.interface} again, or pin it and deploy: sudo NETWORK_INTERFACE=${successor.name} ibq network detect --write`,
        );
  }
  if (link.operstate !== null && ['down', 'lowerlayerdown'].includes(link.operstate)) {
    return fail(
      `${lan.interface} should be up, is ${link.operstate}`,
      link.operstate === 'down'
        ? `sudo ip link set ${lan.interface} up; where it stays down, look at its cable`
        : `look at the cable of ${lan.interface}, or the interface below it`,
    );
  }
  const subnets = connectedSubnets(network, lan.interface);
  if (subnets.includes(lan.subnet)) return null;
  return fail(
    `${lan.interface} should have an address in ${lan.subnet}, has ${subnets.join(', ') || 'none'}`,
    `give it one again, or pin what it has: sudo ibq network detect --write`,
  );
}

const wireless = defineCheck({
  id: 'wireless',
  title: 'Wi-Fi',
  needs: ['config', 'network'],
  judge: ({ config, network }) => {
    const { lan } = config.network;
    if (lan === null) return skipped(NO_LAN);
    const link = network.links.find(({ name }) => name === lan.interface);
    if (!link?.wireless) return ok(`${lan.interface} is not Wi-Fi`);
    return lan.driver === 'ipvlan'
      ? ok(`${lan.interface} is Wi-Fi, with ipvlan`)
      : fail(
          `${lan.interface} is Wi-Fi, which takes one MAC address only: macvlan gets no answer`,
          'set network.driver = "ipvlan" in ibq.toml, then: sudo ibq deploy --restart-changed',
        );
  },
});

const cloud = defineCheck({
  id: 'cloud',
  title: 'cloud',
  needs: ['config', 'network'],
  judge: ({ config, network }) => {
    const name = cloudOf(network.machine);
    if (name === null) return ok('not a cloud that is known to filter addresses');
    return config.network.lan === null
      ? ok(`${name}, without addresses on the LAN`)
      : fail(
          `${name} drops addresses that it did not assign: nobody reaches the instances' LAN addresses`,
          'set network.mode = "bridge" in ibq.toml, then: sudo ibq deploy --restart-changed',
        );
  },
});

const virtualSwitch = defineCheck({
  id: 'virtual-switch',
  title: 'switch',
  needs: ['network', 'lanFromInside'],
  judge: ({ network, lanFromInside: { gateway, host, instances } }) => {
    const silent = instances.filter(({ answered }) => !answered).map(({ name }) => name);
    if (silent.length === 0) return ok(`${gateway} answers every instance's own address`);
    if (!host) return skipped(`${gateway} does not answer the host either`);
    return fail(
      `the gateway ${gateway} answers the host and not ${silent.join(', ')}: something on the way drops their addresses`,
      hypervisorWarning(network.machine) ??
        'let the switch port of this host accept more than one MAC address (port security, MAC filter, promiscuous mode), or set network.mode = "bridge"',
    );
  },
});

const duplicate = defineCheck({
  id: 'duplicate-address',
  title: 'LAN addresses',
  needs: ['manifest', 'lanAnswers'],
  judge: ({ manifest, lanAnswers }) => {
    const own = Object.entries(manifest?.instances ?? {}).flatMap(([name, { lan }]) =>
      lan === null ? [] : [{ name, ...lan }],
    );
    if (own.length === 0) return skipped('no deployed instance has a LAN address');
    return verdictOf(
      own.flatMap(({ name, address, mac }) => {
        const answer = lanAnswers.get(address as Ipv4);
        return answer === undefined || answer === mac
          ? []
          : fail(
              `${address} of ${name} is also that of ${answer} on the LAN`,
              `take ${address} away from the machine with MAC ${answer}; where DHCP gave it, keep network.range out of what it gives`,
            );
      }),
      `nobody else answers at ${own.map(({ address }) => address).join(', ')}`,
    );
  },
});

const dhcpRange = defineCheck({
  id: 'dhcp-range',
  title: 'LAN range',
  needs: ['config', 'manifest', 'lanAnswers'],
  judge: ({ config, manifest, lanAnswers }) => {
    const { lan } = config.network;
    if (lan === null) return skipped(NO_LAN);
    const own = new Set(Object.values(manifest?.instances ?? {}).map((it) => it.lan?.address));
    const strangers = [...lanAnswers].filter(
      ([address]) => cidrContains(lan.range, address) && !own.has(address),
    );
    return strangers.length === 0
      ? ok(`nobody else answers in ${lan.range}; what a DHCP server may give out no probe can tell`)
      : warn(
          `in ${lan.range} there is ${strangers.map(([address, mac]) => `${address} (MAC ${mac})`).join(', ')}, which is no instance's`,
          `keep ${lan.range} out of what DHCP gives and out of fixed addresses, or set another network.range`,
        );
  },
});

export const lanChecks: readonly Check[] = [
  parent,
  wireless,
  cloud,
  virtualSwitch,
  duplicate,
  dhcpRange,
];
