/**
 * Which of a router and of some name servers answer from inside an instance's network. Nobody can open a socket there
 * but a process that was started there: a bash, as in scripts/stop, which takes a tenth of what Node takes to start.
 */

import { UserError } from '../../errors.ts';
import type { Ipv4 } from '../../network/ipv4.ts';
import type { HostReader } from '../host.ts';

/** Any word from the other side will do: a refused connection has been there and back. */
export const PORTS = [53, 80, 443, 22, 7];
export const CONNECT_MS = 1500;
/** Any answer will do, also that there is no such name. */
export const NAME = 'interactivebrokers.com';
export const NO_ANSWER = ['ETIMEOUT', 'ECONNREFUSED'];

interface Question {
  /** Null: none. */
  hop: Ipv4 | null;
  servers: readonly string[];
}

/** Others for tests. */
export interface AskedPorts {
  hop: readonly number[];
  dns: number;
}

const ASKED: AskedPorts = { hop: PORTS, dns: 53 };

interface Answer {
  hop: boolean;
  /** Those that answer. */
  servers: string[];
}

/** @param pid a process of the instance */
export async function askInside(
  host: HostReader,
  question: Question,
  pid: number,
): Promise<Answer> {
  const enter = ['nsenter', `--net=/proc/${pid}/ns/net`, '--'] as const;
  const { hop, servers } = question;
  if (hop === null && servers.length === 0) return { hop: false, servers: [] };
  const { stdout, failure } = await host.run([...enter, ...byBash(question)]);
  const said = stdout.split('\n');
  if (!said.includes('over')) {
    // No answer within its time is not the same as no time to ask.
    throw new UserError(
      failure === null ? 'bash has no sockets' : 'a try to connect did not end in time',
    );
  }
  return { hop: said.includes('hop'), servers: servers.filter((it) => said.includes(it)) };
}

/** A query for an A record (RFC 1035, 4.1), in the words of printf; no byte of it is a line's end. */
const QUERY = [
  String.raw`\x49\x42\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00`,
  ...NAME.split('.').map((label) => `\\x${label.length.toString(16).padStart(2, '0')}${label}`),
  String.raw`\x00\x00\x01\x00\x01`,
].join('');

/** Says `hop`, each server that answers, and at its end `over`; without `over` where bash has no sockets. */
const bashScript = (ports: AskedPorts) => `
unset LANGUAGE; export LC_ALL=C
hop=$1; shift
[[ $( { : 3<>/dev/udp/127.0.0.1/9; } 2>&1 ) = *"No such file"* ]] && exit 1
# What is heard comes through a pipe that this shell holds at both ends.
exec 4<> <(:) || exit 1
wanted=$# left=$#
for server; do
  { { printf '${QUERY}' >&3 && IFS= read -r -N 1 -t ${CONNECT_MS / 1000} -u 3 && echo "$server"; } 3<>"/dev/udp/$server/${ports.dns}"; echo ended; } >&4 2>/dev/null &
done
if [[ $hop ]]; then
  (( ++wanted ))
  for port in ${ports.hop.join(' ')}; do
    (( ++left ))
    { { : 3<>"/dev/tcp/$hop/$port" && echo connected; } 2>&1; echo ended; } >&4 &
  done
fi
end=$(( \${EPOCHREALTIME/[.,]/} + ${CONNECT_MS * 1000} ))
while (( wanted > 0 && left > 0 && (rest = end - \${EPOCHREALTIME/[.,]/}) > 0 )); do
  printf -v wait '%d.%06d' $(( rest / 1000000 )) $(( rest % 1000000 ))
  IFS= read -r -t "$wait" -u 4 line || break
  case $line in
    ended) (( --left )) ;;
    connected | *refused* | *reset*) if [[ $hop ]]; then echo hop; hop=; (( --wanted )); fi ;;
    [0-9]*) echo "$line"; (( --wanted )) ;;
  esac
done
echo over
kill $(jobs -p) 2>/dev/null
exit 0
`;

export function byBash({ hop, servers }: Question, ports = ASKED): [string, ...string[]] {
  return ['bash', '-c', bashScript(ports), 'bash', hop ?? '', ...servers];
}
