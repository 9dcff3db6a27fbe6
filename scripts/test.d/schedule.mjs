/** Which job is next, and whether the machine has room for it. */

/** Seconds that a job is taken to last whose length nobody knows: it starts early. */
const UNKNOWN = 600;
/**
 * Hosts for one processor. One keeps it busy seven tenths of the time, two all the time; more of them end no sooner, and
 * each waits so long for its turn that what has a time limit of its own on a host comes to it.
 */
const HOSTS_PER_CORE = 2;
/** Share of the whole machine that must have been idle before another host starts. */
const IDLE = 0.12;
/** MiB that stay free for everything else. */
const RESERVE = 1500;

/**
 * @typedef {object} Machine
 * @property {number} cores
 * @property {number} memory MiB that were free before the first job
 * @property {number} idle share of its processors that waited or did background work lately, 0 to 1
 */

/**
 * Longest first, so that none is left alone at the end. What others need goes before them.
 *
 * @template {{ id: string; kind: string }} J
 * @param {readonly J[]} jobs
 * @param {Readonly<Record<string, number>>} lengths seconds, by id
 * @returns {J[]}
 */
export function inOrder(jobs, lengths) {
  const rank = { check: 0, image: 0, unit: 1, host: 2 };
  return jobs.toSorted(
    (a, b) =>
      rank[a.kind] - rank[b.kind] || (lengths[b.id] ?? UNKNOWN) - (lengths[a.id] ?? UNKNOWN),
  );
}

/**
 * The first that may start now, of those that wait in their order.
 *
 * @template {{ id: string; kind: string; after: readonly string[]; background: boolean; memory: number }} J
 * @param {readonly J[]} waiting
 * @param {readonly J[]} running
 * @param {ReadonlySet<string>} done ids of those that ended well
 * @param {Machine} machine
 * @param {number | null} most hosts at once, where somebody said so
 * @returns {J | undefined}
 */
export function next(waiting, running, done, machine, most) {
  const used = running.reduce((sum, { memory }) => sum + memory, 0);
  return waiting.find((job) => {
    if (!job.after.every((id) => done.has(id))) return false;
    if (running.length > 0 && used + job.memory > machine.memory - RESERVE) return false;
    // One after the other: they take what is left of the processors, and a report each.
    if (job.background) return !running.some(({ background }) => background);
    if (job.kind !== 'host') return true;
    const hosts = running.filter(({ kind }) => kind === 'host').length;
    if (hosts < Math.min(machine.cores, most ?? machine.cores)) return true;
    return hosts < (most ?? machine.cores * HOSTS_PER_CORE) && machine.idle >= IDLE;
  });
}
