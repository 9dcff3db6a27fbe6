/** The files of a tunnel, as ssh and `LIB/tunnel` read them. */

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Instance, Port } from '../../src/config/types.ts';
import { leadsTo, renderSettings, renderSshConfig } from '../../src/ssh/render.ts';
import { machinesOf, type Tunnel, tunnelOf } from '../../src/ssh/tunnel.ts';
import { profile, tunnelled, withScreen } from './sample.ts';

const TO = { api: '127.0.0.1:4001', paper: '127.0.0.1:4002', vnc: '127.0.0.1:5901', rdp: null };

function tunnel(instance: Instance): Tunnel {
  const found = tunnelOf(instance, profile, (service) => TO[service]);
  if (found === null) throw new Error('no tunnel');
  return found;
}

/** Lines of a `Host` block. */
function block(text: string, host: string): string[] {
  const [, body = ''] =
    new RegExp(`^Host ${host.replace('*', '\\*')}\\n((?:  .*\\n)*)`, 'm').exec(text) ?? [];
  return body
    .split('\n')
    .map((line) => line.trim())
    .filter(Boolean);
}

test('ssh_config of one target, whole', () => {
  expect(
    renderSshConfig(tunnel(tunnelled('4001', { options: ['Compression=yes'] }))),
  ).toBe(`# ibq: SSH tunnels of instance 4001, for ssh -F. ssh takes the first value that it finds.
Host target1
  HostName vps.example.com
  User trader
  Port 22
  RemoteForward 127.0.0.1:4001 127.0.0.1:4001

Host *
  BatchMode yes
  ControlMaster no
  ExitOnForwardFailure yes
  ForwardAgent no
  ForwardX11 no
  IdentitiesOnly yes
  PasswordAuthentication no
  PermitLocalCommand no
  StrictHostKeyChecking yes
  UpdateHostKeys no
  VerifyHostKeyDNS no
  PreferredAuthentications publickey
  IdentityFile /run/ibq/tunnels/4001/key
  IdentityAgent none
  UserKnownHostsFile /etc/ibq/known_hosts
  GlobalKnownHostsFile /dev/null
  ServerAliveInterval 20
  ServerAliveCountMax 3
  Compression=yes
  ConnectTimeout 15
`);
});

test('settings: one line for each target, in order', () => {
  const two = { targets: ['a@one', 'b@two:2222'], restart: 7 };
  expect(
    renderSettings(tunnel(tunnelled('4001', two)), 'abc'),
  ).toBe(`# ibq: SSH tunnels of instance 4001. Read by ibq-tunnel@4001.service.
DEFINITION=abc
LEADS_TO=127.0.0.1:4001
RESTART=7
TARGET=a@one
TARGET=b@two:2222
`);
});

describe('each target', () => {
  test('has its machine, its forwards and the way there', () => {
    const ssh = {
      targets: ['a@one', 'b@two:2222'],
      remote_ports: ['4001', '*:14001'],
      vnc_port: 15_900,
      bastion: 'jump@bastion.example.com:2200',
    };
    const instance = withScreen(
      tunnelled('4001', ssh, { mode: 'both', sidePorts: { paper: 4002 as Port } }),
    );
    const text = renderSshConfig(tunnel(instance));
    expect(block(text, 'target2')).toEqual([
      'HostName two',
      'User b',
      'Port 2222',
      'RemoteForward *:14001 127.0.0.1:4001',
      'RemoteForward *:14002 127.0.0.1:4002',
      'RemoteForward 127.0.0.1:15900 127.0.0.1:5901',
      'ProxyJump bastion',
    ]);
    expect(block(text, 'bastion')).toEqual([
      'HostName bastion.example.com',
      'User jump',
      'Port 2200',
    ]);
    expect(leadsTo(tunnel(instance))).toBe('127.0.0.1:4001 127.0.0.1:4002 127.0.0.1:5901');
    expect(machinesOf(instance).map(({ name }) => name)).toEqual([
      '[bastion.example.com]:2200',
      'one',
      '[two]:2222',
    ]);
  });

  test('or goes through a command', () => {
    const text = renderSshConfig(
      tunnel(tunnelled('4001', { proxy_command: 'nc -X 5 -x proxy:1080 %h %p' })),
    );
    expect(block(text, 'target1')).toContain('ProxyCommand nc -X 5 -x proxy:1080 %h %p');
  });
});

test('what leads nowhere is not carried', () => {
  const none = tunnelOf(tunnelled('4001'), profile, () => null);
  expect(none?.targets[0]?.forwards).toEqual([]);
});

test('the image’s own tunnels and mode no are no business of this host', () => {
  expect(tunnelOf(tunnelled('4001', { via: 'image' }), profile, () => null)).toBeNull();
  expect(tunnelOf(tunnelled('4001', { mode: 'no' }), profile, () => null)).toBeNull();
});

test('ConnectTimeout of the user is the only one', () => {
  const text = renderSshConfig(tunnel(tunnelled('4001', { options: ['ConnectTimeout=3'] })));
  expect(text.match(/ConnectTimeout.*/g)).toEqual(['ConnectTimeout=3']);
});

test('whatever is configured, host keys are checked before any value of the user could say otherwise', () => {
  const ssh = fc.record({
    targets: fc.uniqueArray(fc.constantFrom('a@one', 'b@two:2222', 'c@three'), { minLength: 1 }),
    bastion: fc.constantFrom(null, 'x@y'),
    options: fc.subarray(['Compression=yes', 'LogLevel=ERROR', 'StrictHostKeyChecking=yes']),
  });
  fc.assert(
    fc.property(ssh, (settings) => {
      const text = renderSshConfig(tunnel(tunnelled('4001', settings)));
      expect(text.match(/StrictHostKeyChecking.*/g)).toEqual(['StrictHostKeyChecking yes']);
      const hosts = [...text.matchAll(/^Host (.*)$/gm)].map(([, name]) => name);
      expect(hosts).toEqual([
        ...settings.targets.map((_, index) => `target${index + 1}`),
        ...(settings.bastion ? ['bastion'] : []),
        '*',
      ]);
      for (const line of text.split('\n'))
        expect(line).toMatch(/^(?:#.*|Host \S+| {2}[A-Z]\w+[ =]\S.*|)$/);
    }),
  );
});
