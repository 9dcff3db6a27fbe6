/** Configurations and lines that people typed, and what each has to end in. */

import { type Place, type Row, says } from './rows.ts';

export const LIVE = 'mode = "live"\nuser = "myuser"\nread_only_api = true\n';
export const PAPER = 'mode = "paper"\nuser = "p"\nread_only_api = true\n';
export const LAN =
  '[network]\ninterface = "eth0"\nsubnet = "192.168.1.0/24"\ngateway = "192.168.1.1"\nrange = "192.168.1.192/27"\n';
export const one: Place = { host: 'plain-server', files: { '/etc/ibq/instances/4001.toml': LIVE } };
export const file = (text: string): Place => ({ files: { '/etc/ibq/instances/4001.toml': text } });
export const main = (text: string): Place => ({
  host: 'plain-server',
  files: {
    '/etc/ibq/ibq.toml': text,
    '/etc/ibq/network.toml': LAN,
    '/etc/ibq/instances/4001.toml': LIVE,
  },
});

/** A mistyped line: 64, and a word that helps. */
export const mistyped = (id: string, line: string, ...words: string[]): Row => ({
  id,
  input: line,
  right: async () => void (await says(line, {}, 64, ...words)),
});
/** A file that is refused with these words. */
export const toml = (text: string, ...words: string[]): Row => ({
  id: 'ux B18',
  input: text,
  right: async () => void (await says('instance list', file(text), 78, ...words)),
});
