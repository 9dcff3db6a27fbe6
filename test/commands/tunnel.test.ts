/** `ibq tunnel key|trust|show|test`: what is asked for, what is refused, and that no value is seen. */

import { describe, expect, test, vi } from 'vitest';
import { tunnelKey } from '../../src/commands/tunnel-key.ts';
import { tunnelShow } from '../../src/commands/tunnel-show.ts';
import { tunnelTest } from '../../src/commands/tunnel-test.ts';
import { tunnelTrust } from '../../src/commands/tunnel-trust.ts';
import type { Context } from '../../src/context.ts';
import { UserError } from '../../src/errors.ts';
import { misfits } from '../schema/validate.ts';
import { deployedTree } from '../support/deployed-tree.ts';
import { type Answer, liveHost, showOutput } from '../support/live-host.ts';
import { sandbox } from '../support/sandbox.ts';

vi.mock('../../src/host/lock.ts', () => ({
  withLock: (_host: unknown, _command: string, action: () => Promise<unknown>) => action(),
}));

const PRIVATE = '-----BEGIN OPENSSH PRIVATE KEY-----\nPRIVATE\n-----END OPENSSH PRIVATE KEY-----\n';
const PUBLIC = 'ssh-ed25519 AAAAPUBLIC ibq-4001';
const FINGERPRINT = 'SHA256:right';
const PARTS = {
  '/usr/bin/ssh': '',
  '/usr/bin/ssh-keygen': '',
  '/usr/lib/x86_64-linux-gnu/libnss_systemd.so.2': '',
};

/** An instance with a tunnel that is deployed, on a host whose ssh says what `answer` says. */
async function host(ssh: string, answer: Answer = () => undefined) {
  const sand = await deployedTree({
    ...PARTS,
    '/etc/ibq/instances/4001.toml': `mode = "live"\nuser = "u"\nread_only_api = true\n[ssh]\n${ssh}\n`,
  });
  const live = liveHost(sand, (line, options) => {
    const said = answer(line, options);
    if (said) return said;
    if (line.startsWith('ssh-keygen -q -t'))
      sand.write(line.replace(/.*-f (\S+).*/, '$1'), PRIVATE);
    if (line.startsWith('ssh-keygen -y')) return { stdout: `${PUBLIC}\n` };
    if (line.startsWith('ssh-keygen -l'))
      return { stdout: `256 ${FINGERPRINT} ibq-4001 (ED25519)\n` };
    return undefined;
  });
  return { ...live, sand };
}

const ONE = 'mode = "both"\ntargets = ["trader@vps.example.com"]';
const NO_OPTIONS = { passphrase: false, replace: false };

async function refusal(action: Promise<unknown>): Promise<UserError> {
  const error = await action.then(
    () => null,
    (reason: unknown) => reason,
  );
  if (error instanceof UserError) return error;
  throw error ?? new Error('it was not refused');
}

/** A terminal at which this is answered. */
function answering(context: Context, values: { hidden?: string; yes?: boolean }): Context {
  const ui: Context['ui'] = {
    ...context.ui,
    readHidden: async () => values.hidden ?? '',
    confirm: async () => values.yes ?? false,
  };
  return { ...context, ui };
}

describe('key', () => {
  test('goes to its secret by standard input, and nowhere else', async () => {
    const { context, ran, sand } = await host(ONE);
    expect(await tunnelKey(context, '4001', NO_OPTIONS)).toBe(0);
    const created = ran.filter(({ line }) => line.includes('podman secret create'));
    expect(created.map(({ input }) => input)).toEqual([PRIVATE]);
    expect(created[0]?.line).toContain('ibq-4001-ssh_key');
    for (const { line } of ran) expect(line).not.toContain('PRIVATE');
    expect(sand.out).toEqual([
      `# trader@vps.example.com\nrestrict,command="false",port-forwarding,permitlisten="127.0.0.1:4001",permitopen="127.0.0.1:4001" ${PUBLIC}`,
    ]);
    expect(context.host.files.list('/run/ibq')).toEqual([]);
  });

  test('with a bastion: a line for it too', async () => {
    const { context, sand } = await host(`${ONE}\nbastion = "jump@bastion.example.com"`);
    await tunnelKey(context, '4001', NO_OPTIONS);
    expect(sand.out[0]).toContain('# jump@bastion.example.com\nrestrict');
    expect(sand.out[0]).toContain('permitopen="vps.example.com:22"');
  });

  test('one that is there is kept', async () => {
    const answer: Answer = (line) =>
      line.startsWith('podman secret ls') ? { stdout: 'ibq-4001-ssh_key\n' } : undefined;
    const { context, ran } = await host(ONE, answer);
    const error = await refusal(tunnelKey(context, '4001', NO_OPTIONS));
    expect(error.message).toContain('instance 4001 has a key; "sudo ibq tunnel show 4001"');
    expect(ran.filter(({ line }) => /create|-t ed25519/.test(line))).toEqual([]);
  });

  test('its passphrase is asked for, kept, and in no argument', async () => {
    const { context, ran } = await host(ONE);
    const asked = answering(context, { hidden: 'correct horse' });
    expect(await tunnelKey(asked, '4001', { ...NO_OPTIONS, passphrase: true })).toBe(0);
    const made = ran.find(({ line }) => line.startsWith('ssh-keygen -q -t'));
    expect(made?.line).not.toContain('-N');
    for (const { line } of ran) expect(line).not.toContain('correct horse');
    const created = ran.filter(({ line }) => line.includes('podman secret create'));
    expect(created.map(({ input }) => input)).toEqual(['correct horse', PRIVATE]);
  });

  test.each(['', 'abc', 'two\nlines'])('a passphrase such as %j is refused', async (hidden) => {
    const { context, ran } = await host(ONE);
    const asked = answering(context, { hidden });
    const error = await refusal(tunnelKey(asked, '4001', { ...NO_OPTIONS, passphrase: true }));
    expect(error.exitCode).toBe(64);
    expect(ran).toEqual([]);
  });

  test('without ssh: 69, and the package', async () => {
    const { context, sand } = await host(ONE);
    context.host.files.remove('/usr/bin/ssh');
    expect(sand.read('/usr/bin/ssh')).toBeNull();
    const error = await refusal(tunnelKey(context, '4001', NO_OPTIONS));
    expect([error.exitCode, error.message]).toEqual([
      69,
      'this host lacks ssh, which holds the tunnels; install the package openssh-client',
    ]);
  });

  test.each([
    [
      '4002',
      64,
      /instance 4002 has no tunnel; set mode = "both" and targets under \[ssh\] in .*4002\.toml/,
    ],
    ['nobody', 64, /no instance "nobody" \(configured: 4001, 4002\)/],
  ])('of %s: %i', async (name, code, message) => {
    const { context } = await host(ONE);
    const error = await refusal(tunnelKey(context, name, NO_OPTIONS));
    expect(error.exitCode).toBe(code);
    expect(error.message).toMatch(message);
  });
});

