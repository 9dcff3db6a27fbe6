/** Instances with a tunnel, as tests of the pure parts need them. */

import type { Instance, Port, Settings } from '../../src/config/types.ts';
import { profileOf } from '../../src/images/index.ts';
import { sampleInstance } from '../quadlet/sample.ts';

export const profile = profileOf('simulator');

/** @param ssh keys of [ssh]; mode `both` to one target unless they say otherwise */
export function tunnelled(
  name: string,
  ssh: Partial<Settings['ssh']> = {},
  changes: Partial<Instance> = {},
): Instance {
  const sample = sampleInstance(name, { port: Number(name) as Port, ...changes });
  const own = { mode: 'both' as const, targets: ['trader@vps.example.com'], ...ssh };
  const settings = { ...sample.settings, ssh: { ...sample.settings.ssh, ...own } };
  return { ...sample, settings };
}

/** With VNC on. */
export function withScreen(instance: Instance): Instance {
  const settings = { ...instance.settings, vnc: { ...instance.settings.vnc, enabled: true } };
  return { ...instance, settings, sidePorts: { ...instance.sidePorts, vnc: 5901 as Port } };
}
