/** Makes the LAN interface of a running instance again: its container and its login are not touched. */

import { ExitCode, UserError } from '../errors.ts';
import { lanInterface } from '../network/guard.ts';
import type { Desired } from '../plan/desired.ts';
import type { Host } from './host.ts';
import { readRunning } from './installed.ts';

/**
 * As netavark makes it: in the container's network at once, under its name, with its address and MAC. The rules of the
 * guard know it by its name and are there. Machines of the LAN are told, for they may know the address by another MAC.
 */
const MAKE = `
set -e
ip link add link "$1" netns "$2" name "$3" $4
in="nsenter --net=/proc/$2/ns/net --"
trap '[ $? = 0 ] || $in ip link del "$3"' EXIT
$in ip addr add "$5" broadcast + dev "$3"
$in sh -c 'echo 1 >/proc/sys/net/ipv4/conf/'"$3"'/arp_notify' 2>/dev/null || true
$in ip link set "$3" up
[ -z "$6" ] || $in ip route add default via "$6" dev "$3" metric 100
$in ip neigh replace "$7" dev "$3" nud none use || true`;

export async function makeLan(host: Host, name: string, desired: Desired): Promise<void> {
  const instance = desired.instances.find((wanted) => wanted.name === name);
  const running = readRunning(host.files, [name]).get(name);
  // It ended in the meantime: its next start makes it.
  if (!instance?.lan || !running) return;
  const input = (key: string) => instance.inputs[`network.${key}`] ?? '';
  const prefix = input('subnet').split('/')[1] ?? '';
  const type =
    input('driver') === 'ipvlan'
      ? 'type ipvlan mode l2'
      : `address ${instance.lan.mac} type macvlan mode bridge`;
  const script = [
    'sh',
    '-c',
    MAKE,
    'sh',
    input('interface'),
    String(running.pid),
    lanInterface,
  ] as const;
  const result = await host.run([
    ...script,
    type,
    `${instance.lan.address}/${prefix}`,
    input('egress') === 'lan' ? input('gateway') : '',
    input('gateway'),
  ]);
  if (result.exitCode === 0) return;
  const said = result.stderr.trim().split('\n').at(-1) || result.failure;
  throw new UserError(
    `the LAN interface of ${name} could not be made again: ${said}; sudo ibq restart ${name} makes it (a new login, where its session is not kept)`,
    ExitCode.failed,
  );
}
