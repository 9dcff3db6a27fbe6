// biome-ignore-all lint/suspicious/noTemplateCurlyInString: what an image would replace
/** Lines, files and soft restarts in every image whose files ibq knows, each imitated by its contract. */

import { beforeAll, describe, expect, test } from 'vitest';
import { containerIds, ibq, ibqOk, told, until } from './gateways.ts';
import { describeOnHosts, installIbq, installSimulator } from './harness.ts';

interface Image {
  name: string;
  profile: string;
  contract: string;
  mode: 'paper' | 'both';
  /** IBC's configuration and the gateway's settings file, of each half. */
  ibc: string[];
  jts: string[];
}

const TWS = '/config/tws_settings';
const GATEWAY = '/home/ibgateway/tws_settings/ibq';
const ON_A_BRIDGE: readonly Image[] = [
  {
    name: '4101',
    profile: 'gnzsnz',
    contract: 'gnzsnz-gateway',
    mode: 'both',
    ibc: ['/home/ibgateway/ibc/config.ini_live', '/home/ibgateway/ibc/config.ini_paper'],
    jts: [`${GATEWAY}_live/jts.ini`, `${GATEWAY}_paper/jts.ini`],
  },
  {
    name: '4202',
    profile: 'gnzsnz-tws',
    contract: 'gnzsnz-tws',
    mode: 'paper',
    ibc: ['/opt/ibc/config.ini'],
    jts: [`${TWS}/jts.ini`],
  },
  {
    name: '4402',
    profile: 'danklabs',
    contract: 'danklabs-gateway',
    mode: 'paper',
    ibc: ['/opt/ibc/ibc.ini'],
    jts: ['/home/ibuser/tws_settings/jts.ini'],
  },
];
const IN_THE_HOST: Image = {
  name: '14002',
  profile: 'danklabs-host',
  contract: 'danklabs-host',
  mode: 'paper',
  ibc: ['/opt/ibc/ibc.ini'],
  jts: ['/home/ibuser/tws_settings/jts.ini'],
};

