/** Accidents that take something away from running gateways, tried on booted hosts. */

import { type Row, reported } from './rows.ts';

const UNITS = 'host/doctor-units.test.ts';

const seen = (id: string, input: string, file: string, title: string): Row => ({
  id: `tries ${id}`,
  input,
  seen: [file, title],
});

reported('what would not come back is not stopped', [
  seen(
    'F1',
    'a restart without its image, secret, program or interface',
    UNITS,
    'a restart of what would not come back stops nothing, and names all that is lacking',
  ),
  seen(
    'F1',
    'publish.address is not there',
    'host-parts/preconditions.test.ts',
    'any address, where programs may listen on those that it does not have',
  ),
  seen(
    'F1',
    'two ports are swapped, --restart-changed',
    UNITS,
    'two ports are swapped: each comes back at the other’s',
  ),
]);

reported('what is gone is found again', [
  seen(
    'F2.1',
    '/run/ibq is removed, then a client taken out of allow',
    UNITS,
    '/run/ibq is gone: what runs is found again, and who may not get in does not',
  ),
  seen(
    'F2.2',
    'lan0 went with the interface below it',
    UNITS,
    'the interface on the LAN is gone: said, and made again without a login',
  ),
  seen('F2.3', 'a guard that is gone', 'host/network.test.ts', "word: 'unguarded'"),
  seen(
    'F3',
    'podman network rm while all is stopped',
    UNITS,
    'networks: gone while all was stopped, and made again by the next start',
  ),
  seen(
    'F4',
    'rm /etc/ibq/current',
    UNITS,
    'generation: current is gone; all goes on where it was, and nobody is logged out',
  ),
  seen(
    'F4',
    'the same, and a reboot before the deploy',
    'host/systemd.test.ts',
    'after a reboot without the link to the current generation a deploy starts all where they were',
  ),
]);

reported('waits, checks, names', [
  seen(
    'F8',
    'podman hangs: a word about it',
    'host-parts/run.test.ts',
    'who waits hears for what, once for all that are slow together',
  ),
  seen('F9', 'a plan that would be refused', 'doctor/parts.test.ts', "'plan',"),
  seen('F9', 'a settings volume that is lost', 'doctor/parts.test.ts', "'settings-volumes',"),
  seen('F9', 'the target is disabled', 'doctor/force.test.ts', "'boot',"),
  seen(
    'F10',
    'mv 4003.toml trade.toml',
    UNITS,
    'instance rename: address, MAC, port, settings and secrets stay; killed half-way it is taken up again',
  ),
]);
