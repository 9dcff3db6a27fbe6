/** What else a service says: resources, names, networks; and what ibq, Quadlet or systemd do in its place. */

import type { ComposeFile, Service } from './document.ts';
import { type Draft, take } from './draft.ts';
import { megabytes, seconds } from './words.ts';

export function readContainer(draft: Draft, file: ComposeFile, service: Service): void {
  for (const [key, value] of Object.entries(service.others)) {
    if (value === null || value === undefined) continue;
    const done = DONE_OTHERWISE[key];
    const reader = READERS[key];
    if (reader) reader(draft, value);
    else draft.left.push({ what: key, why: done ?? 'has no counterpart' });
  }
  readNetworks(draft, file, service);
}

type Reader = (draft: Draft, value: unknown) => void;

const READERS: Readonly<Record<string, Reader>> = {
  mem_limit: (draft, value) => takeSize(draft, 'memory', value, 'mem_limit'),
  shm_size: (draft, value) => takeSize(draft, 'shm_size', value, 'shm_size'),
  cpus: (draft, value) => take(draft, 'cpus', String(value), 'cpus'),
  read_only: (draft, value) => take(draft, 'read_only', String(value), 'read_only'),
  stop_grace_period: (draft, value) => {
    take(draft, 'stop_timeout', String(seconds(value) ?? value), 'stop_grace_period');
  },
  dns: (draft, value) => take(draft, 'dns', listOf(value).join(','), 'dns'),
  extra_hosts: (draft, value) => {
    const pairs = isTable(value)
      ? Object.entries(value).map(([name, address]) => [name, String(address)] as const)
      : listOf(value).map((item) => {
          const [, name = '', address = ''] = /^([^:=]+)[:=](.*)$/.exec(String(item)) ?? [];
          return [name, address] as const;
        });
    const hosts: Record<string, string> = {};
    for (const [name, address] of pairs) {
      if (/^[\d.]+$/.test(address)) hosts[name] = address;
      else
        draft.left.push({
          what: `extra_hosts ${name}:${address}`,
          why: 'should be an IPv4 address',
        });
    }
    if (Object.keys(hosts).length > 0) draft.values.set('hosts', hosts);
  },
  deploy: (draft, value) => {
    const limits = isTable(value) && isTable(value.resources) ? value.resources.limits : null;
    if (!isTable(limits))
      return void draft.left.push({ what: 'deploy', why: 'has no counterpart' });
    if (limits.memory !== undefined)
      takeSize(draft, 'memory', limits.memory, 'deploy.resources.limits.memory');
    if (limits.cpus !== undefined)
      take(draft, 'cpus', String(limits.cpus), 'deploy.resources.limits.cpus');
  },
};

function takeSize(draft: Draft, key: string, value: unknown, what: string): void {
  take(draft, key, String(megabytes(value) ?? value), what);
}

/** Not carried over, because it is so already. */
const DONE_OTHERWISE: Readonly<Record<string, string>> = {
  build: 'images are not built by ibq: build it with Podman under the name of "image"',
  container_name: 'containers are named ib-gateway-NAME',
  depends_on: 'systemd orders what depends: drop-ins of your own (docs/units.md)',
  healthcheck: 'ibq status asks the IB API itself; a restart would be a login',
  hostname: 'has no counterpart: the gateway does not need one',
  init: 'the images have an init or need none',
  labels: 'has no counterpart: drop-ins of your own can add labels (docs/units.md)',
  logging: 'the log goes to the journal: ibq logs NAME',
  platform: 'Podman takes the image for this machine',
  pull_policy: 'ibq deploy pulls what is missing',
  restart: 'systemd does it, carefully: each start is a login',
  security_opt: 'ibq gives the image what it needs, and no more',
  stdin_open: 'has no counterpart',
  tty: 'has no counterpart',
  ulimits: 'ibq sets nofile to 10000; others by drop-ins of your own (docs/units.md)',
};

/** Names under which Compose's networks would be joined. */
function readNetworks(draft: Draft, file: ComposeFile, { networks, networkMode }: Service): void {
  if (networkMode !== null && !['host', 'bridge', 'default'].includes(networkMode)) {
    draft.left.push({
      what: `network_mode ${networkMode}`,
      why: 'has no counterpart; see network.via',
    });
  }
  const joined = networks.filter((name) => name !== 'default');
  if (joined.length === 0) return;
  draft.values.set(
    'network.join',
    joined.map((name) => file.networks.get(name) ?? `${name}.network`),
  );
  for (const name of joined) {
    const outside = file.networks.get(name) ?? null;
    const make =
      outside === null
        ? `write /etc/containers/systemd/${name}.network with the line [Network], then: sudo systemctl daemon-reload && sudo systemctl start ${name}-network`
        : `sudo podman network create ${outside}`;
    draft.left.push({
      what: `network ${name}`,
      why: `is joined; it has to be there (${make}), and its containers get in when network.allow has "${outside ?? `${name}.network`}"`,
    });
  }
}

function listOf(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [value];
}

function isTable(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
