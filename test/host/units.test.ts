/** Rendered units on real hosts: the generator takes them, systemd loads them, and what goes in comes out. */

import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import type { Instance } from '../../src/config/types.ts';
import { simulator } from '../../src/images/simulator.ts';
import type { Cidr } from '../../src/network/ipv4.ts';
import { environmentProblem } from '../../src/quadlet/escape.ts';
import { parseGeneratorOutput } from '../../src/quadlet/generator-output.ts';
import { renderGeneration } from '../../src/quadlet/render.ts';
import { sampleConfig, sampleInput } from '../quadlet/sample.ts';
import {
  describeOnHosts,
  installIbq,
  installSimulator,
  libraryOf,
  type TestHost,
} from './harness.ts';

const quadlets = resolve(import.meta.dirname, '../../quadlets');
const generator = '/usr/lib/systemd/system-generators/podman-system-generator';

/** Values that something on the way might take for its own: Quadlet, systemd, Podman, a shell. */
const hostile = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 30 }),
  fc.string({ unit: fc.constantFrom(...'%$\\"\'\n\r\t ;#{}=-@é\u2028a'), maxLength: 30 }),
  fc.string({
    unit: fc.constantFrom('%n', '%%', '$$', '$HOME', '\\x41', '\\', '"', ' ', '\u0001'),
  }),
);

const known = [
  ['EMPTY', ''],
  ['BLANKS', '  leading, inner and trailing  '],
  ['LAST_QUOTE', 'sh -c "echo"'],
  ['SPECIFIERS', '%i %n %% %H %%i 100%'],
  ['VARIABLES', ['$HOME', '$', '{HOME} $$ $$$ ', '$'].join('')],
  ['SECTION', '\n[Service]\nExecStartPre=/bin/touch /pwned\n'],
  ['CONTINUED', 'a\\\nb\\'],
  ['CONTROL', Array.from({ length: 31 }, (_, at) => String.fromCharCode(at + 1)).join('')],
  ['UNICODE', 'zażółć \u0081\u0085\u00a0\u2028\ufeff 🙂'],
  ['COMMENTS', '; a # b'],
  ['PATH_LIKE', '../../etc/passwd'],
  ['LONG', '€ '.repeat(20_000)],
] as const;

/** 400 random values and the known ones, the same for a seed that is printed where it fails. */
function hostileEnvironment(seed: number): Record<string, string> {
  const carried = hostile.filter((value) => environmentProblem('A', value) === null);
  const values = fc.sample(carried, { numRuns: 400, seed });
  return Object.fromEntries([...known, ...values.map((value, at) => [`RANDOM_${at}`, value])]);
}

/** Puts a generation into force by hand; ibq's own deploy has its own test. */
async function activate(host: TestHost, instances: Instance[], mode: 'dual' | 'bridge' | 'lan') {
  const base = sampleConfig();
  const config = { ...base, instances, network: { ...base.network, mode } };
  const rendered = renderGeneration(
    sampleInput(config, { profileFor: () => simulator, libDir: libraryOf(host) }),
  );
  await host.ok('rm -rf /etc/ibq/generations/1');
  for (const { path, text } of rendered.files) {
    await host.writeFile(`/etc/ibq/generations/1/${path}`, text);
  }
  for (const { path, target } of rendered.links) {
    await host.ok(['ln', '-s', target, `/etc/ibq/generations/1/${path}`]);
  }
  await host.ok(
    'ln -sfn generations/1 /etc/ibq/current; mkdir -p /etc/containers/systemd; ' +
      'ln -sfn /etc/ibq/current/units /etc/containers/systemd/ibq; systemctl daemon-reload',
  );
  return rendered;
}

/** The environment as the kernel gave it to the container's first process, before any program read it. */
async function environmentOf(host: TestHost, container: string): Promise<Map<string, string>> {
  const encoded = await host.ok(`podman exec ${container} cat /proc/1/environ | base64 -w0`);
  const entries = Buffer.from(encoded, 'base64').toString('utf8').split('\0').filter(Boolean);
  return new Map(
    entries.map((entry) => {
      const at = entry.indexOf('=');
      return [entry.slice(0, at), entry.slice(at + 1)];
    }),
  );
}

