/** `ibq network test`: proves who can reach what, by trying it. */

import type { Context } from '../context.ts';
import { ExitCode, UserError } from '../errors.ts';
import { requireDeployed } from '../host/deployed.ts';
import { withInterrupt } from '../host/interrupt.ts';
import { withLock } from '../host/lock.ts';
import { type Tested, testReachability } from '../host/reachability.ts';
import { requireLive, requireRoot } from '../host/root.ts';
import type { Judged } from '../network/judge-tries.ts';
import { table } from '../ui/table.ts';
import type { Style } from '../ui/ui.ts';

export interface NetworkTestOptions {
  json: boolean;
  /** `HOST:PORT`, where each instance should get out to. */
  to: readonly string[];
}

/** @returns 0; 3 where a try went otherwise than it should, or none could be made; 130/143 */
export async function networkTest(
  { host, ui }: Context,
  name: string | null,
  { json, to }: NetworkTestOptions,
): Promise<number> {
  const targets = to.map(parseTarget);
  requireRoot(host);
  requireLive(host, 'network test');
  if (name !== null) requireDeployed(host, name);
  return withInterrupt(
    () => ui.note('interrupted: taking everything temporary away'),
    (interrupt) =>
      withLock(host, 'network test', async () => {
        const tested = await testReachability(host, { instance: name, to: targets, interrupt });
        if (tested === null) return interrupt.exitCode ?? ExitCode.failed;
        const count = (result: Judged['result']) =>
          tested.tries.filter((it) => it.result === result).length;
        const counts = { passed: count('pass'), failed: count('fail'), skipped: count('skipped') };
        if (json) ui.json({ ...counts, ...tested });
        else print(ui, tested, counts, targets.length);
        const proven = counts.failed === 0 && counts.passed > 0;
        return proven ? ExitCode.done : ExitCode.unhealthy;
      }),
  );
}

/** @throws UserError (64) */
function parseTarget(text: string): { host: string; port: number } {
  const match = /^([^:]+):(\d{1,5})$/.exec(text);
  const port = Number(match?.[2] ?? 0);
  if (match?.[1] === undefined || port < 1 || port > 65535) {
    throw new UserError(`--to ${text}: should be HOST:PORT, port 1-65535`, ExitCode.usage);
  }
  return { host: match[1], port };
}

const COLOUR: Readonly<Record<Judged['result'], Style>> = {
  pass: 'green',
  fail: 'red',
  skipped: 'yellow',
};

function print(
  ui: Context['ui'],
  { tries, notRunning }: Tested,
  counts: { passed: number; failed: number; skipped: number },
  targets: number,
): void {
  const rows = tries.map((it) => [
    ui.style('bold', it.instance),
    it.from,
    `${it.host}:${it.port}${it.service === 'api' ? '' : ` (${it.service})`}`,
    it.expected,
    it.actual ?? '-',
    ui.style(COLOUR[it.result], it.result),
    it.result === 'pass' ? '' : it.detail,
  ]);
  const header = ['INSTANCE', 'FROM', 'TO', 'EXPECTED', 'ACTUAL', 'RESULT', ''];
  if (rows.length > 0)
    ui.print(table(rows, { terminal: ui.terminal, columns: ui.columns, header }));
  for (const name of notRunning) ui.note(`${name}: does not run, nothing was tried`);
  if (targets === 0 && rows.length > 0) {
    ui.note('the way out was not tried: name a place with --to HOST:PORT');
  }
  ui.note(`${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`);
}
