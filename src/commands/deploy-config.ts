/** The configuration of a deploy, with the one question that a first deploy asks. */

import { loadConfig } from '../config/load.ts';
import { summarized } from '../config/report.ts';
import type { Config } from '../config/types.ts';
import type { Context } from '../context.ts';
import { configPaths, readConfigSources } from '../host/config-files.ts';
import { readNetworkFacts, readPodmanSubnets } from '../host/network-facts.ts';
import { requireTrusted, requireTrustedFiles } from '../host/trusted-files.ts';
import { detectNetwork } from '../network/detect.ts';
import { overridesOf } from '../network/overrides.ts';
import { declinedPin, pinOf, renderPin } from '../network/pin.ts';

export const NOTHING_CONFIGURED =
  'no instance is configured yet: sudo ibq instance add 4002 --mode paper --user NAME';

/**
 * What was detected is used only once it is pinned: the question is whether to pin it. Without a
 * pin, or when the answer is no, instances are reached over published ports alone.
 *
 * @param ask false: never ask and never write (`--dry-run`)
 * @throws ConfigError; UserError (64) when the question needs an answer and nobody can give it
 */
export async function configForDeploy(
  context: Context,
  {
    ask,
    assumeYes,
    risksAccepted,
  }: { ask: boolean; assumeYes: boolean; risksAccepted: readonly string[] },
): Promise<Config> {
  const { host, ui, env, configFile } = context;
  if (host.root === null) requireTrusted(host.files, configFile, env);
  const sources = readConfigSources(host.files, configFile);
  const { config, warnings } = loadConfig(sources, env, risksAccepted);
  if (host.root === null) requireTrustedFiles(config, env);
  for (const warning of summarized(warnings)) ui.warn(warning);
  if (sources.pin !== null || config.network.mode !== 'bridge' || config.instances.length === 0) {
    return config;
  }
  const pin = detectPin(context, sources.instances.length);
  if (pin === null) return config;
  const path = configPaths(configFile).pin;
  const pinned = loadConfig(
    { ...sources, pin: { path, text: pin.text } },
    env,
    risksAccepted,
  ).config;
  // The configuration says "bridge" itself: there is nothing to ask.
  if (pinned.network.mode === 'bridge') return config;
  const addresses = `from ${pin.range} on ${pin.interface}`;
  const question = `Give each gateway a LAN address of its own, ${addresses}? Check first that your DHCP server does not hand these out.`;
  if (!ask) {
    ui.warn(`the network is not pinned; deploy will ask: ${question}`);
    return config;
  }
  const agreed = await ui.confirm(question, {
    assumeYes,
    flag: '-y, or pin it with "sudo ibq network detect --write", or set network.mode = "bridge"',
  });
  if (!agreed) {
    host.files.writeText(path, declinedPin(host.now()));
    ui.note(
      `mode bridge: ports on this host only, no LAN addresses; kept in ${path}, so that nobody is asked again; for LAN addresses after all: sudo ibq network detect --write`,
    );
    return config;
  }
  host.files.writeText(path, pin.text);
  ui.note(`pinned in ${path}: each gateway gets a LAN address of its own, ${addresses}`);
  return pinned;
}

function detectPin(
  { host, env }: Context,
  instances: number,
): { text: string; interface: string; range: string } | null {
  const overrides = overridesOf(env);
  const { selected } = detectNetwork(readNetworkFacts(host.files), overrides, {
    instances,
    usedSubnets: readPodmanSubnets(host.files),
    pinnedRange: null,
  });
  if (selected === null || selected.mode === 'bridge' || !selected.range) return null;
  const { range } = selected;
  const text = renderPin(pinOf(selected, overrides, host.now()));
  return { text, interface: selected.interface, range };
}
