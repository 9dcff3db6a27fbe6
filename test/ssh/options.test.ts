/** Options of ssh: those of the images' documents among them. */

import { describe, expect, test } from 'vitest';
import { optionProblem, ownOptions } from '../../src/ssh/options.ts';

describe('may be set', () => {
  test.each([
    'ConnectTimeout=10',
    'Compression=yes',
    'TCPKeepAlive=yes',
    'LogLevel=ERROR',
    'ExitOnForwardFailure=yes',
    'StrictHostKeyChecking=yes',
    'Ciphers=aes256-gcm@openssh.com,chacha20-poly1305@openssh.com',
    'Connecttimeout=10',
  ])('%s', (option) => {
    expect(optionProblem(option, '4001')).toBeNull();
  });
});

describe('may not', () => {
  test.each([
    ['StrictHostKeyChecking=no', /host keys are pinned .* "sudo ibq tunnel trust 4001"$/],
    ['StrictHostKeyChecking=accept-new', /host keys are pinned/],
    ['UserKnownHostsFile=/dev/null', /host keys are pinned/],
    ['VerifyHostKeyDNS=yes', /host keys are pinned/],
    ['Stricthostkeychecking=off', /host keys are pinned/],
    ['ExitOnForwardFailure=no', /carries nothing would pass for a tunnel/],
    ['ServerAliveInterval=30', /use ssh\.alive_interval/],
    ['ServerAliveCountMax=3', /use ssh\.alive_count/],
    ["ProxyCommand='ssh bastion nc %h %p'", /use ssh\.proxy_command, or better ssh\.bastion/],
    ['ProxyJump=a@b', /use ssh\.bastion/],
    ['Port=2222', /use ssh\.targets/],
    ['IdentityFile=/root/.ssh/id_rsa', /ibq secret set 4001 ssh_key/],
    ['ForwardAgent=yes', /carries what ibq says and nothing else/],
    [
      'DynamicForward=1080',
      /nothing else; it may have AddressFamily, .*TCPKeepAlive, WarnWeakCrypto$/,
    ],
    ['LocalCommand=id', /nothing else; it may have/],
    ['KnownHostsCommand=/bin/id', /host keys are pinned/],
    ['Include=/etc/ssh/ssh_config', /nothing else; it may have/],
    ['Match=exec id', /nothing else; it may have/],
  ])('%s', (option, reason) => {
    const problem = optionProblem(option, '4001');
    expect(problem).toContain(`should not be ${option}: `);
    expect(problem).toMatch(reason);
  });
});

test('what is fixed anyway does not stand in the file twice', () => {
  expect(ownOptions(['batchMode=yes', 'Compression=yes'])).toEqual(['Compression=yes']);
});