describe('trust', () => {
  const KEY = 'vps.example.com ssh-ed25519 AAAAHOST';
  const NONE = { fingerprints: [], replace: false };

  /** The machine has this key; `pinned`: what ssh-keygen -F says of the file. */
  function machine(pinned: boolean, strict = 'Permission denied (publickey).'): Answer {
    return (line, options) => {
      if (line.startsWith('ssh-keygen -F')) return { exitCode: pinned ? 0 : 1 };
      if (!line.startsWith('ssh -F')) return undefined;
      const file = /UserKnownHostsFile=(\S+)/.exec(line)?.[1];
      if (file === undefined) return { exitCode: 255, stderr: strict };
      expect(line).toContain('PreferredAuthentications=none');
      expect(options.env?.SHELL).toBe('/bin/sh');
      written?.(file, `${KEY}\n`);
      return { exitCode: 255, stderr: 'Permission denied (publickey).' };
    };
  }
  let written: ((path: string, text: string) => void) | null = null;

  async function trusting(pinned: boolean, strict?: string) {
    const made = await host(ONE, machine(pinned, strict));
    written = made.sand.write;
    return made;
  }

  test('a typed yes pins it', async () => {
    const { context, sand } = await trusting(false);
    expect(await tunnelTrust(answering(context, { yes: true }), '4001', NONE)).toBe(0);
    expect(sand.read('/etc/ibq/known_hosts')).toContain(`${KEY}\n`);
    expect(sand.notes).toContain(`vps.example.com: ED25519 ${FINGERPRINT}`);
  });

  test('anything else does not', async () => {
    const { context, sand } = await trusting(false);
    const error = await refusal(tunnelTrust(context, '4001', NONE));
    expect(error.message).toContain('its host key was not pinned');
    expect(sand.read('/etc/ibq/known_hosts')).toBeNull();
  });

  test.each([
    [FINGERPRINT, 0],
    ['SHA256:other', 1],
  ])('--fingerprint %s: %i', async (fingerprint, code) => {
    const { context, sand } = await trusting(false);
    const done = tunnelTrust(context, '4001', { ...NONE, fingerprints: [fingerprint] });
    const result = code === 0 ? await done : (await refusal(done)).exitCode;
    expect(result).toBe(code);
    expect(sand.read('/etc/ibq/known_hosts') !== null).toBe(code === 0);
  });

  test('a key that is pinned is left as it is', async () => {
    const { context, sand } = await trusting(true);
    expect(await tunnelTrust(context, '4001', NONE)).toBe(0);
    expect(sand.notes).toEqual(['vps.example.com: has the key that is pinned']);
  });

  test('another one than the pinned is refused, even with a yes', async () => {
    const { context } = await trusting(true, 'Host key verification failed.');
    const error = await refusal(tunnelTrust(answering(context, { yes: true }), '4001', NONE));
    expect(error.message).toMatch(
      /or somebody else answers in its place; nothing was changed\..*--replace$/,
    );
  });

  test('a machine that does not answer: in ssh’s words', async () => {
    const answer: Answer = (line) =>
      line.startsWith('ssh') ? { exitCode: 255, stderr: 'Connection timed out\n' } : undefined;
    const { context } = await host(ONE, answer);
    const error = await refusal(tunnelTrust(context, '4001', NONE));
    expect(error.message).toBe('vps.example.com: no host key came: Connection timed out');
  });
});