describeOnHosts('settings of every image', (host) => {
  const references = new Map<string, string>();

  beforeAll(async () => {
    await installIbq(host);
    for (const { contract } of [...ON_A_BRIDGE, IN_THE_HOST]) {
      references.set(contract, await installSimulator(host, contract));
    }
    await ibqOk(host, ['init']);
    await host.writeFile('/etc/ibq/ibq.toml', '[network]\nmode = "bridge"\n');
    for (const image of ON_A_BRIDGE) await configure(image, 'blue');
    await ibqOk(host, ['deploy', '-y', '--no-wait']);
    await enableApi('4202');
    await ibqOk(host, ['wait', ...ON_A_BRIDGE.map(({ name }) => name)]);
  });

  const inside = (name: string, ...command: [string, ...string[]]) =>
    host.ok(['podman', 'exec', `ib-gateway-${name}`, ...command]);

  async function configure(image: Image, colour: string, more = ''): Promise<void> {
    const { name, profile, contract, mode } = image;
    const paper = mode === 'both' ? `paper_user = "paper_${name}"\n` : '';
    await host.writeFile(
      `/etc/ibq/instances/${name}.toml`,
      `mode = "${mode}"\nuser = "user_${name}"\n${paper}time_zone = "Asia/Tokyo"\n` +
        'environment = { SIMULATOR_LOGIN_SECONDS = "0.1", SIMULATOR_SECOND_START_SECONDS = "1" }\n' +
        (more ||
          `ibc = { MinimizeMainWindow = true }\njts = { Own = { colour = "${colour}" } }\n`) +
        `[image]\nprofile = "${profile}"\nreference = "${references.get(contract)}"\n`,
    );
    for (const key of mode === 'both' ? ['password', 'paper_password'] : ['password']) {
      await ibqOk(host, ['secret', 'set', name, key], { stdin: 'any\n' });
    }
  }

  /** That of a fresh TWS is off; the settings of its user keep it. */
  async function enableApi(name: string): Promise<void> {
    const run = `systemctl show --property=InvocationID --value ib-gateway@${name}`;
    await until(`${name} is logged in`, async () =>
      (await host.ok(`journalctl --output=cat _SYSTEMD_INVOCATION_ID=$(${run})`)).includes(
        'Configuration tasks completed',
      ),
    );
    const ask =
      'exec 3<>/dev/tcp/127.0.0.1/7462; printf "ENABLEAPI\\n" >&3; timeout 20 head -1 <&3';
    expect(await inside(name, 'bash', '-c', ask)).toMatch(/^OK /);
  }

  async function expectLines({ name, ibc, jts }: Image, colour: string): Promise<void> {
    // The second half of `both` comes later.
    await until(
      `${name} has all its files`,
      async () =>
        (await host.run(['podman', 'exec', `ib-gateway-${name}`, 'ls', ...ibc, ...jts]))
          .exitCode === 0,
    );
    for (const path of ibc) {
      const text = await inside(name, 'cat', path);
      expect(text).toMatch(/^MinimizeMainWindow=yes$/m);
      expect(text).toMatch(/^LoginDialogDisplayTimeout=60$/m);
    }
    for (const path of jts) {
      const text = await inside(name, 'cat', path);
      expect(text).toContain(`[Own]\ncolour=${colour}\n`);
      expect(text).toMatch(/^TimeZone=Asia\/Tokyo$/m);
      expect(text).toMatch(/^s3store=true$/m);
    }
  }

  test.each(ON_A_BRIDGE)('$profile in mode $mode has its lines at the first start', (image) =>
    expectLines(image, 'blue'),
  );

  test.each(ON_A_BRIDGE)('$profile in mode $mode restarts softly', async ({ name, mode }) => {
    const before = await containerIds(host);
    const result = await ibq(host, ['restart', '--soft', name]);
    expect(result.exitCode, await told(host, result)).toBe(0);
    expect(result.stderr).toMatch(/logged in again after \d+ s, without a second factor/);
    expect(await containerIds(host)).toEqual(before);
    if (mode === 'both') {
      const log = await host.ok(`journalctl -u ib-gateway@${name} --output=cat`);
      expect(log.match(/CommandServer received command: RESTART/g)).toHaveLength(2);
    }
  });

  describe('changed', () => {
    beforeAll(async () => {
      for (const image of ON_A_BRIDGE) await configure(image, 'red');
      await ibqOk(host, ['deploy', '--restart-changed']);
    });

    test.each(ON_A_BRIDGE)('$profile in mode $mode has them after a restart', (image) =>
      expectLines(image, 'red'),
    );
  });

  describe('a config.ini of one’s own', () => {
    const IBC = '/etc/ibq/files/config.ini';
    const [, tws, danklabs] = ON_A_BRIDGE;
    const TEXT =
      'IbLoginId=own\nIbPassword=a${HOME}b\nTradingMode=paper\nCommandServerPort=7462\nReadOnlyApi=no\n';

    beforeAll(async () => {
      await host.writeFile(IBC, TEXT, 0o600);
      for (const image of [tws, danklabs]) {
        if (image) await configure(image, '', `custom_config = { ibc = "${IBC}" }\n`);
      }
      await ibqOk(host, ['deploy', '--restart-changed', '--no-wait']);
      // Another user, and the API of a user's TWS is off at first.
      await enableApi('4202');
      await ibqOk(host, ['wait', '4202', '4402']);
    });

    test('is what IBC reads in the image of TWS, and its jts.ini is there', async () => {
      expect(await inside('4202', 'cat', '/opt/ibc/config.ini')).toBe(TEXT);
      expect(await inside('4202', 'cat', `${TWS}/jts.ini`)).toMatch(/^TimeZone=Asia\/Tokyo$/m);
    });

    test('means the same in an image that puts variables into it', async () => {
      expect(await inside('4402', 'cat', '/opt/ibc/ibc.ini')).toBe(
        TEXT.replace('${HOME}', '\\u0024{HOME}'),
      );
    });
  });

  describe("in the host's own network", () => {
    beforeAll(async () => {
      await ibqOk(host, ['stop', '--all']);
      await host.ok('rm /etc/ibq/instances/*.toml');
      await host.writeFile('/etc/ibq/ibq.toml', '[network]\nmode = "host"\n');
      await configure(IN_THE_HOST, 'green');
      await ibqOk(host, ['deploy', '-y']);
    });

    test('danklabs-host has its lines', () => expectLines(IN_THE_HOST, 'green'));

    test('nobody gets a command server there, and a soft restart is refused', async () => {
      const { exitCode, stderr } = await ibq(host, ['restart', '--soft', '14002']);
      expect(exitCode).toBe(1);
      expect(stderr).toMatch(/have no command server of IBC that ibq turns on/);
      expect(await host.ok('ss -Htln')).not.toMatch(/:7462 /);
    });
  });
});
