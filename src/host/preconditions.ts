/**
 * What a start needs of the host, one list for `start`, `restart` and the starts and restarts of a deploy. Podman
 * or the kernel would find out only when what ran has been stopped.
 */

import { statfsSync } from 'node:fs';
import { ExitCode } from '../errors.ts';
import type { NetworkFacts } from '../network/facts.ts';
import { type Cidr, cidrContains } from '../network/ipv4.ts';
import { PARTS } from '../plan/parts.ts';
import type { StartNeeds } from '../plan/start-needs.ts';
import type { HostReader } from './host.ts';
import { type Lack, lack } from './lacks.ts';
import { readNetworkFacts } from './network-facts.ts';
import type { PodmanFacts } from './podman.ts';
import { readPodmanNetwork } from './podman-networks.ts';
import { libraryDirectory } from './shipped.ts';

/** Programs of ibq's that systemd or Podman runs at a start. */
const OWN_PROGRAMS = ['guard', 'settings', 'login-guard'];

/** Of the host itself, whatever starts. */
export function partLacks({ files }: Pick<HostReader, 'files'>): Lack[] {
  const libDir = libraryDirectory();
  const reinstall = 'install ibq with scripts/install.sh';
  const missing = PARTS.filter(({ paths }) => !paths.some((path) => files.exists(path)));
  const guard = files.exists(`${libDir}/hooks.d/ibq-guard.json`);
  const unfit = guard
    ? OWN_PROGRAMS.map((name) => `${libDir}/${name}`).filter((path) => !files.isProgram(path))
    : [];
  return [
    ...missing.map(
      (part) => `this host lacks ${part.id}, ${part.use}; install the package ${part.package}`,
    ),
    ...(guard ? [] : [`this host lacks the guard in ${libDir}; ${reinstall}`]),
    ...unfit.map((path) =>
      files.exists(path)
        ? `${path} should be a program, can't be run; run "sudo chmod 755 ${path}"`
        : `${path} should be a program, is missing; ${reinstall}`,
    ),
  ].map((text) => lack(ExitCode.missingPart, text));
}

/** What files of the host tell of what is deployed; a deploy judges the addresses and networks of the configuration. */
export function hostLacks(host: HostReader, needs: readonly StartNeeds[]): Lack[] {
  const network = readNetworkFacts(host.files);
  return [
    ...parentLacks(needs, network),
    ...addressLacks(host, needs, network),
    ...networkLacks(host, needs),
  ];
}

/** @param needs those whose interfaces have to be there now */
export function parentLacks(needs: readonly StartNeeds[], { links }: NetworkFacts): Lack[] {
  const parents = new Set(needs.flatMap(({ parent }) => parent ?? []));
  return [...parents].flatMap((name) => {
    const link = links.find((it) => it.name === name);
    const carries = `interface ${name}, which carries the LAN of the instances,`;
    if (link === undefined) {
      const text = `${carries} is gone; bring it back, or name another: "sudo ibq doctor" tells which has its subnet now`;
      return [lack(ExitCode.missingPart, text)];
    }
    if (link.operstate !== 'down') return [];
    return [lack(ExitCode.missingPart, `${carries} is down; run "sudo ip link set ${name} up"`)];
  });
}

const LOOPBACK = '127.0.0.0/8' as Cidr;

/** Podman publishes on addresses of this host alone. */
function addressLacks(
  { files }: HostReader,
  needs: readonly StartNeeds[],
  { addresses }: NetworkFacts,
): Lack[] {
  if (addresses.length === 0) return [];
  if (files.readText('/proc/sys/net/ipv4/ip_nonlocal_bind')?.trim() === '1') return [];
  const wanted = needs.flatMap(({ ports }) =>
    ports.map(({ publish }) => publish.slice(0, publish.lastIndexOf(':'))),
  );
  const has = addresses.filter((it) => !cidrContains(LOOPBACK, it)).join(', ');
  return [...new Set(wanted)]
    .filter((it) => it !== '0.0.0.0' && !cidrContains(LOOPBACK, it as (typeof addresses)[number]))
    .filter((it) => !addresses.some((own) => own === it))
    .map((address) =>
      lack(
        ExitCode.badConfiguration,
        `${address}, on which ports are published, is no address of this host (it has ${has}); give it back, or correct publish.address and run "sudo ibq deploy"`,
      ),
    );
}

