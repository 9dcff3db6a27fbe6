/** Where the machines that get an instance's API listen for it. */

import type { Instance } from '../config/types.ts';
import { halvesOf, type Profile } from '../images/profile.ts';
import { parseTarget, type SshTarget } from './target.ts';

/** What can be carried: the API, the paper API of mode `both`, and ways to the screen. */
export type Carried = 'api' | 'paper' | 'vnc' | 'rdp';

export interface Listen {
  service: Carried;
  /** Address of that machine: loopback, where nothing else is asked for; `*` is all of them. */
  address: string;
  port: number;
}

export interface TargetListens {
  target: SshTarget;
  listens: Listen[];
}

const LOOPBACK = '127.0.0.1';

/**
 * The port after the API's is that of the paper API, as on this host. The image's own client listens where
 * it likes, whatever it is told.
 *
 * @returns one for each target; ports above 65535 are for the caller to refuse
 */
export function listensOf(instance: Instance, profile: Profile): TargetListens[] {
  const { ssh } = instance.settings;
  if (ssh.mode === 'no') return [];
  return ssh.targets.map((text, index) => {
    const target = parseTarget(text);
    const apis = ssh.via === 'image' ? imagePorts(instance, profile) : ports(instance, index);
    return { target, listens: [...apis, ...screens(instance)] };
  });
}

function ports({ port, sidePorts, settings }: Instance, index: number): Listen[] {
  const { remote_ports: set } = settings.ssh;
  const chosen = set.length === 1 ? set[0] : set[index];
  const { address, port: first } = parseBind(chosen ?? String(port));
  const second = chosen === undefined ? sidePorts.paper : first + 1;
  const paper: Listen[] =
    sidePorts.paper === undefined || second === undefined
      ? []
      : [{ service: 'paper', address, port: second }];
  return [{ service: 'api', address, port: first }, ...paper];
}

/** `14001`, `127.0.0.1:14001`, `localhost:14001`, `*:14001`. */
function parseBind(text: string): { address: string; port: number } {
  const [port = '', address = LOOPBACK] = text.split(':').reverse();
  return { address: address === 'localhost' ? LOOPBACK : address, port: Number(port) };
}

/** gnzsnz, run_ssh.sh: `-R 127.0.0.1:$API_PORT:localhost:…`. */
function imagePorts(instance: Instance, profile: Profile): Listen[] {
  const { gateway } = profile.ports(instance);
  return halvesOf(instance.mode).map((half, index) => ({
    service: index === 0 ? 'api' : 'paper',
    address: LOOPBACK,
    port: gateway[half],
  }));
}

/** On loopback in any case: nobody should see a screen over a network. */
function screens({ settings: { ssh, vnc, rdp } }: Instance): Listen[] {
  const one = (service: Carried, enabled: boolean, port: number | null): Listen[] =>
    enabled && port !== null ? [{ service, address: LOOPBACK, port }] : [];
  return [...one('vnc', vnc.enabled, ssh.vnc_port), ...one('rdp', rdp.enabled, ssh.rdp_port)];
}

export function isLoopback(address: string): boolean {
  return address.startsWith('127.');
}

/** `127.0.0.1:14001`. */
export function listenText({ address, port }: Pick<Listen, 'address' | 'port'>): string {
  return `${address}:${port}`;
}
