/** Kinds of fault that public bug reports of images, Podman and VPNs lead to. */

import { expect } from 'vitest';
import { type Row, reported, says, typed } from './rows.ts';

const EVENTS = 'gateway/log-events.test.ts';
const PUBLISH = 'network/publish-network.test.ts';
const seen = (id: string, input: string, file: string, title: string): Row => ({
  id: `bugs ${id}`,
  input,
  seen: [file, title],
});
const selects = (input: string, host: string, word: string | null): Row => ({
  id: 'bugs 2.5',
  input,
  right: async () => {
    const { out } = await typed('network detect --json', { host });
    const { selected } = JSON.parse(out) as { selected: { interface: string } | null };
    expect(selected?.interface ?? null).toBe(word);
  },
});
const PAPER = 'user = "u"\nread_only_api = true\n';

reported('routes that cover a subnet', [
  {
    id: 'bugs 2.1',
    input: 'a full tunnel of OpenVPN, init, instance add, plan',
    right: async () => {
      const before = ['init', 'instance add 4001 --mode paper --user u'];
      const { read } = await says(
        'deploy -y',
        { host: 'openvpn-full-tunnel', before },
        0,
        '4001: new',
      );
      expect(read('/etc/ibq/current/units/ibq-publish-0fd8daf1.network')).toContain('10.89.0.0/24');
    },
  },
  seen(
    '2.1',
    'routes 10/8, 172.16/12, 192.168/16 by the gateway',
    PUBLISH,
    'is more specific than a route that covers everything private',
  ),
  seen(
    '2.1',
    '10/8 by tun0 after the deploy',
    PUBLISH,
    "{ used: [OWN_BRIDGE, '10.0.0.0/8 tun0 route'] }",
  ),
  seen(
    '2.1',
    '0/1 and 128/1 after the deploy',
    PUBLISH,
    'is more specific than a tunnel that takes all there is in two halves',
  ),
  seen(
    '2.1',
    'default_subnet_pools',
    'host-parts/podman-networks.test.ts',
    'the pools of new networks',
  ),
]);

reported('ends, and stages of a login', [
  seen(
    '2.2',
    'could not find second factor device',
    'gateway/log-line.test.ts',
    "could not find second factor device 'IB Key' in the list",
  ),
  seen(
    '2.2',
    'You should specify the required second factor device',
    EVENTS,
    'a device is to be chosen',
  ),
  seen('2.2', 'The system is not currently available', EVENTS, 'IBKR is away'),
  seen(
    '2.2',
    'Server disconnected, please try again',
    EVENTS,
    'Connection to server failed: Server disconnected, please try again',
  ),
  seen('2.2', 'a session that is taken over', 'host/situations.test.ts', "name: 'tookover'"),
  seen(
    '2.2',
    'End this session and let the other session proceed (scenario 2)',
    EVENTS,
    'another session of its user goes on .*scenario 2',
  ),
  seen(
    '2.2',
    'the unit ended well',
    'gateway/instance-state.test.ts',
    "{ active: 'inactive', sub: 'dead', result: 'success' }, 'ended', 'ended'",
  ),
  seen(
    '2.2',
    "Can't find suitable Java installation",
    'gateway/instance-state.test.ts',
    "Error: Can't find suitable Java installation",
  ),
  seen(
    '2.2',
    'cannot listen on the TCP port',
    'gateway/instance-state.test.ts',
    'Error: cannot listen on the TCP port: cannot assign requested address',
  ),
  seen(
    '2.2',
    '200 lines of the relay after a login days ago',
    'host/situations.test.ts',
    'logs leaves the noise of the relay out, and --all shows it',
  ),
  seen(
    '2.2',
    'restart: always',
    'host/import.test.ts',
    'what the image does not know reaches it too, and stands in no file',
  ),
]);

