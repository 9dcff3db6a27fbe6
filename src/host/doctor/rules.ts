/** Facts about nftables rules: what the files make, and what the kernel has. */

import type { FactValues, GuardFacts } from '../../doctor/facts.ts';
import { UserError } from '../../errors.ts';
import { liveGuard } from '../../plan/assemble.ts';
import type { RunningInstance } from '../../plan/installed.ts';
import type { Manifest } from '../../plan/manifest.ts';
import { CURRENT } from '../../plan/paths.ts';
import type { HostReader } from '../host.ts';
import { currentDirectory, sharesHostNetwork } from '../installed.ts';
import { showUnits } from '../systemd.ts';

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
  return Promise.all(
    own.map(async (name): Promise<GuardFacts> => {
      const record = running.get(name);
      const definition = manifest.instances[name]?.definition ?? '';
      const guard = host.files.readText(
        `${currentDirectory(host.files) ?? CURRENT}/guard/${name}.nft`,
      );
      if (record === undefined || guard === null) {
        return { name, pid: null, wanted: null, kernel: null, current: false, recorded: false };
      }
      const text = liveGuard({ definition, guard }, record);
      const [wanted, kernel] = await Promise.all([
        asLoaded(host, text, 'ibq'),
        listTable(host, 'ibq', record.pid),
      ]);
      const recorded = record.foundAgain === undefined;
      return {
        name,
        pid: record.pid,
        wanted,
        kernel,
        current: recorded && record.guard === text,
        recorded,
      };
    }),
  );
}

/**
 * What the kernel would list after a load: tried in a network namespace that is gone with its
 * command, so that both sides are compared in nft's own words.
 */
async function asLoaded(host: HostReader, rules: string, table: string): Promise<string | null> {
  const script = `nft -f - && nft --stateless list table inet ${table}`;
  const result = await host.run(['unshare', '--net', 'sh', '-c', script], { input: rules });
  if (result.failure !== null) throw new UserError(`rules can't be tried: ${reason(result)}`);
  return result.exitCode === 0 ? result.stdout : null;
}

async function listTable(host: HostReader, table: string, pid?: number): Promise<string | null> {
  const list = ['nft', '--stateless', 'list', 'table', 'inet', table] as const;
  const result =
    pid === undefined
      ? await host.run(list)
      : await host.run(['nsenter', `--net=/proc/${pid}/ns/net`, '--', ...list]);
  if (result.failure !== null) throw new UserError(`nft does not tell: ${reason(result)}`);
  return result.exitCode === 0 ? result.stdout : null;
}

function reason({ failure, stderr }: { failure: string | null; stderr: string }): string {
  return failure === 'not-found' ? 'it is not installed' : stderr.trim() || `${failure}`;
}

/** Debian's file first, then Fedora's. */
const NFTABLES_FILES = ['/etc/nftables.conf', '/etc/sysconfig/nftables.conf'];

export async function readNftablesService(
  host: HostReader,
): Promise<FactValues['nftablesService']> {
  const unit = (await showUnits(host, ['nftables.service'])).get('nftables.service');
  const file = NFTABLES_FILES.find((path) => host.files.exists(path)) ?? '/etc/nftables.conf';
  return {
    enabled: unit?.active === 'active' || unit?.unitFileState === 'enabled',
    flushes: /^\s*flush\s+ruleset\b/m.test(host.files.readText(file) ?? ''),
    file,
  };
}
