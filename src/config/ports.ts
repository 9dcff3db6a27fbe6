/** Ports that instances publish on the host: set, or by rule from the name and from one another. */

import { isBroken, type Layer } from './layer.ts';
import type { Report } from './report.ts';
import { show } from './text.ts';
import type { Instance, InstanceName, Port, SideService } from './types.ts';

export function resolvePort(name: InstanceName, own: Layer, report: Report): Port | null {
  const set = own.values.get('port');
  const byName = /^[1-9]\d{0,4}$/.test(name) && Number(name) <= 65_535 ? Number(name) : null;
  const port = set ?? byName;
  if (port === null) {
    const message = `should be set: the name ${show(name)} is not a port`;
    if (!isBroken('port', [own])) report.problem({ file: own.file, key: 'port', message });
    return null;
  }
  if (Number(port) < 1024) {
    const message = `${port} is among the ports of the system (below 1024)`;
    report.warn({ file: own.file, key: 'port', message });
  }
  return Number(port) as Port;
}

/** Ports of what is asked for, by rule from the API's where they are not set. */
export const SIDE_PORTS: Readonly<Record<SideService, { key: string; offset: number }>> = {
  paper: { key: 'paper_port', offset: 1 },
  vnc: { key: 'vnc.port', offset: 1900 },
  rdp: { key: 'rdp.port', offset: 29_000 },
  supervisor: { key: 'supervisor.port', offset: 5000 },
};

export function resolveSidePorts(
  { mode, port, settings }: Pick<Instance, 'mode' | 'port' | 'settings'>,
  own: Layer,
  report: Report,
): Instance['sidePorts'] {
  const wanted: Readonly<Record<SideService, boolean>> = {
    paper: mode === 'both',
    vnc: settings.vnc.enabled,
    rdp: settings.rdp.enabled,
    supervisor: settings.supervisor.enabled,
  };
  const ports: Partial<Record<SideService, Port>> = {};
  for (const [service, { key, offset }] of Object.entries(SIDE_PORTS)) {
    if (!wanted[service as SideService]) continue;
    const set = own.values.get(key);
    const chosen = Number(set ?? port + offset);
    if (chosen > 65_535) {
      const message = `should be set: ${port} + ${offset}, the port by rule, is none`;
      if (!isBroken(key, [own])) report.problem({ file: own.file, key, message });
    } else {
      ports[service as SideService] = chosen as Port;
    }
  }
  return ports;
}

/** Every port belongs to one service of one instance; of two that want it, both are told. */
export function checkPorts(instances: readonly Instance[], report: Report): void {
  const byPort = new Map<Port, { file: string; key: string }[]>();
  for (const { file, port, sidePorts, settings } of instances) {
    const { publish } = settings.network;
    const own = Object.entries(sidePorts).flatMap(([service, number]) =>
      publish || service !== 'paper' ? { number, key: SIDE_PORTS[service as SideService].key } : [],
    );
    for (const { number, key } of [...(publish ? [{ number: port, key: 'port' }] : []), ...own]) {
      byPort.set(number, [...(byPort.get(number) ?? []), { file, key }]);
    }
  }
  for (const [port, sharing] of byPort) {
    if (sharing.length < 2) continue;
    for (const place of sharing) {
      const other = sharing.find(({ file, key }) => file !== place.file || key !== place.key);
      const user = other?.file === place.file ? `its ${other.key}` : `${other?.file}`;
      const key = other?.file === place.file || other?.key === 'port' ? '' : ` (${other?.key})`;
      report.problem({
        ...place,
        message: `${port} is already used by ${user}${key}; choose another`,
      });
    }
  }
}
