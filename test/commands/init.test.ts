/** `ibq init` */

import { cpSync, existsSync, mkdirSync, statSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { init } from '../../src/commands/init.ts';
import { renderExample } from '../../src/config/write.ts';
import { loadHostConfig } from '../../src/host/config-files.ts';
import { hostPath } from '../network/hosts.ts';
import { sandbox } from '../support/sandbox.ts';

const MAIN = '/etc/ibq/ibq.toml';

test('without a private network: a commented ibq.toml and bridge mode', async () => {
  const { context, read, notes } = sandbox();
  expect(await init(context, { force: false })).toBe(0);
  expect(read(MAIN)).toBe(renderExample());
  expect(read('/etc/ibq/network.toml')).toBeNull();
  expect(notes).toContain('no private network can be used: mode "bridge", ports on the host only');
  expect(notes.slice(-4)).toEqual([
    'next:',
    '  sudo ibq instance add 4002 --mode paper --user NAME',
    '  sudo ibq secret set 4002 password',
    '  sudo ibq deploy',
  ]);
  expect(loadHostConfig(context.host.files, MAIN, {}).config.network.mode).toBe('bridge');
});

test('on a host with a private network: pinned, and loaded as pinned', async () => {
  const { context, read } = sandbox();
  cpSync(hostPath('public-and-private'), context.host.root ?? '', {
    recursive: true,
    verbatimSymlinks: true,
  });
  expect(await init(context, { force: false })).toBe(0);
  expect(read('/etc/ibq/network.toml')).toContain('[network]');
  const { config, warnings } = loadHostConfig(context.host.files, MAIN, {});
  expect(config.network).toMatchObject({ mode: 'dual', lan: { interface: 'eth1' } });
  expect(warnings).toEqual([]);
});

test('files and directories are readable by all: no secret is in them', async () => {
  const { context } = sandbox();
  await init(context, { force: false });
  const root = context.host.root ?? '';
  expect(statSync(join(root, MAIN)).mode & 0o777).toBe(0o644);
  expect(statSync(join(root, '/etc/ibq/instances')).mode & 0o777).toBe(0o755);
});

test('an ibq.toml that is there is not touched', async () => {
  const { context, read } = sandbox({ [MAIN]: '# mine\n' });
  await expect(init(context, { force: false })).rejects.toThrow(
    '/etc/ibq/ibq.toml is there already, nothing was changed; edit it, or set it aside with "sudo ibq init --force"',
  );
  expect(read(MAIN)).toBe('# mine\n');
  expect(existsSync(join(context.host.root ?? '', '/etc/ibq/instances'))).toBe(false);
});

test('--force sets it aside, never over another', async () => {
  const { context, read, notes } = sandbox({ [MAIN]: '# mine\n', [`${MAIN}.old`]: '# older\n' });
  expect(await init(context, { force: true })).toBe(0);
  expect(read(`${MAIN}.old`)).toBe('# older\n');
  expect(read(`${MAIN}.old.2`)).toBe('# mine\n');
  expect(read(MAIN)).toBe(renderExample());
  expect(notes).toContain('moved /etc/ibq/ibq.toml to /etc/ibq/ibq.toml.old.2');
});

test('after a wrong override it can be repeated', async () => {
  const wrong = sandbox({}, { NETWORK_SUBNET: '10.0.0.5/24' });
  await expect(init(wrong.context, { force: false })).rejects.toThrow(/^NETWORK_SUBNET: should be/);
  expect(wrong.read(MAIN)).toBeNull();
  expect(await init({ ...wrong.context, env: {} }, { force: false })).toBe(0);
});

describe('several private interfaces', () => {
  const several = (answer: number | null) => {
    const box = sandbox({}, {}, 'several-private-nics');
    const asked: string[][] = [];
    const ui = {
      ...box.context.ui,
      interactive: answer !== null,
      choose: async (_question: string, choices: readonly string[]) => {
        asked.push([...choices]);
        return answer ?? 0;
      },
    };
    return { ...box, asked, context: { ...box.context, ui } };
  };

  test.each([
    [0, 'eth0', '10.0.0.0/24'],
    [1, 'eth1', '10.1.0.0/24'],
    [2, 'eth2', '192.168.5.0/24'],
  ])('on a terminal the question is which; answer %d pins %s', async (answer, name, subnet) => {
    const { context, read, asked, warnings } = several(answer);
    await init(context, { force: false });
    expect(asked).toEqual([
      [
        'eth0  10.0.0.0/24',
        "eth1  10.1.0.0/24  (this host's way to the internet)",
        'eth2  192.168.5.0/24',
      ],
    ]);
    expect(read('/etc/ibq/network.toml')).toContain(
      `# chosen among several private interfaces\ninterface = "${name}"\n`,
    );
    expect(read('/etc/ibq/network.toml')).toContain(`subnet = "${subnet}"`);
    expect(warnings.join()).not.toContain('several private interfaces');
  });

  test('what is pinned already stands first', async () => {
    const { context, asked } = several(0);
    await init({ ...context, env: { NETWORK_INTERFACE: 'eth2' } }, { force: false });
    await init(context, { force: true });
    expect(asked.map(([first]) => first)).toEqual(['eth2  192.168.5.0/24']);
  });

  test('without a terminal the first wins, and that is said', async () => {
    const { context, read, asked, warnings } = several(null);
    await init(context, { force: false });
    expect(asked).toEqual([]);
    expect(read('/etc/ibq/network.toml')).toContain('interface = "eth0"');
    expect(warnings).toEqual([
      'several private interfaces: eth0 (10.0.0.0/24), eth1 (10.1.0.0/24), eth2 (192.168.5.0/24); eth0 is the first and is selected; to pin another: sudo NETWORK_INTERFACE=eth1 ibq network detect --write',
    ]);
  });

  test.each([{ NETWORK_INTERFACE: 'eth1' }, { NETWORK_SUBNET: '10.1.0.0/24' }])(
    '%j has decided: nothing is asked',
    async (env) => {
      const { context, read, asked } = several(0);
      await init({ ...context, env }, { force: false });
      expect(asked).toEqual([]);
      expect(read('/etc/ibq/network.toml')).toContain('interface = "eth1"');
    },
  );
});

test('a link that leads nowhere is no absent file', async () => {
  const { context, root } = sandbox();
  mkdirSync(join(root, '/etc/ibq'), { recursive: true });
  symlinkSync('gone.toml', join(root, MAIN));
  await expect(init(context, { force: false })).rejects.toThrow(
    '/etc/ibq/ibq.toml: is a link to gone.toml, which is not there',
  );
  expect(context.host.files.readLink(MAIN)).toBe('gone.toml');
});
