/** Who listens, from the kernel's tables (`tcp4_seq_show` of net/ipv4/tcp_ipv4.c). Pure. */

export interface ListeningSocket {
  /** `127.0.0.1`; `0.0.0.0` for all addresses, of IPv6 too; an IPv6 address as the kernel's hex digits. */
  address: string;
  port: number;
  /** Number in the `socket:[…]` links of /proc/PID/fd. */
  inode: string;
}

const LISTEN = '0A';

/** @param text of /proc/net/tcp or /proc/net/tcp6 @param littleEndian byte order of this machine */
export function parseListening(text: string, littleEndian = true): ListeningSocket[] {
  return text.split('\n').flatMap((line) => {
    const fields = line.trim().split(/\s+/);
    const [address = '', port = ''] = (fields[1] ?? '').split(':');
    const inode = fields[9];
    if (fields[3] !== LISTEN || inode === undefined) return [];
    return { address: readAddress(address, littleEndian), port: Number.parseInt(port, 16), inode };
  });
}

function readAddress(hex: string, littleEndian: boolean): string {
  if (hex.length === 8) return readIpv4(hex, littleEndian);
  if (/^0+$/.test(hex)) return '0.0.0.0';
  // ::ffff:a.b.c.d, a socket of IPv6 that takes IPv4.
  const mapped = /^0{16}(?:FFFF0000|0000FFFF)(\w{8})$/.exec(hex)?.[1];
  return mapped === undefined ? hex : readIpv4(mapped, littleEndian);
}

function readIpv4(hex: string, littleEndian: boolean): string {
  const bytes = (hex.match(/../g) ?? []).map((byte) => Number.parseInt(byte, 16));
  return (littleEndian ? bytes.reverse() : bytes).join('.');
}

/** The unit that a process runs in. @param text of /proc/PID/cgroup */
export function unitOfCgroup(text: string): string {
  return /^0::.*?\/([^/]+\.(?:service|scope))(?:\/|$)/m.exec(text)?.[1] ?? '';
}
