/** SSH_OPTIONS of the images, a command line → keys of `[ssh]`. */

import { optionRefusal } from '../ssh/options.ts';
import { type Draft, take } from './draft.ts';
import { words } from './words.ts';

export function readSshOptions(draft: Draft, text: string): void {
  const list: string[] = [];
  const parts = words(text);
  if (parts.length === 0) draft.left.push({ what: 'SSH_OPTIONS', why: 'has no option' });
  for (let at = 0; at < parts.length; at += 1) {
    const word = parts[at] ?? '';
    const [, flag = '', joined = ''] = /^-([A-Za-z])(.*)$/s.exec(word) ?? [];
    if (flag === 'p') {
      if (joined === '') at += 1;
      takePort(draft, joined === '' ? (parts[at] ?? '') : joined);
      continue;
    }
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

/** Of the far side: a part of each target. */
function takePort(draft: Draft, port: string): void {
  draft.portOfTargets = port;
}

function takeOption(draft: Draft, list: string[], name: string, value: string): void {
  const option = `${name}=${value}`;
  const what = `SSH_OPTIONS ${option}`;
  if (name === 'Port') takePort(draft, value);
  else if (name === 'ProxyJump') take(draft, 'ssh.bastion', value, what);
  else if (name === 'ProxyCommand') takeProxy(draft, value, what);
  else if (name === '')
    draft.left.push({ what: 'SSH_OPTIONS', why: `${value} should be Name=value` });
  else {
    const why = optionRefusal(option);
    if (why === null) list.push(option);
    else draft.left.push({ what, why });
  }
}

/** `ssh user@bastion nc %h %p` and `ssh -W %h:%p user@bastion` are what `ssh.bastion` does. */
function takeProxy(draft: Draft, command: string, what: string): void {
  const [, by, through] =
    /^ssh (\S+@\S+) (?:nc|netcat) %h %p$|^ssh -W %h:%p (\S+@\S+)$/.exec(command.trim()) ?? [];
  const bastion = by ?? through;
  if (bastion !== undefined) take(draft, 'ssh.bastion', bastion, what);
  else if (/^(?:\S*\/)?ssh\s/.test(command)) {
    draft.left.push({ what, why: 'write ssh.bastion = "user@host" of the machine between' });
  } else take(draft, 'ssh.proxy_command', command, what);
}
