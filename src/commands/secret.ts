/** `ibq secret set|list|remove`: values live in Podman's secrets and nowhere else. */

import { resolve } from 'node:path';
import type { Instance } from '../config/types.ts';
import type { Context } from '../context.ts';
import { ExitCode, UserError } from '../errors.ts';
import { loadHostConfig } from '../host/config-files.ts';
import { withLock } from '../host/lock.ts';
import { listSecrets, removeSecret, requirePodman, writeSecret } from '../host/podman.ts';
import { forgetRefusedLogin } from '../host/refused-logins.ts';
import { requireLiveRoot } from '../host/root.ts';
import { demandNewLogin } from '../host/sessions.ts';
import { profileFor } from '../images/index.ts';
import { secretName } from '../images/profile.ts';
import { readSecretValue } from '../images/secret-value.ts';
import { listSecretsOf } from '../plan/secret-list.ts';
import { type Secret, secretsOfInstance } from '../ssh/secrets.ts';
import { table } from '../ui/table.ts';
import type { Style } from '../ui/ui.ts';

/** Secrets that a login is made with. */
const LOGIN_KEYS: ReadonlySet<string> = new Set([
  'user',
  'password',
  'paper_user',
  'paper_password',
]);

export interface SecretSetOptions {
  /** A file of this host that has the value; null: a hidden prompt, or standard input. */
  file?: string | null;
}

export async function secretSet(
  context: Context,
  name: string,
  key: string,
  { file = null }: SecretSetOptions = {},
): Promise<number> {
  const { host, ui } = context;
  requireLiveRoot(host, 'secret set');
  const instance = findInstance(context, name);
  const secret = requireSecret(instance, key);
  const value = readSecretValue(secret, await readValue(context, name, secret, file));
  if (!value.ok) {
    throw new UserError(`${key}: ${value.problem}; nothing was changed`, ExitCode.usage);
  }
  await withLock(host, `secret set ${name} ${key}`, async () => {
    const replaced = (await listSecrets(host)).has(secretName(name, key));
    await writeSecret(host, secretName(name, key), value.text);
    // A session that went on would not know whether it is right.
    if (LOGIN_KEYS.has(key)) {
      demandNewLogin(host, [name]);
      forgetRefusedLogin(host, name);
    }
    if (secret.wanted(instance) === 'unused') {
      ui.note(`kept the ${key} of ${name}; as it is configured now nothing uses it`);
    } else {
      ui.note(
        replaced
          ? `replaced the ${key} of ${name}; ${untilWhen(secret, name)}`
          : `set the ${key} of ${name}; next: sudo ibq deploy`,
      );
    }
  });
  return ExitCode.done;
}

function untilWhen(secret: Secret, name: string): string {
  return secret.of === 'tunnel'
    ? `a running tunnel keeps the old one until "sudo systemctl restart ibq-tunnel@${name}"`
    : `a running instance keeps the old one until "sudo ibq restart ${name}" (new login)`;
}

async function readValue(
  { host, ui }: Context,
  name: string,
  { key, title, lines }: Secret,
  file: string | null,
): Promise<string> {
  if (file !== null) {
    const text = host.files.readText(resolve(file));
    // As of a pipe: the newline at its end is no part of a password.
    if (text !== null) return text.replace(/\r?\n$/, '');
    throw new UserError(`${file} is not there; nothing was changed`, ExitCode.usage);
  }
  if (lines === 'several' && ui.interactive) {
    throw new UserError(
      `${key}: has several lines, which can't be typed here; run "sudo ibq secret set ${name} ${key} --file FILE"`,
      ExitCode.usage,
    );
  }
  const prompt = `${title}, instance ${name}: `;
  const value = await ui.readHidden(prompt);
  // A slip that nobody sees costs a login. Of a pipe nobody types.
  if (ui.interactive && (await ui.readHidden(`once more, ${prompt}`)) !== value) {
    throw new UserError(`${key}: the two are not the same; nothing was changed`, ExitCode.usage);
  }
  return value;
}

export async function secretList(
  context: Context,
  name: string | null,
  { json }: { json: boolean },
): Promise<number> {
  const { host, ui } = context;
  requireLiveRoot(context.host, 'secret list');
  const instances = name === null ? loadInstances(context) : [findInstance(context, name)];
  await requirePodman(host);
  const present = await listSecrets(host);
  const secrets = listSecretsOf(instances, present, {
    profileFor,
    others: name === null,
  });
  if (json) {
    ui.json({ secrets: secrets.map((it) => ({ ...it, required: it.wanted === 'required' })) });
    return ExitCode.done;
  }
  const rows = secrets.map(({ instance, key, title, wanted, set }) => {
    const [state, style] = stateOf(wanted, set);
    return [instance, key, ui.style(style, state), wanted, title];
  });
  const header = ['INSTANCE', 'KEY', 'STATE', 'NEED', 'WHAT'];
  if (rows.length > 0)
    ui.print(table(rows, { terminal: ui.terminal, columns: ui.columns, header }));
  for (const { instance, key, wanted, set } of secrets) {
    if (wanted === 'required' && !set) ui.note(`run "sudo ibq secret set ${instance} ${key}"`);
    if (wanted === 'unused') {
      ui.note(
        `nothing uses the ${key} of ${instance}: "sudo ibq secret remove ${instance} ${key}"`,
      );
    }
  }
  return ExitCode.done;
}

function stateOf(wanted: string, set: boolean): [string, Style] {
  if (set) return ['set', wanted === 'unused' ? 'yellow' : 'green'];
  return wanted === 'required' ? ['missing', 'red'] : ['not set', 'dim'];
}

/** Works for an instance that has left the configuration too: its secrets stay behind. */
export async function secretRemove(context: Context, name: string, key: string): Promise<number> {
  const { host, ui } = context;
  requireLiveRoot(context.host, 'secret remove');
  const secret = secretName(name, key);
  await requirePodman(host);
  return withLock(host, `secret remove ${name} ${key}`, async () => {
    if (!(await listSecrets(host)).has(secret)) {
      throw new UserError(`instance ${name} has no ${key} set ("sudo ibq secret list" shows all)`);
    }
    await removeSecret(host, secret);
    ui.note(
      `removed the ${key} of ${name}; an instance that was deployed with it can't start without it`,
    );
    return ExitCode.done;
  });
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

function requireSecret(instance: Instance, key: string): Secret {
  const all = secretsOfInstance(profileFor(instance), instance);
  const secret = all.find((known) => known.key === key);
  if (secret) return secret;
  throw new UserError(
    `${JSON.stringify(key)} should be one of ${all.map((known) => known.key).join(', ')} (profile ${instance.profile})`,
    ExitCode.usage,
  );
}
