/** The simulated images under the real Podman: users, secrets, volumes, ports, how they stop. */

import { beforeAll, expect, test } from 'vitest';
import { CONTRACTS, type Contract } from '../simulator/contract.ts';
import { describeOnHosts, installSimulator } from './harness.ts';

interface State {
  halves: { mode: string; apiPort: number | null; commandPort: number | null }[];
  services: Record<string, number>;
  process: { pid: number; uid: number; gid: number; shm: number; seccomp: boolean };
}

describeOnHosts('the simulated images', (host) => {
  const references = new Map<string, string>();

  beforeAll(async () => {
    for (const { name } of CONTRACTS) references.set(name, await installSimulator(host, name));
  });

  /** Starts `NAME` in the background; the image and its variables follow the options. */
  async function run(name: string, contract: Contract, options: string[], env = {}): Promise<void> {
    const variables = { ...contract.minimal, ...env, SIMULATOR_LOGIN_SECONDS: '0.1' };
    const given = Object.entries(variables).flatMap(([key, value]) =>
      value === '' ? [] : ['--env', `${key}=${value}`],
    );
    const image = references.get(contract.name) ?? '';
    await host.run(['podman', 'rm', '-f', '-t', '0', name]);
    await host.ok(['podman', 'run', '-d', '--name', name, ...options, ...given, image]);
  }

  async function stateOf(name: string): Promise<State> {
    return JSON.parse(await host.ok(['podman', 'exec', name, 'simulator', 'state'])) as State;
  }

  async function logged(name: string, pattern: RegExp): Promise<void> {
    for (let tries = 0; tries < 400; tries++) {
      const { stdout, stderr } = await host.run(['podman', 'logs', name]);
      if (pattern.test(stdout + stderr)) return;
      await new Promise((resolve) => setTimeout(resolve, 250));
    }
    throw new Error(`${name} never logged ${pattern}:\n${await host.ok(['podman', 'logs', name])}`);
  }

  /** Exit status of a container, once it has ended. */
  async function ended(name: string): Promise<number> {
    return Number(await host.ok(['podman', 'wait', name]));
  }

  function contractNamed(name: string): Contract {
    const contract = CONTRACTS.find((each) => each.name === name);
    if (contract === undefined) throw new Error(`no contract ${name}`);
    return contract;
  }

  const settled = (name: string) =>
    logged(name, /Configuration tasks completed|Login complete\. Entering monitor loop/);
  const gateway = contractNamed('gnzsnz-gateway');
  const tws = contractNamed('gnzsnz-tws');
  const danklabs = contractNamed('danklabs-gateway');
  const hosted = contractNamed('danklabs-host');

  test.each(CONTRACTS)('$name runs as its user and stops as it stops', async (contract) => {
    const { needs, stop } = contract.container;
    const chosen = needs.root ? { PUID: '1000', PGID: '1000' } : {};
    const { uid, gid } = needs.root ? { uid: 1000, gid: 1000 } : contract.user;
    const drop = ['--cap-drop', 'all', '--security-opt', 'no-new-privileges'];
    const add = needs.capabilities.flatMap((capability) => ['--cap-add', capability]);
    await run('one', contract, [...drop, ...add], chosen);
    await settled('one');
    const { halves, process } = await stateOf('one');
    expect(process).toMatchObject({ pid: 1, uid, gid });
    const { api } = contract.ports.paper;
    const opens = contract.product === 'gateway';
    expect(halves).toMatchObject([{ mode: 'paper', apiPort: opens ? api : null }]);
    await host.ok(['podman', 'stop', '-t', '20', 'one']);
    expect(await ended('one')).toBe(stop.status);
  });

  test('gnzsnz-tws never starts its program without capabilities', async () => {
    await run('bare', tws, ['--cap-drop', 'all'], { PUID: '1000', PGID: '1000' });
    await logged('bare', /chown: changing ownership of '\/opt': Operation not permitted/);
    expect((await stateOf('bare')).halves).toEqual([]);
  });

  test('what a unit gives beyond variables can be seen', async () => {
    await run('given', tws, ['--shm-size', '1g', '--security-opt', 'seccomp=unconfined']);
    await settled('given');
    expect((await stateOf('given')).process).toMatchObject({ shm: 2 ** 30, seccomp: false });
  });

  const refusals = [
    { contract: gateway, variable: 'TWS_PASSWORD', says: /\/run\/secrets\/it: Permission denied/ },
    { contract: hosted, variable: 'IB_PASSWORD', says: /IB_PASSWORD_FILE is not a readable file/ },
  ];
  test.each(refusals)('$contract.name cannot read what is not its user’s', async (row) => {
    const { contract, variable, says } = row;
    await host.run('printf geheim | podman secret create --replace it -');
    const secret = (uid: number) => ['--secret', `it,target=it,uid=${uid},gid=${uid},mode=0400`];
    const env = { [variable]: '', [`${variable}_FILE`]: '/run/secrets/it' };
    await run('others', contract, secret(contract.user.uid + 1), env);
    expect(await ended('others')).toBe(1);
    await logged('others', says);
    await run('own', contract, secret(contract.user.uid), env);
    await settled('own');
  });

  test('a volume keeps the settings, a mounted template changes them', async () => {
    const patched = gateway.configIni;
    const template = { ...patched, CommandServerPort: '7462', BindAddress: '127.0.0.1' };
    const lines = Object.entries(template).map(([key, value]) => `${key}=${value}\n`);
    await host.writeFile('/root/config.ini.tmpl', lines.join(''));
    const settings = `${gateway.paths.volume}/ibq`;
    const mounts = [
      ...['--volume', `kept:${gateway.paths.volume}`],
      ...['--volume', `/root/config.ini.tmpl:${gateway.paths.configTemplate}:ro`],
    ];
    const env = { TWS_SETTINGS_PATH: settings, TIME_ZONE: 'Asia/Tokyo', READ_ONLY_API: 'no' };
    await run('patched', gateway, mounts, env);
    await settled('patched');
    const ask = 'exec 3<>/dev/tcp/127.0.0.1/7462; printf "STOP\\n" >&3; head -1 <&3';
    expect(await host.ok(['podman', 'exec', 'patched', 'bash', '-c', ask])).toBe(
      'OK Shutting down: STOP command\n',
    );
    expect(await ended('patched')).toBe(0);
    await run('patched', gateway, mounts, { ...env, TIME_ZONE: 'Europe/Paris' });
    await logged('patched', /Read-Only API checkbox is already set to: false/);
    const jts = await host.ok(['podman', 'exec', 'patched', 'cat', `${settings}/jts.ini`]);
    expect(jts).toContain('TimeZone=Asia/Tokyo');
  });

  test('screens and the supervisor’s page answer on published ports', async () => {
    const pages = { SUPERVISORD_UI_USER: 'admin', SUPERVISORD_UI_PASS: 'hidden', VNC_PWD: 'see' };
    await run(
      'shown',
      danklabs,
      ['-p', '127.0.0.1:15900:5900', '-p', '127.0.0.1:19001:9001'],
      pages,
    );
    await run('desk', tws, ['-p', '127.0.0.1:13389:3389']);
    await Promise.all([settled('shown'), settled('desk')]);
    const talk = (port: number, text: string, bytes: number) =>
      host.ok(`exec 3<>/dev/tcp/127.0.0.1/${port}; printf '${text}' >&3; head -c ${bytes} <&3`);
    expect(await talk(15900, '', 12)).toBe('RFB 003.008\n');
    expect(await talk(19001, 'GET / HTTP/1.0\\r\\n\\r\\n', 12)).toBe('HTTP/1.1 401');
    const login = `Authorization: Basic ${Buffer.from('admin:hidden').toString('base64')}`;
    expect(await talk(19001, `GET / HTTP/1.0\\r\\n${login}\\r\\n\\r\\n`, 12)).toBe('HTTP/1.1 200');
    const request = '\\x03\\x00\\x00\\x0b\\x06\\xe0\\x00\\x00\\x00\\x00\\x00';
    const answer = `exec 3<>/dev/tcp/127.0.0.1/13389; printf '${request}' >&3; head -c 6 <&3 | od -An -tx1`;
    // A connection confirm of X.224, in a TPKT of 19 bytes.
    expect((await host.ok(answer)).trim()).toBe('03 00 00 13 0e d0');
  });

  test('two of danklabs-host fit on one host, each with its ports', async () => {
    const ports = (api: number, vnc: number) => ({
      OVERRIDE_TWS_API_PORT: String(api),
      VNC_PWD: 'see',
      VNC_PORT: String(vnc),
      COMMAND_SERVER_PORT: String(api + 1),
      BIND_ADDRESS: '127.0.0.1',
    });
    await run('first', hosted, ['--network', 'host'], ports(14002, 5911));
    await run('second', hosted, ['--network', 'host'], ports(14012, 5912));
    await Promise.all([settled('first'), settled('second')]);
    expect((await stateOf('first')).halves).toMatchObject([{ apiPort: 14002, commandPort: 14003 }]);
    expect((await stateOf('second')).services).toEqual({ vnc: 5912 });
    // The gateway listens on every address, and closes on those who are not of this host.
    const knock = `exec 3<>/dev/tcp/10.0.0.5/14012; printf 'API\\0' >&3; timeout 5 head -c 1 <&3 | wc -c`;
    expect((await host.okIn('lan1', knock)).trim()).toBe('0');
  });
});
