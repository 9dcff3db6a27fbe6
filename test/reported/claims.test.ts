/** What the documents said and was not so, what they did not say, and sentences that nobody understood. */

import { readFileSync } from 'node:fs';
import { expect } from 'vitest';
import { type Row, reported } from './rows.ts';

const textOf = (path: string) =>
  readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8').replace(/\s+/g, ' ');
const row = (id: string, input: string, right: () => void): Row => ({ id, input, right });
/** A page that has these words, or no longer has them. */
const has = (id: string, page: string, words: string) =>
  row(id, `${page}: ${words}`, () => expect(textOf(page)).toContain(words));
const hasNot = (id: string, page: string, words: string) =>
  row(id, `${page} without: ${words}`, () => expect(textOf(page)).not.toContain(words));

reported('untrue', [
  hasNot('security 3.9', 'docs/networking.md', 'no image of today takes its ports from a setting'),
  hasNot('ux 4', 'docs/reference.md', 'or not there (`instance remove`, `instance show`'),
  has('ux 4', 'docs/reference.md', '`ibq help COMMAND` does the same as `ibq COMMAND --help`'),
  has('ux 4', 'docs/reference.md', '`hosts.NAME`'),
  has('ux 4', 'docs/reference.md', 'Warnings, errors, problems and their cures stay'),
  has('ux 4', 'docs/reference.md', '(but `flock`, which takes its own lock)'),
  has(
    'ux 4',
    'docs/reference.md',
    '### `ibq plan [--json] [--diff] [--detailed-exitcode] [--accept-risk RISK]`',
  ),
  hasNot('ux 4', 'docs/networking.md', 'kept for life'),
  hasNot('ux 4', 'docs/units.md', 'kept for life'),
  hasNot('ux 4', 'docs/units.md', '`watch` read'),
  hasNot('ux 4', 'docs/network-show.md', 'range 10.0.0.193'),
  hasNot('ux 4', 'docs/configuration.md', 'ibq never changes a file that it did not write'),
  has('ux 4', 'docs/configuration.md', '| `user` | a user name (1-64 of letters'),
  has('ux 4', 'docs/configuration.md', '/usr/local/share/ibq/schema/instance.schema.json'),
  row('ux 4', 'troubleshooting.md has each message once', () => {
    const messages = readFileSync(new URL('../../docs/troubleshooting.md', import.meta.url), 'utf8')
      .split('\n')
      .flatMap((line) => /^\| (`[^|]*) \| \d+ \|/.exec(line)?.[1] ?? []);
    expect(messages.filter((it, index) => messages.indexOf(it) !== index)).toEqual([]);
    expect(messages.filter((it) => it.includes('its port A:P is taken by PROGRAM'))).toHaveLength(
      1,
    );
  }),
  has('ux 4', 'src/commands/status.ts', 'docs/schema/output/status.schema.json'),
  hasNot(
    'security 3.1',
    'docs/security.md',
    'links are not followed, anything but a plain file is refused',
  ),
  hasNot('security 3.3', 'docs/units.md', '`Secret=`: a file in memory'),
]);

reported('missing', [
  has('ux 4', 'README.md', 'NAME MODE PUBLISHED LAN UNIT UP API STATE'),
  has('ux 4', 'README.md', 'read_only_api = false'),
  has('ux 4', 'README.md', 'auto_restart_time = "11:45 PM"'),
  has('ux 4', 'README.md', 'a paper one too'),
  has('ux 4', 'README.md', 'Root needs no `sudo`, and some machines have none.'),
  {
    id: 'ux 4',
    input: 'the address of the clone',
    noFault:
      'whoever reads the README has the address that it came from; the project has no fixed one',
  },
  ...[
    'A newer image',
    'A newer ibq',
    'The way back after a change',
    'Removing it',
    'Another host, and backups',
    'Being told',
    'The trading week',
    'Connecting a client',
    'What a gateway takes',
    'To commit',
    'sudoers.d',
    'Other distributions',
    '## Words',
  ].map((words) => has('ux 4', 'docs/operations.md', words)),
  {
    id: 'ux 4',
    input: 'dates in CHANGELOG',
    noFault: 'no version is released yet: a release gets its date',
  },
]);

reported('hard to read', [
  has(
    'ux 4',
    'docs/configuration.md',
    '`4001` in mode `both` also takes 4002, so an instance `4002` needs another `port`.',
  ),
  has('ux 4', 'docs/configuration.md', 'It must lie in `subnet`; it may lie outside `range`.'),
  has('ux 4', 'docs/configuration.md', '`true`: machines of the LAN see the address of the host.'),
  has(
    'ux 4',
    'docs/images.md',
    "ibq always writes its own defaults, so the image's defaults never apply.",
  ),
  has('ux 4', 'docs/security.md', 'the instance does not start; its journal says why'),
  has('ux 4', 'docs/troubleshooting.md', 'Run live and paper as two instances to avoid this.'),
  has(
    'ux 4',
    'docs/settings.md',
    'This page: what survives a restart, what ibq writes, what you may change.',
  ),
  has('ux 4', 'docs/reference.md', 'if a log line could come from either gateway, ibq says so.'),
  has('ux 4', 'docs/images.md', "independently of ibq's own tables"),
  has(
    'ux 4',
    'docs/security.md',
    'This table decides who of them is allowed. If it is gone, their connections fail.',
  ),
  has('ux 4', 'src/config/instance-keys.ts', 'Extra networks for this instance.'),
  has(
    'ux 4',
    'docs/configuration.md',
    'For images of profile `custom`, it counts only at the first start.',
  ),
  has('ux 4', 'docs/troubleshooting.md', 'or a setting is invalid, so a retry cannot help'),
  has('ux 4', 'src/config/ports.ts', 'is already used by'),
  has(
    'ux 4',
    'src/commands/deploy-config.ts',
    'Check first that your DHCP server does not hand these out.',
  ),
]);
