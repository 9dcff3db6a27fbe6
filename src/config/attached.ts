/** Networks beside ibq's own: what can't go together. Whether they are there, the host tells later. */

import { complain, type Layer, lookup } from './layer.ts';
import type { Report } from './report.ts';
import { show } from './text.ts';
import type { Instance, NetworkConfig } from './types.ts';

export function checkAttached(
  instances: readonly Instance[],
  network: NetworkConfig,
  networkLayers: readonly Layer[],
  report: Report,
): void {
  const sidecars = new Map<string, Instance>();
  for (const instance of instances) {
    const { join, via, publish } = instance.settings.network;
    const refuse = (key: string, message: string) =>
      report.problem({ file: instance.file, key, message });
    if (network.mode === 'host' && join.length > 0) {
      refuse('network.join', 'should be empty in mode "host": the host is in all its networks');
    }
    const { ssh } = instance.settings;
    const kept = publish
      ? null
      : whyPublished(network, via, ssh.mode !== 'no' && ssh.via === 'host');
    if (kept !== null) refuse('network.publish', kept);
    if (via === null) continue;
    if (network.mode === 'host') {
      refuse('network.via', 'should be left out in mode "host", which has no network of its own');
    }
    for (const key of setBeside(instance)) {
      refuse(key, `should be left out beside network.via: it belongs to ${via}`);
    }
    const other = sidecars.get(via);
    if (other) {
      const message = `should be its own, ${via} is the network of ${other.file} too: their ports clash`;
      refuse('network.via', message);
    }
    sidecars.set(via, instance);
  }
  const joined = new Set(instances.flatMap(({ settings }) => settings.network.join));
  for (const name of network.allowNetworks.filter((it) => !joined.has(it))) {
    const message = `${show(name)} should be an address, a subnet, or a network that an instance joins (network.join)`;
    complain(lookup('network.allow', networkLayers), message, report);
  }
}

/** In another container's network, that container decides. */
function setBeside({ settings }: Instance): string[] {
  const set: Readonly<Record<string, boolean>> = {
    'network.join': settings.network.join.length > 0,
    address: settings.address !== null,
    hosts: Object.keys(settings.hosts).length > 0,
    dns: settings.dns.length > 0,
  };
  return Object.keys(set).filter((key) => set[key]);
}

/** Why an API can't be kept from the host; null: it can. */
function whyPublished({ mode }: NetworkConfig, via: string | null, tunnel: boolean): string | null {
  if (mode === 'host')
    return 'should be true in mode "host": the gateway listens on the host itself';
  if (via !== null) return `should be left out beside network.via: ${via} publishes`;
  if (tunnel && mode === 'bridge')
    return 'should be true beside a tunnel that this host holds: it begins at the published port';
  return null;
}
