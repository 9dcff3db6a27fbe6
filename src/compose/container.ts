/** What else a service says: resources, names, a command; and what ibq, Quadlet or systemd do in its place. */

import type { Profile } from '../images/profile.ts';
import { type Draft, take, takeEntries, takeItem } from './draft.ts';
import type { Service } from './service.ts';
import { isTable, listOf, textOf } from './values.ts';
import { megabytes, seconds, words } from './words.ts';

export function readContainer(draft: Draft, profile: Profile, service: Service): void {
  for (const [key, value] of Object.entries(service.others)) {
    if (value === null || value === undefined) continue;
    const done = DONE_OTHERWISE[key];
    const reader = (profile.id === 'custom' ? CUSTOM[key] : undefined) ?? READERS[key];
    if (reader) reader(draft, value);
    else if (!key.startsWith('x-'))
      draft.left.push({ what: key, why: done ?? 'has no counterpart' });
  }
}

type Reader = (draft: Draft, value: unknown) => void;

const READERS: Readonly<Record<string, Reader>> = {
  mem_limit: (draft, value) => takeLimit(draft, 'memory', memoryOf(value), 'mem_limit'),
  shm_size: (draft, value) => take(draft, 'shm_size', memoryOf(value), 'shm_size'),
  cpus: (draft, value) => takeLimit(draft, 'cpus', String(value), 'cpus'),
  read_only: (draft, value) => take(draft, 'read_only', String(value), 'read_only'),
  stop_grace_period: (draft, value) => {
    take(draft, 'stop_timeout', String(seconds(value) ?? value), 'stop_grace_period');
  },
  dns: (draft, value) => {
    for (const address of listOf(value))
      takeItem(draft, 'dns', String(address), `dns ${String(address)}`);
  },
  extra_hosts: (draft, value) => {
    const pairs = isTable(value)
      ? Object.entries(value).map(([name, address]) => [name, String(address)] as const)
      : listOf(value).map((item) => {
          const [, name = '', address = ''] = /^([^:=]+)[:=](.*)$/.exec(String(item)) ?? [];
          return [name, address] as const;
        });
    const entries = pairs.map(([name, address]) => ({
      name,
      value: address,
      what: `extra_hosts ${name}:${address}`,
    }));
    takeEntries(draft, 'hosts', entries);
  },
  restart: (draft, value) => takeRestart(draft, String(value), 'restart'),
  deploy: (draft, value) => {
    if (!isTable(value)) return void draft.left.push({ what: 'deploy', why: 'has no counterpart' });
    const { resources, restart_policy: policy, ...rest } = value;
    const { limits, ...otherResources } = isTable(resources) ? resources : {};
    const { memory, cpus, ...otherLimits } = isTable(limits) ? limits : {};
    const place = 'deploy.resources.limits';
    if (memory !== undefined) takeLimit(draft, 'memory', memoryOf(memory), `${place}.memory`);
    if (cpus !== undefined) takeLimit(draft, 'cpus', String(cpus), `${place}.cpus`);
    if (isTable(policy)) {
      const { condition, ...others } = policy;
      const words: Readonly<Record<string, string>> = { none: 'no', any: 'always' };
      const text = textOf(condition) ?? 'any';
      takeRestart(draft, words[text] ?? text, 'deploy.restart_policy');
      leaveKeys(draft, 'deploy.restart_policy', others);
    }
    leaveKeys(draft, 'deploy.resources.limits', otherLimits);
    leaveKeys(draft, 'deploy.resources', otherResources);
    leaveKeys(draft, 'deploy', rest);
  },
};

