/** Carries out the tries of `network test`, each from where it belongs. */

import type { Outcome } from '../network/judge-tries.ts';
import type { Try } from '../network/reachability.ts';
import type { Host } from './host.ts';
import { type Connection, PROOFS, tryConnection } from './try-connections.ts';
import { openVantage, type Vantage } from './vantage.ts';

/** How many instances try something at a time: each takes a process of its own. */
const INSIDE_AT_ONCE = 4;

export interface RunAt {
  /** The stand-ins. */
  client: Vantage;
  /** First process of each running instance. */
  pids: ReadonlyMap<string, number>;
  /** Why nothing can pass over the LAN; null: it can. */
  lanBroken: string | null;
}

/** All side by side: those of one vantage in one process. What gave no answer is not in the map. */
export async function runTries(
  host: Host,
  tries: readonly Try[],
  at: RunAt,
): Promise<Map<Try, Outcome>> {
  const outcomes = new Map<Try, Outcome>();
  const open = tries.filter(({ skipped }) => skipped === null);
  const keep = (list: readonly Try[], answers: readonly Outcome[] | null) =>
    list.forEach((it, index) => {
      const answer = answers?.[index];
      if (answer) outcomes.set(it, answer);
    });
  const own = open.filter(({ vantage }) => vantage.kind === 'host');
  const clients = open.filter((it) => {
    if (it.vantage.kind !== 'client') return false;
    if (it.id !== 'lan-allowed' || at.lanBroken === null) return true;
    outcomes.set(it, { actual: 'unreachable', detail: at.lanBroken, ms: 0 });
    return false;
  });
  const inside = new Map<string, Try[]>();
  for (const it of open) {
    if (it.vantage.kind !== 'inside') continue;
    inside.set(it.vantage.instance, [...(inside.get(it.vantage.instance) ?? []), it]);
  }
  const queue = [...inside];
  const insideNext = async (): Promise<void> => {
    for (let next = queue.shift(); next; next = queue.shift()) {
      const [name, list] = next;
      const pid = at.pids.get(name);
      if (pid === undefined) continue;
      const vantage = await openVantage(['nsenter', `--net=/proc/${pid}/ns/net`]);
      try {
        keep(list, await vantage.ask(list.map((it) => connectionOf(host, it, pid))));
      } finally {
        await vantage.end();
      }
    }
  };
  await Promise.all([
    Promise.all(own.map((it) => tryConnection(connectionOf(host, it, null)))).then((answers) =>
      keep(own, answers),
    ),
    at.client
      .ask(clients.map((it) => connectionOf(host, it, null)))
      .then((answers) => keep(clients, answers)),
    ...Array.from({ length: INSIDE_AT_ONCE }, insideNext),
  ]);
  return outcomes;
}

/** @param pid of the instance that looks names up by its own files; null: no names are looked up */
function connectionOf(host: Host, it: Try, pid: number | null): Connection {
  const { host: name, port, source, id, expected } = it;
  const usual = { host: name, port, source, patient: expected === 'ok' };
  if (id !== 'way-out' || pid === null) return { ...usual, proof: PROOFS[it.service] };
  const file = (path: string) => host.files.readText(`/proc/${pid}/root${path}`) ?? '';
  const servers = [...file('/etc/resolv.conf').matchAll(/^nameserver\s+(\S+)/gm)];
  return {
    ...usual,
    proof: 'tcp',
    names: { hosts: file('/etc/hosts'), servers: servers.map(([, server = '']) => server) },
  };
}
