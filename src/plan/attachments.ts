/** What instances are attached to besides ibq's own networks: checked against what the host has. Pure. */

import type { Config, Instance } from '../config/types.ts';
import type { Problem } from '../errors.ts';
import { profileFor } from '../images/index.ts';
import type { AttachedNetwork, Attachments, Sidecar } from '../network/attached.ts';
import { endpointsOf, publishText } from '../quadlet/endpoints.ts';
import type { HostFacts } from './facts.ts';

export function resolveAttachments(
  config: Config,
  { attached, sidecars }: Pick<HostFacts, 'attached' | 'sidecars'>,
): Attachments & { problems: Problem[] } {
  const networks = new Map<string, AttachedNetwork>();
  const containers = new Map<string, Sidecar>();
  const problems: Problem[] = [];
  for (const instance of config.instances) {
    const { join, via } = instance.settings.network;
    const complain = (key: string, message: string) =>
      problems.push({ file: instance.file, key, message });
    for (const name of join) {
      const found = attached.get(name);
      if (found?.kind === 'found') networks.set(name, found.value);
      else complain('network.join', `${name} ${found?.reason ?? 'should be there'}`);
    }
    if (via === null) continue;
    const found = sidecars.get(via);
    if (found?.kind !== 'found') {
      complain('network.via', `${via} ${found?.reason ?? 'should be there'}`);
      continue;
    }
    containers.set(via, found.value);
    for (const line of unpublished(config, instance, found.value)) {
      const message = `${via} should publish what its instance listens on; add PublishPort=${line} to its [Container] section`;
      complain('network.via', message);
    }
  }
  return { networks, sidecars: containers, problems };
}

/** In another container's network only that container can publish. */
function unpublished(config: Config, instance: Instance, { published }: Sidecar): string[] {
  const have = new Set(published.map((value) => value.replace(/\/tcp$/, '')));
  return endpointsOf(config, instance, profileFor(instance)).flatMap((endpoint) => {
    const at = publishText(endpoint);
    const line = `${at}:${endpoint.inside}`;
    return at === null || have.has(line) ? [] : [line];
  });
}