/** Of an image of the user's own: what known images need, their profile says. */
const CUSTOM: Readonly<Record<string, Reader>> = {
  user: (draft, value) => take(draft, 'custom.user', String(value), `user ${String(value)}`),
  command: (draft, value) => {
    const parts = Array.isArray(value) ? value.map(String) : words(String(value));
    for (const word of parts) takeItem(draft, 'custom.command', word, `command ${word}`);
  },
  tmpfs: (draft, value) => {
    for (const it of listOf(value))
      takeItem(draft, 'custom.tmpfs', String(it), `tmpfs ${String(it)}`);
  },
  devices: (draft, value) => {
    for (const it of listOf(value)) {
      const text = isTable(it)
        ? [it.source, it.target, it.permissions].filter((part) => part !== undefined).join(':')
        : String(it);
      takeItem(draft, 'custom.devices', text, `devices ${text}`);
    }
  },
  cap_add: (draft, value) => {
    for (const it of listOf(value)) {
      const name = String(it).toUpperCase().replace(/^CAP_/, '');
      takeItem(draft, 'custom.capabilities', name, `cap_add ${String(it)}`);
    }
  },
};

function leaveKeys(draft: Draft, place: string, rest: object): void {
  for (const [key, value] of Object.entries(rest)) {
    // One is what there is.
    if (place === 'deploy' && key === 'replicas' && Number(value) === 1) continue;
    draft.left.push({ what: `${place}.${key}`, why: 'has no counterpart' });
  }
}

/** Each start is a login, so it is told what becomes of it. */
function takeRestart(draft: Draft, policy: string, what: string): void {
  const [name = '', times] = policy.split(':');
  const restart = {
    no: 'no',
    'on-failure': 'on-failure',
    always: 'always',
    'unless-stopped': 'always',
  }[name];
  if (restart === undefined) {
    draft.left.push({
      what: `${what}: ${policy}`,
      why: 'should be no, always, on-failure or unless-stopped',
    });
    return;
  }
  draft.values.set('restart', restart);
  draft.origins.set('restart', what);
  const ends = {
    no: 'after no end of its own',
    'on-failure': 'after a crash',
    always: 'after each end of its own, a logoff too',
  }[restart];
  draft.left.push({
    what: `${what}: ${policy}`,
    why: `is restart = "${restart}": started again ${ends}, ever slower, at most 10 times in 3 hours${times === undefined ? '' : `, and not ${times} times`}: each start is a login`,
  });
}

/** Compose has two keys for it, and refuses a service whose two differ: the later one is taken, the other told. */
function takeLimit(draft: Draft, key: string, text: string, what: string): void {
  const [before, earlier] = [draft.values.get(key), draft.origins.get(key)];
  take(draft, key, text, what);
  const now = draft.values.get(key);
  if (earlier === undefined || before === now) return;
  draft.left.push({ what: earlier, why: `is not that of ${what}, which was taken` });
}

function memoryOf(value: unknown): string {
  return String(megabytes(value) ?? value);
}

/** Not carried over, because it is so already. */
const DONE_OTHERWISE: Readonly<Record<string, string>> = {
  cap_drop: 'ibq drops all capabilities but those that the image needs',
  command: 'has no counterpart with a known image; profile custom has custom.command',
  container_name: 'containers are named ib-gateway-NAME',
  depends_on: 'systemd orders what depends: drop-ins of your own (docs/units.md)',
  devices: 'has no counterpart with a known image; profile custom has custom.devices',
  cap_add:
    'known images get the capabilities that they need; profile custom has custom.capabilities',
  tmpfs: 'has no counterpart with a known image; profile custom has custom.tmpfs',
  user: 'known images run as their own user; profile custom has custom.user',
  healthcheck: 'ibq status asks the IB API itself; a restart would be a login',
  hostname: 'has no counterpart: the gateway does not need one',
  init: 'the images have an init or need none',
  labels: 'has no counterpart: drop-ins of your own can add labels (docs/units.md)',
  logging: 'the log goes to the journal: ibq logs NAME',
  platform: 'Podman takes the image for this machine',
  profiles: 'an instance starts with the host; "sudo ibq stop NAME" keeps it down',
  pull_policy: 'ibq deploy pulls what is missing',
  security_opt: 'ibq gives the image what it needs, and no more',
  stdin_open: 'has no counterpart',
  tty: 'has no counterpart',
  ulimits: 'ibq sets nofile to 10000; others by drop-ins of your own (docs/units.md)',
};
