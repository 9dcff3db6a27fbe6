/** Facts about nftables rules: what the files make, and what the kernel has. */

import type { FactValues, GuardFacts } from '../../doctor/facts.ts';
import { UserError } from '../../errors.ts';
import { liveGuard } from '../../plan/assemble.ts';
import type { RunningInstance } from '../../plan/installed.ts';
import type { Manifest } from '../../plan/manifest.ts';
import { CURRENT } from '../../plan/paths.ts';
import type { HostReader } from '../host.ts';
import { currentDirectory, sharesHostNetwork } from '../installed.ts';
import type { UnitState } from '../systemd.ts';

export async function readRuleset(host: HostReader): Promise<string> {
  const result = await host.run(['nft', 'list', 'ruleset']);
  if (result.exitCode !== 0) throw new UserError(`nft does not tell: ${reason(result)}`);
  return result.stdout;
}

export async function readHostRules(host: HostReader): Promise<FactValues['hostRules']> {
  const text = host.files.readText(`${currentDirectory(host.files) ?? CURRENT}/host.nft`);
  if (text === null) return { wanted: null, kernel: null };
  const [wanted, kernel] = await Promise.all([
    asLoaded(host, text, 'ibq_host'),
    listTable(host, 'ibq_host'),
  ]);
  return { wanted, kernel };
}

/** @param active names of the instances whose units are active */
export async function readGuards(
  host: HostReader,
  manifest: Manifest,
  active: readonly string[],
  running: ReadonlyMap<string, RunningInstance>,
): Promise<GuardFacts[]> {
  // In the host's network an instance has no rules of its own: check `host-rules` looks at the host's.
  const own = active.filter((name) => {
    const record = running.get(name);
    return record === undefined || !sharesHostNetwork(host.files, record.pid);
  });
  const found = own.map((name) => {
    const record = running.get(name);
    const definition = manifest.instances[name]?.definition ?? '';
    const guard = host.files.readText(
      `${currentDirectory(host.files) ?? CURRENT}/guard/${name}.nft`,
    );
    if (record === undefined || guard === null) return { name, asked: null };
    const { pid } = record;
    return { name, asked: { pid, record, text: liveGuard({ definition, guard }, record) } };
  });
  const asked = found.flatMap((it) => it.asked ?? []);
  const [wanted, kernel] = await Promise.all([
    guardsAsLoaded(host, [...new Set(asked.map(({ text }) => text))]),
    listGuards(
      host,
      asked.map(({ pid }) => pid),
    ),
  ]);
  return found.map(({ name, asked: it }): GuardFacts => {
    if (it === null) {
      return { name, pid: null, wanted: null, kernel: null, current: false, recorded: false };
    }
    const { pid, record, text } = it;
    const recorded = record.foundAgain === undefined;
    return {
      name,
      pid,
      wanted: wanted.get(text) ?? null,
      kernel: kernel.get(pid) ?? null,
      current: recorded && record.guard === text,
      recorded,
    };
  });
}

const GUARD = 'ibq';

/**
 * As `asLoaded`, of all at once: each in a table of another name. Where one of them spoils the others, each by itself.
 *
 * @returns by the text of the rules; those that can't be loaded are not among them
 */
async function guardsAsLoaded(
  host: HostReader,
  guards: readonly string[],
): Promise<Map<string, string>> {
  const loaded = new Map<string, string>();
  if (guards.length > 1) {
    const renamed = guards.map((text, at) =>
      text.replace(/^((?:delete )?table inet )ibq(?=$| \{$)/gm, `$1${GUARD}_${at}`),
    );
    const all = (await tryRules(host, renamed.join(''), 'ruleset')) ?? '';
    const tables = [...all.matchAll(/^table inet ibq_(\d+) (\{\n(?:.*\n)*?\}\n)/gm)];
    for (const [, at, body] of tables) {
      const text = guards[Number(at)];
      if (text !== undefined) loaded.set(text, `table inet ${GUARD} ${body}`);
    }
  }
  await Promise.all(
    guards.map(async (text) => {
      const table = loaded.has(text) ? null : await asLoaded(host, text, GUARD);
      if (table !== null) loaded.set(text, table);
    }),
  );
  return loaded;
}

/**
 * Of each process's network namespace, one after another in one shell.
 *
 * @returns by the process; where there is no guard, nothing
 */
async function listGuards(host: HostReader, pids: readonly number[]): Promise<Map<number, string>> {
  if (pids.length === 0) return new Map();
  const script = `command -v nsenter >/dev/null || exit 127
for pid; do
  nsenter "--net=/proc/$pid/ns/net" -- nft --stateless list table inet ${GUARD}
  echo "$pid $?"
done`;
  const result = await host.run(['sh', '-c', script, 'sh', ...pids.map(String)]);
  const failure = result.exitCode === 127 ? 'not-found' : result.failure;
  if (failure !== null) {
    throw new UserError(`nft does not tell: ${reason({ ...result, failure })}`);
  }
  const listed = [...result.stdout.matchAll(/((?:^\D.*\n|^\n)*)^(\d+) (\d+)\n/gm)];
  return new Map(
    listed.flatMap(([, table = '', pid, status]) =>
      status === '0' ? [[Number(pid), table] as const] : [],
    ),
  );
}

/**
 * What the kernel would list after a load: tried in a network namespace that is gone with its
 * command, so that both sides are compared in nft's own words.
 */
function asLoaded(host: HostReader, rules: string, table: string): Promise<string | null> {
  return tryRules(host, rules, `table inet ${table}`);
}

async function tryRules(host: HostReader, rules: string, listed: string): Promise<string | null> {
  const script = `nft -f - && nft --stateless list ${listed}`;
  const result = await host.run(['unshare', '--net', 'sh', '-c', script], { input: rules });
  if (result.failure !== null) throw new UserError(`rules can't be tried: ${reason(result)}`);
  return result.exitCode === 0 ? result.stdout : null;
}

async function listTable(host: HostReader, table: string): Promise<string | null> {
  const result = await host.run(['nft', '--stateless', 'list', 'table', 'inet', table]);
  if (result.failure !== null) throw new UserError(`nft does not tell: ${reason(result)}`);
  return result.exitCode === 0 ? result.stdout : null;
}

function reason({ failure, stderr }: { failure: string | null; stderr: string }): string {
  return failure === 'not-found' ? 'it is not installed' : stderr.trim() || `${failure}`;
}

/** Debian's file first, then Fedora's. */
const NFTABLES_FILES = ['/etc/nftables.conf', '/etc/sysconfig/nftables.conf'];

export const NFTABLES_UNIT = 'nftables.service';

export function readNftablesService(
  host: HostReader,
  units: ReadonlyMap<string, UnitState>,
): FactValues['nftablesService'] {
  const unit = units.get(NFTABLES_UNIT);
  const file = NFTABLES_FILES.find((path) => host.files.exists(path)) ?? '/etc/nftables.conf';
  return {
    enabled: unit?.active === 'active' || unit?.unitFileState === 'enabled',
    flushes: /^\s*flush\s+ruleset\b/m.test(host.files.readText(file) ?? ''),
    file,
  };
}
