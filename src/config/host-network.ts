/**
 * Mode `host`: instances listen on the host's own ports. Where an image's ports can't be set, they are
 * those of the image, and only one such instance fits on a host (its X display clashes as well).
 */

import { profileFor } from '../images/index.ts';
import { halvesOf } from '../images/profile.ts';
import { publishesBeyondLoopback } from '../network/modes.ts';
import type { Layer } from './layer.ts';
import { SIDE_PORTS } from './ports.ts';
import type { Report } from './report.ts';
import type { Instance, Port, SideService } from './types.ts';

/** @returns the instances with the ports that they will listen on */
export function adoptHostPorts(
  instances: readonly Instance[],
  layerOf: (instance: Instance) => Layer | undefined,
  report: Report,
): Instance[] {
  const adopted = instances.map((instance) => adopt(instance, layerOf(instance), report));
  const alone = adopted.filter((instance) => profileFor(instance).hostNetwork === 'alone');
  for (const { file, profile, name } of alone.length > 1 ? alone : []) {
    const others = alone.flatMap((other) => (other.name === name ? [] : other.name)).join(', ');
    const message = `should not be of profile ${profile} beside ${others}: the ports and the display of such images can't be set, so in network mode "host" one alone fits on a host`;
    report.problem({ file, key: 'image.profile', message });
  }
  checkListening(adopted, report);
  return adopted;
}

function adopt(instance: Instance, layer: Layer | undefined, report: Report): Instance {
  const profile = profileFor(instance);
  const { gateway, vnc, rdp, supervisor } = profile.ports(instance);
  const [first = 'paper', second] = halvesOf(instance.mode);
  const refuse = (key: string, wanted: number, got: number) => {
    const message = `should be ${wanted} in network mode "host", where images of profile ${profile.id} always listen, got ${got}`;
    report.problem({ file: instance.file, key, message });
  };
  if (instance.port !== gateway[first]) refuse('port', gateway[first], instance.port);
  const own: Record<SideService, number | null> = {
    paper: second ? gateway[second] : null,
    vnc,
    rdp,
    supervisor,
  };
  const sidePorts: Partial<Record<SideService, Port>> = {};
  for (const [service, chosen] of Object.entries(instance.sidePorts)) {
    const listens = own[service as SideService] ?? chosen;
    const { key } = SIDE_PORTS[service as SideService];
    if (layer?.values.has(key) && chosen !== listens) refuse(key, listens, chosen);
    sidePorts[service as SideService] = listens as Port;
  }
  return { ...instance, sidePorts };
}

/** Relays listen on all addresses beside the ports that are published: nobody else may want those. */
function checkListening(instances: readonly Instance[], report: Report): void {
  const takers = new Map<number, Instance>();
  for (const instance of instances) {
    for (const port of listeningPorts(instance)) {
      const taker = takers.get(port);
      if (taker === undefined) takers.set(port, instance);
      else if (taker !== instance && port !== instance.port && port !== taker.port) {
        const message = `listens on ${port} of the host, which ${taker.file} does too`;
        report.problem({ file: instance.file, message });
      }
    }
  }
}

/** Every port of the host that an instance listens on in mode `host`, on whichever address. */
export function listeningPorts(instance: Instance): number[] {
  const { api, gateway } = profileFor(instance).ports(instance);
  const halves = halvesOf(instance.mode).flatMap((half) => [gateway[half], api[half]]);
  return [...new Set([...halves, ...Object.values(instance.sidePorts)])].sort((a, b) => a - b);
}

/** Ports that allowed clients of the network may open: the API's. */
export function openPorts(instance: Instance, publishAddress: string): number[] {
  if (!publishesBeyondLoopback(publishAddress)) return [];
  const { api } = profileFor(instance).ports(instance);
  return halvesOf(instance.mode).map((half) => api[half]);
}
