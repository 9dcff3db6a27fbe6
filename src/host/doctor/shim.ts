/** Facts about the host's interface among its instances (`network.host_access`). */

import type { FactValues } from '../../doctor/facts.ts';
import { UserError } from '../../errors.ts';
import { field, listOf, parseJson, textOf } from '../../network/json.ts';
import type { Manifest } from '../../plan/manifest.ts';
import { CURRENT, SHIM_INTERFACE, SHIM_LOADED, SHIM_UNIT, TARGET_UNIT } from '../../plan/paths.ts';
import type { HostReader } from '../host.ts';
import { showUnits } from '../systemd.ts';

export async function readShim(
  host: HostReader,
  manifest: Manifest | null,
): Promise<FactValues['shim']> {
  const addresses = Object.values(manifest?.instances ?? {}).flatMap(
    ({ lan }) => lan?.address ?? [],
  );
  const [units, fragment, links, routes, ways] = await Promise.all([
    showUnits(host, [SHIM_UNIT, TARGET_UNIT]),
    host.run(['systemctl', 'show', '--property=FragmentPath', '--value', SHIM_UNIT]),
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
      fragment: fragment.stdout.trim(),
      atBoot: target?.unitFileState === 'enabled' && target.wants.includes(SHIM_UNIT),
    },
  };
}

/** By which interface this host would send to each address now: routes and rules of everybody count. */
async function waysTo(
  host: HostReader,
  addresses: readonly string[],
): Promise<{ address: string; interface: string | null }[]> {
  return Promise.all(
    addresses.map(async (address) => ({
      address,
      interface: textOf(field(listOf(await ip(host, ['route', 'get', address]))[0], 'dev')),
    })),
  );
}

/** Parsed; undefined where it fails, as it does for an interface that is not there. */
async function ip(host: HostReader, words: readonly string[]): Promise<unknown> {
  const result = await host.run(['ip', '-json', ...words]);
  if (result.failure !== null) throw new UserError('ip does not tell; install iproute2');
  return parseJson(result.stdout);
}
