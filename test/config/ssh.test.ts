/** `[ssh]`: what is refused and why, with the settings of the images' documents in ibq's words. */

import { describe, expect, test } from 'vitest';
import { loadConfig } from '../../src/config/load.ts';
import { ConfigError, formatProblem } from '../../src/errors.ts';

const LAN = `interface = "eth1"
subnet = "10.0.0.0/24"
gateway = "10.0.0.1"
range = "10.0.0.192/27"
`;

type Ssh = Readonly<Record<string, unknown>>;

function toml(ssh: Ssh, top = ''): string {
  const lines = Object.entries(ssh).map(([key, value]) => `${key} = ${JSON.stringify(value)}`);
  return `user = "u"\n${top}\n[ssh]\n${lines.join('\n')}\n`;
}

function load(instances: Readonly<Record<string, string>>, main = '') {
  const sources = Object.entries(instances).map(([name, text]) => ({
    path: `/etc/ibq/instances/${name}.toml`,
    text,
  }));
  return loadConfig(
    { main: { path: '/etc/ibq/ibq.toml', text: main }, pin: null, instances: sources },
    {},
    [],
  );
}

function problems(instances: Readonly<Record<string, string>>, main = ''): string[] {
  try {
    load(instances, main);
    return [];
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return error.problems.map((it) =>
      formatProblem(it).replaceAll(/\/etc\/ibq\/(?:instances\/)?/g, ''),
    );
  }
}

const TARGET = { mode: 'both', targets: ['trader@vps.example.com'] };

describe('settings of the documents, accepted', () => {
  test.each<[string, Ssh]>([
    ['basic: SSH_TUNNEL=yes, SSH_USER_TUNNEL=trader@vps.example.com', { ...TARGET, mode: 'yes' }],
    ['SSH_REMOTE_PORT=14001', { ...TARGET, remote_ports: ['14001'] }],
    ['SSH_REMOTE_PORT=127.0.0.1:4001', { ...TARGET, remote_ports: ['127.0.0.1:4001'] }],
    [
      'SSH_USER_TUNNEL=user@client-machine.com:2222',
      { ...TARGET, targets: ['user@client-machine.com:2222'] },
    ],
    [
      'SSH_USER_TUNNEL=user1@client1.com,user2@client2.com, SSH_REMOTE_PORT=4001,4002',
      {
        mode: 'both',
        targets: ['user1@client1.com', 'user2@client2.com'],
        remote_ports: ['4001', '4002'],
      },
    ],
    [
      'SSH_ALIVE_INTERVAL=30, SSH_ALIVE_COUNT=5, SSH_RESTART=5',
      { ...TARGET, alive_interval: 30, alive_count: 5, restart: 5 },
    ],
    ['SSH_OPTIONS=-o ConnectTimeout=10', { ...TARGET, options: ['ConnectTimeout=10'] }],
    ['Compression, TCPKeepAlive', { ...TARGET, options: ['Compression=yes', 'TCPKeepAlive=yes'] }],
    ['a bastion', { ...TARGET, bastion: 'user@bastion' }],
    ['a proxy', { ...TARGET, proxy_command: 'nc -X connect -x proxy.example.com:3128 %h %p' }],
  ])('%s', (_title, ssh) => {
    expect(problems({ 4001: toml(ssh) })).toEqual([]);
  });

  test('SSH_VNC_PORT=15900, with VNC', () => {
    const text = `${toml({ ...TARGET, vnc_port: 15_900 })}[vnc]\nenabled = true\n`;
    expect(problems({ 4001: text })).toEqual([]);
  });
});

