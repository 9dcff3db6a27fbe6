/** `ibq instance rename OLD NEW`: another name for an instance that keeps what it has. */

import { show } from '../config/text.ts';
import type { InstanceName } from '../config/types.ts';
import type { Context } from '../context.ts';
import { ExitCode, UserError } from '../errors.ts';
import { INSTANCE_FILE_MODE, instanceFile, loadHostConfig } from '../host/config-files.ts';
import { readCurrentManifest } from '../host/installed.ts';
import { withLock } from '../host/lock.ts';
import {
  beginRename,
  brokenOff,
  copySecrets,
  copyVolume,
  endRename,
  keepIdentity,
  leftBehind,
} from '../host/rename-instance.ts';
import { requireLiveRoot } from '../host/root.ts';
import { forgetEnds, writeLostRecords } from '../host/sessions.ts';
import { showUnits, stopUnits } from '../host/systemd.ts';
import { instanceService, QUADLET_DIRECTORY } from '../plan/paths.ts';
import { hasStopped } from '../plan/state.ts';
import { checkName } from './instance-remove.ts';

export async function instanceRename(
  context: Context,
  fromText: string,
  toText: string,
  { yes }: { yes: boolean },
): Promise<number> {
  const { host, ui, configFile } = context;
  requireLiveRoot(host, 'instance rename');
  const [from, to] = [checkName(fromText), checkName(toText)];
  return withLock(host, `instance rename ${from} ${to}`, async () => {
    const [oldFile, newFile] = [from, to].map((name) => instanceFile(configFile, name));
    if (oldFile === undefined || newFile === undefined) return ExitCode.failed;
    const resumed = await requireFree(context, from, to);
    if (host.files.exists(oldFile)) {
      if (!resumed || !host.files.exists(newFile)) {
        await askBeforeStopping(context, from, to, yes);
        beginRename(host, from, to);
        await moveBelongings(context, from, to);
        withPort(context, from, oldFile);
      }
      host.files.rename(oldFile, newFile);
    }
    endRename(host);
    ui.note(`${newFile} is its file now; next: sudo ibq deploy starts it as ${to}`);
    ui.note(
      `what ${from} had is still there: once ${to} runs, sudo ibq instance remove ${from} --purge`,
    );
    const dropIns = `${QUADLET_DIRECTORY}/ib-gateway@${from}.container.d`;
    if (host.files.exists(dropIns)) {
      ui.warn(`${dropIns} is for ${from}: move it to ${dropIns.replace(`@${from}.`, `@${to}.`)}`);
    }
    return ExitCode.done;
  });
}

/**
 * @returns whether this very rename was broken off before
 * @throws UserError (64) where OLD is not there, or something has the name NEW
 */
async function requireFree(
  { host, configFile, env }: Context,
  from: InstanceName,
  to: InstanceName,
): Promise<boolean> {
  const before = brokenOff(host);
  const pair = `${from} ${to}`;
  if (before !== null && before !== pair) {
    throw new UserError(
      `the rename of ${before.replace(' ', ' to ')} was broken off; finish that first: sudo ibq instance rename ${before}`,
    );
  }
  if (from === to) throw new UserError(`${from} has that name already`, ExitCode.usage);
  const usage = (text: string) => new UserError(`${text}; nothing was changed`, ExitCode.usage);
  const there = (name: InstanceName) => host.files.exists(instanceFile(configFile, name));
  if (before === pair) return true;
  if (!there(from)) throw usage(`${instanceFile(configFile, from)} is not there`);
  if (there(to)) throw usage(`there is an instance ${to} already`);
  // What can't be read can't be told from what has no port of its own.
  loadHostConfig(host.files, configFile, env);
  if (readCurrentManifest(host.files)?.instances[to]) {
    throw usage(`an instance ${to} is still deployed; run "sudo ibq deploy" first`);
  }
  const left = await leftBehind(host, to);
  if (left.length > 0) {
    throw usage(
      `a former instance ${show(to)} has left ${left.join(' and ')}; to forget that: sudo ibq instance remove ${to} --purge`,
    );
  }
  return false;
}

/** Its container has its name, and what it writes must be at rest while it is copied. */
async function askBeforeStopping(
  { host, ui }: Context,
  from: InstanceName,
  to: InstanceName,
  yes: boolean,
): Promise<void> {
  const unit = instanceService(from);
  const { active } = (await showUnits(host, [unit])).get(unit) ?? {};
  if (hasStopped(active)) return;
  const agreed = await ui.confirm(
    `${from} runs: it is logged out and stopped now, and logs in anew as ${to} with the next deploy, which may ask for a second factor; go on?`,
    { assumeYes: yes, flag: '-y', unlessTyped: 'no' },
  );
  if (!agreed) throw new UserError('aborted, no changes made');
}

async function moveBelongings(
  { host, ui }: Context,
  from: InstanceName,
  to: InstanceName,
): Promise<void> {
  forgetEnds(host, [from]);
  writeLostRecords(host, [from]);
  await stopUnits(host, [instanceService(from)]);
  const keys = await copySecrets(host, from, to);
  const volume = await copyVolume(host, from, to);
  keepIdentity(host, from, to);
  const copied = [...keys, ...(volume ? ['its settings'] : [])].join(', ') || 'nothing to copy';
  ui.note(`${to} keeps address, MAC and port of ${from}; copied: ${copied}`);
}

/** A name that was the port is no longer: the file says it from now on. */
function withPort({ host, ui, configFile, env }: Context, name: InstanceName, file: string): void {
  const text = host.files.readText(file) ?? '';
  const { config } = loadHostConfig(host.files, configFile, env);
  const port = config.instances.find((instance) => instance.name === name)?.port;
  if (port === undefined || String(port) !== name || /^\s*port\s*=/m.test(text)) return;
  host.files.writeText(file, `port = ${port}\n${text}`, INSTANCE_FILE_MODE);
  ui.note(`wrote "port = ${port}" into it: so far its name had said that`);
}
