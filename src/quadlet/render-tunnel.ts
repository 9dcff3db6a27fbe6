/** The SSH tunnels of an instance: their files of a generation, and the line by which the gateway brings them up. */

import type { Instance } from '../config/types.ts';
import type { Profile } from '../images/profile.ts';
import type { Ipv4 } from '../network/ipv4.ts';
import { type Carried, listensOf, listenText } from '../ssh/listens.ts';
import { leadsTo, renderSettings, renderSshConfig } from '../ssh/render.ts';
import { machinesOf, tunnelOf } from '../ssh/tunnel.ts';
import type { Endpoint } from './endpoints.ts';
import { definitionHash } from './render-instance.ts';

export interface RenderedTunnel {
  via: 'host' | 'image';
  /** Hash of what a connection is made by; empty where the image makes it. */
  definition: string;
  /** What it connects to on this host, `127.0.0.1:4001 127.0.0.1:5901`. */
  leadsTo: string;
  targets: { target: string; listens: string[] }[];
  /** Names in known_hosts of the machines on the way that this host connects to. */
  hostKeys: string[];
  files: { path: string; text: string }[];
}

/** @param lan address of the instance, where this host reaches it by that */
export function renderTunnel(
  instance: Instance,
  profile: Profile,
  endpoints: readonly Endpoint[],
  lan: Ipv4 | null,
): RenderedTunnel | null {
  const { name, settings } = instance;
  if (settings.ssh.mode === 'no') return null;
  const seen = {
    via: settings.ssh.via,
    targets: listensOf(instance, profile).map(({ target, listens }) => ({
      target: target.text,
      listens: listens.map(listenText),
    })),
  };
  const tunnel = tunnelOf(instance, profile, (service) => reach(endpoints, service, lan));
  if (tunnel === null) return { ...seen, definition: '', leadsTo: '', hostKeys: [], files: [] };
  const definition = definitionHash([tunnel]);
  return {
    ...seen,
    definition,
    leadsTo: leadsTo(tunnel),
    hostKeys: machinesOf(instance).map((machine) => machine.name),
    files: [
      { path: `tunnel/${name}/settings`, text: renderSettings(tunnel, definition) },
      { path: `tunnel/${name}/ssh_config`, text: renderSshConfig(tunnel) },
      { path: tunnelDropIn(name), text: renderDropIn(name) },
    ],
  };
}

/** Not part of the instance's definition: a tunnel comes and goes while its gateway runs. */
function tunnelDropIn(instance: string): string {
  return `units/ib-gateway@${instance}.container.d/11-ibq-tunnel.conf`;
}

function renderDropIn(instance: string): string {
  return `# The SSH tunnels start with the gateway and end with it.\n[Unit]\nWants=ibq-tunnel@${instance}.service\n`;
}

function reach(endpoints: readonly Endpoint[], service: Carried, lan: Ipv4 | null): string | null {
  const endpoint = endpoints.find((it) => it.service === service);
  if (endpoint === undefined) return null;
  const { published, inside } = endpoint;
  if (published === null) return lan && `${lan}:${inside}`;
  const address = published.address === '0.0.0.0' ? '127.0.0.1' : published.address;
  return `${address}:${published.port}`;
}
