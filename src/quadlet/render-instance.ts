/** What is an instance's own: its drop-in and the hash by which a changed definition is known. */

import { createHash } from 'node:crypto';
import type { Config, Instance } from '../config/types.ts';
import type { Problem } from '../errors.ts';
import {
  environmentFor,
  type Profile,
  type Reach,
  secretName,
  secretsFor,
} from '../images/profile.ts';
import type { LanAddress } from '../network/address-plan.ts';
import { joinedInterface } from '../network/attached.ts';
import { lanInterface, publishInterface } from '../network/guard.ts';
import type { Cidr } from '../network/ipv4.ts';
import { publishesBeyondLoopback } from '../network/modes.ts';
import { bridgeGateway } from '../network/publish-network.ts';
import { type Endpoint, publishText } from './endpoints.ts';
import { environmentBytes, environmentLimit, environmentProblem, quadletLine } from './escape.ts';
import type { RenderedNetwork } from './render-network.ts';
import { type OwnFileNames, ownFileSecrets } from './render-settings.ts';
import { containerLines, serviceLines, volumeProblems } from './resources.ts';
import {
  ownSettingsLine,
  USER_NAMESPACE_SERVICE,
  userNamespaceLines,
  withSameIds,
} from './user-namespace.ts';

export interface InstanceParts {
  config: Config;
  instance: Instance;
  profile: Profile;
  endpoints: readonly Endpoint[];
  ownFiles: OwnFileNames;
  publish: RenderedNetwork | null;
  lan: (LanAddress & { network: RenderedNetwork }) | null;
  /** Subnet of the bridge. */
  publishSubnet: Cidr | null;
  /** Of its user namespace; null: none. */
  idBase: number | null;
  /** Where ibq's programs are installed. */
  libDir: string;
}

/** `ib-gateway@NAME.container.d/10-ibq.conf` without the comment and the definition's hash. */
export function renderDropIn(parts: InstanceParts): string {
  const { config, instance, profile, idBase } = parts;
  const settings = profile.settingsVolume(instance);
  const volumes = [
    ...(settings === null ? [] : [`${volumeName(instance.name)}:${settings}`]),
    ...instance.settings.volumes,
  ];
  const environment = environmentOf(profile, instance, reachOf(config));
  const service = [
    ...serviceLines(profile, instance),
    ...(idBase === null ? [] : USER_NAMESPACE_SERVICE),
    ...(idBase === null || settings === null ? [] : [ownSettingsLine(parts.libDir, idBase)]),
  ];
  return [
    '[Container]\n',
    quadletLine('Image', instance.image),
    ...networkLines(parts),
    ...(publishesItself(parts) ? parts.endpoints : []).flatMap((endpoint) => {
      const published = publishText(endpoint);
      return published === null
        ? []
        : quadletLine('PublishPort', `${published}:${endpoint.inside}`);
    }),
    // Sorted: another order in the file is no other definition.
    ...Object.entries(instance.settings.hosts)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, address]) => quadletLine('AddHost', `${name}:${address}`)),
    ...instance.settings.dns.map((address) => quadletLine('DNS', address)),
    ...(idBase === null ? [] : userNamespaceLines(idBase)),
    ...volumes.map((volume) =>
      quadletLine('Volume', idBase === null ? volume : withSameIds(volume)),
    ),
    ...containerLines(profile, instance),
    ...secretsOf(profile, instance).map((secret) => quadletLine('Secret', secret.option)),
    ...ownFileSecrets(parts.ownFiles).map((option) => quadletLine('Secret', option)),
    ...Object.entries(environment).map(([name, value]) =>
      quadletLine('Environment', `${name}=${value}`),
    ),
    ...(service.length === 0 ? [] : ['\n[Service]\n', ...service]),
  ].join('');
}

/**
 * The drop-in with the hash where it can be read from: the label tells of the container that runs,
 * the annotation goes to the guard, `systemctl show` gives the variable of the unit that is loaded.
 */
export function withDefinition(
  { name }: Instance,
  dropIn: string,
  { hash, stop }: { hash: string; stop: string },
): string {
  const comment =
    `# Instance ${name}. Written by ibq, which reads what is wanted from its configuration; drop-ins of\n` +
    `# your own go to /etc/containers/systemd/ib-gateway@${name}.container.d/.\n`;
  const label = quadletLine('Label', `ibq.definition=${hash}`);
  const annotation = quadletLine('Annotation', `ibq.definition=${hash}`);
  return `${comment}${dropIn}\n[Container]\n${label}${annotation}${stop}\n[Service]\nEnvironment=IBQ_DEFINITION=${hash}\n`;
}

