/** Whether the accounts behind an API are of the kind that its instance is for. */

/** How IB's account names begin: paper `DU…` and `DF…` (advisors), live `U…` and `F…`. */
const KINDS: Readonly<Record<'live' | 'paper', RegExp>> = { live: /^[UF]/, paper: /^D[UF]/ };

/**
 * @param mode what the instance, or its half in mode `both`, is configured as
 * @param accounts as `managedAccounts` names them
 * @returns one sentence for people; empty where nothing is wrong or a name tells nothing
 */
export function accountProblems(mode: 'live' | 'paper', accounts: readonly string[]): string[] {
  const other = mode === 'live' ? 'paper' : 'live';
  const wrong = accounts.filter((account) => KINDS[other].test(account));
  if (wrong.length === 0) return [];
  const what =
    wrong.length === 1
      ? `${wrong[0]} is a ${other} account`
      : `${wrong.join(', ')} are ${other} accounts`;
  return [
    `${what}, and this is a ${mode} gateway: orders sent here are ${other === 'live' ? 'real' : 'simulated'}`,
  ];
}
