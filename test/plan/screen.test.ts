/** How people get to a screen: on the host, through SSH, over the LAN. */

import { describe, expect, test } from 'vitest';
import { screenWays, sshDestination } from '../../src/plan/screen.ts';

describe('where ssh leads to this host', () => {
  test.each<[string, Record<string, string>, string, { target: string; port: number | null }]>([
    [
      'as the person has come',
      { SSH_CONNECTION: '203.0.113.9 51234 10.0.0.5 22', USER: 'trader' },
      'gw1',
      { target: 'trader@10.0.0.5', port: null },
    ],
    [
      'on another port',
      { SSH_CONNECTION: '203.0.113.9 51234 10.0.0.5 2222', USER: 'trader' },
      'gw1',
      { target: 'trader@10.0.0.5', port: 2222 },
    ],
    [
      'over IPv6',
      { SSH_CONNECTION: '2001:db8::9 51234 2001:db8::5 22', USER: 'trader' },
      'gw1',
      { target: 'trader@2001:db8::5', port: null },
    ],
    [
      'sudo takes the connection away and keeps who it was',
      { USER: 'root', SUDO_USER: 'trader' },
      'gw1',
      { target: 'trader@gw1', port: null },
    ],
    ['nothing is known', {}, '', { target: 'USER@THIS_HOST', port: null }],
  ])('%s', (_title, env, hostname, wanted) => {
    expect(sshDestination(env, hostname)).toEqual(wanted);
  });
});

describe('the ways', () => {
  const instance = {
    relayPort: 4003,
    publish: '127.0.0.1:4001',
    lan: { address: '10.0.0.192', mac: null },
    sideServices: [
      { service: 'paper' as const, relayPort: 4004, publish: '127.0.0.1:4002' },
      { service: 'vnc' as const, relayPort: 5900, publish: '127.0.0.1:5901' },
      { service: 'supervisor' as const, relayPort: 9001, publish: '127.0.0.1:9001' },
    ],
    inputs: { 'supervisor.user': 'admin' },
  };
  const ssh = { target: 'trader@10.0.0.5', port: null };

  test('of VNC and the page; an API is no screen', () => {
    expect(screenWays(instance, ssh)).toEqual([
      {
        service: 'vnc',
        publish: '127.0.0.1:5901',
        lan: '10.0.0.192:5900',
        tunnel: 'ssh -N -L 5901:127.0.0.1:5901 trader@10.0.0.5',
        open: 'localhost:5901',
        user: null,
        secret: 'vnc_password',
      },
      {
        service: 'supervisor',
        publish: '127.0.0.1:9001',
        lan: null,
        tunnel: 'ssh -N -L 9001:127.0.0.1:9001 trader@10.0.0.5',
        open: 'http://localhost:9001',
        user: 'admin',
        secret: 'supervisor_password',
      },
    ]);
  });

  test('the port of sshd is named where it is another', () => {
    const [vnc] = screenWays(instance, { ...ssh, port: 2222 });
    expect(vnc?.tunnel).toBe('ssh -p 2222 -N -L 5901:127.0.0.1:5901 trader@10.0.0.5');
  });

  test('in mode lan there is the LAN alone', () => {
    const sideServices = instance.sideServices.map((side) => ({ ...side, publish: null }));
    const [vnc] = screenWays({ ...instance, publish: null, sideServices }, ssh);
    expect(vnc).toMatchObject({ publish: null, tunnel: null, open: null, lan: '10.0.0.192:5900' });
  });
});