/** 16 hex digits over everything that makes a running container differ from a new one. */
export function definitionHash(parts: readonly unknown[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 16);
}

export function volumeName(instance: string): string {
  return `ibq-${instance}-settings`;
}

/** What the unit can't carry, in the words of the configuration. */
export function instanceProblems(profile: Profile, instance: Instance, config: Config): Problem[] {
  const { file } = instance;
  const entries = Object.entries(environmentOf(profile, instance, reachOf(config)));
  const problems = entries.flatMap(([name, value]): Problem[] => {
    const message = environmentProblem(name, value);
    return message === null ? [] : [{ file, key: `environment.${name}`, message }];
  });
  problems.push(...volumeProblems(profile, instance));
  const bytes = entries.reduce((sum, [name, value]) => sum + environmentBytes(name, value), 0);
  if (problems.length > 0 || bytes <= environmentLimit) return problems;
  const message = `should have at most ${environmentLimit} bytes, escaped, got ${bytes} (a limit of systemd)`;
  return [{ file, key: 'environment', message }];
}

function reachOf({ network, publish }: Config): Reach {
  return { mode: network.mode, beyondLoopback: publishesBeyondLoopback(publish.address) };
}

/** The user's own `environment` comes last: a name that both set is refused where it is read. */
function environmentOf(profile: Profile, instance: Instance, reach: Reach): Record<string, string> {
  const files = secretsOf(profile, instance).flatMap(({ variable, target }) =>
    variable === null ? [] : [[variable, target] as const],
  );
  return {
    ...environmentFor(profile, instance, reach),
    ...Object.fromEntries(files),
    ...instance.environment,
  };
}

/**
 * A secret's value is never in a unit or an argument. A file belongs to the image's user; where its number
 * is not known, all of the container may read it.
 */
function secretsOf(
  profile: Profile,
  instance: Instance,
): { variable: string | null; target: string; option: string }[] {
  const user = profile.user(instance.settings);
  const access = user === null ? 'mode=0444' : `uid=${user.uid},gid=${user.gid},mode=0400`;
  return secretsFor(profile, instance).map(({ key, as }) => {
    const name = secretName(instance.name, key);
    if (as.kind === 'environment') {
      return { variable: null, target: '', option: `${name},type=env,target=${as.variable}` };
    }
    const target = as.kind === 'mount' ? as.path : `/run/secrets/${key}`;
    const option = `${name},type=mount,target=${target},${access}`;
    return { variable: as.kind === 'file' ? as.variable : null, target, option };
  });
}

function publishesItself({ config, instance }: InstanceParts): boolean {
  return config.network.mode !== 'host' && instance.settings.network.via === null;
}

/**
 * A joined network brings a default route of its own, which ibq can't forbid there: the guard puts this
 * one, `GATEWAY INTERFACE`, in the place of all.
 */
function wayOut({ config: { network }, publishSubnet }: InstanceParts): string {
  if (network.egress === 'lan' && network.lan) return `${network.lan.gateway} ${lanInterface}`;
  return publishSubnet ? `${bridgeGateway(publishSubnet)} ${publishInterface}` : '';
}

/** Interface names are fixed: the guard's rules name them, and with several networks a static address could land on the wrong one (containers/podman#23993). */
function networkLines(parts: InstanceParts): string[] {
  const { config, publish, lan } = parts;
  const { join, via } = parts.instance.settings.network;
  if (via !== null) {
    // Sysctls of a network belong to the container that made it.
    return [quadletLine('Network', via), 'Sysctl=\n'];
  }
  if (config.network.mode === 'host') {
    return [
      quadletLine('Network', 'host'),
      // The guard then looks at the host's rules in place of loading its own.
      quadletLine('Annotation', 'ibq.network=host'),
      // Podman refuses those of the template there: they would be the host's own.
      'Sysctl=\n',
    ];
  }
  const lines: string[] = [];
  if (publish)
    lines.push(quadletLine('Network', `${publish.file}:interface_name=${publishInterface}`));
  if (lan) {
    const mac = lan.mac === null ? '' : `,mac=${lan.mac}`;
    lines.push(
      quadletLine(
        'Network',
        `${lan.network.file}:interface_name=${lanInterface},ip=${lan.address}${mac}`,
      ),
    );
  }
  lines.push(
    ...join.map((name, index) =>
      quadletLine('Network', `${name}:interface_name=${joinedInterface(index)}`),
    ),
  );
  if (join.length > 0) lines.push(quadletLine('Annotation', `ibq.route=${wayOut(parts)}`));
  return lines;
}
