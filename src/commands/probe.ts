/** `ibq probe NAME|HOST:PORT`: the IB API handshake, and with `--login` a session. */

import type { Context } from '../context.ts';
import { ExitCode, UserError } from '../errors.ts';
import { accountProblems } from '../gateway/accounts.ts';
import { type ProbeResult, type ProbeTarget, probeApi } from '../gateway/probe.ts';
import { requireDeployed } from '../host/deployed.ts';
import { requireLive } from '../host/root.ts';
import type { Half } from '../images/profile.ts';
import { type ApiService, apisOf } from '../plan/services.ts';
import { clipLines, printable } from '../ui/foreign-text.ts';

const HEALTHY: readonly ProbeResult['state'][] = ['handshake', 'logged-in'];

/** A fleet of accounts fits in. */
const LONGEST_SAID = 1000;

export interface ProbeCommandOptions {
  json: boolean;
  login: boolean;
  /** Of an instance of mode `both`; null: all that it has. */
  half?: Half | null;
}

/** An API to ask. `api` is null for a port that is of no instance that ibq was told of. */
interface Asked {
  api: ApiService | null;
  address: ProbeTarget;
}

export async function probe(
  context: Context,
  target: string,
  { json, login, half = null }: ProbeCommandOptions,
): Promise<number> {
  const { ui, host } = context;
  requireLive(host, 'probe');
  const [first, ...others] = findAddresses(context, target, half);
  const ask = async ({ api, address }: Asked) => {
    const result = await probeApi(address, login ? { login: {} } : {});
    // A gateway that is not the kind it is taken for still answers: told, and no failure.
    const problems = api === null ? [] : accountProblems(api.half, result.accounts);
    return { api, where: `${address.host}:${address.port}`, result: { ...result, problems } };
  };
  const [told, ...rest] = await Promise.all([ask(first), ...others.map(ask)]);
  const all = [told, ...rest];
  if (json) {
    const services = all.flatMap(({ api, where, result }) =>
      api === null ? [] : [{ service: api.service, half: api.half, target: where, ...result }],
    );
    ui.json({ target: told.where, ...told.result, services });
  } else {
    for (const { api, where, result } of all) {
      ui.print(describe(rest.length > 0 ? `${api?.half} ${where}` : where, result, ui.style));
    }
  }
  for (const { result } of all) {
    for (const problem of result.problems) ui.warn(`${target}: ${short(problem)}`);
  }
  const healthy = all.every(({ result }) => HEALTHY.includes(result.state));
  return healthy ? ExitCode.done : ExitCode.unhealthy;
}

function findAddresses(
  { host }: Context,
  target: string,
  half: Half | null,
): readonly [Asked, ...Asked[]] {
  if (target.includes(':')) {
    if (half === null) return [{ api: null, address: parseHostPort(target) }];
    throw new UserError(`--half: goes with an instance, got ${target}`, ExitCode.usage);
  }
  const instance = requireDeployed(host, target);
  const [first, ...others] = apisOf(instance)
    .filter((api) => half === null || api.half === half)
    .map((api) => ({ api, address: publishedAddress(target, api) }));
  if (first) return [first, ...others];
  throw new UserError(
    `instance ${target} has no ${half} API, its mode is ${instance.mode}`,
    ExitCode.usage,
  );
}

function publishedAddress(name: string, { publish, lan }: ApiService): ProbeTarget {
  if (publish !== null) return parseHostPort(publish.replace(/^0\.0\.0\.0:/, '127.0.0.1:'));
  throw new UserError(
    `instance ${name} publishes no port on this host (mode lan); probe ${lan} from an allowed LAN client`,
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

/** What the other side says of itself is one line, and no longer than somebody reads. */
function short(said: string): string {
  return clipLines(printable(said), LONGEST_SAID);
}

function describe(where: string, result: ProbeResult, style: Context['ui']['style']): string {
  const healthy = HEALTHY.includes(result.state);
  const lines = [`${where}: ${style(healthy ? 'green' : 'red', result.state)}`];
  if (result.detail) lines.push(`  ${result.detail}`);
  if (result.connectionTime !== null)
    lines.push(`  connection time ${short(result.connectionTime)}`);
  if (result.accounts.length > 0) lines.push(`  accounts ${short(result.accounts.join(', '))}`);
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
