/** `readFacts(host)`: templates, the user's drop-ins, addresses and subnets in use. */

import { randomBytes } from 'node:crypto';
import { dirname } from 'node:path';
import type { Config } from '../config/types.ts';
import { routedSubnets } from '../network/connected.ts';
import { cidrContains, type Ipv4 } from '../network/ipv4.ts';
import { parseLocalAddresses } from '../network/proc.ts';
import type { HostFacts } from '../plan/facts.ts';
import { parseAccounts, parseIdBase, parseSubordinate } from '../plan/id-bases.ts';
import type { RunningInstance } from '../plan/installed.ts';
import { FILE_KEY, QUADLET_DIRECTORY, STATIC_UNITS, USER_TEMPLATES } from '../plan/paths.ts';
import type { UserDropIn } from '../quadlet/render.ts';
import { type TemplateName, templateNames } from '../quadlet/template.ts';
import { FIRST_ID } from '../quadlet/user-namespace.ts';
import { readAttached } from './attached.ts';
import type { FileReader, HostReader } from './host.ts';
import { readRunning, runningNames, sharesHostNetwork } from './installed.ts';
import { readNetworkFacts } from './network-facts.ts';
import {
  allPodmanSubnets,
  podmanNetworkTexts,
  podmanSubnets,
  readSubnetPools,
} from './podman-networks.ts';
import { libraryDirectory, readShipped } from './shipped.ts';

const STATIC_UNIT_NAMES = [
  'ib-gateways.target',
  'ib-gateways.slice',
  'ibq-host-rules.service',
  'ibq-shim.service',
  'ibq-tunnel@.service',
  'ibq-login-guard@.service',
];

export function readFacts(host: HostReader, config: Config, configFile: string): HostFacts {
  const { files } = host;
  const libDir = libraryDirectory();
  const network = readNetworkFacts(files);
  const template = (name: TemplateName) =>
    [name, files.readText(`${USER_TEMPLATES}/${name}`) ?? readShipped(libDir, name)] as const;
  const dropInDirectories = new Set(files.list(QUADLET_DIRECTORY));
  return {
    libDir,
    templates: Object.fromEntries(templateNames.map(template)) as HostFacts['templates'],
    staticUnits: shippedStaticUnits(),
    userDropIns: {
      template: readDropIns(files, 'ib-gateway@.container'),
      instances: new Map(
        config.instances.map(({ name }) => {
          const unit = `ib-gateway@${name}.container`;
          return [name, dropInDirectories.has(`${unit}.d`) ? readDropIns(files, unit) : []];
        }),
      ),
    },
    machineId: files.readText('/etc/machine-id')?.trim() ?? '',
    interfaces: new Map(
      network.links.map(({ name, operstate, mac }) => [name, { up: operstate !== 'down', mac }]),
    ),
    hostAddresses: network.addresses,
    nonlocalBind: files.readText('/proc/sys/net/ipv4/ip_nonlocal_bind')?.trim() === '1',
    ...(host.root === null
      ? networkOfRunning(files)
      : { held: new Map(), sharing: new Set(), heldIds: new Map() }),
    takenIds: readTakenIds(files),
    ...readAttached(files, config),
    lanNetworks: readLanNetworks(files),
    seen: network.neighbours.flatMap(({ address, mac }) => (mac === null ? [] : address)),
    answered: [],
    usedSubnets: [...routedSubnets(network), ...allPodmanSubnets(files)],
    subnetPools: readSubnetPools(files),
    ...readOwnFiles(files, config),
    configFile,
    rangeFile: `${dirname(configFile)}/network.toml`,
  };
}

/** A key that is not there yet is made up: the deploy that writes such a file keeps it. */
function readOwnFiles(
  files: FileReader,
  { instances }: Config,
): Pick<HostFacts, 'ownFiles' | 'fileKey'> {
  const paths = instances.flatMap(({ settings: { custom_config: own } }) => [own.jts, own.ibc]);
  const named = [...new Set(paths)].filter((path) => path !== null);
  const kept = named.length === 0 ? null : files.readText(FILE_KEY);
  return {
    ownFiles: new Map(named.map((path) => [path, files.readChosen(path)])),
    fileKey: kept ?? randomBytes(32).toString('hex'),
  };
}

/** Plain units as this ibq writes them. */
export function shippedStaticUnits(): HostFacts['staticUnits'] {
  const libDir = libraryDirectory();
  return STATIC_UNIT_NAMES.map((name) => ({
    path: `${STATIC_UNITS}/${name}`,
    text: readShipped(libDir, name).replaceAll('@LIB_DIR@', libDir),
  }));
}

/** The user's own drop-ins of a unit, in the order in which Quadlet applies them. */
function readDropIns(files: FileReader, unit: string): UserDropIn[] {
  const directory = `${QUADLET_DIRECTORY}/${unit}.d`;
  return files
    .list(directory)
    .filter((name) => name.endsWith('.conf'))
    .map((name) => ({
      path: `${directory}/${name}`,
      text: files.readText(`${directory}/${name}`) ?? '',
    }));
}

/**
 * What the kernel has in each instance's network namespace, of the LANs of ibq's that Podman still
 * has: an old one stays while somebody is on it.
 */
function networkOfRunning(files: FileReader): Pick<HostFacts, 'held' | 'sharing' | 'heldIds'> {
  const lans = podmanSubnets(files, 'ibq-lan-');
  const running = [...readRunning(files, runningNames(files))];
  const shares = ({ pid }: RunningInstance) => sharesHostNetwork(files, pid);
  const own = running.filter(([, it]) => !shares(it));
  return {
    held: new Map(
      own.map(([name, { pid }]) => {
        const table = files.readText(`/proc/${pid}/net/fib_trie`) ?? '';
        const { entries } = parseLocalAddresses(table);
        const onLan = (address: Ipv4) => lans.some((subnet) => cidrContains(subnet, address));
        return [name, entries.filter(onLan)];
      }),
    ),
    sharing: new Set(running.flatMap(([name, it]) => (shares(it) ? name : []))),
    heldIds: new Map(
      running.flatMap(([name, { pid }]) => {
        const base = parseIdBase(files.readText(`/proc/${pid}/uid_map`) ?? '');
        return base === null ? [] : [[name, base] as const];
      }),
    ),
  };
}

/** What files say: a directory of users (LDAP) has ranges of its own, far below ibq's. */
function readTakenIds(files: FileReader): HostFacts['takenIds'] {
  const text = (path: string) => files.readText(path) ?? '';
  return [
    ...['/etc/subuid', '/etc/subgid'].flatMap((path) => parseSubordinate(text(path))),
    ...['/etc/passwd', '/etc/group'].flatMap((path) => parseAccounts(text(path))),
  ].filter(({ last }) => last >= FIRST_ID);
}

function readLanNetworks(files: FileReader): HostFacts['lanNetworks'] {
  return podmanNetworkTexts(files, 'ibq-lan-').map((text) => {
    const word = (key: string) => new RegExp(`"${key}":\\s*"([^"]*)"`).exec(text)?.[1] ?? '';
    return { parent: word('network_interface'), driver: word('driver') };
  });
}
