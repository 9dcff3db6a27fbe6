/** Settings that last, and what ibq does to the files of a gateway. */

import { beforeAll, describe, expect, test } from 'vitest';
import {
  addGateway,
  containerIds,
  generation,
  ibq,
  ibqOk,
  prepareHost,
  statusOf,
  told,
} from './gateways.ts';
import { describeOnHosts, type TestHost } from './harness.ts';

const SETTINGS = '/home/ibgateway/tws_settings/ibq';
const CONFIG_INI = '/home/ibgateway/ibc/config.ini';
/** Of a file of one's own, as Java Properties have it. */
const PASSWORD = 'geheim7';

/** With the image's own command in the place of the one that changed the container. */
const COMMIT = `podman commit -q --change 'CMD ["/usr/local/bin/node","/opt/simulator/simulator.cjs"]'`;

describeOnHosts('settings', (host) => {
  beforeAll(async () => {
    await prepareHost(host);
    // Live: each login asks for a second factor.
    await addGateway(host, '4001', { mode: 'live' });
    await addGateway(host, '4002', { mode: 'paper' });
    await ibqOk(host, ['deploy']);
  });

  const inside = (name: string, ...command: [string, ...string[]]) =>
    host.ok(['podman', 'exec', `ib-gateway-${name}`, ...command]);
  const jtsIni = (name: string) => inside(name, 'cat', `${SETTINGS}/jts.ini`);
  /** Writes the whole file of the paper instance. */
  const configure = (text: string) =>
    host.writeFile(
      '/etc/ibq/instances/4002.toml',
      `mode = "paper"\nuser = "user_4002"\n${text}[image]\nprofile = "simulator"\n`,
    );
  /** A container that has just been started, by its log: whether IBKR was asked for a login. */
  const login = async (name: string) => {
    await ibqOk(host, ['wait', name]);
    const run = `systemctl show --property=InvocationID --value ib-gateway@${name}`;
    const log = await host.ok(`journalctl --output=cat _SYSTEMD_INVOCATION_ID=$(${run})`);
    return {
      resumed: /autorestart file found .* authentication will not be required/.test(log),
      secondFactor: log.includes('Second Factor Authentication initiated'),
    };
  };

  describe('autorestart', () => {
    /** As the gateway leaves it behind; it is used once. */
    const leave = async (name: string) => {
      const directory = `${SETTINGS}/sim${Buffer.from(`user_${name}`).toString('hex').slice(0, 16)}`;
      const script = `mkdir -p ${directory} && echo restart >${directory}/autorestart`;
      await inside(name, 'sh', '-c', script);
    };

    test('without one the start is a login with a second factor', async () => {
      await ibqOk(host, ['restart', '--new-login', '4001']);
      expect(await login('4001')).toEqual({ resumed: false, secondFactor: true });
    });

    test('a stop is a logout: what was left before it is of no use to the next start', async () => {
      await leave('4001');
      await ibqOk(host, ['stop', '4001']);
      await ibqOk(host, ['start', '4001']);
      expect(await login('4001')).toEqual({ resumed: false, secondFactor: true });
    });

    test.each<[string, (host: TestHost) => Promise<unknown>]>([
      ['restart', (it) => ibqOk(it, ['restart', '4001'])],
      ['systemctl restart', (it) => it.ok('systemctl restart ib-gateway@4001')],
      ['another image', useAnotherImage],
      ['reboot', (it) => it.reboot()],
    ])('is found after %s', async (_, act) => {
      const before = await containerIds(host);
      await leave('4001');
      await act(host);
      expect(await login('4001')).toEqual({ resumed: true, secondFactor: false });
      expect((await containerIds(host))['4001']).not.toBe(before['4001']);
    });

    test('is each instance’s own: no two share a volume', async () => {
      const format = '{{range .Mounts}}{{if .Name}}{{.Name}} {{end}}{{end}}';
      const mounts = await host.ok(
        `podman inspect --format '${format}' ib-gateway-4001 ib-gateway-4002`,
      );
      expect(mounts.trim().split(/\s+/)).toEqual(['ibq-4001-settings', 'ibq-4002-settings']);
    });
  });

  describe('restart --soft', () => {
    test('is no login, and the container stays', async () => {
      const before = await containerIds(host);
      const result = await ibq(host, ['restart', '--soft', '4001']);
      expect(result.exitCode, await told(host, result)).toBe(0);
      expect(result.stderr).toMatch(/4001: logged in again after \d+ s, without a second factor/);
      expect((await statusOf(host, '4001')).word).toBe('ready');
      expect(await containerIds(host)).toEqual(before);
    });

    test('is for nobody outside of the container', async () => {
      const listening = await inside('4001', 'cat', '/proc/net/tcp');
      // 7462, on 127.0.0.1.
      expect(listening).toMatch(/ 0100007F:1D26 00000000:0000 0A /);
      expect(listening).not.toMatch(/ 00000000:1D26 /);
    });

    test('of one that is stopped is refused', async () => {
      await ibqOk(host, ['stop', '4001']);
      const { exitCode, stderr } = await ibq(host, ['restart', '--soft', '4001']);
      expect(exitCode).toBe(1);
      expect(stderr).toMatch(/4001 is not logged in \(stopped\)[\s\S]*nothing was changed/);
      await ibqOk(host, ['start', '4001']);
      await ibqOk(host, ['wait', '4001']);
    });
  });

  describe('lines of one’s own', () => {
    /** As the image has it. */
    const template = () =>
      host.ok([
        ...(['podman', 'run', '--rm', '--network=none', 'localhost/ibq-simulator'] as const),
        ...['cat', `${CONFIG_INI}.tmpl`],
      ]);

    test('arrive in both files, and what they don’t name stays', async () => {
      await configure(
        'ibc = { MinimizeMainWindow = true, LogComponents = "a\\\\b$HOME" }\n' +
          'jts = { Own = { colour = "blue" }, Logon = { proxy = "x=y" } }\n',
      );
      const plan = await ibqOk(host, ['plan']);
      expect(plan.stdout).toContain(
        '~ 4002: a restart puts it into force (a new login, unless the session can be kept); ibc.LogComponents, ibc.MinimizeMainWindow, jts.Logon.proxy, jts.Own.colour',
      );
      await ibqOk(host, ['deploy', '--restart-changed']);

      const before = (await template()).trimEnd().split('\n');
      const after = (await inside('4002', 'cat', `${CONFIG_INI}.tmpl`)).trimEnd().split('\n');
      const named = /^(MinimizeMainWindow|LogComponents|CommandServerPort|BindAddress)=/;
      expect(after.filter((line) => !named.test(line))).toEqual(
        before.filter((line) => !named.test(line)),
      );
      expect(after.filter((line) => named.test(line)).sort()).toEqual([
        'BindAddress=127.0.0.1',
        'CommandServerPort=7462',
        'LogComponents=a\\\\b\\u0024HOME',
        'MinimizeMainWindow=yes',
      ]);
      // What IBC read of it.
      const log = await host.ok('journalctl -u ib-gateway@4002 --output=cat');
      expect(log).toContain('    LogComponents=a\\b$HOME\n');
    });

    test('reach a jts.ini that the gateway has written to, at the next start and not before', async () => {
      expect(await jtsIni('4002')).toMatch(/^\[Own\]\ncolour=blue$/m);
      const own = '[Own]\ncolour=blue\nlearnt=1\n[Peers]\nlist=a,b\n';
      await inside('4002', 'sh', '-c', `printf '${own}' >>${SETTINGS}/jts.ini`);
      const running = await jtsIni('4002');
      const { uid, mode } = await owner();

      await configure('jts = { Own = { colour = "red" } }\ntime_zone = "Asia/Tokyo"\n');
      await ibqOk(host, ['deploy']);
      expect(await jtsIni('4002')).toBe(running);
      // Without ibq.
      await host.ok('systemctl restart ib-gateway@4002');
      await ibqOk(host, ['wait', '4002']);
      expect(await jtsIni('4002')).toBe(
        running
          .replaceAll('colour=blue', 'colour=red')
          .replace(/^TimeZone=.*$/m, 'TimeZone=Asia/Tokyo'),
      );
      expect(await owner()).toEqual({ uid, mode });

      async function owner() {
        const [id = '', rights = ''] = (
          await inside('4002', 'stat', '-c', '%u:%g %a', `${SETTINGS}/jts.ini`)
        ).split(' ');
        return { uid: id, mode: rights };
      }
    });

    test('that the image has no place for keep it from starting, and the reason is told', async () => {
      const remove = ['rm', `${CONFIG_INI}.tmpl`];
      await host.ok(
        [
          'podman',
          'run',
          '--name=bare',
          '--network=none',
          'localhost/ibq-simulator',
          ...remove,
        ].join(' '),
      );
      await host.ok(`${COMMIT} bare localhost/ibq-bare && podman rm bare`);
      await addGateway(host, 'bare', { port: 4010, set: ['ibc.MinimizeMainWindow=yes'] });
      const path = '/etc/ibq/instances/bare.toml';
      await host.writeFile(
        path,
        `${await host.readFile(path)}`.replace(
          /^profile = "simulator"$/m,
          'profile = "simulator"\nreference = "localhost/ibq-bare:latest"',
        ),
      );
      const { exitCode, stderr } = await ibq(host, ['deploy']);
      expect(exitCode).toBe(3);
      expect(stderr).toContain(
        `its files could not be made ready: ${CONFIG_INI}.tmpl should be there to be changed, is not in this image`,
      );
      await ibqOk(host, ['instance', 'remove', 'bare', '--purge']);
      await ibqOk(host, ['deploy']);
    });

    test('never follow a link out of the container', async () => {
      const volume = "$(podman volume inspect -f '{{.Mountpoint}}' ibq-4002-settings)/ibq";
      await host.ok(`rm ${volume}/jts.ini && ln -s /etc/shadow ${volume}/jts.ini`);
      const shadow = await host.readFile('/etc/shadow');
      await host.run('systemctl restart ib-gateway@4002');
      const log = await host.ok('journalctl -u ib-gateway@4002 -n 30 --output=cat');
      expect(log).toContain(
        `${SETTINGS}/jts.ini should be a file in the container, jts.ini is a symbolic link; not started`,
      );
      expect(await host.readFile('/etc/shadow')).toBe(shadow);
      await host.ok(`rm ${volume}/jts.ini`);
      await ibqOk(host, ['start', '4002']);
      await ibqOk(host, ['wait', '4002']);
    });
  });

  describe('files of one’s own', () => {
    const IBC = '/etc/ibq/files/config.ini';
    const JTS = '/etc/ibq/files/jts.ini';
    const config = (more = '') =>
      `# mine\nIbLoginId=user_4002\nIbPassword=${PASSWORD}\\\\$HOME\nTradingMode=paper\nReadOnlyApi=no\n${more}`;

    test('arrive, the password as it is, and nobody else has them', async () => {
      await host.writeFile(IBC, config('CommandServerPort=7500\nBindAddress=127.0.0.1\n'), 0o600);
      await host.writeFile(JTS, '[Logon]\nTimeZone=Europe/Paris\nmine=1\n', 0o600);
      await configure(`[custom_config]\nibc = "${IBC}"\njts = "${JTS}"\n`);
      const result = await ibq(host, ['deploy', '--restart-changed']);
      expect(result.exitCode, await told(host, result)).toBe(0);
      expect(result.stderr).toMatch(/can be kept\); custom_config\.ibc, custom_config\.jts/);

      expect(await inside('4002', 'cat', CONFIG_INI)).toBe(await host.readFile(IBC));
      // IBC adds lines that it needs.
      expect(await jtsIni('4002')).toContain(await host.readFile(JTS));
      expect(await inside('4002', 'stat', '-c', '%u %a', CONFIG_INI)).toBe('1000 600\n');
      const again = await host.run([
        'podman',
        'exec',
        'ib-gateway-4002',
        'cat',
        '/run/secrets/config_ini',
      ]);
      expect(again.stderr).toContain('Permission denied');
      const places = '/etc/ibq/generations /etc/containers /run/systemd /run/ibq';
      expect((await host.run(`grep -rlF ${PASSWORD} ${places}`)).stdout).toBe('');
    });

    test('bring a command server of their own', async () => {
      await ibqOk(host, ['restart', '--soft', '4002']);
    });

    test('changed are a change, in force after a restart; what the gateway had written is kept', async () => {
      await inside('4002', 'sh', '-c', `echo learnt=1 >>${SETTINGS}/jts.ini`);
      const old = await host.ok('podman secret ls --format {{.Name}}');
      await host.writeFile(JTS, '[Logon]\nmine=2\n', 0o600);
      expect((await ibqOk(host, ['plan'])).stdout).toMatch(/can be kept\); custom_config\.jts$/m);
      await ibqOk(host, ['deploy']);
      expect(await jtsIni('4002')).toContain('learnt=1');
      await host.ok('systemctl restart ib-gateway@4002');
      await ibqOk(host, ['wait', '4002']);
      expect(await jtsIni('4002')).toMatch(/^\[Logon\]\nmine=2\n/);
      expect(await inside('4002', 'cat', `${SETTINGS}/jts.ini.before`)).toContain('learnt=1');
      // The one of the generation before is there to go back to.
      const now = await host.ok('podman secret ls --format {{.Name}}');
      expect(now.split('\n')).toEqual(expect.arrayContaining(old.split('\n')));
      expect((await ibqOk(host, ['deploy'])).stderr).toContain('nothing to do');
    });

    test('missing or unfit are told of, and nothing is touched', async () => {
      const before = [await generation(host), await containerIds(host)];
      await host.ok(`rm ${JTS}`);
      await host.writeFile(IBC, config().replace('paper', 'live'), 0o600);
      const { exitCode, stderr } = await ibq(host, ['deploy']);
      expect(exitCode).toBe(78);
      expect(stderr).toContain(`custom_config.jts: ${JTS}: should be a file, is not there`);
      expect(stderr).toContain(`custom_config.ibc: ${IBC}: should have TradingMode=paper`);
      expect([await generation(host), await containerIds(host)]).toEqual(before);
    });

    test('are forgotten with their instance', async () => {
      await ibqOk(host, ['instance', 'remove', '4002', '--purge']);
      const secrets = await host.ok('podman secret ls --format {{.Name}}');
      expect(secrets).not.toContain('ibq-4002-');
      const volumes = await host.ok('podman volume ls --format {{.Name}}');
      expect(volumes).not.toContain('ibq-4002-');
    });
  });
});

/** The same simulator under another name and with another layer: what an update of the image is. */
async function useAnotherImage(host: TestHost): Promise<void> {
  const base = 'localhost/ibq-simulator';
  await host.ok(`podman run --name=new --network=none ${base} touch /tmp/newer`);
  await host.ok(`${COMMIT} new localhost/ibq-newer && podman rm new`);
  const path = '/etc/ibq/instances/4001.toml';
  const text = await host.readFile(path);
  await host.writeFile(
    path,
    text.replace(
      /^profile = "simulator"$/m,
      'profile = "simulator"\nreference = "localhost/ibq-newer:latest"',
    ),
  );
  await ibqOk(host, ['deploy', '--restart-changed']);
}
