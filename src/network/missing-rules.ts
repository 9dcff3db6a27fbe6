/** Whether rules of a table are gone, by its text: without a process that loads the wanted ones elsewhere to compare. */

/**
 * Text that is no listing of a table says nothing.
 *
 * @param wanted a file for `nft -f`, as ibq writes it @param listed what `nft list table` says
 * @returns whether a chain has fewer rules than it should; that one was changed is for `doctor` to find
 */
export function rulesAreMissing(wanted: string, listed: string): boolean {
  if (!/^table /m.test(listed)) return false;
  const there = countRules(listed);
  return [...countRules(wanted)].some(([chain, count]) => (there.get(chain) ?? 0) < count);
}

/** Lines of chains that are neither their type, a comment nor a bracket. */
function countRules(text: string): Map<string, number> {
  const counts = new Map<string, number>();
  let chain: string | null = null;
  for (const line of text.split('\n').map((it) => it.trim())) {
    const [, name] = /^chain (\S+) \{$/.exec(line) ?? [];
    if (name !== undefined) {
      chain = name;
      counts.set(name, 0);
    } else if (line === '}') chain = null;
    else if (chain !== null && !/^(?:type|#|$)/.test(line)) {
      counts.set(chain, (counts.get(chain) ?? 0) + 1);
    }
  }
  return counts;
}