describeOnHosts('units', (host) => {
  beforeAll(async () => {
    await Promise.all([installIbq(host), installSimulator(host)]);
    const units = ['ib-gateways.target', 'ib-gateways.slice', 'ibq-host-rules.service'];
    for (const unit of units) {
      await host.copyIn(`${quadlets}/${unit}`, `/etc/systemd/system/${unit}`);
    }
    const guard = readFileSync(`${quadlets}/ibq-login-guard@.service`, 'utf8');
    await host.writeFile(
      '/etc/systemd/system/ibq-login-guard@.service',
      guard.replaceAll('@LIB_DIR@', libraryOf(host)),
    );
    await host.ok(
      'for i in 4001 4002; do echo geheim | podman secret create ibq-$i-password -; done',
    );
  });

  test.each(['dual', 'bridge', 'lan'] as const)(
    'of %s mode pass the generator and systemd',
    async (mode) => {
      const { instances, networks } = await activate(host, sampleConfig().instances, mode);
      const run = await host.run([
        'env',
        'QUADLET_UNIT_DIRS=/etc/ibq/current/units',
        generator,
        '--dryrun',
      ]);
      const { services, errors } = parseGeneratorOutput(run.stdout, run.stderr);
      expect(errors).toEqual([]);
      expect(run.exitCode).toBe(0);
      const wanted = [...instances, ...networks].map(({ service }) => service);
      expect([...services.keys()].sort()).toEqual(['ib-gateway@.service', ...wanted].sort());
      const paths = wanted.map((service) => `/run/systemd/generator/${service}`).join(' ');
      expect(await host.ok(`systemd-analyze verify --man=no ${paths} 2>&1`)).toBe('');
    },
  );

  test('a Quadlet error is found in what the generator says', async () => {
    await host.writeFile('/tmp/bad/x.container', '[Container]\nImage=localhost/a\nNonsense=1\n');
    const run = await host.run(['env', 'QUADLET_UNIT_DIRS=/tmp/bad', generator, '--dryrun']);
    expect(parseGeneratorOutput(run.stdout, run.stderr).errors.join()).toContain('Nonsense');
  });

  describe('a hostile environment', () => {
    const seed = Number(process.env.IBQ_TEST_SEED ?? Date.now() % 2 ** 31);
    const environment = hostileEnvironment(seed);

    test('comes out of the running container byte for byte', async () => {
      const [first] = sampleConfig().instances;
      if (first === undefined) throw new Error('no sample');
      await activate(host, [{ ...first, environment }], 'bridge');
      await host.ok(
        'systemd-analyze verify --man=no /run/systemd/generator/ib-gateway@4001.service',
      );
      await host.ok('systemctl start ib-gateway@4001');
      const inside = await environmentOf(host, 'ib-gateway-4001');
      const changed = Object.entries(environment).filter(
        ([name, value]) => inside.get(name) !== value,
      );
      const shown = changed.map(([name, value]) => JSON.stringify([name, value, inside.get(name)]));
      expect(shown, `IBQ_TEST_SEED=${seed}`).toEqual([]);
      expect(await host.run('test -e /pwned')).toMatchObject({ exitCode: 1 });
      await host.ok('systemctl stop ib-gateway@4001');
    });

    test.each([
      ['U+0080', '\u0080'],
      ['CR LF', 'a\\r\\nb'],
      ['a noncharacter', '\uffff'],
    ])('with %s would not: it is refused for a reason', async (_, written) => {
      const path = '/etc/containers/systemd/damaged.container';
      await host.writeFile(
        path,
        `[Container]\nImage=localhost/ibq-simulator\nPull=never\nNetwork=none\nExec=sleep 60\nEnvironment="A=${written}"\n`,
      );
      const { exitCode } = await host.run('systemctl daemon-reload; systemctl start damaged');
      const inside = exitCode === 0 ? await environmentOf(host, 'systemd-damaged') : new Map();
      expect(inside.get('A')).not.toBe(written.replace('\\r\\n', '\r\n'));
      await host.run(`systemctl kill -s KILL damaged; rm ${path}; systemctl daemon-reload`);
    });
  });

  test('a start: files of the image’s user, fixed interfaces, no IPv6, way out by the host', async () => {
    await activate(host, sampleConfig().instances, 'dual');
    await host.ok('systemctl start ib-gateway@4001 ib-gateway@4002');
    const inside = (command: string) =>
      host.ok(['podman', 'exec', 'ib-gateway-4001', 'bash', '-c', command]);
    expect(await inside('stat -c "%u:%g %a" /run/secrets/password')).toBe('1000:1000 400\n');
    expect(await inside('cat /run/secrets/password')).toBe('geheim\n');
    await inside('touch /home/ibgateway/tws_settings/kept');
    expect((await inside('ls /sys/class/net')).split('\n')).toEqual(['lan0', 'lo', 'pub0', '']);
    expect(await inside('cat /proc/net/if_inet6')).toBe('');
    const routes = (await inside('cat /proc/net/route'))
      .split('\n')
      .map((line) => line.split('\t'));
    const defaults = routes.filter(([, destination]) => destination === '00000000');
    expect(defaults.map(([name]) => name)).toEqual(['pub0']);
  });

  test('a clean stop leaves the unit inactive, the volume, and the other instance alone', async () => {
    const id = await host.ok('podman inspect -f {{.Id}} ib-gateway-4002');
    // A process 1 that has no handler yet does not hear the signal: then the end comes with StopTimeout.
    await host.ok('systemctl restart ib-gateway@4001; systemctl stop ib-gateway@4001');
    const state = await host.ok('systemctl show -p ActiveState,Result --value ib-gateway@4001');
    expect(state.split('\n').sort()).toEqual(['', 'inactive', 'success']);
    await host.ok('podman volume inspect ibq-4001-settings');
    expect(await host.ok('podman inspect -f {{.Id}} ib-gateway-4002')).toBe(id);
  });

  test('a mistyped name does not start', async () => {
    const typo = await host.run('systemctl start ib-gateway@typo');
    expect(typo.exitCode).not.toBe(0);
    expect(await host.ok('podman ps -a --format {{.Names}}')).not.toContain('typo');
  });

  test.each([
    ['missing', 'rm RULES', 'is missing or empty'],
    ['empty', ': >RULES', 'is missing or empty'],
    ['broken', 'echo "table inet ibq {" >RULES', 'could not be loaded'],
    ['of another table', 'echo "table inet x { }" >RULES', 'should make a chain input that drops'],
    ['open', 'sed -i "s/policy drop/policy accept/" RULES', 'should make a chain input that drops'],
  ])('rules that are %s: no start, and the unit’s journal says why', async (_, damage, reason) => {
    await activate(host, sampleConfig().instances, 'dual');
    await host.ok(damage.replace('RULES', '/etc/ibq/current/guard/4001.nft'));
    const start = await host.run('systemctl start ib-gateway@4001');
    expect(start.exitCode).not.toBe(0);
    const journal = await host.ok(
      'journalctl --sync; journalctl -b -o cat -n 40 -u ib-gateway@4001',
    );
    expect(journal).toContain(reason);
    await host.ok('systemctl stop ib-gateway@4001; systemctl reset-failed ib-gateway@4001 || true');
  });

  describe('another container network, which masquerades like Docker', () => {
    const reach = (address: string) =>
      host.run([
        'ip',
        'netns',
        'exec',
        'other',
        'timeout',
        '3',
        'bash',
        '-c',
        `exec 3<>/dev/tcp/${address}/4003`,
      ]);

    test('looks like the host to the guard, and is stopped by the host rules', async () => {
      await activate(host, sampleConfig().instances, 'dual');
      await host.ok('systemctl start ib-gateway@4001 && systemctl restart ibq-host-rules');
      await host.ok(`ip netns add other
        ip link add name dock0 type bridge && ip addr add 172.18.0.1/16 dev dock0 && ip link set dock0 up
        ip link add vother type veth peer name eth0 netns other && ip link set vother master dock0 up
        ip -n other addr add 172.18.0.2/16 dev eth0 && ip -n other link set eth0 up
        ip -n other route add default via 172.18.0.1
        nft 'table ip other { chain post { type nat hook postrouting priority srcnat; ip saddr 172.18.0.0/16 oifname != "dock0" masquerade; }; }'`);
      const networks = '{{range .NetworkSettings.Networks}}{{.IPAddress}} {{end}}';
      const addresses = (
        await host.ok(['podman', 'inspect', '-f', networks, 'ib-gateway-4001'])
      ).split(' ');
      const onBridge = addresses.find((address) => address.startsWith('10.89.')) as
        | Cidr
        | undefined;
      if (onBridge === undefined) throw new Error(`no address on the bridge: ${addresses}`);
      expect((await reach(onBridge)).exitCode).not.toBe(0);
      // The way would be open otherwise: the test proves what it says.
      await host.ok('nft delete table inet ibq_host');
      expect((await reach(onBridge)).exitCode).toBe(0);
      await host.ok('systemctl reload ibq-host-rules');
      expect((await reach(onBridge)).exitCode).not.toBe(0);
    });
  });

  test('a list of allowed clients that changed is in force at once, and nothing restarts', async () => {
    const id = await host.ok('podman inspect -f {{.Id}} ib-gateway-4001');
    const reach = () => host.runIn('lan2', 'timeout 3 bash -c "exec 3<>/dev/tcp/10.0.0.192/4003"');
    expect((await reach()).exitCode).not.toBe(0);
    const config = sampleConfig();
    const allow = ['10.0.0.0/24' as Cidr];
    const { instances } = renderGeneration(
      sampleInput(
        { ...config, network: { ...config.network, allow } },
        { profileFor: () => simulator },
      ),
    );
    const pid = (await host.ok('podman inspect -f {{.State.Pid}} ib-gateway-4001')).trim();
    await host.ok(['nsenter', '-t', pid, '-n', 'nft', '-f', '-'], {
      stdin: instances[0]?.guard ?? '',
    });
    expect((await reach()).exitCode).toBe(0);
    const sibling = await host.run(
      'podman exec ib-gateway-4002 timeout 3 bash -c "exec 3<>/dev/tcp/10.0.0.192/4003"',
    );
    expect(sibling.exitCode).not.toBe(0);
    expect(await host.ok('podman inspect -f {{.Id}} ib-gateway-4001')).toBe(id);
  });
});
