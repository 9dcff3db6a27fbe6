/** Who listens on TCP ports of a host, by /proc/net/tcp and tcp6. Text in, data out. */

/** Local end of a listening socket; `address` is the kernel's hex, all zeros for every address. */
export interface Listener {
  port: number;
  /** Listens on every address of the host. */
  everywhere: boolean;
  /** `127.0.0.1` and the like; null for IPv6. */
  address: string | null;
  /** Inode of the socket, by which /proc/PID/fd tells whose it is. */
  inode: number;
}

/** A listening socket, and whose it is. */
export interface PortHolder extends Listener {
  /** `python3 (pid 123)`; empty where no process was found. */
  process: string;
  /** The unit whose cgroup it runs in; empty: none. */
  unit: string;
}

/** For people: `python3 (pid 123) of squatter.service`. */
export function nameOfHolder({ process, unit }: PortHolder): string {
  return (process || 'an unknown process') + (unit === '' ? '' : ` of ${unit}`);
}

/** State 0A is TCP_LISTEN (include/net/tcp_states.h); lines are those of tcp4_seq_show. */
export function parseListeners(text: string): Listener[] {
  return text.split('\n').flatMap((line) => {
    const [, local = '', , state, , , , , , inode] = line.trim().split(/\s+/);
    const [hex = '', portHex = ''] = local.split(':');
    if (state !== '0A' || !/^[0-9A-F]+$/.test(hex) || !/^[0-9A-F]{4}$/.test(portHex)) return [];
    return [
      {
        port: Number.parseInt(portHex, 16),
        everywhere: /^0+$/.test(hex),
        address: hex.length === 8 ? dotted(hex) : null,
        inode: Number(inode),
      },
    ];
  });
}

/** How many connections a port has that others have opened, of a table as for `parseListeners`; 01 is TCP_ESTABLISHED. */
export function countConnections(text: string, port: number): number {
  const hex = port.toString(16).toUpperCase().padStart(4, '0');
  const line = new RegExp(`^\\s*\\d+: [0-9A-F]+:${hex} [0-9A-F]+:[0-9A-F]{4} 01 `, 'gm');
  return text.match(line)?.length ?? 0;
}

/** The socket that keeps `address:port` from being listened on; undefined: it is free. */
export function listenerInTheWay<L extends Listener>(
  listeners: readonly L[],
  address: string,
  port: number,
): L | undefined {
  return listeners.find(
    (listener) =>
      listener.port === port &&
      (listener.everywhere || address === '0.0.0.0' || listener.address === address),
  );
}

/** Eight hex digits in the byte order of the host that wrote them; Podman runs on little-endian ones. */
function dotted(hex: string): string {
  const bytes = hex.match(/../g) ?? [];
  return bytes
    .reverse()
    .map((byte) => Number.parseInt(byte, 16))
    .join('.');
}
