/** What a new and a daily user found rough. */

import { readFileSync } from 'node:fs';
import { expect } from 'vitest';
import { type Row, reported, says } from './rows.ts';
import { mistyped, one } from './ux.ts';

reported('polish', [
  {
    id: 'ux C32',
    input: 'tables on a narrow terminal',
    seen: ['ui/table.test.ts', 'has lines that fit, of any text, with nothing left out'],
  },
  {
    id: 'ux C32',
    input: 'help of each command',
    seen: ['program.test.ts', 'help fits a terminal'],
  },
  {
    id: 'ux C33',
    input: '(default: []) and choices',
    seen: ['program.test.ts', 'the profiles of instance add are all there are'],
  },
  {
    id: 'ux C34',
    input: 'the hidden --answer in the manual page',
    right: () =>
      expect(readFileSync(new URL('../../docs/man/ibq.1', import.meta.url), 'utf8')).not.toMatch(
        /\\-\\-answer/,
      ),
  },
  ...['/etc/ibq/instances/x.toml/y', '/etc/ibq/ibq.toml/y'].map(
    (path): Row => ({
      id: 'ux C35',
      input: `${path.replace('/y', '')} is a directory`,
      right: async () =>
        void (await says(
          'plan',
          { files: { [path]: '' } },
          78,
          'should be a file, is a directory',
        )),
    }),
  ),
  {
    id: 'ux C35',
    input: '--config ""',
    right: async () =>
      void (await says("--config '' plan", {}, 64, '--config: should be a file, got ""')),
  },
  {
    id: 'ux C36',
    input: 'network detect where nothing fits',
    right: async () => {
      const { err } = await says('network detect', { host: 'no-private-network' }, 69);
      expect(err).toContain('no interface can carry a LAN');
    },
  },
  {
    id: 'ux C37',
    input: 'the pin of a cloud',
    right: async () => {
      const { read } = await says('network detect --write', { host: 'ec2' }, 0);
      expect(read('/etc/ibq/network.toml')).toContain('# not used in mode "bridge"');
    },
  },
  mistyped('ux C38', 'status -w', 'Did you mean --watch?'),
  mistyped('ux C38', '-V', 'Did you mean --version?'),
  mistyped('ux C38', 'version', 'Did you mean ibq --version?'),
  mistyped('ux C38', 'logs 4001 --tail 5', 'Did you mean --lines?'),
  mistyped('ux C38', 'status --output json', 'Did you mean --json?'),
  mistyped('ux C38', 'instance rm 4001', 'Did you mean ibq instance remove NAME?'),
  mistyped('ux C38', 'instance edit 4001', 'edit /etc/ibq/instances/NAME.toml, then ibq plan'),
  mistyped('ux C38', 'status 4001', 'it shows all instances'),
  mistyped('ux C39', 'secret set', 'usage: ibq secret set [options] <name> <key>'),
  {
    id: 'ux C40',
    input: 'doctor --root',
    right: async () => {
      const { out } = await says('doctor', one, 3);
      expect(out.match(/not asked with --root/g)).toHaveLength(1);
    },
  },
]);
