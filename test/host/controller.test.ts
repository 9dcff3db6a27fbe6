/** The image with a controller in the place of IBC on a booted host: what it is given, who reaches its servers, how it ends. */

import { beforeAll, describe, expect, test } from 'vitest';
import { describeHealth, readControllerHealth } from '../../src/gateway/controller-health.ts';
import { containerPid, ibq, ibqOk, statusOf, told } from './gateways.ts';
import { describeOnHosts, installIbq, installSimulator } from './harness.ts';

/** Nothing of it may be taken for a sign: of the shell, of envsubst, of Java Properties. */
const PASSWORD = ' pä$$ \\n"word\' #1 ';
const SEED = 'GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ';
const GROUPED = 'gezd gnbv gy3t qojq gezd gnbv gy3t qojq';

/** What comes true by itself within half a minute. */
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

describeOnHosts('controller', (host) => {
  let reference = '';

  beforeAll(async () => {
    await installIbq(host);
    reference = await installSimulator(host, 'ibg-controller');
    await ibqOk(host, ['init']);
    // Bridge and LAN: all the ways that there are.
    await configure('4001', 'mode = "live"\ntwofa_totp = true\n', {
      SIMULATOR_TOTP_SEED: SEED,
      SIMULATOR_LOGIN_WORD: PASSWORD,
    });
    await configure('4101', 'mode = "both"\npaper_user = "paper_4101"\n', {
      SIMULATOR_SECOND_START_SECONDS: '1',
    });
    await secret('4001', 'totp', GROUPED);
    for (const [name, key] of [
      ['4001', 'password'],
      ['4101', 'password'],
      ['4101', 'paper_password'],
    ] as const)
      await secret(name, key, PASSWORD);
    const deployed = await ibq(host, ['deploy', '-y', '--timeout', '300']);
    expect(deployed.exitCode, await told(host, deployed)).toBe(0);
  });

  const log = async (name: string) => {
    const run = `systemctl show --property=InvocationID --value ib-gateway@${name}`;
    return host.ok(`journalctl --output=cat _SYSTEMD_INVOCATION_ID=$(${run})`);
  };
  /** From the host, in the network namespace of a container. */
  const inNamespace = async (name: string, script: string) =>
    host.run(`nsenter --net=/proc/${await containerPid(host, name)}/ns/net -- bash -c '${script}'`);
  const health = async (name: string, port: number) => {
    const ask = `exec 3<>/dev/tcp/127.0.0.1/${port}; printf "GET /health HTTP/1.0\\r\\n\\r\\n" >&3; cat <&3`;
    const { stdout } = await inNamespace(name, ask);
    return readControllerHealth(stdout);
  };

  test('logs in with codes of its own and a password that nobody changed', async () => {
    expect(await statusOf(host, '4001')).toMatchObject({
      ready: true,
      api: { state: 'handshake' },
    });
    const text = await log('4001');
    // The stand-in compares code and password with its own.
    expect(text).toContain('2FA handled successfully');
    expect(text).not.toContain('ALERT_');
    expect(text).not.toContain(SEED);
    expect(text).not.toContain("word' #1");
  });

  test('both halves of mode both are there', async () => {
    const { ready, services } = await statusOf(host, '4101');
    expect(ready).toBe(true);
    expect(services.flatMap(({ half }) => half ?? [])).toEqual(['live', 'paper']);
  });

  describe('its servers', () => {
    test('listen on the loopback of the container alone', async () => {
      const { stdout } = await inNamespace('4101', 'ss -Htln');
      for (const port of [7462, 7463, 8080, 8081]) {
        expect(stdout).toMatch(new RegExp(`127\\.0\\.0\\.1:${port} `));
        expect(stdout).not.toMatch(new RegExp(`(?:0\\.0\\.0\\.0|\\*):${port} `));
      }
    });

    test('are reached neither from the host nor from the LAN', async () => {
      const addresses = await host.ok(
        "podman inspect --format '{{range .NetworkSettings.Networks}}{{println .IPAddress}}{{end}}' ib-gateway-4001",
      );
      for (const address of addresses.split('\n').filter(Boolean)) {
        for (const port of [7462, 8080]) {
          const tried = await host.run(`timeout 2 bash -c 'exec 3<>/dev/tcp/${address}/${port}'`);
          expect(tried.exitCode, `${address}:${port}`).not.toBe(0);
        }
      }
    });

    test('the page says where it stands, and leaves no trace', async () => {
      const before = await log('4101');
      const live = await health('4101', 8080);
      const paper = await health('4101', 8081);
      expect(live).toMatchObject({ mode: 'live', state: 'MONITORING', apiOpen: true, alive: true });
      expect(paper).toMatchObject({ mode: 'paper', state: 'MONITORING', apiOpen: true });
      expect(live && describeHealth(live)).toBe('it is logged in');
      expect(await log('4101')).toBe(before);
    });
  });

  test('a login that waits for somebody is told as such, and one whose logins have no answer with the wait', async () => {
    await host.ok(['podman', 'exec', 'ib-gateway-4101', 'simulator', 'lock-out']);
    await host.ok(['podman', 'exec', 'ib-gateway-4101', 'simulator', 'kill:live']);
    await retried(async () => {
      const { word, ready, problems } = await statusOf(host, '4101');
      expect(ready).toBe(false);
      expect(['IBKR unreachable', 'locked out']).toContain(word);
      expect(problems.join('\n')).toMatch(
        /live: IBKR left \d+ logins? without an answer, and it waits \d+ s/,
      );
    });
    await host.ok(['podman', 'exec', 'ib-gateway-4101', 'simulator', 'normal']);
    await ibqOk(host, ['wait', '4101', '--timeout', '300']);
  });

  test('a soft restart is refused: it would be a login', async () => {
    const refused = await ibq(host, ['restart', '--soft', '4001']);
    expect(refused.exitCode).not.toBe(0);
    expect(refused.stderr).toContain('is a new login');
    expect(await log('4001')).not.toContain("sent 'RESTART'");
  });

  test('a stop is a logout, and no failure', async () => {
    const run = await host.ok('systemctl show --property=InvocationID --value ib-gateway@4001');
    await ibqOk(host, ['stop', '4001']);
    const text = await host.ok(`journalctl --output=cat _SYSTEMD_INVOCATION_ID=${run.trim()}`);
    expect(text).toMatch(/ALERT_CLEAN_LOGOUT mode=live .*status=succeeded/);
    expect(await statusOf(host, '4001')).toMatchObject({
      unit: { active: 'inactive', result: 'success' },
    });
  });

  test('a seed that is none is refused before anything is kept', async () => {
    const set = await ibq(host, ['secret', 'set', '4001', 'totp'], { stdin: '123456\n' });
    expect(set.exitCode).not.toBe(0);
    expect(set.stderr).toContain('should be the seed that the app was set up with');
  });

  async function configure(
    name: string,
    text: string,
    environment: Readonly<Record<string, string>>,
  ): Promise<void> {
    const variables = Object.entries({ SIMULATOR_LOGIN_SECONDS: '0.1', ...environment })
      .map(([key, value]) => `${key} = ${JSON.stringify(value)}`)
      .join(', ');
    await host.writeFile(
      `/etc/ibq/instances/${name}.toml`,
      `user = "user_${name}"\nread_only_api = false\n${text}environment = { ${variables} }\n` +
        `[image]\nprofile = "ibg-controller"\nreference = "${reference}"\n`,
    );
  }

  async function secret(name: string, key: string, value: string): Promise<void> {
    await ibqOk(host, ['secret', 'set', name, key], { stdin: `${value}\n` });
  }
});
