/** Texts of the configuration files → the configuration, or every problem of it at once. Pure. */

import { ConfigError, type Problem } from '../errors.ts';
import { hasLan } from '../network/modes.ts';
import { printable } from '../ui/foreign-text.ts';
import { checkAttached } from './attached.ts';
import type { Source } from './document.ts';
import { adoptHostPorts } from './host-network.ts';
import { checkNetworks } from './image.ts';
import { nameOfFile, resolveInstance } from './instances.ts';
import { complain, type Layer, lookup, makeLayer, readLayers } from './layer.ts';
import { environmentLayers, lanPlaces, resolveNetwork, whyBridge } from './network.ts';
import { checkPorts } from './ports.ts';
import { resolvePublishAddress, resolvePublishSubnet } from './publish.ts';
import { createReport, type Report } from './report.ts';
import { warnOfSharedUsers } from './shared-users.ts';
import { checkTunnels } from './ssh.ts';
import type { Config, Instance } from './types.ts';

export interface ConfigSources {
  /** ibq.toml; `null` where there is none. */
  main: Source | null;
  /** network.toml, or a detection that is not written yet. */
  pin: Source | null;
  /** Files of `instances/`; those whose names do not end in `.toml` are not read, and warned about. */
  instances: readonly Source[];
}

/** Every risk that can be accepted. */
const RISKS: readonly string[] = ['open-api'];

export type Environment = Readonly<Record<string, string | undefined>>;

export interface LoadedConfig {
  config: Config;
  /** `FILE: KEY: …`, ready to be printed. */
  warnings: string[];
}

/**
 * Precedence: environment > instance > `[defaults]` and ibq.toml > network.toml > built-in.
 * @param env NETWORK_INTERFACE, NETWORK_SUBNET and NETWORK_GATEWAY are read
 * @param risksAccepted without `open-api` nobody may be everybody; a deploy and its plan ask, all else takes
 *   the configuration as it is
 * @throws ConfigError (78) with all problems
 */
export function loadConfig(
  sources: ConfigSources,
  env: Environment = {},
  risksAccepted: readonly string[] = RISKS,
): LoadedConfig {
  const report = createReport();
  const layers = readSources(sources, env, report);
  const instances = layers.instances
    .flatMap(({ source, layer }) => {
      const name = nameOfFile(source.path, report);
      return (name && resolveInstance(name, layer, layers, report)) ?? [];
    })
    .sort((a: Instance, b: Instance) => (a.name < b.name ? -1 : 1));
  // Those that chose an address may have it outside the range.
  const fromRange = layers.instances.filter(({ layer }) => !layer.values.has('address'));
  const network = resolveNetwork(layers.network, fromRange.length, report, risksAccepted);
  for (const { layer } of layers.instances) {
    if (hasLan(network.mode)) break;
    const message = `should be left out in mode "${network.mode}", which has no LAN addresses`;
    complain(lookup('address', [layer]), message + whyBridge(layers.network), report);
  }
  checkNetworks(instances, network.mode, layers, report);
  const address = resolvePublishAddress(layers.network, network, report);
  const subnet = resolvePublishSubnet(layers.network, network, instances.length, report);
  const byFile = new Map(layers.instances.map(({ source, layer }) => [source.path, layer]));
  const layerOf = ({ file }: Instance) => byFile.get(file);
  const placed = network.mode === 'host' ? adoptHostPorts(instances, layerOf, report) : instances;
  checkPorts(placed, report);
  warnOfSharedUsers(placed, report);
  checkAttached(placed, network, layers.network, report);
  const risks = [...risksAccepted, lookup('publish.accept_risk', layers.network)?.value];
  const layersOf = (instance: Instance) => [layerOf(instance) ?? [], layers.defaults].flat();
  checkTunnels(placed, network, layersOf, risks, report);
  const problems: Problem[] = report.problems();
  if (problems.length > 0) throw new ConfigError(problems);
  return {
    config: {
      network,
      ...lanPlaces(layers.network),
      publish: { address, subnet },
      instances: placed,
    },
    warnings: report.warnings(),
  };
}

export interface SourceLayers {
  host: Layer;
  defaults: Layer;
  /** The layers that network and publish keys are looked up in, topmost first. */
  network: Layer[];
  instances: { source: Source; layer: Layer }[];
}

/** Each file as a layer of checked values. */
export function readSources(
  sources: ConfigSources,
  env: Environment,
  report: Report,
): SourceLayers {
  const main = sources.main && readLayers('ibq', 'host', sources.main, report);
  const host = main?.own ?? makeLayer('host', '');
  const pin = sources.pin && readLayers('network', 'pin', sources.pin, report).own;
  return {
    host,
    defaults: main?.defaults ?? makeLayer('defaults', ''),
    network: [...environmentLayers(env, report), host, ...(pin ? [pin] : [])],
    instances: sources.instances.flatMap(({ path, text }) => {
      // Whoever can make a file can choose its name, and a message must not redraw the screen.
      const source = { path: printable(path), text };
      if (source.path.endsWith('.toml')) {
        return [{ source, layer: readLayers('instance', 'instance', source, report).own }];
      }
      report.warn({
        file: printable(source.path),
        message: 'not read: its name does not end in .toml',
      });
      return [];
    }),
  };
}
