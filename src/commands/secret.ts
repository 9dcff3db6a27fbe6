/** `ibq secret set|list|remove`: values live in Podman's secrets and nowhere else. */

import type { Instance } from '../config/types.ts';
import type { Context } from '../context.ts';
import { ExitCode, UserError } from '../errors.ts';
import { loadHostConfig } from '../host/config-files.ts';
import { withLock } from '../host/lock.ts';
import { listSecrets, removeSecret, writeSecret } from '../host/podman.ts';
import { requireLive, requireRoot } from '../host/root.ts';
import { profileFor } from '../images/index.ts';
import { type ProfileSecret, secretName, secretsFor } from '../images/profile.ts';
import { table } from '../ui/table.ts';

/** Podman refuses secrets of 512 000 bytes and more (containers/common, pkg/secrets). */
const MAX_SECRET_BYTES = 511_999;

export async function secretSet(context: Context, name: string, key: string): Promise<number> {
  const { host, ui } = context;
  requireLiveRoot(context, `secret set ${name} ${key}`);
  const secret = findSecret(findInstance(context, name), key);
  const value = await ui.readHidden(`${secret.title}, instance ${name}: `);
  checkValue(value, secret);
  await withLock(host, `secret set ${name} ${key}`, async () => {
    const replaced = (await listSecrets(host)).has(secretName(name, key));
    await writeSecret(host, secretName(name, key), secret.encode(value));
    ui.note(
      replaced
        ? `replaced the ${key} of ${name}; a running instance keeps the old one until "sudo ibq restart ${name}" (new login)`
        : `set the ${key} of ${name}; next: sudo ibq deploy`,
    );
  });
  return ExitCode.done;
}

function checkValue(value: string, secret: ProfileSecret): void {
  if (value === '') {
    throw new UserError(`${secret.key}: should not be empty; nothing was changed`, ExitCode.usage);
  }
  if (/[\0\r\n]/.test(value)) {
    throw new UserError(`${secret.key}: should be one line; nothing was changed`, ExitCode.usage);
  }
  const problem = secret.problem(value);
  if (problem !== null) {
    throw new UserError(`${secret.key}: ${problem}; nothing was changed`, ExitCode.usage);
  }
  if (Buffer.byteLength(secret.encode(value)) > MAX_SECRET_BYTES) {
    throw new UserError(
      `${secret.key}: should be shorter than 512 kB; nothing was changed`,
      ExitCode.usage,
    );
  }
}

export async function secretList(
  context: Context,
  name: string | null,
  { json }: { json: boolean },
): Promise<number> {
  const { host, ui } = context;
  requireLiveRoot(context, `secret list${name === null ? '' : ` ${name}`}`);
  const instances = name === null ? loadInstances(context) : [findInstance(context, name)];
  const present = await listSecrets(host);
  const secrets = instances.flatMap((instance) =>
    secretsFor(profileFor(instance), instance).map(({ key, title, wanted }) => ({
      instance: instance.name,
      key,
      title,
      required: wanted(instance) === 'required',
      set: present.has(secretName(instance.name, key)),
    })),
  );
  if (json) ui.json({ secrets });
  else {
    const rows = secrets.map(({ instance, key, title, required, set }) => [
      instance,
      key,
      set ? ui.style('green', 'set') : ui.style(required ? 'red' : 'dim', 'missing'),
      title,
    ]);
    const header = ['INSTANCE', 'KEY', 'STATE', 'WHAT'];
    if (rows.length > 0) ui.print(table(rows, { terminal: ui.terminal, header }));
    for (const { instance, key, required, set } of secrets) {
      if (required && !set) ui.note(`run "sudo ibq secret set ${instance} ${key}"`);
    }
  }
  return ExitCode.done;
}

/** Works for an instance that has left the configuration too: its secrets stay behind. */
export async function secretRemove(context: Context, name: string, key: string): Promise<number> {
  const { host, ui } = context;
  requireLiveRoot(context, `secret remove ${name} ${key}`);
  const secret = secretName(name, key);
  return withLock(host, `secret remove ${name} ${key}`, async () => {
    if (!(await listSecrets(host)).has(secret)) {
      throw new UserError(`instance ${name} has no ${key} set ("sudo ibq secret list" shows all)`);
    }
    await removeSecret(host, secret);
    ui.note(`removed the ${key} of ${name}; an instance of that name can't start without it`);
    return ExitCode.done;
  });
}

function requireLiveRoot({ host }: Context, command: string): void {
  requireLive(host, 'secret');
  requireRoot(host, command);
}

function loadInstances({ host, configFile, env }: Context): Instance[] {
  return loadHostConfig(host.files, configFile, env).config.instances;
}

function findInstance(context: Context, name: string): Instance {
  const instances = loadInstances(context);
  const instance = instances.find((configured) => configured.name === name);
  if (instance) return instance;
  const known = instances.map((configured) => configured.name).join(', ') || 'none yet';
  throw new UserError(
    `no instance ${JSON.stringify(name)} (configured: ${known}); run "sudo ibq instance add NAME" first`,
    ExitCode.usage,
  );
}

function findSecret(instance: Instance, key: string): ProfileSecret {
  const { secrets } = profileFor(instance);
  const secret = secrets.find((known) => known.key === key);
  if (secret) return secret;
  throw new UserError(
    `${JSON.stringify(key)} should be one of ${secrets.map((known) => known.key).join(', ')} (profile ${instance.profile})`,
    ExitCode.usage,
  );
}
