/** What `scripts/tunnel` makes of the words of ssh: why a connection is down. */

import { readFileSync } from 'node:fs';
import { execa } from 'execa';
import { expect, test } from 'vitest';
import { temporaryDirectory } from './support/sandbox.ts';

const script = readFileSync(new URL('../scripts/tunnel', import.meta.url), 'utf8');
const [follow = ''] = /^follow\(\) \{[\s\S]*?^\}/m.exec(script) ?? [];

/** The word by which the script knows that the other side listens. */
const UP = '\u0001';
const WARNING = [
  '** WARNING: connection is not using a post-quantum key exchange algorithm.',
  '** This session may be vulnerable to "store now, decrypt later" attacks.',
  '** The server may need to be upgraded. See https://openssh.com/pq.html',
];

test.each<[string, string[], string]>([
  ['a banner before it was up', ['*** Authorised use only ***', UP], 'the connection ended'],
  ['a warning of OpenSSH’s before it was up', [...WARNING, UP], 'the connection ended'],
  ['the same warning, and never up', WARNING, 'the connection ended'],
  [
    'a reason after it was up',
    [UP, 'Timeout, server a not responding.'],
    'Timeout, server a not responding.',
  ],
  [
    'a reason and no connection',
    ['Permission denied (publickey).\r'],
    'Permission denied (publickey).',
  ],
  ['signs that would end the entry', ['a; b | c\u001b[2J'], 'a, b , c [2J'],
])('%s', async (_title, lines, why) => {
  const state = temporaryDirectory();
  const { stdout } = await execa(
    'sh',
    [
      '-c',
      `note() { echo "$3 $4"; }\nmark=$(printf '\\001')\nstate=$1\n${follow}\nfollow 01 me@there`,
      'sh',
      state,
    ],
    { input: `${lines.join('\n')}\n` },
  );
  expect(stdout.split('\n').at(-1)).toBe(`down ${why}`);
});
