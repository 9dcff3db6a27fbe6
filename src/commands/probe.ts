/** `ibq probe NAME|HOST:PORT`: the IB API handshake, and with `--login` a session. */

import type { Context } from '../context.ts';
import { ExitCode, UserError } from '../errors.ts';
import { accountProblems } from '../gateway/accounts.ts';
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
  const { address, half } = findTarget(context, target);
  const result = await probeApi(address, login ? { login: {} } : {});
  const where = `${address.host}:${address.port}`;
  // A gateway that is not the kind it is taken for still answers: told, and no failure.
  const problems = half === null ? [] : accountProblems(half, result.accounts);
  if (json) ui.json({ target: where, ...result, problems });
  else ui.print(describe(where, result, ui.style));
  for (const problem of problems) ui.warn(`${target}: ${problem}`);
  return HEALTHY.includes(result.state) ? ExitCode.done : ExitCode.unhealthy;
}

/** `half`: what an instance's own port is for; null: nobody knows. In mode `both` it is the live one. */
function findTarget(
  { host }: Context,
  target: string,
): { address: ProbeTarget; half: 'live' | 'paper' | null } {
  if (target.includes(':')) return { address: parseHostPort(target), half: null };
  const instance = requireDeployed(host, target);
  if (instance.publish !== null) {
    const address = parseHostPort(instance.publish.replace(/^0\.0\.0\.0:/, '127.0.0.1:'));
    return { address, half: instance.mode === 'paper' ? 'paper' : 'live' };
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
