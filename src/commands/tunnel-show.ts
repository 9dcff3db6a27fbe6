/** `ibq tunnel show`: who gets what, whether it is up, and what the other side has to know of the key. */

import type { Context } from '../context.ts';
import { ExitCode } from '../errors.ts';
import type { Host } from '../host/host.ts';
import { readCurrentManifest } from '../host/installed.ts';
import { listSecrets } from '../host/podman.ts';
import { requireLiveRoot } from '../host/root.ts';
import { showUnits } from '../host/systemd.ts';
import {
  type PublicKey,
  publicKeyOf,
  unlockKey,
  withPrivateDirectory,
} from '../host/tunnel-keys.ts';
import { observeTunnels, unpinned } from '../host/tunnels.ts';
import { secretName } from '../images/profile.ts';
import { instanceService } from '../plan/paths.ts';
import { listenText } from '../ssh/listens.ts';
import type { TunnelState } from '../ssh/state.ts';
import { machinesOf } from '../ssh/tunnel.ts';
import { table } from '../ui/table.ts';
import {
  authorizedKeys,
  requireTunnelled,
  type Tunnelled,
  tunnelledInstances,
} from './tunnel-instance.ts';

interface Shown {
  instance: string;
  mode: string;
  via: 'host' | 'image';
  bastion: string | null;
  /** Null: none is set, or it can't be read. */
  key: { fingerprint: string; publicKey: string } | null;
  targets: {
    target: string;
    listens: string[];
    state: TunnelState['state'] | 'not-deployed';
    since: string | null;
    detail: string;
  }[];
  hostKeys: { name: string; pinned: boolean }[];
  authorizedKeys: { machine: string; line: string }[];
}

export async function tunnelShow(
  context: Context,
  name: string | null,
  { json }: { json: boolean },
): Promise<number> {
  const { host, ui } = context;
  requireLiveRoot(context.host, 'tunnel show');
  const tunnelled = name === null ? tunnelledInstances(context) : [requireTunnelled(context, name)];
  const states = await statesOf(host);
  const secrets = await listSecrets(host);
  const shown: Shown[] = [];
  for (const one of tunnelled) {
    const { name: instance } = one.instance;
    const key = secrets.has(secretName(instance, 'ssh_key')) ? await readKey(host, instance) : null;
    shown.push(await describe(host, one, key, states.get(instance) ?? []));
  }
  if (json) ui.json({ tunnels: shown });
  else if (shown.length === 0) ui.note('no instance has a tunnel (docs/ssh-tunnels.md)');
  else print(context, shown, name !== null);
  return ExitCode.done;
}

async function statesOf(host: Host): Promise<Map<string, TunnelState[]>> {
  const instances = readCurrentManifest(host.files)?.instances ?? {};
  const names = Object.keys(instances);
  if (names.length === 0) return new Map();
  const units = await showUnits(host, names.map(instanceService));
  return observeTunnels(
    host,
    instances,
    (name) => units.get(instanceService(name))?.active === 'active',
  );
}

/** What can't be read is told by a deploy and by `ibq doctor`. */
async function readKey(host: Host, instance: string): Promise<PublicKey | null> {
  return withPrivateDirectory(host, async (directory) => {
    try {
      return await publicKeyOf(host, await unlockKey(host, instance, directory));
    } catch {
      return null;
    }
  });
}

async function describe(
  host: Host,
  tunnelled: Tunnelled,
  key: PublicKey | null,
  states: readonly TunnelState[],
): Promise<Shown> {
  const { instance, targets } = tunnelled;
  const { ssh } = instance.settings;
  const names = machinesOf(instance).map((machine) => machine.name);
  const open = await unpinned(host, names);
  return {
    instance: instance.name,
    mode: ssh.mode,
    via: ssh.via,
    bastion: ssh.bastion,
    key: key && { fingerprint: key.fingerprint, publicKey: key.line },
    targets: targets.map(({ target, listens }) => {
      const state = states.find((it) => it.target === target.text);
      return {
        target: target.text,
        listens: listens.map(listenText),
        state: state?.state ?? 'not-deployed',
        since: state?.since ?? null,
        detail: state?.detail ?? '',
      };
    }),
    hostKeys: names.map((it) => ({ name: it, pinned: !open.includes(it) })),
    authorizedKeys: key === null ? [] : authorizedKeys(tunnelled, key.line),
  };
}

function print({ ui }: Context, shown: readonly Shown[], all: boolean): void {
  const rows = shown.flatMap(({ instance, targets, hostKeys }) =>
    targets.map(({ target, listens, state, since, detail }) => [
      ui.style('bold', instance),
      target,
      listens.join(' '),
      ui.style(state === 'up' ? 'green' : state === 'down' ? 'red' : 'yellow', state),
      since ?? '-',
      detail || (hostKeys.every(({ pinned }) => pinned) ? '-' : 'host key not pinned'),
    ]),
  );
  const header = ['NAME', 'TARGET', 'LISTENS THERE', 'STATE', 'SINCE', 'WHY'];
  ui.print(table(rows, { terminal: ui.terminal, columns: ui.columns, header }));
  for (const { instance, key, hostKeys, authorizedKeys: lines } of all ? shown : []) {
    for (const { name, pinned } of hostKeys) {
      ui.note(
        pinned ? `${name}: its host key is pinned` : `${name}: → sudo ibq tunnel trust ${instance}`,
      );
    }
    if (key === null) ui.note(`no key that can be read: → sudo ibq tunnel key ${instance}`);
    else ui.note(`key ${key.fingerprint}; lines for ~/.ssh/authorized_keys:`);
    for (const { machine, line } of lines) ui.note(`# ${machine}\n${line}`);
  }
}
