/** Directories and files of the host that hand over more than a gateway should have. */

import { posix } from 'node:path';

/** Time zone and names: every program may read them. */
const HARMLESS =
  /^\/etc\/(?:localtime|timezone|resolv\.conf|hosts|ssl(?:\/.*)?|ca-certificates(?:\/.*)?|pki(?:\/.*)?)$/;

const RISKS: readonly [RegExp, string][] = [
  [/^\/$/, 'all of the host'],
  [
    /^\/(?:bin|sbin|lib\w*|usr|boot|opt|srv|mnt|media|var|run|home|tmp)$/,
    'a large part of the host',
  ],
  [
    /^\/(?:var\/)?run\/(?:docker|containerd|podman|crio|systemd|dbus|ibq|user)(?:\/|\.|$)/,
    'the control of the host',
  ],
  [/\/(?:docker|podman|containerd|crio)\.sock$/, 'the control of the host'],
  [/^\/(?:proc|sys|dev|boot|lib\/modules)(?:\/|$)/, "the kernel's own files"],
  [
    /^\/var\/lib\/(?:containers|docker|containerd)(?:\/|$)/,
    'the store of all containers, with secrets and volumes of others',
  ],
  [/^\/etc\/(?:ibq|containers)(?:\/|$)/, "ibq's own files, or Podman's"],
  [/^\/etc(?:\/|$)/, 'settings of the host'],
  [/^\/root\/?$|\/\.(?:ssh|gnupg|aws|kube|docker|netrc|pgpass)(?:\/|$)/, "somebody's keys"],
];

/** @returns what it hands over; null: nothing to be said */
export function volumeRisk(source: string): string | null {
  if (!source.startsWith('/')) return null;
  const path = posix.normalize(source).replace(/(?<=.)\/+$/, '');
  if (HARMLESS.test(path)) return null;
  return RISKS.find(([pattern]) => pattern.test(path))?.[1] ?? null;
}