/** Podman makes no directory of the host. */
export function pathLacks(
  { files }: Pick<HostReader, 'files'>,
  needs: readonly Pick<StartNeeds, 'name' | 'hostPaths' | 'ownUsers'>[],
): Lack[] {
  return needs.flatMap(({ name, hostPaths, ownUsers }) =>
    hostPaths.flatMap((path) => {
      const which = `instance ${name}: ${path}, which its volumes name, is`;
      const bad = (text: string) => [lack(ExitCode.badConfiguration, `${which} ${text}`)];
      if (!files.exists(path)) {
        return bad(`not there; make it ("sudo mkdir -p ${path}"), or correct volumes`);
      }
      const system = ownUsers ? withoutIdmaps(statfsSync(path).type) : null;
      return system === null
        ? []
        : bad(
            `on a file system (${system}) whose owners can't be shown to users of its own; set user_namespace = false for it (docs/security.md), or another directory`,
          );
    }),
  );
}

/** File systems whose mounts can't be idmapped, by what statfs(2) calls them (linux/magic.h); Linux 6.12. */
const WITHOUT_IDMAPS: ReadonlyMap<number, string> = new Map([
  [0x6969, 'NFS'],
  [0xff53_4d42, 'CIFS'],
  [0xfe53_4d42, 'SMB'],
  [0x794c_7630, 'overlay'],
  [0x6573_5546, 'FUSE'],
  [0x0102_1997, '9p'],
]);

/** @param type `type` of statfs @returns the name of the file system; null: idmapped mounts are possible, or nobody knows */
export function withoutIdmaps(type: number): string | null {
  return WITHOUT_IDMAPS.get(type >>> 0) ?? null;
}

/** Networks that the user made: ibq's own are made again by their units. */
function networkLacks({ files }: HostReader, needs: readonly StartNeeds[]): Lack[] {
  return needs.flatMap(({ name, networks }) =>
    networks
      .filter((it) => !it.startsWith('ibq-') && it !== 'podman')
      .filter((it) => readPodmanNetwork(files, it) === null)
      .map((it) =>
        lack(
          ExitCode.badConfiguration,
          `instance ${name}: Podman has no network ${it}, which it joins; make it again ("sudo podman network create ${it}"), or correct network.join`,
        ),
      ),
  );
}

export function secretLacks(
  needs: readonly Pick<StartNeeds, 'name' | 'secrets'>[],
  { secrets: present }: Pick<PodmanFacts, 'secrets'>,
): Lack[] {
  return needs.flatMap(({ name, secrets }) =>
    secrets
      .filter((secret) => !present.has(secret.name))
      .map(({ key, mend }) =>
        lack(ExitCode.badConfiguration, `instance ${name}: its ${key} is not set; run "${mend}"`),
      ),
  );
}

/** @param pulled whether what a registry has is fetched first; images under `localhost/` are built on the host */
export function imageLacks(
  references: readonly string[],
  { images }: Pick<PodmanFacts, 'images'>,
  { pulled }: { pulled: boolean },
): Lack[] {
  return references
    .filter((reference) => !images.has(reference))
    .flatMap((reference) => {
      const local = reference.startsWith('localhost/');
      if (!local && pulled) return [];
      const mend = local
        ? 'build or load it first ("podman images" lists what is there)'
        : `run "sudo podman pull ${reference}"`;
      return [lack(ExitCode.missingPart, `image ${reference} is not on this host; ${mend}`)];
    });
}
