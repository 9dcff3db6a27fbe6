/** What a new and a daily user stumbled over, and what it could cost. */

import { mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { init } from '../../src/commands/init.ts';
import { sudoLine } from '../../src/typed-line.ts';
import { sandbox } from '../support/sandbox.ts';
import { type Row, reported, says } from './rows.ts';
import { LAN, LIVE, mistyped, one, PAPER } from './ux.ts';

const sudo = (args: string[], line: string): Row => ({
  id: 'ux A1',
  input: args.join(' '),
  right: () => expect(sudoLine(args, {})).toBe(line),
});

reported('what can cost a login, a gateway or access', [
  sudo(['deploy', '--dry-run'], 'sudo ibq deploy --dry-run'),
  sudo(['--config', '/srv/test/ibq.toml', 'deploy'], 'sudo ibq --config /srv/test/ibq.toml deploy'),
  sudo(
    ['instance', 'add', '4001', '--mode', 'live', '--user', 'u', '--set', 'read_only_api=false'],
    'sudo ibq instance add 4001 --mode live --user u --set read_only_api=false',
  ),
  sudo(
    ['exec', '4001', '--', 'sh', '-c', 'cd /tmp; rm -rf x'],
    "sudo ibq exec 4001 -- sh -c 'cd /tmp; rm -rf x'",
  ),
  {
    id: 'ux A2',
    input: 'instances/ is absent, or a link that leads nowhere, while something is deployed',
    seen: ['commands/deploy-root.test.ts', 'instances/ is a link to a disk that is not mounted'],
  },
  {
    id: 'ux A2',
    input: 'deploy stops what runs and is no longer configured',
    seen: ['host/deploy.test.ts', 'a removed instance: only it stops, and its files go'],
  },
  {
    id: 'ux A3',
    input: 'ibq.toml is a link that leads nowhere: plan',
    seen: ['commands/deploy-root.test.ts', 'ibq.toml is a link that leads nowhere'],
  },
  {
    id: 'ux A3',
    input: 'ibq.toml is a link that leads nowhere: init',
    right: async () => {
      const { context, root } = sandbox();
      mkdirSync(join(root, '/etc/ibq'), { recursive: true });
      symlinkSync('gone.toml', join(root, '/etc/ibq/ibq.toml'));
      await expect(init(context, { force: false })).rejects.toThrow(
        'is a link to gone.toml, which is not there',
      );
    },
  },
  {
    id: 'ux A4',
    input: 'one user in two live gateways',
    right: async () => {
      const files = { '/etc/ibq/instances/4001.toml': LIVE, '/etc/ibq/instances/4020.toml': LIVE };
      await says(
        'instance list',
        { files },
        0,
        '"myuser" logs in to live in /etc/ibq/instances/4001.toml too',
      );
    },
  },
  {
    id: 'ux A5',
    input: 'a lock that root owns: deploy as another user',
    seen: ['host-parts/lock.test.ts', 'a lock of somebody else ends with 77 and lets nobody wait'],
  },
  mistyped('ux A6', 'show', 'Did you mean ibq status, or ibq instance show NAME?'),
  mistyped('ux A6', 'ls', 'Did you mean ibq instance list?'),
  {
    id: 'ux A6',
    input: 'instance remove 4009 where 4001 is there',
    right: async () => {
      const { err } = await says('instance remove 4009', one, 64, '4009.toml is not there');
      expect(err).not.toContain('4001');
    },
  },
  {
    id: 'ux A7',
    input: 'x as the answer to a question',
    seen: ['ui/terminal.test.ts', 'an answer that is neither yes nor no is asked for again'],
  },
  {
    id: 'ux A7',
    input: 'n is kept',
    seen: ['commands/deploy-root.test.ts', 'nobody is asked again'],
  },
  {
    id: 'ux A8',
    input: 'the 32nd gateway of a /27',
    right: async () => {
      const instances = Array.from({ length: 33 }, (_, n) => [
        `/etc/ibq/instances/${4101 + n}.toml`,
        `${PAPER.replace('"p"', `"p${n}"`)}`,
      ]);
      const place = {
        host: 'plain-server',
        files: { ...Object.fromEntries(instances), '/etc/ibq/network.toml': LAN },
      };
      await says(
        'plan',
        place,
        78,
        'set range = "192.168.1.192/26"',
        'all keep their addresses',
        'at its next restart',
      );
      const { read } = await says(
        'network detect --write',
        place,
        0,
        'range: 192.168.1.192/27 -> 192.168.1.192/26',
      );
      expect(read('/etc/ibq/network.toml')).toContain('range = "192.168.1.192/26"');
    },
  },
]);
