/** Every profile with an image that keeps to the contract of its own: logged in, in every mode that it has. */

import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { beforeAll, describe, expect, test } from 'vitest';
import { CONTRACTS, type Contract } from '../simulator/contract.ts';
import { ibq, ibqOk, statusOf, told, until } from './gateways.ts';
import { describeOnHosts, installIbq, installSimulator } from './harness.ts';

/** A password with all that its readers trip over: the shell, Java Properties, envsubst. */
const PASSWORD = 'pä$$ \\n"word\' #1';
const AS_PROPERTY = 'p\\u00e4$$ \\\\n"word\' #1';

interface Gateway {
  name: string;
  profile: string;
  /** Of test/simulator/contracts. */
  contract: string;
  mode: 'live' | 'paper' | 'both';
  /** More of its file, [image] and `environment` apart. */
  more?: string;
}

const VNC = '[vnc]\nenabled = true\n';
const PASSPHRASE = 'open sesame';
/** As people copy it; what the stand-in for IBKR compares with is `SIMULATOR_TOTP_SEED`. */
const SEED = 'gezd gnbv gy3t qojq gezd gnbv gy3t qojq';
/** Nobody is there: what is looked at is how far the image gets. */
const TUNNEL = (address: string) =>
  `[ssh]\nmode = "both"\nvia = "image"\ntargets = ["trader@${address}:2222"]\n`;

const ON_A_BRIDGE: readonly Gateway[] = [
  { name: '4001', profile: 'gnzsnz', contract: 'gnzsnz-gateway', mode: 'live', more: VNC },
  { name: '4002', profile: 'gnzsnz', contract: 'gnzsnz-gateway', mode: 'paper' },
  { name: '4101', profile: 'gnzsnz', contract: 'gnzsnz-gateway', mode: 'both' },
  { name: '4201', profile: 'gnzsnz-tws', contract: 'gnzsnz-tws', mode: 'live' },
  { name: '4202', profile: 'gnzsnz-tws', contract: 'gnzsnz-tws', mode: 'paper' },
  { name: '4301', profile: 'gnzsnz-tws', contract: 'gnzsnz-tws', mode: 'both' },
  { name: '4401', profile: 'danklabs', contract: 'danklabs-gateway', mode: 'live', more: VNC },
  { name: '4402', profile: 'danklabs', contract: 'danklabs-gateway', mode: 'paper' },
  { name: '4501', profile: 'danklabs-tws', contract: 'danklabs-tws', mode: 'live' },
  { name: '4502', profile: 'danklabs-tws', contract: 'danklabs-tws', mode: 'paper' },
  {
    name: '4602',
    profile: 'custom',
    contract: 'danklabs-gateway',
    mode: 'paper',
    more:
      '[custom]\nsettings_path = "/home/ibuser/tws_settings"\n' +
      '[custom.variables]\nmode = "TRADING_MODE"\nuser = "IB_USER"\npassword = "IB_PASSWORD"\n' +
      'read_only_api = "READ_ONLY_API"\n',
  },
  {
    name: '4802',
    profile: 'gnzsnz',
    contract: 'gnzsnz-gateway',
    mode: 'paper',
    more: TUNNEL('10.0.0.77'),
  },
  {
    name: '4902',
    profile: 'danklabs',
    contract: 'danklabs-gateway',
    mode: 'paper',
    more: TUNNEL('10.0.0.78'),
  },
  {
    name: '5001',
    profile: 'ibg-controller',
    contract: 'ibg-controller',
    mode: 'live',
    more: `twofa_totp = true\n${VNC}`,
  },
  { name: '5002', profile: 'ibg-controller', contract: 'ibg-controller', mode: 'paper' },
  { name: '5101', profile: 'ibg-controller', contract: 'ibg-controller', mode: 'both' },
  { name: '4702', profile: 'simulator', contract: 'gnzsnz-gateway', mode: 'paper' },
];

const IN_THE_HOST: readonly Gateway[] = [
  { name: '14001', profile: 'danklabs-host', contract: 'danklabs-host', mode: 'live', more: VNC },
  { name: '14002', profile: 'danklabs-host', contract: 'danklabs-host', mode: 'paper', more: VNC },
];

