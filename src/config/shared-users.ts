/** Two gateways of one IB user: IBKR lets the user in once, and each login throws the other out, or ends itself. */

import { halvesOf } from '../images/profile.ts';
import type { Report } from './report.ts';
import type { Instance } from './types.ts';

/** A user that is a secret (`user_secret`) is not known here, and nothing is said of it. */
export function warnOfSharedUsers(instances: readonly Instance[], report: Report): void {
  const first = new Map<string, Instance>();
  for (const instance of instances) {
    for (const half of halvesOf(instance.mode)) {
      const own = half === 'paper' && instance.mode === 'both';
      const user = own ? instance.paperUser : instance.user;
      if (user === null) continue;
      // IBKR takes user names in any case.
      const key = `${half} ${user.toLowerCase()}`;
      const taker = first.get(key);
      if (taker === undefined) {
        first.set(key, instance);
        continue;
      }
      report.warn({
        file: instance.file,
        key: own ? 'paper_user' : 'user',
        message: `"${user}" logs in to ${half} in ${taker.file} too: IBKR lets a user in once, so one of the two will end or throw the other out`,
      });
    }
  }
}
