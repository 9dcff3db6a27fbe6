/** Tunnels that the image holds. */

import { execFileSync } from 'node:child_process';
import { describe, expect, test } from 'vitest';
import { profileOf } from '../../src/images/index.ts';
import type { ProfileId } from '../../src/images/profile.ts';
import { environment, readInstance, secretKeys, secretOf } from './instances.ts';

/** @param lines more of `[ssh]` */
const tunnel = (lines = '', before = '') =>
  `user = "user1"\n${before}[ssh]\nmode = "yes"\nvia = "image"\ntargets = ["trader@vps.example.com"]\n${lines}`;

/** The variables of the tunnel alone. */
function ofTunnel(profile: ProfileId, text: string): Record<string, string> {
  return Object.fromEntries(
    Object.entries(environment(profile, text)).filter(([name]) => name.startsWith('SSH_')),
  );
}

test.each(['gnzsnz', 'gnzsnz-tws', 'danklabs', 'danklabs-tws'] as const)(
  '%s: everything is written, and the relay stays for ibq',
  (profile) => {
    expect(ofTunnel(profile, tunnel())).toEqual({
      SSH_TUNNEL: 'both',
      SSH_USER_TUNNEL: 'trader@vps.example.com',
      SSH_OPTIONS: '-o ExitOnForwardFailure=yes',
      SSH_ALIVE_INTERVAL: '20',
      SSH_ALIVE_COUNT: '3',
      SSH_RESTART: '5',
    });
    expect(secretKeys(profile, tunnel())).toEqual([
      'password',
      'ssh_key',
      'ssh_passphrase',
      'ssh_known_hosts',
    ]);
  },
);

test('nothing is written where this host holds the tunnel, or nobody', () => {
  const text = 'user = "user1"\n[ssh]\nmode = "both"\ntargets = ["trader@vps.example.com"]\n';
  expect(ofTunnel('gnzsnz', text)).toEqual({});
  expect(secretKeys('gnzsnz', text)).toEqual(['password']);
});

test('what is set goes along', () => {
  const lines = `alive_interval = 30
alive_count = 5
restart = 9
bastion = "jump@bastion.example.com:22"
options = ["ConnectTimeout=10", "ExitOnForwardFailure=yes"]
vnc_port = 5900
[vnc]
enabled = true
`;
  const text = tunnel(lines).replace('vps.example.com', 'vps.example.com:2222');
  expect(ofTunnel('gnzsnz', text)).toEqual({
    SSH_TUNNEL: 'both',
    SSH_USER_TUNNEL: 'trader@vps.example.com',
    SSH_OPTIONS:
      '-p 2222 -J jump@bastion.example.com:22 -o ConnectTimeout=10 -o ExitOnForwardFailure=yes',
    SSH_ALIVE_INTERVAL: '30',
    SSH_ALIVE_COUNT: '5',
    SSH_RESTART: '9',
    SSH_VNC_PORT: '5900',
  });
});

test("gnzsnz's shell reads the options as they were written", () => {
  const lines = `proxy_command = "nc %h %p; echo '$HOME' \\"x\\""\noptions = ["IPQoS=af21 cs1"]\n`;
  const { SSH_OPTIONS: options = '' } = ofTunnel('gnzsnz', tunnel(lines));
  // As its run_ssh.sh: the variable inside the words of another shell.
  const script = 'bash -c "printf \'%s\\n\' $OPTIONS"';
  const words = execFileSync('bash', ['-c', script], { env: { ...process.env, OPTIONS: options } });
  expect(words.toString().trimEnd().split('\n')).toEqual([
    '-o',
    'ExitOnForwardFailure=yes',
    '-o',
    `ProxyCommand=nc %h %p; echo '$HOME' "x"`,
    '-o',
    'IPQoS=af21 cs1',
  ]);
});

describe("what the image's own can't do", () => {
  test.each([
    [
      'gnzsnz',
      'remote_ports = ["14001"]',
      'ssh.remote_ports: should be left out with ssh.via = "image": the far side always listens on 4002',
    ],
    [
      'gnzsnz',
      'vnc_port = 15900',
      'ssh.vnc_port: should be 5900 with ssh.via = "image", which knows no other, got 15900',
    ],
    ['gnzsnz', 'vnc_port = 5900', 'ssh.vnc_port: should be left out, or vnc.enabled be true'],
    [
      'gnzsnz',
      'rdp_port = 3389',
      'ssh.rdp_port: should be left out with ssh.via = "image": images of profile gnzsnz can\'t carry it',
    ],
    ['danklabs-tws', 'vnc_port = 5900', 'ssh.vnc_port: should be left out'],
    ['danklabs', 'proxy_command = "nc %h %p"', 'ssh.proxy_command: should be left out'],
    [
      'danklabs',
      'options = ["IPQoS=af21 cs1"]',
      'ssh.options: should be without blanks, quotes and wildcards',
    ],
  ] as const)('%s: %s', (profile, line, expected) => {
    const { problems } = readInstance(profile, tunnel(line));
    expect(problems).toEqual([expect.stringContaining(`4001.toml: ${expected}`)]);
  });

  test('more than one machine', () => {
    const text = tunnel().replace('"trader@', '"a@b", "trader@');
    expect(readInstance('gnzsnz', text).problems).toEqual([
      '4001.toml: ssh.targets: should be one machine with ssh.via = "image", got 2',
    ]);
  });

  test('another port than its own, in mode both two', () => {
    const both = 'mode = "both"\npaper_user = "paper1"\n';
    const own = tunnel('remote_ports = ["4001", "4002"]', both);
    expect(readInstance('gnzsnz', own).problems).toEqual([]);
    expect(readInstance('gnzsnz', tunnel('remote_ports = ["4002"]')).problems).toEqual([]);
  });
});

describe('secrets', () => {
  const profile = profileOf('gnzsnz');
  const key = '-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----';

  test('a key ends with a line of its own, in the way of this system', () => {
    const secret = secretOf(profile, 'ssh_key');
    expect([secret.lines, secret.as]).toEqual([
      'several',
      { kind: 'mount', path: '/home/ibgateway/.ssh/id_ed25519' },
    ]);
    expect(secret.encode(key.replaceAll('\n', '\r\n'))).toBe(`${key}\n`);
    expect(secret.problem(key)).toBeNull();
    for (const wrong of ['ssh-ed25519 AAAA me', '-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA', ''])
      expect(secret.problem(wrong), wrong).toContain('should be a private key');
  });

  test('known hosts are lines of hosts', () => {
    const secret = secretOf(profile, 'ssh_known_hosts');
    for (const right of [
      'vps.example.com ssh-ed25519 AAAA',
      '# vps:22 SSH-2.0\n|1|abc=|def= ecdsa-sha2-nistp256 AAAA',
      '@cert-authority *.example.com ssh-rsa AAAA==',
    ])
      expect(secret.problem(right), right).toBeNull();
    expect(secret.problem('vps.example.com')).toContain('should have a line of a host');
    expect(secret.encode('a ssh-rsa A\n\n')).toBe('a ssh-rsa A\n');
  });
});
