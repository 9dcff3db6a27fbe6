/** Facts about users: as whom each gateway runs, and who of this host has the same number. */

import type { UserFacts } from '../../doctor/facts.ts';
import { UserError } from '../../errors.ts';
import { PROFILE_IDS, profileOf } from '../../images/index.ts';
import { parseIdBase } from '../../plan/id-bases.ts';
import type { RunningInstance } from '../../plan/installed.ts';
import type { Manifest, ManifestInstance } from '../../plan/manifest.ts';
import type { HostReader } from '../host.ts';

/** @throws UserError where nobody tells of users */
export async function readUsers(
  host: HostReader,
  manifest: Manifest | null,
  running: ReadonlyMap<string, RunningInstance>,
): Promise<UserFacts[]> {
  const found = Object.entries(manifest?.instances ?? {}).map(([name, instance]) => {
    const record = running.get(name) ?? null;
    const { pid } = record ?? { pid: null };
    const read = (file: string) =>
      pid === null ? '' : (host.files.readText(`/proc/${pid}/${file}`) ?? '');
    const actual = parseIdBase(read('uid_map'));
    const own = /^Uid:\s+(\d+)/m.exec(read('status'))?.[1];
    // An image that starts as root changes to its user; those of a namespace are nobody's.
    const ids = [own === undefined ? null : Number(own), userOf(instance)];
    return {
      name,
      pid,
      wanted: instance.idBase,
      actual,
      pendingRestart: record !== null && record.definition !== instance.definition,
      ids: actual === null ? [...new Set(ids)].filter((id) => id !== null && id !== 0) : [],
    };
  });
  const names = await readOwners(host, [...new Set(found.flatMap(({ ids }) => ids))]);
  return found.map(({ ids, ...facts }) => ({
    ...facts,
    ids: ids.flatMap((id) => (id === null ? [] : { id, owner: names.get(id) ?? null })),
  }));
}

/** By its profile; null where only the image knows. */
function userOf({ profile, inputs }: ManifestInstance): number | null {
  const id = PROFILE_IDS.find((known) => known === profile);
  const number = (text: string | undefined) => (text === undefined ? null : Number(text));
  const chosen = { uid: number(inputs.uid), gid: number(inputs.gid) };
  return id === undefined ? null : (profileOf(id).user(chosen)?.uid ?? null);
}

/** Names of this host's users, those of a directory (LDAP) too. */
async function readOwners(
  host: HostReader,
  ids: readonly (number | null)[],
): Promise<Map<number, string>> {
  const keys = ids.flatMap((id) => (id === null ? [] : String(id)));
  if (keys.length === 0) return new Map();
  const result = await host.run(['getent', 'passwd', ...keys]);
  // 2: some are not there.
  if (result.failure !== null || (result.exitCode !== 0 && result.exitCode !== 2)) {
    throw new UserError('getent does not tell who has a number');
  }
  const rows = [...result.stdout.matchAll(/^([^:\n]+):[^:\n]*:(\d+):/gm)];
  return new Map(rows.map(([, name = '', id]) => [Number(id), name]));
}
