/** What an instance can be reached by, its APIs first: the same list for all that tell or try it. */

import type { SideService } from '../config/types.ts';
import type { Half } from '../images/profile.ts';
import { LAN_SERVICES } from '../quadlet/endpoints.ts';

export interface Service {
  service: 'api' | SideService;
  /** Of an API: which gateway it is of. Null: no API. */
  half: Half | null;
  /** Port that the container listens on. */
  relayPort: number;
  /** `127.0.0.1:4001`; null where it is not published. */
  publish: string | null;
  /** `10.0.0.192:4003`; null where it is not for the LAN, or there is none. */
  lan: string | null;
}

/** An API; an instance of mode `both` has two. */
export interface ApiService extends Service {
  half: Half;
}

/** As the manifest and a rendered instance have it. */
export interface Reachable {
  relayPort: number;
  publish: string | null;
  sideServices: readonly { service: SideService; relayPort: number; publish: string | null }[];
  lan: { address: string } | null;
}

/** @param instance its mode is `live`, `paper` or `both`: the first API of `both` is the live one */
export function servicesOf(instance: Reachable & { mode: string }): Service[] {
  const { relayPort, publish } = instance;
  const half = instance.mode === 'paper' ? 'paper' : 'live';
  const lan = onLan(instance, 'api', relayPort);
  return [{ service: 'api', half, relayPort, publish, lan }, ...sidesOf(instance)];
}

/** What there is beside its API. */
export function sidesOf(instance: Reachable): (Service & { service: SideService })[] {
  return instance.sideServices.map(({ service, relayPort, publish }) => ({
    service,
    half: service === 'paper' ? 'paper' : null,
    relayPort,
    publish,
    lan: onLan(instance, service, relayPort),
  }));
}

function onLan({ lan }: Reachable, service: Service['service'], port: number): string | null {
  return lan !== null && LAN_SERVICES.includes(service) ? `${lan.address}:${port}` : null;
}

/** One; in mode `both` live and paper. */
export function apisOf(instance: Reachable & { mode: string }): ApiService[] {
  return servicesOf(instance).flatMap((it) => (it.half === null ? [] : [{ ...it, half: it.half }]));
}

/** Titles for messages: `its paper port 127.0.0.1:4002`. */
const TITLES: Readonly<Record<Service['service'], string>> = {
  api: 'port',
  paper: 'paper port',
  vnc: 'VNC port',
  rdp: 'RDP port',
  supervisor: 'supervisor port',
};

/** Addresses of the host that it takes. */
export function publishedOf(instance: Reachable): { title: string; publish: string }[] {
  return servicesOf({ ...instance, mode: '' }).flatMap(({ service, publish }) =>
    publish === null ? [] : [{ title: TITLES[service], publish }],
  );
}