describeOnHosts('profiles', (host) => {
  const references = new Map<string, string>();
  let privateKey = '';

  beforeAll(async () => {
    await installIbq(host);
    for (const { name } of CONTRACTS) references.set(name, await installSimulator(host, name));
    privateKey = await makeKey();
    await ibqOk(host, ['init']);
  });

  describe('on a bridge', () => {
    beforeAll(async () => {
      await host.writeFile('/etc/ibq/ibq.toml', '[network]\nmode = "bridge"\n');
      for (const gateway of ON_A_BRIDGE) await configure(gateway);
      // A TWS whose API somebody ticked before; 4201 is a fresh one.
      for (const { name, contract } of ON_A_BRIDGE)
        if (contract.endsWith('tws') && name !== '4201') await tickApi(name, contractOf(contract));
      await ibqOk(host, ['deploy', '-y', '--no-wait']);
    });

    test('a fresh TWS does not answer, says ibq, until its API is enabled', async () => {
      const { ready } = await statusOf(host, '4201');
      expect(ready).toBe(false);
      // It may be told in its first second: it answers when its login is complete.
      const ask =
        'exec 3<>/dev/tcp/127.0.0.1/7462; printf "ENABLEAPI\\n" >&3; timeout 100 head -1 <&3';
      const tell = ['podman', 'exec', 'ib-gateway-4201', 'bash', '-c', ask] as const;
      await until('its command server answers', async () => {
        const { exitCode, stdout } = await host.run(tell);
        if (exitCode === 0) expect(stdout).toBe('OK configured\n');
        return exitCode === 0;
      });
    });

    test('all of them come up ready', async () => {
      const names = ON_A_BRIDGE.map(({ name }) => name);
      const waited = await ibq(host, ['wait', ...names, '--timeout', '300']);
      expect(waited.exitCode, await told(host, waited)).toBe(0);
    });

    test.each(ON_A_BRIDGE)('$name: $profile in mode $mode is who it should be', async (gateway) => {
      await expectAccounts(gateway);
      await expectPassword(gateway);
    });

    test.each(['4802', '4902'])(
      'tunnel of %s: its key opens, and ssh is on its way',
      async (name) => {
        const pattern =
          /Adding keys to ssh-agent[\s\S]*ssh: connect to host 10\.0\.0\.7[78] port 2222/;
        await retried(async () => {
          const { stdout, stderr } = await host.run(['podman', 'logs', `ib-gateway-${name}`]);
          expect(stdout + stderr).toMatch(pattern);
        });
      },
    );

    test('screens answer on the loopback of the host', async () => {
      const banner = (port: number) =>
        host.ok(`exec 3<>/dev/tcp/127.0.0.1/${port}; timeout 10 head -c 12 <&3`);
      expect(await banner(5901)).toBe('RFB 003.008\n');
      expect(await banner(6301)).toBe('RFB 003.008\n');
    });

    test.each([
      { name: '4202', shm: 1024, uid: 1000 },
      { name: '4502', shm: 2048, uid: 999 },
    ])('TWS $name has the memory and the rights that it needs', async ({ name, shm, uid }) => {
      const container = `ib-gateway-${name}`;
      const state = await host.ok(['podman', 'exec', container, 'simulator', 'state']);
      expect(JSON.parse(state)).toMatchObject({ process: { uid, shm: shm * 2 ** 20 } });
      // The kernel's own word would be that of the host's boot, which has a filter itself.
      const format = ['--format', '{{.HostConfig.SecurityOpt}}'] as const;
      expect(await host.ok(['podman', 'inspect', ...format, container])).toContain('unconfined');
    });
  });

  describe("in the host's own network", () => {
    beforeAll(async () => {
      await ibqOk(host, ['stop', '--all']);
      await host.ok('rm /etc/ibq/instances/*.toml');
      await host.writeFile('/etc/ibq/ibq.toml', '[network]\nmode = "host"\n');
      for (const gateway of IN_THE_HOST) await configure(gateway);
      const deployed = await ibq(host, ['deploy', '-y']);
      expect(deployed.exitCode, await told(host, deployed)).toBe(0);
    });

    test.each(IN_THE_HOST)('$name: $profile in mode $mode is who it should be', async (gateway) => {
      expect(await statusOf(host, gateway.name)).toMatchObject({ ready: true });
      await expectAccounts(gateway);
      await expectPassword(gateway);
    });

    test('each has a display and ports of its own', async () => {
      const listening = await host.ok('ss -Htln');
      for (const port of [14001, 14002, 15901, 15902])
        expect(listening).toMatch(new RegExp(`:${port} `));
      for (const { name } of IN_THE_HOST) {
        const env = await host.ok(envOf(name));
        expect(env).toContain(`DISPLAY=:${name}\n`);
      }
    });
  });

  /** Writes its file and sets every secret that it wants. */
  async function configure({ name, profile, contract, mode, more = '' }: Gateway): Promise<void> {
    const secretUser = profile === 'danklabs' || profile === 'danklabs-host';
    const users = secretUser
      ? 'user_secret = true\n'
      : `user = "user_${name}"\n${mode === 'both' ? `paper_user = "paper_${name}"\n` : ''}`;
    const quick = { LOGIN: '0.1', SECOND_START: '1' };
    const environment = Object.entries(quick).map(
      ([key, value]) => `SIMULATOR_${key}_SECONDS = "${value}"`,
    );
    // As IBC's own setting would: a fresh TWS is told over its command server.
    if (name === '4201') environment.push('SIMULATOR_COMMAND_PORT = "7462"');
    if (more.includes('twofa_totp'))
      environment.push('SIMULATOR_TOTP_SEED = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"');
    await host.writeFile(
      `/etc/ibq/instances/${name}.toml`,
      `mode = "${mode}"\nread_only_api = false\n${users}environment = { ${environment.join(', ')} }\n${more}` +
        `[image]\nprofile = "${profile}"\nreference = "${references.get(contract)}"\n`,
    );
    const listed = JSON.parse((await ibqOk(host, ['secret', 'list', name, '--json'])).stdout);
    for (const { key } of listed.secrets as { key: string }[]) {
      const value = secretValue(key, name);
      await ibqOk(host, ['secret', 'set', name, key], { stdin: `${value}\n` });
    }
  }

  function secretValue(key: string, name: string): string {
    const values: Record<string, string> = {
      user: `user_${name}`,
      vnc_password: 'seeing',
      ssh_key: privateKey,
      ssh_passphrase: PASSPHRASE,
      totp: SEED,
      ssh_known_hosts: '[10.0.0.77]:2222,[10.0.0.78]:2222 ssh-ed25519 AAAA',
    };
    return values[key] ?? PASSWORD;
  }

  /** What TWS keeps of a tick at its API settings, in the form of the simulator. */
  async function tickApi(name: string, { user, paths, container }: Contract): Promise<void> {
    const { uid, gid } = container.needs.root ? { uid: 1000, gid: 1000 } : user;
    const volume = `ibq-${name}-settings`;
    const settings = paths.volume === '/config' ? 'tws_settings' : '.';
    const both = name === '4301';
    const users = both ? [`user_${name}`, `paper_${name}`] : [`user_${name}`];
    const halves = both ? ['_live', '_paper'] : [''];
    await host.ok(['podman', 'volume', 'create', volume]);
    const inspect = ['podman', 'volume', 'inspect', '--format', '{{.Mountpoint}}', volume] as const;
    const mountpoint = (await host.ok(inspect)).trim();
    for (const [index, half] of halves.entries()) {
      const who = `sim${Buffer.from(users[index] ?? '')
        .toString('hex')
        .slice(0, 16)}`;
      const path = `${mountpoint}/${settings}${half}/${who}/gateway.json`;
      await host.writeFile(path, '{ "apiEnabled": true }\n');
    }
    await host.ok(['chown', '-R', `${uid}:${gid}`, mountpoint]);
  }

  /** The accounts behind its ports are of its own kind, and ibq finds nothing wrong with them. */
  async function expectAccounts({ name, mode }: Gateway): Promise<void> {
    const probed = JSON.parse((await ibqOk(host, ['probe', name, '--login', '--json'])).stdout);
    const first = mode === 'paper' ? /^DU/ : /^U/;
    expect(probed).toMatchObject({
      state: 'logged-in',
      accounts: [expect.stringMatching(first)],
      problems: [],
    });
    if (mode !== 'both') return;
    const paper = `127.0.0.1:${Number(name) + 1}`;
    await retried(async () => {
      const { stdout } = await ibq(host, ['probe', paper, '--login', '--json']);
      expect(JSON.parse(stdout)).toMatchObject({
        state: 'logged-in',
        accounts: [expect.stringMatching(/^DU/)],
      });
    });
  }

  /** The password that was set is the one that IBC reads. */
  async function expectPassword({ name, profile, contract, mode }: Gateway): Promise<void> {
    const { configIni } = contractOf(contract).paths;
    const files = mode === 'both' ? ['_live', '_paper'] : [''];
    for (const half of files) {
      const command = [
        'podman',
        'exec',
        `ib-gateway-${name}`,
        'cat',
        `${configIni}${half}`,
      ] as const;
      const line = (await host.ok(command))
        .split('\n')
        .find((text) => text.startsWith('IbPassword='));
      const raw = profile === 'custom' || profile === 'ibg-controller';
      expect(line).toBe(`IbPassword=${raw ? PASSWORD : AS_PROPERTY}`);
    }
  }
});

/** A key as a person makes one; what `secret set` reads has no newline at its end. */
async function makeKey(): Promise<string> {
  const directory = mkdtempSync(join(tmpdir(), 'ibq-key-'));
  const file = join(directory, 'key');
  await execa('ssh-keygen', ['-q', '-t', 'ed25519', '-N', PASSPHRASE, '-f', file]);
  const text = readFileSync(file, 'utf8').trimEnd();
  rmSync(directory, { recursive: true });
  return text;
}

function contractOf(name: string): Contract {
  const contract = CONTRACTS.find((each) => each.name === name);
  if (contract === undefined) throw new Error(`no contract ${name}`);
  return contract;
}

/** The environment of a container, one variable a line. */
function envOf(name: string): readonly [string, ...string[]] {
  const format = '{{range .Config.Env}}{{println .}}{{end}}';
  return ['podman', 'inspect', '--format', format, `ib-gateway-${name}`];
}

/** What comes true by itself, on a busy machine within two minutes. */
async function retried(look: () => Promise<void>): Promise<void> {
  const deadline = Date.now() + 600_000;
  for (;;) {
    try {
      return await look();
    } catch (error) {
      if (Date.now() > deadline) throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
}