describe('a tunnel that the image holds', () => {
  const IMAGE = 'mode = "both"\nvia = "image"\ntargets = ["trader@vps.example.com"]';

  test('its key has a passphrase, which nobody needs to know', async () => {
    const { context, ran, sand } = await host(IMAGE);
    await tunnelKey(context, '4001', NO_OPTIONS);
    const [passphrase, key] = ran.filter(({ line }) => line.includes('podman secret create'));
    expect(passphrase?.line).toContain('ibq-4001-ssh_passphrase');
    expect(passphrase?.input).toMatch(/^[\w-]{32}$/);
    expect(key?.input).toBe(PRIVATE);
    // The port of the gateway, whatever else is set.
    expect(sand.out[0]).toContain('permitlisten="127.0.0.1:4001"');
  });

  test('what is trusted goes to the secret that it reads', async () => {
    const KEY = 'vps.example.com ssh-ed25519 AAAAHOST';
    const { context, ran } = await host(IMAGE, (line) => {
      if (line.startsWith('ssh-keygen -F')) return { stdout: `# Host found: line 1\n${KEY}\n` };
      if (line.startsWith('ssh -F')) return { exitCode: 255, stderr: 'Permission denied' };
      return undefined;
    });
    await tunnelTrust(context, '4001', { fingerprints: [], replace: false });
    const created = ran.find(({ line }) => line.includes('podman secret create'));
    expect(created?.line).toContain('ibq-4001-ssh_known_hosts');
    expect(created?.input).toBe(`${KEY}\n`);
  });
});

describe('show', () => {
  const UNITS = showOutput({
    'ib-gateway@4001.service': { ActiveState: 'active' },
    'ibq-tunnel@4001.service': {
      ActiveState: 'active',
      StatusText: 'trader@vps.example.com: up since 2026-11-21T12:41:35Z',
    },
  });
  const answer: Answer = (line) => {
    if (line.startsWith('systemctl show')) return { stdout: UNITS };
    if (line.startsWith('podman secret ls')) return { stdout: 'ibq-4001-ssh_key\n' };
    return undefined;
  };

  test('--json: as its schema says', async () => {
    const { context, sand } = await host(ONE, answer);
    expect(await tunnelShow(context, '4001', { json: true })).toBe(0);
    const [shown] = sand.json;
    expect(misfits('tunnel-show', { schemaVersion: 1, ...shown })).toEqual([]);
    expect(shown).toMatchObject({
      tunnels: [
        {
          instance: '4001',
          key: { fingerprint: FINGERPRINT, publicKey: PUBLIC },
          targets: [{ state: 'up', since: '2026-11-21T12:41:35Z' }],
        },
      ],
    });
  });

  test('for people: a row for each target', async () => {
    const { context, sand } = await host(ONE, answer);
    await tunnelShow(context, null, { json: false });
    expect(sand.out[0]).toBe(
      '4001\ttrader@vps.example.com\t127.0.0.1:4001\tup\t2026-11-21T12:41:35Z\t-',
    );
  });

  test('none is said', async () => {
    const { context, sand } = await host('mode = "no"', answer);
    expect(await tunnelShow(context, null, { json: false })).toBe(0);
    expect(sand.notes).toEqual(['no instance has a tunnel (docs/ssh-tunnels.md)']);
  });
});

describe('test', () => {
  test('a tunnel that is down is not tried: 3', async () => {
    const status = 'trader@vps.example.com: down since 2026-11-21T12:41:35Z: Connection refused';
    const units = showOutput({
      'ibq-tunnel@4001.service': { ActiveState: 'active', StatusText: status },
    });
    const answer: Answer = (line) =>
      line.startsWith('systemctl show') ? { stdout: units } : undefined;
    const { context, sand, ran } = await host(ONE, answer);
    expect(await tunnelTest(context, '4001', { json: true })).toBe(3);
    const [shown] = sand.json;
    expect(misfits('tunnel-test', { schemaVersion: 1, ...shown })).toEqual([]);
    expect(shown).toMatchObject({ targets: [{ state: 'down', detail: 'Connection refused' }] });
    expect(ran.filter(({ line }) => line.includes('ssh -F'))).toEqual([]);
  });

  test.each([
    [ONE.replace('both', 'no'), /is not deployed/],
    [`${ONE}\nvia = "image"`, /held by the image's own client/],
  ])('%j: there is nothing to test', async (ssh, message) => {
    const { context } = await host(ssh);
    const error = await refusal(tunnelTest(context, '4001', { json: false }));
    expect([error.exitCode, error.message]).toEqual([64, expect.stringMatching(message)]);
  });
});

test('under --root they don’t apply', async () => {
  const { context } = sandbox();
  for (const run of [
    () => tunnelKey(context, '4001', NO_OPTIONS),
    () => tunnelShow(context, null, { json: false }),
    () => tunnelTest(context, '4001', { json: false }),
  ]) {
    expect((await refusal(run())).exitCode).toBe(64);
  }
});