describe('refused, with the reason', () => {
  test.each<[string, Ssh, string | RegExp]>([
    [
      'no target',
      { mode: 'yes' },
      '4001.toml: ssh.targets: should name the machine that gets the API, such as ["trader@vps.example.com"]',
    ],
    [
      'a target twice',
      { ...TARGET, targets: ['a@b', 'a@b'], remote_ports: ['1024', '1025'] },
      'ssh.targets: should name each machine once, got "a@b" twice',
    ],
    [
      'ports and targets of other numbers',
      { ...TARGET, targets: ['a@b', 'a@c', 'a@d'], remote_ports: ['1', '2'] },
      'ssh.remote_ports: should be one for all targets, or one for each of the 3, got 2',
    ],
    [
      '-o StrictHostKeyChecking=no',
      { ...TARGET, options: ['StrictHostKeyChecking=no'] },
      /^4001\.toml: ssh\.options\.0: should not be StrictHostKeyChecking=no: host keys are pinned .*"sudo ibq tunnel trust 4001"$/,
    ],
    [
      '-o UserKnownHostsFile=/dev/null',
      { ...TARGET, options: ['Compression=yes', 'UserKnownHostsFile=/dev/null'] },
      /^4001\.toml: ssh\.options\.1: /,
    ],
    [
      "ProxyCommand='ssh bastion nc %h %p'",
      { ...TARGET, proxy_command: 'ssh bastion nc %h %p' },
      /ssh\.proxy_command: should not be ssh, .* write ssh\.bastion = "user@host" instead$/,
    ],
    [
      '/usr/bin/ssh as a proxy',
      { ...TARGET, proxy_command: '/usr/bin/ssh -W %h:%p b' },
      /should not be ssh/,
    ],
    ['a token that ssh does not know', { ...TARGET, proxy_command: 'nc %h %p %x' }, 'got "%x"'],
    [
      'a bastion and a proxy',
      { ...TARGET, bastion: 'a@b', proxy_command: 'nc %h %p' },
      'ssh.proxy_command: should not stand beside ssh.bastion',
    ],
    [
      'all addresses of the target',
      { ...TARGET, remote_ports: ['*:4001'] },
      /should be on the target's loopback, such as "4001", got "\*:4001": whoever reaches that can trade/,
    ],
    [
      'an address of the target',
      { ...TARGET, remote_ports: ['10.1.0.5:4001'] },
      /publish\.accept_risk = "open-api"$/,
    ],
  ])('%s', (_title, ssh, message) => {
    const found = problems({ 4001: toml(ssh) });
    expect(found).toHaveLength(1);
    expect(found[0]).toMatch(
      message instanceof RegExp
        ? message
        : new RegExp(message.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')),
    );
  });

  test('every problem at once', () => {
    const ssh = {
      mode: 'yes',
      options: ['Port=1', 'User=a'],
      bastion: 'a@b',
      proxy_command: 'ssh x',
    };
    expect(problems({ 4001: toml(ssh) })).toHaveLength(5);
  });
});

test('beyond loopback of the target with the risk taken by name', () => {
  const ssh = { ...TARGET, remote_ports: ['*:4001'] };
  expect(problems({ 4001: toml(ssh) }, '[publish]\naccept_risk = "open-api"\n')).toEqual([]);
});

describe('two instances to one machine', () => {
  test('with their own ports', () => {
    expect(problems({ 4001: toml(TARGET), 4002: toml(TARGET) })).toEqual([]);
  });

  test('with the same one: both are told', () => {
    const ssh = { ...TARGET, remote_ports: ['4001'] };
    expect(problems({ 4001: toml(ssh), 4002: toml(ssh) })).toEqual([
      '4001.toml: ssh.remote_ports: should be another for trader@vps.example.com: 127.0.0.1:4001 (api) there is that of instance 4002 too',
      '4002.toml: ssh.remote_ports: should be another for trader@vps.example.com: 127.0.0.1:4001 (api) there is that of instance 4001 too',
    ]);
  });

  test('by their images, which can’t help it', () => {
    const ssh = { ...TARGET, via: 'image' };
    const found = problems({ 5001: toml(ssh), 5002: toml(ssh) });
    expect(
      found.filter((it) =>
        /ssh\.via: should be "host": the image's own client always listens at 127\.0\.0\.1:4002 \(api\)/.test(
          it,
        ),
      ),
    ).toHaveLength(2);
  });

  test('from [defaults]: the place that is told is there', () => {
    const main = '[defaults.ssh]\nmode = "both"\ntargets = ["a@b"]\nremote_ports = ["9000"]\n';
    const found = problems({ 4001: 'user = "u"\n', 4002: 'user = "u"\n' }, main);
    expect(found).toHaveLength(2);
    for (const it of found) expect(it).toMatch(/^ibq\.toml: defaults\.ssh\.remote_ports: /);
  });
});

describe('network mode lan', () => {
  const main = (more: string) => `[network]\nmode = "lan"\n${LAN}${more}`;
  test('the host does not reach its instances', () => {
    expect(problems({ 4001: toml(TARGET) }, main(''))).toEqual([
      '4001.toml: ssh.mode: needs network.host_access = true in network mode "lan", where this host does not reach its own instances',
    ]);
  });

  test('with the host among them it does', () => {
    expect(problems({ 4001: toml(TARGET) }, main('host_access = true\n'))).toEqual([]);
  });
});

test('the name of an instance that has a tunnel is short enough for its user', () => {
  const [longest, longer] = ['n'.repeat(27), 'n'.repeat(28)];
  expect(problems({ [longest]: `port = 4001\n${toml(TARGET)}` })).toEqual([]);
  expect(problems({ [longer]: `port = 4001\n${toml(TARGET)}` })).toEqual([
    expect.stringContaining(
      'ssh.mode: should be "no" for an instance whose name is longer than 27',
    ),
  ]);
});

test('targets without a mode are told of, and make no tunnel', () => {
  const { warnings, config } = load({ 4001: toml({ targets: ['a@b'] }) });
  expect(warnings).toContain(
    '/etc/ibq/instances/4001.toml: ssh.targets: no tunnel is made: ssh.mode is "no"',
  );
  expect(config.instances[0]?.settings.ssh.mode).toBe('no');
});

test('a VNC port without VNC is told of', () => {
  const { warnings } = load({ 4001: toml({ ...TARGET, vnc_port: 15_900 }) });
  expect(warnings).toContain(
    '/etc/ibq/instances/4001.toml: ssh.vnc_port: nothing is carried: vnc.enabled is false',
  );
});

test('a VNC port in [defaults] is meant for those that have VNC', () => {
  const main = '[defaults.ssh]\nmode = "both"\ntargets = ["a@b"]\nvnc_port = 15900\n';
  expect(problems({ 4001: 'user = "u"\n' }, main)).toEqual([]);
});