reported('images and secrets', [
  {
    id: 'bugs 2.3',
    input: 'ibg-controller as the image of an instance',
    right: async () => {
      const line =
        'instance add 4001 --mode live --user u1 --image ghcr.io/code-hustler-ft3d/ibg-controller:v0.10.0';
      await says(line, {}, 0, 'ibg-controller');
    },
  },
  seen(
    '2.3',
    'ibg-controller in a Compose file',
    'images/repositories.test.ts',
    'ghcr.io/code-hustler-ft3d/ibg-controller:v0.12.0',
  ),
  seen('2.3', 'its alerts in the log', 'gateway/controller-lines.test.ts', 'ALERT_2FA_FAILED'),
  seen(
    '2.3',
    'a backslash in its password',
    'host/controller.test.ts',
    'logs in with codes of its own and a password that nobody changed',
  ),
  ...['TWOFACTOR_CODE', 'TOTP_SECRET', 'TOTP_KEY', 'OTP_SEED', 'API_TOKEN', 'VNC_PWD'].map(
    (name): Row => ({
      id: 'bugs 2.4',
      input: `--set environment.${name}`,
      right: async () => {
        const { exitCode, out, err } = await typed(
          `instance add 4001 --mode paper --user u --set environment.${name}=JBSWY3DPEHPK3PXP`,
        );
        // Refused where it is known to be a secret, warned about where it looks like one.
        expect(`${out}${err}`).toContain(`environment.${name}`);
        expect([0, 64]).toContain(exitCode);
        expect(`${out}${err}`).not.toContain('JBSWY3DPEHPK3PXP');
      },
    }),
  ),
  seen(
    '2.4',
    'TWOFACTOR_CODE of a Compose file',
    'commands/import-compose.test.ts',
    'a seed in a file becomes one too',
  ),
]);

reported('the private network', [
  selects('eth0 public, ve-web 192.168.163.1/28', 'nspawn-veth', null),
  selects('dummy0 before eth0', 'dummy-first', 'eth0'),
  selects('hassio before enp1s0', 'home-assistant', 'enp1s0'),
  selects('public enp1s0, a bridge with one veth', 'named-bridge', null),
  selects('wlan0 and eth0 in one subnet', 'cable-and-wifi', 'eth0'),
  {
    id: 'bugs 2.5',
    input: 'a macvlan shim of the user’s own',
    right: async () => {
      const { err } = await says('network detect', { host: 'own-shim' }, 0, 'eno1');
      expect(err).not.toContain('NETWORK_INTERFACE=macvlan-shim');
    },
  },
]);

reported('what must hold, and what is lost', [
  seen(
    '2.6',
    'publish.address that the host has not',
    'plan/host-problems.test.ts',
    "describe('publish.address'",
  ),
  {
    id: 'bugs 2.6',
    input: 'two instances, one user',
    right: async () => {
      const files = {
        '/etc/ibq/instances/4001.toml': PAPER,
        '/etc/ibq/instances/4002.toml': PAPER,
      };
      await says('instance list', { files }, 0, '"u" logs in to paper in');
    },
  },
  seen(
    '2.6',
    'a gateway that is the host itself',
    'plan/host-problems.test.ts',
    'a gateway that is the host itself',
  ),
  seen(
    '2.7',
    'env_file that is not required',
    'reported/compose.test.ts',
    'env_file that is not required',
  ),
  seen(
    '2.7',
    'ipv4_address on a macvlan',
    'commands/import-compose.test.ts',
    'an address on a macvlan is one of ibq’s own',
  ),
  seen(
    '2.7',
    'network_mode: service:X',
    'commands/import-compose.test.ts',
    'another container’s network is network.via, or nothing',
  ),
  seen(
    '2.9',
    'OpenSSH’s warning before the tunnel was up',
    'tunnel-script.test.ts',
    'a warning of OpenSSH’s before it was up',
  ),
  seen(
    '2.9',
    'a banner before the tunnel was up',
    'tunnel-script.test.ts',
    'a banner before it was up',
  ),
  seen('2.9', 'WarnWeakCrypto', 'ssh/options.test.ts', 'WarnWeakCrypto'),
  seen(
    '2.8',
    'Tailscale’s table 52',
    'host/doctor-network.test.ts',
    'forwarding: the rule of a VPN comes before the bridge',
  ),
  seen(
    '2.8',
    'a name server that no container reaches',
    'host/doctor-network.test.ts',
    'forwarding: a name server that only this host reaches',
  ),
  seen(
    '2.10',
    'containers.rootful.conf.d',
    'host-parts/podman-networks.test.ts',
    '/etc/containers/containers.rootful.conf.d/10.conf',
  ),
  seen(
    '2.10',
    '/usr/share/containers/containers.conf.d',
    'host-parts/podman-networks.test.ts',
    '/usr/share/containers/containers.conf.d/a.conf',
  ),
]);
