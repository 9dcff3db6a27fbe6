/** Facts about the host's interface among its instances (`network.host_access`). */

import type { FactValues } from '../../doctor/facts.ts';
import { UserError } from '../../errors.ts';
import { field, listOf, parseJson, textOf } from '../../network/json.ts';
import type { Manifest } from '../../plan/manifest.ts';
import { CURRENT, SHIM_INTERFACE, SHIM_LOADED, SHIM_UNIT, TARGET_UNIT } from '../../plan/paths.ts';
import type { HostReader } from '../host.ts';
import type { UnitState } from '../systemd.ts';

export async function readShim(
  host: HostReader,
  manifest: Manifest | null,
  units: ReadonlyMap<string, UnitState>,
): Promise<FactValues['shim']> {
  const addresses = Object.values(manifest?.instances ?? {}).flatMap(
    ({ lan }) => lan?.address ?? [],
  );
  const [links, routes, ways] = await Promise.all([
    ip(host, ['address', 'show']),
    ip(host, ['route', 'show', 'dev', SHIM_INTERFACE]),
    waysTo(host, addresses),
  ]);
  const link = listOf(links).find((it) => field(it, 'ifname') === SHIM_INTERFACE);
  const target = units.get(TARGET_UNIT);
  return {
    wanted: host.files.readText(`${CURRENT}/shim.conf`),
    loaded: host.files.readText(SHIM_LOADED),
    link:
      link === undefined
        ? null
        : {
            up: listOf(field(link, 'flags')).includes('UP'),
            mac: textOf(field(link, 'address')),
            addresses: listOf(field(link, 'addr_info')).map((it) => textOf(field(it, 'local'))),
            routes: listOf(routes).map((it) => textOf(field(it, 'dst'))),
          },
    ways,
    unit: {
      load: units.get(SHIM_UNIT)?.load ?? 'not-found',
      active: units.get(SHIM_UNIT)?.active ?? 'inactive',
      fragment: units.get(SHIM_UNIT)?.fragment ?? '',
      atBoot: target?.unitFileState === 'enabled' && target.wants.includes(SHIM_UNIT),
    },
  };
}

/** By which interface this host would send to each address now: routes and rules of everybody count. */
async function waysTo(
  host: HostReader,
  addresses: readonly string[],
): Promise<{ address: string; interface: string | null }[]> {
  if (addresses.length === 0) return [];
  // Forced: to one of them there may be no way.
  const input = addresses.map((address) => `route get ${address}\n`).join('');
  const result = await run(host, ['-force', '-batch', '-'], input);
  const routes = [...result.matchAll(/^\[.*\]$/gm)].flatMap(([line]) => listOf(parseJson(line)));
  return addresses.map((address) => {
    const route = routes.find((it) => field(it, 'dst') === address);
    return { address, interface: textOf(field(route, 'dev')) };
  });
}

/** Parsed; undefined where it fails, as it does for an interface that is not there. */
async function ip(host: HostReader, words: readonly string[]): Promise<unknown> {
  return parseJson(await run(host, words));
}

async function run(host: HostReader, words: readonly string[], input?: string): Promise<string> {
  const result = await host.run(['ip', '-json', ...words], input === undefined ? {} : { input });
  if (result.failure !== null) throw new UserError('ip does not tell; install iproute2');
  return result.stdout;
}
