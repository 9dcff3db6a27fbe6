/** `ibq init` */

import { cpSync, existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
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
