/** Attacks on a deployed fleet, and what each has to end in. */

import { type Row, reported } from './rows.ts';

const seen = (id: string, input: string, file: string, title: string): Row => ({
  id: `security ${id}`,
  input,
  seen: [file, title],
});

reported('attacks', [
  seen(
    'C1',
    'a race against the settings hook',
    'host/host-users.test.ts',
    'is not won in 200 starts of the hook',
  ),
  seen(
    'C1',
    'a directory that was opened before',
    'host/host-users.test.ts',
    'is not won by a directory that was opened before, in real starts',
  ),
  seen(
    'H1',
    'the host’s user of the image’s number',
    'host/host-users.test.ts',
    '%i sees nothing of a gateway, and can do nothing to it',
  ),
  seen(
    'H1',
    'doctor tells of it',
    'host/host-users.test.ts',
    'doctor fails for the one that a user of the host can read, and names him',
  ),
  seen(
    'M1',
    'a drop-in that takes the guard away',
    'quadlet/guard-in-force.test.ts',
    'a drop-in %j replaces the command: %s',
  ),
  seen(
    'M1',
    'status of one without a guard',
    'host-parts/observe.test.ts',
    'a gateway whose API answers, and nobody knows of a guard',
  ),
  seen('M1', 'a flushed guard', 'host/network.test.ts', "word: 'unguarded'"),
  seen(
    'M3',
    'umask 000 and 077: generations',
    'host-parts/files.test.ts',
    'modes are set, whatever the umask: %o',
  ),
  seen(
    'M3',
    'umask 000 and 077: the installation',
    'install.test.ts',
    'modes do not hang on the umask: %s, also where an older one left them open',
  ),
  seen(
    'M6',
    'anybody locks',
    'host-parts/lock.test.ts',
    'is for its owner alone, also one that an older ibq left',
  ),
  seen(
    'M7',
    'escapes in log lines and names',
    'ui/terminal.test.ts',
    'in a pipe, foreign text is escaped on both streams, and what is endless is cut',
  ),
  seen(
    'M7',
    'escapes in a Compose file',
    'commands/import-compose.test.ts',
    'foreign text is printed without what a terminal acts on',
  ),
  seen(
    'M8',
    'a configuration that others can write',
    'host-parts/trusted-files.test.ts',
    'is refused',
  ),
  seen(
    'L2',
    'a jts.ini of a gigabyte',
    'settings-hook.test.ts',
    '/file should be at most 1 MB, is larger',
  ),
  {
    id: 'security L3',
    input: 'passwords on the disk of the host',
    noFault:
      'Podman keeps secrets so for every container; security.md says where they lie, and the disk’s encryption is the host’s',
  },
  seen(
    'L6',
    '/:/host',
    'commands/import-compose.test.ts',
    'volume /:/host: would hand the gateway all of the host',
  ),
  seen(
    'L6',
    '/etc/shadow:/x',
    'commands/import-compose.test.ts',
    'volume /etc/shadow:/x: would hand the gateway settings of the host',
  ),
  seen(
    'L6',
    '100 000 variables',
    'commands/import-compose.test.ts',
    '100 000 variables take no minute',
  ),
  seen(
    'L6',
    'a pipe in place of a file',
    'host-parts/chosen-file.test.ts',
    'is refused where there is a pipe, without waiting for a writer',
  ),
  seen(
    'L9',
    'a client that is no longer allowed',
    'host/deploy.test.ts',
    'allowed clients change at once, also where an older definition runs; sessions stay open',
  ),
]);
