/** `ibq probe NAME|HOST:PORT`: the IB API handshake, and with `--login` a session. */

import type { Context } from '../context.ts';
import { ExitCode, UserError } from '../errors.ts';
import { type ProbeResult, type ProbeTarget, probeApi } from '../gateway/probe.ts';
import { requireDeployed } from '../host/deployed.ts';
import { requireLive } from '../host/root.ts';

const HEALTHY: readonly ProbeResult['state'][] = ['handshake', 'logged-in'];

export async function probe(
  context: Context,
  target: string,
  { json, login }: { json: boolean; login: boolean },
): Promise<number> {
  const { ui, host } = context;
  requireLive(host, 'probe');
  const address = findAddress(context, target);
  const result = await probeApi(address, login ? { login: {} } : {});
  const where = `${address.host}:${address.port}`;
  if (json) ui.json({ target: where, ...result });
  else ui.print(describe(where, result, ui.style));
  return HEALTHY.includes(result.state) ? ExitCode.done : ExitCode.unhealthy;
}

function findAddress({ host }: Context, target: string): ProbeTarget {
  if (target.includes(':')) return parseHostPort(target);
  const instance = requireDeployed(host, target);
  if (instance.publish !== null) {
    return parseHostPort(instance.publish.replace(/^0\.0\.0\.0:/, '127.0.0.1:'));
  }
  throw new UserError(
    `instance ${target} publishes no port on this host (mode lan); probe ${instance.lan?.address}:${instance.relayPort} from an allowed LAN client`,
    ExitCode.usage,
  );
}

function parseHostPort(text: string): ProbeTarget {
  const [, host = '', digits = ''] = /^(.+):(\d{1,5})$/.exec(text) ?? [];
  const port = Number(digits);
  if (host === '' || port < 1 || port > 65535) {
    throw new UserError(
      `${text}: should be an instance or HOST:PORT with a port of 1-65535`,
      ExitCode.usage,
    );
  }
  return { host: host.replace(/^\[(.*)\]$/, '$1'), port };
}

function describe(where: string, result: ProbeResult, style: Context['ui']['style']): string {
  const healthy = HEALTHY.includes(result.state);
  const lines = [`${where}: ${style(healthy ? 'green' : 'red', result.state)}`];
  if (result.detail) lines.push(`  ${result.detail}`);
  if (result.connectionTime !== null) lines.push(`  connection time ${result.connectionTime}`);
  if (result.accounts.length > 0) lines.push(`  accounts ${result.accounts.join(', ')}`);
  if (result.nextValidId !== null) lines.push(`  next order id ${result.nextValidId}`);
  const { connectMs, handshakeMs, loginMs } = result.timings;
  const timings = [
    ['connect', connectMs],
    ['handshake', handshakeMs],
    ['login', loginMs],
  ].filter(([, ms]) => ms !== null);
  if (timings.length > 0) {
    lines.push(style('dim', `  ${timings.map(([name, ms]) => `${name} ${ms} ms`).join(', ')}`));
  }
  return lines.join('\n');
}
