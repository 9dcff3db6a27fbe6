/** Checks of the ways in and out: published ports, what carries them, and the way to IBKR. */

import type { Config } from '../config/types.ts';
import { profileFor } from '../images/index.ts';
import { listenerInTheWay, nameOfHolder } from '../network/listeners.ts';
import { instanceService } from '../plan/paths.ts';
import { endpointsOf } from '../quadlet/endpoints.ts';
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
import { firewalld, trust } from './firewalld.ts';

const ports = defineCheck({
  id: 'ports',
  title: 'published ports',
  needs: ['config', 'listeners'],
  judge: ({ config, listeners }) => {
    if (config.network.mode === 'lan') return skipped('mode lan publishes none');
    if (config.instances.length === 0) return skipped('no instance is configured');
    const published = publishedPorts(config);
    return verdictOf(
      published.flatMap(({ name, file, address, port }) => {
        const others = listeners.filter(({ unit }) => unit !== instanceService(name));
        const holder = listenerInTheWay(others, address, port);
        return holder === undefined
          ? []
          : fail(
              `${address}:${port} of ${name} is taken by ${nameOfHolder(holder)}`,
              `stop that, or set another port in ${file}`,
            );
      }),
      published.map(({ port }) => port).join(', '),
    );
  },
});

/** Of every instance: its API's, and what it publishes beside it. In another container's network that one publishes. */
function publishedPorts(config: Config) {
  const own = config.instances.filter(({ settings }) => settings.network.via === null);
  return own.flatMap((instance) =>
    endpointsOf(config, instance, profileFor(instance)).flatMap(({ published }) =>
      published === null ? [] : [{ name: instance.name, file: instance.file, ...published }],
    ),
  );
}

const portRules = defineCheck({
  id: 'port-rules',
  title: 'port forwarding',
  needs: ['instances', 'ruleset'],
  judge: ({ instances, ruleset }) => {
    const published = instances
      .filter(({ active, sharesHost }) => active === 'active' && !sharesHost)
      .flatMap(({ name, publish: api, answers, sideServices }) => {
        // Nobody asks a screen: where the API is forwarded by other means, it is taken to be so too.
        const elsewhere = answers && api !== null && !isForwarded(ruleset, api);
        return [{ publish: api, answers }, ...sideServices].flatMap((it) =>
          it.publish === null
            ? []
            : [{ name, publish: it.publish, answers: it.answers ?? elsewhere }],
        );
      });
    if (published.length === 0) return skipped('no instance with a published port runs');
    const lost = published.filter(
      // Forwarded by other means than nftables (iptables-legacy): an answer is proof enough.
      ({ publish, answers }) => !answers && !isForwarded(ruleset, publish),
    );
    return verdictOf(
      lost.map(({ name, publish }) =>
        fail(
          `nothing forwards ${publish} to ${name}: the rules of Podman's netavark are gone`,
          'sudo podman network reload --all',
        ),
      ),
      published.map(({ publish }) => publish).join(', '),
    );
  },
});

/** @param ruleset of nft: `ip daddr 127.0.0.1 tcp dport 4001 dnat ip to 10.89.0.3:4003` */
function isForwarded(ruleset: string, publish: string): boolean {
  const port = publish.slice(publish.lastIndexOf(':') + 1);
  return new RegExp(`\\bdport ${port}\\b.*\\bdnat\\b.* to `).test(ruleset);
}

const forwarding = defineCheck({
  id: 'forwarding',
  title: 'way out',
  needs: ['wayOut', 'firewalld'],
  judge: ({
    wayOut: {
      ipForward,
      nextHop,
      leavesBy,
      host,
      instances,
      astray,
      bridgeSubnet,
      deaf,
      droppingChains,
    },
    firewalld: daemon,
  }) => {
    if (instances.length === 0) return skipped('no instance runs on the bridge');
    const findings: Finding[] = [];
    if (!ipForward) {
      findings.push(
        fail(
          "net.ipv4.ip_forward should be 1, is 0: gateways can't reach IBKR over the bridge",
          'sudo sysctl -w net.ipv4.ip_forward=1, and mend what sets it to 0 ("grep -r ip_forward /etc/sysctl.*")',
        ),
      );
    }
    const cut = host ? instances.filter(({ answered }) => !answered) : [];
    if (ipForward && cut.length > 0 && astray.length === 0) {
      const names = cut.map(({ name }) => name).join(', ');
      findings.push(
        fail(
          `${nextHop} answers the host and not ${names}: this host does not forward for them`,
          daemon?.subnet && daemon.zone === null
            ? trust(daemon.subnet)
            : droppingChains.length === 0
              ? 'look for what drops it: "sudo nft list ruleset"'
              : droppingChains.flatMap(acceptBridges).join('\n'),
        ),
      );
    }
    for (const { name, address, interface: by, table } of astray) {
      const way = by === null ? 'nowhere' : `by ${by}`;
      const rule = table === null ? 'a route' : `a rule that leads to table ${table}`;
      findings.push(
        fail(
          `what this host sends to ${address}, where ${name} is on its bridge, leaves ${way}: ${rule} comes before the bridge, and its published ports lead nowhere`,
          `sudo ip rule add pref 100 to ${bridgeSubnet ?? address} lookup main, and put it where it outlives a reboot; or leave that subnet out of what the VPN announces`,
        ),
      );
    }
    if (cut.length === 0) findings.push(...deaf.map(deafFinding));
    const unasked =
      nextHop === null && leavesBy !== null
        ? `${leavesBy}, by which this host goes out, has no router to ask`
        : `${nextHop ?? 'without a default route nobody'} does not answer the host`;
    const sound = host ? `${nextHop} answers through this host` : `ip_forward is 1; ${unasked}`;
    return verdictOf(findings, sound);
  },
});

function deafFinding({ name, servers }: { name: string; servers: readonly string[] }): Finding {
  const who = servers.join(', ');
  return fail(
    `${who}, by which ${name} looks names up, answers this host and not ${name}: it can't find IBKR`,
    `name servers that gateways reach, such as the router's: dns = ["ADDRESS"] in [defaults] of ibq.toml, then: sudo ibq deploy --restart-changed`,
  );
}

/** In force until the firewall's next reload: its own configuration needs them too (docs/doctor.md). */
function acceptBridges(chain: string): string[] {
  return [
    `sudo nft 'add rule ${chain} iifname "ibq*" accept'`,
    `sudo nft 'add rule ${chain} oifname "ibq*" ct state established,related accept'`,
  ];
}

const firewallReload = defineCheck({
  id: 'firewall-reload',
  title: 'firewall reloads',
  needs: ['nftablesService'],
  judge: ({ nftablesService: { enabled, flushes, file } }) => {
    if (!enabled) return ok('nftables.service is not in use');
    if (!flushes) return ok(`${file} leaves the rules of others alone`);
    return warn(
      `${file} begins with "flush ruleset": each start or reload of nftables.service takes the rules of Podman along, and published ports are dead`,
      `in ${file}, replace "flush ruleset" by lines that name your own tables (destroy table inet filter), or after each reload: sudo podman network reload --all`,
    );
  },
});

export const portChecks: readonly Check[] = [
  ports,
  portRules,
  forwarding,
  firewallReload,
  firewalld,
];
