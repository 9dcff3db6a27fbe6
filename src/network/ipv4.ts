/** IPv4 addresses and subnets: parsed once at the edge, then trusted. */

/** Dotted quad in canonical form, for example `10.0.0.5`. */
export type Ipv4 = string & { readonly __brand: 'Ipv4' };
/** Canonical subnet, host bits zero, for example `10.0.0.0/24`. */
export type Cidr = string & { readonly __brand: 'Cidr' };

/** `null` for anything but four decimal octets without leading zeros. */
export function parseIpv4(text: string): Ipv4 | null {
  const parts = text.split('.');
  const valid = parts.length === 4 && parts.every((p) => /^(0|[1-9]\d{0,2})$/.test(p) && +p <= 255);
  return valid ? (text as Ipv4) : null;
}

/** The address as an unsigned 32-bit number. */
export function ipv4ToNumber(address: Ipv4): number {
  return address.split('.').reduce((sum, part) => sum * 256 + Number(part), 0);
}

/** @param value unsigned 32-bit number */
export function ipv4FromNumber(value: number): Ipv4 {
  return [24, 16, 8, 0].map((shift) => (value >>> shift) & 255).join('.') as Ipv4;
}

/**
 * A subnet in canonical form; `null` for a bad address or prefix and for host bits that are not
 * zero (`10.0.0.5/24`). A bare address means `/32`.
 */
export function parseCidr(text: string): Cidr | null {
  const [addressText = '', prefixText = '32', ...rest] = text.split('/');
  const address = parseIpv4(addressText);
  if (!address || rest.length > 0 || !/^(0|[1-9]\d?)$/.test(prefixText) || +prefixText > 32)
    return null;
  const cidr = makeCidr(ipv4ToNumber(address), +prefixText);
  return networkOf(cidr) === ipv4ToNumber(address) ? cidr : null;
}

/** The subnet of `prefix` bits that `address` (unsigned 32-bit) lies in. */
export function makeCidr(address: number, prefix: number): Cidr {
  return `${ipv4FromNumber((address & maskOf(prefix)) >>> 0)}/${prefix}` as Cidr;
}

export function prefixOf(cidr: Cidr): number {
  return Number(cidr.slice(cidr.indexOf('/') + 1));
}

/** First address of the subnet, unsigned 32-bit. */
export function networkOf(cidr: Cidr): number {
  const value = ipv4ToNumber(cidr.slice(0, cidr.indexOf('/')) as Ipv4);
  return (value & maskOf(prefixOf(cidr))) >>> 0;
}

/** Last address of the subnet, unsigned 32-bit. */
export function broadcastOf(cidr: Cidr): number {
  return networkOf(cidr) + sizeOf(cidr) - 1;
}

/** Number of addresses in the subnet, network and broadcast included. */
export function sizeOf(cidr: Cidr): number {
  return 2 ** (32 - prefixOf(cidr));
}

export function cidrContains(cidr: Cidr, address: Ipv4): boolean {
  const value = ipv4ToNumber(address);
  return value >= networkOf(cidr) && value <= broadcastOf(cidr);
}

/** Whether every address of `inner` lies in `outer`. */
export function cidrCovers(outer: Cidr, inner: Cidr): boolean {
  return networkOf(inner) >= networkOf(outer) && broadcastOf(inner) <= broadcastOf(outer);
}

export function cidrsOverlap(a: Cidr, b: Cidr): boolean {
  return networkOf(a) <= broadcastOf(b) && networkOf(b) <= broadcastOf(a);
}

/** Netmask of a prefix length, unsigned 32-bit. */
export function maskOf(prefix: number): number {
  return prefix === 0 ? 0 : (0xffffffff << (32 - prefix)) >>> 0;
}

const PRIVATE = ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16'] as Cidr[];

/** Whether all of the subnet is private by RFC 1918; link-local and 100.64.0.0/10 are not. */
export function isPrivate(cidr: Cidr): boolean {
  return PRIVATE.some((outer) => cidrCovers(outer, cidr));
}

/** The fewest subnets that are exactly the addresses `first` to `last` (unsigned 32-bit, inclusive). */
export function cidrsBetween(first: number, last: number): Cidr[] {
  const cidrs: Cidr[] = [];
  for (let start = first; start <= last; ) {
    let size = 1;
    while (size < 2 ** 32 && start % (size * 2) === 0 && start + size * 2 - 1 <= last) size *= 2;
    cidrs.push(makeCidr(start, 32 - Math.log2(size)));
    start += size;
  }
  return cidrs;
}
