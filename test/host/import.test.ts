/** `ibq import compose`: every example of the users' documents becomes a gateway that runs. */

import { readdirSync, readFileSync } from 'node:fs';
import { beforeAll, describe, expect, test } from 'vitest';
import { statusOf, sudoIbq, sudoIbqOk, told, until } from './gateways.ts';
import { describeOnHosts, installIbq, installSimulator } from './harness.ts';

const FIXTURES = new URL('../fixtures/compose/', import.meta.url);
const EXAMPLES = readdirSync(FIXTURES);
const PASSWORD = 'C:\\geheim "ü"';

interface Imported {
  instances: { name: string }[];
}

describeOnHosts('import compose', (host) => {
  beforeAll(async () => {
    await installIbq(host);
    const gnzsnz = await installSimulator(host, 'gnzsnz-gateway');
    const danklabs = await installSimulator(host, 'danklabs-gateway');
    // Under the names that the examples have: nothing is pulled.
    await host.ok(['podman', 'tag', gnzsnz, 'ghcr.io/gnzsnz/ib-gateway:stable']);
    await host.ok(['podman', 'tag', gnzsnz, 'localhost/own-gateway:1']);
    await host.ok(['podman', 'tag', danklabs, 'docker.io/danklabs/ib-gateway:latest']);
    await host.ok(['podman', 'tag', danklabs, 'localhost/ib-gateway:latest']);
    for (const name of EXAMPLES)
      await host.copyIn(new URL(name, FIXTURES).pathname, `/srv/${name}`);
  });

  test.each(EXAMPLES)('%s', async (name) => {
    await clear();
    await prepareBeside(name);
    const file = `/srv/${name}/docker-compose.yml`;
    const { stdout } = await sudoIbqOk(host, ['import', 'compose', file, '--json']);
    const [instance] = (JSON.parse(stdout) as Imported).instances;
    if (!instance) throw new Error(`nothing imported: ${stdout}`);
    await doWhatIsLeft(instance.name);
    const deployed = await sudoIbq(host, ['deploy', '-y', '--no-wait']);
    expect(deployed.exitCode, await told(host, deployed)).toBe(0);
    const answers = async () => (await statusOf(host, instance.name)).ready;
    await until(`${instance.name} answers`, answers);
  });

  describe('credentials', () => {
    test('go to secrets, and reach the login; they are in no file', async () => {
      await clear();
      const text = `services:
  gw:
    image: ghcr.io/gnzsnz/ib-gateway:stable
    environment: { TWS_USERID: me, TWS_PASSWORD: "\${PASS}", TRADING_MODE: paper }
`;
      await host.writeFile('/srv/own/docker-compose.yml', text);
      await host.writeFile('/srv/own/.env', `PASS='${PASSWORD}'\n`);
      const imported = await sudoIbqOk(host, ['import', 'compose', '/srv/own/docker-compose.yml']);
      expect(imported.stderr).toContain('set the password of 4002');
      await sudoIbqOk(host, ['deploy', '-y']);
      const places = ['/etc/ibq', '/etc/containers', '/run/ibq', '/run/systemd/generator'];
      expect((await host.run(['grep', '-rlF', 'geheim', ...places])).stdout).toBe('');
      const config = 'podman exec ib-gateway-4002 cat /home/ibgateway/ibc/config.ini';
      expect(await host.ok(config)).toMatch(/^IbPassword=C:\\\\geheim "\\u00fc"$/m);
    });

    test('that are set already are kept', async () => {
      await host.ok('rm /etc/ibq/instances/4002.toml');
      const again = await sudoIbqOk(host, ['import', 'compose', '/srv/own/docker-compose.yml']);
      expect(again.stderr).toContain('kept the password of 4002 that is set already');
    });
  });

  test('what the image does not know reaches it too, and stands in no file', async () => {
    await clear();
    const text = `services:
  gw:
    image: ghcr.io/gnzsnz/ib-gateway:stable
    environment: { TWS_USERID: me, TWS_PASSWORD: "\${PASS}", API_KEY: "\${KEY}", SEED_FILE: /run/secrets/seed }
    secrets: [seed]
    ports: ["127.0.0.1:4002:4004"]
    restart: always
secrets: { seed: { file: ./seed.txt } }
`;
    await host.writeFile('/srv/free/docker-compose.yml', text);
    await host.writeFile('/srv/free/.env', 'PASS=Sun#geheim # not of it\nKEY="a\\"geheim$$"\n');
    await host.writeFile('/srv/free/seed.txt', 'JBSWgeheim\n');
    const imported = await sudoIbqOk(host, ['import', 'compose', '/srv/free']);
    for (const key of ['password', 'api_key', 'seed']) {
      expect(imported.stderr).toContain(`set the ${key} of 4002`);
    }
    expect((await host.ok('stat -c %a /etc/ibq/instances/4002.toml')).trim()).toBe('640');
    await sudoIbqOk(host, ['deploy', '-y']);
    const places = ['/etc/ibq', '/etc/containers', '/run/ibq', '/run/systemd/generator'];
    expect((await host.run(['grep', '-rlF', 'geheim', ...places])).stdout).toBe('');
    const inside = async (command: string) =>
      (await host.ok(`podman exec ib-gateway-4002 ${command}`)).trim();
    expect(await inside(`sh -c 'echo "$API_KEY"'`)).toBe('a"geheim$');
    expect(await inside(`sh -c 'cat "$SEED_FILE"'`)).toBe('JBSWgeheim');
    const config = await inside('cat /home/ibgateway/ibc/config.ini');
    expect(config).toMatch(/^IbPassword=Sun#geheim$/m);
    expect((await host.ok('systemctl show -P Restart ib-gateway@4002')).trim()).toBe('always');
  });

  test('an API that was not published has no port of the host, and answers', async () => {
    await clear();
    const text =
      'services: { gw: { image: "ghcr.io/gnzsnz/ib-gateway:stable", environment: { TWS_USERID: me, TWS_PASSWORD: x } } }\n';
    await host.writeFile('/srv/kept/docker-compose.yml', text);
    await sudoIbqOk(host, ['import', 'compose', '/srv/kept']);
    await sudoIbqOk(host, ['deploy', '-y']);
    await until('4002 answers', async () => (await statusOf(host, '4002')).ready);
    expect(await host.ok('ss -Hltn')).not.toContain(':4002');
    const networks = await host.ok(
      "podman inspect -f '{{range $k, $v := .NetworkSettings.Networks}}{{$k}}={{$v.IPAddress}} {{end}}' ib-gateway-4002",
    );
    const [, address = ''] = /ibq-publish-\w+=(\S+)/.exec(networks) ?? [];
    const tried = await host.run(`timeout 3 bash -c 'exec 3<>/dev/tcp/${address}/4004'`);
    expect(tried.exitCode).toBe(124);
  });

  test('a draft of profile custom runs, as the user and with what it asks for', async () => {
    await clear();
    const text = `services:
  gw:
    image: localhost/own-gateway:1
    user: "1000:1000"
    tmpfs: /scratch
    environment:
      TWS_USERID: me
      TWS_PASSWORD: x
      TRADING_MODE: paper
      TWS_SETTINGS_PATH: /home/ibgateway/tws_settings/ibq
    volumes: ["settings:/home/ibgateway/tws_settings"]
    ports: ["127.0.0.1:4012:4004"]
`;
    await host.writeFile('/srv/custom/docker-compose.yml', text);
    const draft = ['import', 'compose', '/srv/custom', '--service', 'gw', '--profile', 'custom'];
    await sudoIbqOk(host, draft);
    await sudoIbqOk(host, ['deploy', '-y']);
    await until('4012 answers', async () => (await statusOf(host, '4012')).ready);
    const inside = async (command: string) =>
      (await host.ok(`podman exec ib-gateway-4012 ${command}`)).trim();
    expect(await inside('id -u')).toBe('1000');
    expect(await inside('cat /proc/mounts')).toContain('/scratch tmpfs');
    const again = await sudoIbqOk(host, draft);
    expect(again.stderr).toContain('gw: is there already: /etc/ibq/instances/4012.toml');
  });

  test('without root: 77, and a dry run works', async () => {
    const file = '/srv/own/docker-compose.yml';
    const asUser = (more: string) =>
      host.run(['su', '-', 'trader', '-c', `$(command -v ibq) import compose ${file}${more}`]);
    expect((await asUser('')).exitCode).toBe(77);
    await host.ok('rm -f /etc/ibq/instances/*.toml');
    const shown = await asUser(' --dry-run');
    expect(shown.exitCode, shown.stderr).toBe(0);
  });

  /** Files that an example mounts. */
  async function prepareBeside(name: string): Promise<void> {
    const text = readFileSync(new URL(`${name}/docker-compose.yml`, FIXTURES), 'utf8');
    if (!/^\s+- .*config\.ini:/m.test(text)) return;
    const settings = 'IbLoginId=me\nIbPassword=any\nTradingMode=paper\nReadOnlyApi=no\n';
    await host.writeFile(`/srv/${name}/config.ini`, settings);
    await host.writeFile(`/srv/${name}/jts.ini`, '[IBGateway]\nApiOnly=true\n[Logon]\nLocale=en\n');
  }

  /** What the command says is to be done: credentials, keys, networks. */
  async function doWhatIsLeft(name: string): Promise<void> {
    const file = `/etc/ibq/instances/${name}.toml`;
    const text = await host.readFile(file);
    const [top = ''] = text.split(/^\[/m);
    if (!/^user = /m.test(top) && !text.includes('[custom_config]')) {
      await host.ok(['sed', '-i', '1a user = "me"', file]);
    }
    if (/^mode = "(yes|both)"/m.test(text)) {
      await sudoIbqOk(host, ['tunnel', 'key', name]);
      await host.ok('rm -f /root/key && ssh-keygen -q -t ed25519 -N "" -f /root/key');
      const [kind, key] = (await host.readFile('/root/key.pub')).split(' ');
      const machines = [...text.matchAll(/@([a-z0-9.]+)/g)].map(([, machine]) => machine);
      const lines = machines.map((machine) => `${machine} ${kind} ${key}\n`);
      await host.writeFile('/etc/ibq/known_hosts', lines.join(''));
    }
    const listed = await sudoIbqOk(host, ['secret', 'list', name, '--json']);
    const { secrets } = JSON.parse(listed.stdout) as {
      secrets: { key: string; required: boolean; set: boolean }[];
    };
    for (const { key, required, set } of secrets) {
      if (required && !set) {
        await sudoIbqOk(host, ['secret', 'set', name, key], { stdin: 'eight888\n' });
      }
    }
  }

  async function clear(): Promise<void> {
    if ((await host.run('test -e /etc/ibq/current')).exitCode === 0) {
      // Empty, not gone: a configuration that is lost is no wish to remove what runs.
      await host.ok('rm -f /etc/ibq/instances/*.toml; : >/etc/ibq/ibq.toml');
      await sudoIbqOk(host, ['deploy', '-y']);
    }
    await host.ok('rm -rf /etc/ibq/{instances,ibq.toml,known_hosts,current}');
    // The next image may be of another user, and what is there stays as it is.
    await host.ok('podman secret rm --all >/dev/null; podman volume rm --all --force >/dev/null');
  }
});
