/** Networks and containers of the user's that instances are attached to, as they are found on the host. */

import type { Cidr, Ipv4 } from './ipv4.ts';

/** A bridge of Podman's that is not ibq's. */
export interface AttachedNetwork {
  /** Its interface on the host. */
  bridge: string;
  subnet: Cidr;
  /** The host's address on it; all that the host masquerades comes from there. */
  gateway: Ipv4;
}

/** A container whose network an instance lives in. */
export interface Sidecar {
  networks: readonly AttachedNetwork[];
  /** Its PublishPort= values. */
  published: readonly string[];
}

/** By the names in the configuration: of the network, and of the sidecar's unit. */
export interface Attachments {
  networks: ReadonlyMap<string, AttachedNetwork>;
  sidecars: ReadonlyMap<string, Sidecar>;
}

/** What was looked for, or why it can't be used: `should …`. */
export type Found<T> = { kind: 'found'; value: T } | { kind: 'unusable'; reason: string };

/** Interfaces of joined networks, in their order. */
export function joinedInterface(index: number): string {
  return `join${index}`;
}
