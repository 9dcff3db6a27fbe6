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
  seen('L6', '100 000 variables', 'commands/import-compose.test.ts', "test('100 000 variables'"),
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

reported('attacks from the network, from a gateway and from beside it', [
  seen(
    'M2',
    'the address of the stand-in of network test',
    'host/network.test.ts',
    'a stranger with the address of the stand-in gets in neither during the test nor after it, also when that is killed',
  ),
  seen(
    'M4',
    'one rule of the host is deleted, mode host',
    'host/host-mode.test.ts',
    'a single rule that is gone is seen: status says so, and it does not start again',
  ),
  seen(
    'M4',
    'the rules of the host are gone',
    'host/network.test.ts',
    'the host’s rules flushed: a container on another bridge gets in',
  ),
  seen(
    'M5',
    'the address of the host among its instances',
    'host/lan-reach.test.ts',
    'a machine of the LAN that takes the address of the host among its instances stays out',
  ),
  seen(
    'M8',
    'a template or custom file that somebody else can write',
    'host-parts/trusted-files.test.ts',
    'a file that an instance names is looked at as well',
  ),
  seen(
    'L1',
    'the key of another tunnel',
    'host/tunnel.test.ts',
    'the user of one does not read the key of the other',
  ),
  seen(
    'L4',
    'services of the host and the metadata of its cloud',
    'host/reach.test.ts',
    'opens no service of this host, and not the metadata of its cloud',
  ),
  seen(
    'L5',
    'a service on 127.0.0.1 of the host, by the bridge',
    'host/reach.test.ts',
    'opens no service of this host, and not the metadata of its cloud',
  ),
  seen(
    'L7',
    'thousands of connections are held',
    'host-parts/observe.test.ts',
    'full: who holds it is asked for, and no restart',
  ),
  seen('L8', 'packages without a hash', 'build.test.ts', 'every package of the lock has the hash'),
  seen(
    'L8',
    'the same source in another directory',
    'build.test.ts',
    'the same source in another directory, with its packages elsewhere, gives the same bundle',
  ),
]);
