/** SSH_OPTIONS of the images, a command line → keys of `[ssh]`. */

import { type Draft, take } from './draft.ts';
import { words } from './words.ts';

/** Options that ibq answers in its own way. */
const REFUSED: Readonly<Record<string, string>> = {
  stricthostkeychecking: 'host keys are always checked: run "sudo ibq tunnel trust NAME"',
  userknownhostsfile: 'ibq has a file of its own: run "sudo ibq tunnel trust NAME"',
  serveraliveinterval: 'is ssh.alive_interval (SSH_ALIVE_INTERVAL)',
  serveralivecountmax: 'is ssh.alive_count (SSH_ALIVE_COUNT)',
  exitonforwardfailure: 'ibq sets it by itself',
  identityfile: 'the key is a secret: run "sudo ibq secret set NAME ssh_key --file FILE"',
};

export function readSshOptions(draft: Draft, text: string): void {
  const list: string[] = [];
  const parts = words(text);
  if (parts.length === 0) draft.left.push({ what: 'SSH_OPTIONS', why: 'has no option' });
  for (let at = 0; at < parts.length; at += 1) {
    const word = parts[at] ?? '';
    const [, flag = '', joined = ''] = /^-([A-Za-z])(.*)$/s.exec(word) ?? [];
    if (flag !== 'o' && flag !== 'J') {
      draft.left.push({
        what: `SSH_OPTIONS ${word}`,
        why: 'only options of the form -o Name=value are carried over',
      });
      continue;
    }
    if (joined === '') at += 1;
    const value = joined === '' ? (parts[at] ?? '') : joined;
    if (flag === 'J') takeOption(draft, list, 'ProxyJump', value);
    else {
      const [, name = '', rest = ''] = /^([A-Za-z0-9]+)(?:\s*=\s*|\s+)([\s\S]*)$/.exec(value) ?? [];
      takeOption(draft, list, name, rest);
    }
  }
  if (list.length > 0) draft.values.set('ssh.options', list);
}

function takeOption(draft: Draft, list: string[], name: string, value: string): void {
  const what = `SSH_OPTIONS ${name}=${value}`;
  const refused = REFUSED[name.toLowerCase()];
  if (refused) draft.left.push({ what, why: refused });
  else if (name === 'ProxyCommand') take(draft, 'ssh.proxy_command', value, what);
  else if (name === 'ProxyJump') take(draft, 'ssh.bastion', value, what);
  else if (name === '')
    draft.left.push({ what: 'SSH_OPTIONS', why: `${value} should be Name=value` });
  else list.push(`${name}=${value}`);
}
