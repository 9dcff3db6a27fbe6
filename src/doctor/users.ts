/** Checks of who is who: what users of this host have of a gateway. */

import { type Check, defineCheck, type Finding, fail, skipped, verdictOf } from './check.ts';
import type { UserFacts } from './facts.ts';

const userNamespace = defineCheck({
  id: 'user-namespace',
  title: 'users of its own',
  needs: ['users'],
  judge: ({ users }) => {
    const wanted = users.filter((it) => it.wanted !== null && it.pid !== null);
    if (users.length === 0) return skipped('nothing is deployed');
    if (wanted.length === 0) return skipped('no instance that runs is to have them');
    return verdictOf(
      wanted.flatMap(namespaceFindings),
      `${wanted.map(({ name }) => name).join(', ')} in a user namespace each`,
    );
  },
});

function namespaceFindings({ name, wanted, actual, pendingRestart }: UserFacts): Finding[] {
  if (actual === wanted) return [];
  // One that has not moved over yet is judged by whom its numbers belong to.
  if (pendingRestart && actual === null) return [];
  if (actual === null) {
    return [
      fail(
        `${name} should run in a user namespace of its own, runs with the users of this host`,
        `look for UserNS= or UIDMap= in its drop-ins, then: sudo ibq restart ${name} (a new login)`,
      ),
    ];
  }
  return [
    fail(
      `the users of ${name} should begin at ${wanted} on this host, begin at ${actual}`,
      `sudo ibq restart ${name} (a new login)`,
    ),
  ];
}

const hostUsers = defineCheck({
  id: 'host-users',
  title: 'users of this host',
  needs: ['users'],
  judge: ({ users }) => {
    if (users.length === 0) return skipped('nothing is deployed');
    return verdictOf(
      users.flatMap(sharedFindings),
      'none has the number of a gateway: none can read its password or end it',
    );
  },
});

function sharedFindings({ name, ids, wanted, actual, pid }: UserFacts): Finding[] {
  // What does not run is judged by what it will be.
  const apart = pid === null ? wanted !== null : actual !== null;
  if (apart) return [];
  return ids.flatMap(({ id, owner }) =>
    owner === null
      ? []
      : fail(
          `${name} ${pid === null ? 'will run' : 'runs'} as user ${id}, which is ${owner} on this host: ${owner} can read its password and settings, and end it`,
          wanted === null
            ? `remove user_namespace = false from the settings of ${name}, then: sudo ibq deploy --restart-changed (a new login)`
            : `sudo ibq restart ${name} (a new login)`,
        ),
  );
}

export const userChecks: readonly Check[] = [userNamespace, hostUsers];
