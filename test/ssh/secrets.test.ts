/** The tunnel's secrets: whose they are, when they are needed, what they may be. */

import { describe, expect, test } from 'vitest';
import { renderGeneration } from '../../src/quadlet/render.ts';
import { keyProblem, wholeLines } from '../../src/ssh/key-text.ts';
import { neededSecrets, secretsOfInstance } from '../../src/ssh/secrets.ts';
import { sampleConfig, sampleInput } from '../quadlet/sample.ts';
import { profile, tunnelled } from './sample.ts';

const KEY = '-----BEGIN OPENSSH PRIVATE KEY-----\nb3Blbn\n-----END OPENSSH PRIVATE KEY-----\n';

test('the key is required with a tunnel of this host, and told how to be made', () => {
  expect(neededSecrets(profile, tunnelled('4001'))).toContainEqual({
    name: 'ibq-4001-ssh_key',
    key: 'ssh_key',
    required: true,
    mend: 'sudo ibq tunnel key 4001',
  });
  const image = neededSecrets(profile, tunnelled('4001', { via: 'image' }));
  expect(image.map(({ key, mend }) => [key, mend])).toEqual([
    ['password', 'sudo ibq secret set 4001 password'],
    ['ssh_key', 'sudo ibq tunnel key 4001'],
    ['ssh_passphrase', 'sudo ibq tunnel key 4001'],
    ['ssh_known_hosts', 'sudo ibq tunnel trust 4001'],
  ]);
  const keys = (ssh: Parameters<typeof tunnelled>[1]) =>
    neededSecrets(profile, tunnelled('4001', ssh)).map(({ key }) => key);
  expect(keys({})).toEqual(expect.arrayContaining(['ssh_key', 'ssh_passphrase']));
  expect(keys({ mode: 'no' })).not.toContain('ssh_key');
});

test('it may be set before there is a tunnel, or in another way; each key is there once', () => {
  for (const ssh of [{ mode: 'no' }, { via: 'host' }, { via: 'image' }] as const) {
    const instance = tunnelled('4001', ssh);
    const all = secretsOfInstance(profile, instance);
    const keys = all.map(({ key }) => key);
    expect([...new Set(keys)]).toEqual(keys);
    expect(keys).toEqual(expect.arrayContaining(['password', 'ssh_key', 'ssh_passphrase']));
    const key = all.find((it) => it.key === 'ssh_key');
    expect(key?.of).toBe('via' in ssh && ssh.via === 'image' ? undefined : 'tunnel');
  }
});

test('neither reaches the container, nor its definition', () => {
  const config = sampleConfig({ instances: [tunnelled('4001')] });
  const { files } = renderGeneration(sampleInput(config));
  for (const { text } of files) expect(text).not.toMatch(/ibq-4001-ssh_(?:key|passphrase)/);
});

describe('a private key', () => {
  test.each([
    ['of OpenSSH', KEY],
    ['of PEM', KEY.replaceAll('OPENSSH ', 'RSA ')],
    ['of PKCS 8', KEY.replaceAll('OPENSSH ', '')],
    ['encrypted', KEY.replaceAll('OPENSSH ', 'ENCRYPTED ')],
    ['with the line ends of Windows', KEY.replaceAll('\n', '\r\n')],
    ['without its last newline', KEY.trimEnd()],
  ])('%s', (_title, text) => {
    expect(keyProblem(text)).toBeNull();
    expect(wholeLines(text)).toMatch(/KEY-----\n$/);
    expect(wholeLines(text)).not.toContain('\r');
  });

  test.each([
    [
      'ssh-ed25519 AAAAC3Nz me@here',
      'should be a private key, got its public half (the file without .pub)',
    ],
    ['-----BEGIN CERTIFICATE-----\nx\n-----END CERTIFICATE-----', 'should be a private key'],
    ['secret', 'should be a private key'],
    [KEY.replace('-----END', '---'), 'should be a private key'],
  ])('not %j', (text, problem) => {
    expect(keyProblem(text)).toContain(problem);
  });
});
