/** `ibq vnc NAME`: how to reach an instance's screen. */

import type { Instance } from '../config/types.ts';
import type { Context } from '../context.ts';
import { ExitCode, UserError } from '../errors.ts';
import { loadHostConfig } from '../host/config-files.ts';
import { requireDeployed } from '../host/deployed.ts';
import { PROOFS, tryConnection } from '../host/try-connections.ts';
import { profileFor } from '../images/index.ts';
import {
  SCREEN_SERVICES,
  type ScreenService,
  type ScreenWay,
  screenWays,
  sshDestination,
} from '../plan/screen.ts';

const TITLES: Readonly<Record<ScreenService, string>> = {
  vnc: 'VNC',
  rdp: 'RDP',
  supervisor: "the supervisor's page",
};

/** @throws UserError (64) for a name that is not deployed, (1) where nothing is switched on */
export async function vnc(
  context: Context,
  name: string,
  { json }: { json: boolean },
): Promise<number> {
  const { host, ui, env } = context;
  const instance = requireDeployed(host, name);
  const hostname = host.files.readText('/proc/sys/kernel/hostname')?.trim() ?? '';
  const ssh = sshDestination(env, hostname);
  const ways = screenWays(instance, ssh);
  const configured = findConfigured(context, name);
  if (ways.length === 0) throw new UserError(whyNone(name, configured));
  const tried = await Promise.all(
    ways.map(async (way) => ({ ...way, answers: await answers(context, way) })),
  );
  if (json) {
    ui.json({ name, ssh, ways: tried });
    return ExitCode.done;
  }
  ui.print(ways.map((way) => describe(name, way)).join('\n\n'));
  for (const { service, publish } of tried.filter((way) => way.answers === false)) {
    ui.note(`${TITLES[service]} does not answer at ${publish}; look at "sudo ibq status"`);
  }
  const waiting = SCREEN_SERVICES.filter(
    (service) =>
      configured?.settings[service].enabled && !ways.some((way) => way.service === service),
  );
  for (const service of waiting) {
    ui.note(`${TITLES[service]} is switched on and not deployed: run "sudo ibq deploy"`);
  }
  return ExitCode.done;
}

/** @returns null where nothing can be asked from here */
async function answers(
  { host }: Context,
  { service, publish }: ScreenWay,
): Promise<boolean | null> {
  if (publish === null || host.root !== null) return null;
  const [address = '', port] = publish.split(':');
  const proof = PROOFS[service];
  const at = { host: address, port: Number(port), source: null, patient: false };
  return (await tryConnection({ ...at, proof })).actual === 'ok';
}

function describe(name: string, way: ScreenWay): string {
  const { service, publish, lan, tunnel, open, user, secret } = way;
  const title = TITLES[service];
  const lines = [`${title} of ${name}`];
  if (publish !== null) {
    lines.push(`  on this host   ${open}`);
    lines.push(`  from elsewhere ${tunnel}`);
    lines.push(`                 then ${open} there`);
  }
  if (lan !== null) lines.push(`  on the LAN     ${lan}, for clients in network.allow`);
  if (publish === null && lan === null) {
    lines.push('  no way         mode lan publishes nothing on this host; mode dual does');
  }
  const account = user === null ? '' : `user ${user}, `;
  lines.push(
    `  password       ${account}the secret ${secret} (sudo ibq secret set ${name} ${secret})`,
  );
  return lines.join('\n');
}

/** The configured instance; a broken configuration is no reason not to tell what is deployed. */
function findConfigured({ host, configFile, env }: Context, name: string): Instance | null {
  try {
    const { instances } = loadHostConfig(host.files, configFile, env).config;
    return instances.find((instance) => instance.name === name) ?? null;
  } catch {
    return null;
  }
}

function whyNone(name: string, configured: Instance | null): string {
  const on = SCREEN_SERVICES.filter((service) => configured?.settings[service].enabled);
  if (on.length > 0) {
    return `instance ${name}: ${on.join(', ')} is switched on and not deployed; run "sudo ibq deploy", and restart it when it suits you`;
  }
  const ports = configured && profileFor(configured).ports(configured);
  const able = SCREEN_SERVICES.filter((service) => ports === null || ports[service] !== null);
  if (able.length === 0) {
    return `instance ${name}: images of profile ${configured?.profile} have no screen that can be reached`;
  }
  const keys = able.map((service) => `${service}.enabled`).join(' or ');
  const [first = 'vnc'] = able;
  return `instance ${name} shows no screen; set ${keys} = true in ${configured?.file ?? `instances/${name}.toml`}, then run "sudo ibq secret set ${name} ${first}_password" and "sudo ibq deploy"`;
}
