/** Asks an API of an instance: at its published port, or from inside its network. */

import { type ProbeResult, probeApi } from '../gateway/probe.ts';
import { gatewayBehind } from '../images/relayed.ts';
import { parseListeners } from '../network/listeners.ts';
import type { RunningInstance } from '../plan/installed.ts';
import type { ApiService } from '../plan/services.ts';
import type { FileReader, HostReader } from './host.ts';

/**
 * Over the published port; in `lan` mode, where the host itself can't reach the LAN address
 * (a macvlan never talks to its parent), from inside. A relay with no gateway behind it is not
 * asked: each connection would leave two lines in the gateway's log.
 *
 * @param profile id of the image's profile
 */
export async function probeService(
  host: HostReader,
  api: ApiService,
  running: RunningInstance | null,
  profile: string,
): Promise<ProbeResult | null> {
  const ports = running === null ? null : relayPorts(host.files, api, running, profile);
  if (ports?.relay.listens && !ports.gateway.listens) return nobodyBehind(ports.gateway.port);
  if (api.publish !== null) return probeApi(parseTarget(api.publish));
  return running === null ? null : probeInside(host, api, running);
}

/**
 * What is wrong where a gateway listens and its relay does not, as when somebody has ended the relay. Null: that
 * is not so, or can't be known.
 */
export function withoutRelay(
  files: FileReader,
  api: ApiService,
  running: RunningInstance | null,
  profile: string,
): string | null {
  const ports = running === null ? null : relayPorts(files, api, running, profile);
  if (ports === null || ports.relay.listens || !ports.gateway.listens) return null;
  return `the relay of its image (socat) is gone: the gateway listens on port ${ports.gateway.port} of its container, nothing on port ${ports.relay.port}; its session goes on`;
}

/**
 * Who listens of a relay and the gateway behind it: the kernel says so of the container's network, and nobody
 * notices the question. Null: there is no relay that is known.
 */
function relayPorts(
  files: FileReader,
  { relayPort }: ApiService,
  { pid }: RunningInstance,
  profile: string,
): Record<'relay' | 'gateway', { port: number; listens: boolean }> | null {
  const port = gatewayBehind(profile, relayPort);
  if (port === null) return null;
  // A Java program listens by IPv6, for IPv4 too.
  const listeners = ['tcp', 'tcp6'].flatMap((table) =>
    parseListeners(files.readText(`/proc/${pid}/net/${table}`) ?? ''),
  );
  const at = (wanted: number) => ({
    port: wanted,
    listens: listeners.some((listener) => listener.port === wanted),
  });
  return { relay: at(relayPort), gateway: at(port) };
}

function nobodyBehind(port: number): ProbeResult {
  return {
    state: 'closed',
    serverVersion: null,
    connectionTime: null,
    accounts: [],
    nextValidId: null,
    timings: { connectMs: null, handshakeMs: null, loginMs: null },
    detail: `nothing listens on port ${port} of its container: no gateway is behind its relay`,
  };
}

/** From inside the instance's network namespace, by this same program. */
async function probeInside(
  host: HostReader,
  { relayPort }: ApiService,
  running: RunningInstance,
): Promise<ProbeResult | null> {
  const self = process.argv[1];
  if (self === undefined) return null;
  const target = `127.0.0.1:${relayPort}`;
  const result = await host.run([
    'nsenter',
    `--net=/proc/${running.pid}/ns/net`,
    '--',
    process.execPath,
    self,
    'probe',
    target,
    '--json',
  ]);
  try {
    return JSON.parse(result.stdout) as ProbeResult;
  } catch {
    return null;
  }
}

/** @param publish `127.0.0.1:4001`; published on all addresses, it answers on loopback too */
function parseTarget(publish: string): { host: string; port: number } {
  const colon = publish.lastIndexOf(':');
  const address = publish.slice(0, colon);
  return {
    host: address === '0.0.0.0' ? '127.0.0.1' : address,
    port: Number(publish.slice(colon + 1)),
  };
}

/**
 * Whether a gateway that does not answer at its published port answers where it is: then the port is lost.
 * It may have come up since the first look: `latest` is what the port said last.
 */
export async function lookAgain(
  host: HostReader,
  api: ApiService,
  probe: ProbeResult | null,
  running: RunningInstance | null,
): Promise<{ latest: ProbeResult | null; lost: boolean }> {
  const dead = (it: ProbeResult | null) => it?.state === 'silent' || it?.state === 'refused';
  const seen = { latest: probe, lost: false };
  if (running === null || api.publish === null || !dead(probe)) return seen;
  if ((await probeInside(host, api, running))?.state !== 'handshake') return seen;
  const latest = await probeApi(parseTarget(api.publish));
  return { latest, lost: dead(latest) };
}
