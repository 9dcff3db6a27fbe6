/** What a deploy demands of the host before it makes a tunnel, and how tunnels are looked at. */

import { describe, expect, test } from 'vitest';
import type { UserError } from '../../src/errors.ts';
import { observeTunnels, requireTunnels } from '../../src/host/tunnels.ts';
import type { Desired } from '../../src/plan/desired.ts';
import type { ManifestInstance } from '../../src/plan/manifest.ts';
import { ModelHost } from '../plan/model-host.ts';
import { sampleConfig } from '../quadlet/sample.ts';
import { tunnelled } from '../ssh/sample.ts';
import { type Answer, journalOutput, liveHost, showOutput } from '../support/live-host.ts';
import { sandbox } from '../support/sandbox.ts';

const PARTS = {
  '/usr/bin/ssh': '',
  '/usr/bin/ssh-keygen': '',
  '/usr/lib64/libnss_systemd.so.2': '',
};

function desired(ssh: Parameters<typeof tunnelled>[1] = {}): Desired {
  return new ModelHost().desired(sampleConfig({ instances: [tunnelled('4001', ssh)] }));
}

/** @param pinned names that known_hosts has a key for */
function host(files: Readonly<Record<string, string>>, pinned: readonly string[] = []) {
  const answer: Answer = (line) => {
    const name = /^ssh-keygen -F (\S+) -f \/etc\/ibq\/known_hosts$/.exec(line)?.[1];
    return name === undefined ? undefined : { exitCode: pinned.includes(name) ? 0 : 1 };
  };
  return liveHost(sandbox(files), answer);
}

describe('before a tunnel is made', () => {
  test('all is there', async () => {
    const { context } = host(PARTS, ['vps.example.com']);
    await expect(requireTunnels(context.host, desired())).resolves.toBeUndefined();
  });

  test('each missing part is told with its package: 69', async () => {
    const { context, ran } = host({ '/usr/bin/ssh': '' });
    const error = await requireTunnels(context.host, desired()).catch((it: UserError) => it);
    expect(error).toMatchObject({
      exitCode: 69,
      message:
        "this host lacks ssh-keygen, which reads the tunnels' keys; install the package openssh-client\n" +
        'this host lacks libnss_systemd, by which ssh learns the name of the user that it runs as (DynamicUser=); install the package libnss-systemd',
    });
    expect(ran).toEqual([]);
  });

  test('host keys that are not pinned, of the bastion too: 78, and the command', async () => {
    const { context } = host(PARTS, ['vps.example.com']);
    const wanted = desired({
      targets: ['a@vps.example.com', 'b@two:2222'],
      bastion: 'jump@bastion.example.com',
    });
    const error = await requireTunnels(context.host, wanted).catch((it: UserError) => it);
    expect(error).toMatchObject({
      exitCode: 78,
      message:
        'instance 4001: the host key of bastion.example.com, [two]:2222 is not pinned; run "sudo ibq tunnel trust 4001"',
    });
  });

  test.each([{ mode: 'no' }, { via: 'image' }] as const)('%j: nothing is demanded', async (ssh) => {
    const { context, ran } = host({});
    await requireTunnels(context.host, desired(ssh));
    expect(ran).toEqual([]);
  });
});

describe('looked at', () => {
  const instance = {
    tunnel: { via: 'host', targets: [{ target: 'a@one', listens: ['127.0.0.1:4001'] }] },
  } as unknown as ManifestInstance;

  test('without a tunnel nobody is asked', async () => {
    const { context, ran } = host({});
    const none = { '4001': { ...instance, tunnel: null } };
    expect(await observeTunnels(context.host, none, () => true)).toEqual(new Map());
    expect(ran).toEqual([]);
  });

  test('one that can’t be made: its log says why', async () => {
    const units = showOutput({
      'ibq-tunnel@4001.service': { ActiveState: 'activating', SubState: 'auto-restart' },
    });
    const why = 'instance 4001: its ssh_key is not set; run "sudo ibq tunnel key 4001"';
    const { context } = liveHost(sandbox(), (line) => {
      if (line.startsWith('systemctl show')) return { stdout: units };
      return line.startsWith('journalctl')
        ? { stdout: journalOutput([why, 'Failed with result'], line) }
        : undefined;
    });
    const states = await observeTunnels(context.host, { '4001': instance }, () => true);
    expect(states.get('4001')).toEqual([
      {
        target: 'a@one',
        listens: ['127.0.0.1:4001'],
        state: 'down',
        since: null,
        detail: why,
      },
    ]);
  });
});
