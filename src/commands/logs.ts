/** `ibq logs NAME`: the journal of an instance as journalctl shows it, without what says nothing. */

import type { Context } from '../context.ts';
import { isNoise, NOISE_PATTERN, shorten } from '../gateway/log-noise.ts';
import { requireDeployed } from '../host/deployed.ts';
import type { Host } from '../host/host.ts';
import { requireLive } from '../host/root.ts';
import { instanceService } from '../plan/paths.ts';
import { printableLines } from '../ui/foreign-text.ts';

export interface LogsOptions {
  follow: boolean;
  lines: number;
  since: string | null;
  /** Also the relay's lines about clients that came too early, and IBC's commands in full. */
  all: boolean;
}

export async function logs(
  { host, ui, env }: Context,
  name: string,
  options: LogsOptions,
): Promise<number> {
  requireLive(host, 'logs');
  requireDeployed(host, name);
  const journalctl: [string, ...string[]] = [
    'journalctl',
    `--unit=${instanceService(name)}`,
    `--lines=${options.lines}`,
    ...(options.since === null ? [] : [`--since=${options.since}`]),
  ];
  const grep = ['--case-sensitive=yes', `--grep=${NOISE_PATTERN}`] as const;
  const paged = ui.terminal && !options.follow;
  if (options.all) {
    return host.attach([
      ...journalctl,
      ...(options.follow ? ['--follow'] : []),
      ...(paged ? [] : ['--no-pager']),
    ]);
  }
  if (options.follow) {
    return host.attach([...journalctl, ...grep, '--no-pager', '--follow'], {
      line: readable,
    });
  }
  // With both --grep and --lines journalctl searches backwards, and so it prints.
  const found = await host.run([...journalctl, ...grep, '--no-pager', '--reverse']);
  if (found.exitCode !== 0 && found.stderr.trim() !== '') {
    // Without its library for patterns, or with a time that it can't read: it says so itself.
    return host.attach([...journalctl, ...(paged ? [] : ['--no-pager'])], {
      ...(paged ? {} : { line: readable }),
    });
  }
  const text = inOrder(found.stdout)
    .flatMap((line) => readable(line) ?? [])
    .join('\n');
  const pager = paged ? pagerOf(env) : null;
  if (pager === null || text === '') {
    if (text !== '') ui.print(text);
    return 0;
  }
  return page(host, pager, text);
}

/** One line of journalctl's output, `Nov 28 00:51:37 host ib-gateway-4001[9]: …`; null: it says nothing. */
function readable(line: string): string | null {
  // conmon's messages end in a newline, so an empty line follows each.
  return isNoise(line) || /^\S+ +\d+ [\d:]+ \S+ \S+: *$/.test(line)
    ? null
    : printableLines(shorten(line));
}

/** Entries newest first, their further lines indented, turned round. */
function inOrder(text: string): string[] {
  const entries: string[][] = [];
  for (const line of text.split('\n')) {
    if (/^\s/.test(line)) entries.at(-1)?.push(line);
    else if (line !== '') entries.push([line]);
  }
  return entries.reverse().flat();
}

/** As journalctl chooses it (systemd's own variables first); null: none is wanted. */
function pagerOf(env: Context['env']): string | null {
  const pager = env.SYSTEMD_PAGER ?? env.PAGER ?? 'less';
  return pager === '' || pager === 'cat' ? null : pager;
}

/** With journalctl's own options for less: it ends by itself where all fits on the screen. */
async function page(host: Host, pager: string, text: string): Promise<number> {
  const command = `command -v "\${1%% *}" >/dev/null 2>&1 || exec cat; LESS=FRSXMK exec $1`;
  await host.attach(['sh', '-c', command, 'sh', pager], { input: `${text}\n` });
  return 0;
}
