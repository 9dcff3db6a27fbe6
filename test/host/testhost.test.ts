/** The host is what the other tests rely on: versions, LAN, reboot, isolation from this machine. */

import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { until } from './gateways.ts';
import { bootHost, describeOnHosts, type Neighbour } from './harness.ts';

const versions = {
  trixie: {
    podman: /^podman version 5\.4\./,
    netavark: /^netavark 1\.14\./,
    systemd: /^systemd 257 /,
  },
  forky: {
    podman: /^podman version 5\.8\./,
    netavark: /^netavark 1\.17\./,
    systemd: /^systemd 26\d /,
  },
};

describeOnHosts('test host', (host) => {
  test('has the versions that the facts were found on', async () => {
    const wanted = host.suite === 'forky' ? versions.forky : versions.trixie;
    expect(await host.ok('podman --version')).toMatch(wanted.podman);
    expect(await host.ok('/usr/lib/podman/netavark --version')).toMatch(wanted.netavark);
    expect(await host.ok('systemctl --version')).toMatch(wanted.systemd);
  });

  test('is up with no failed unit, on cgroups v2 with systemd and the journal', async () => {
    expect(await host.ok('systemctl is-system-running')).toBe('running\n');
    const info =
      '{{.Host.CgroupsVersion}} {{.Host.CgroupManager}} {{.Host.LogDriver}} {{.Store.GraphDriverName}}';
    expect(await host.ok(['podman', 'info', '--format', info])).toBe(
      'v2 systemd journald overlay\n',
    );
  });

  test('has a public eth0 with the default route and a private eth1', async () => {
    const routes = (await host.readFile('/proc/net/route'))
      .split('\n')
      .map((line) => line.split('\t').slice(0, 3).join(' '));
    expect(routes).toContain('eth0 00000000 016433C6');
    expect(routes).toContain('eth1 0000000A 00000000');
  });

  test.each<[Neighbour, string]>([
    ['lan1', '10.0.0.5'],
    ['lan2', '10.0.0.5'],
    ['lan3', '10.0.0.7'],
    ['wan1', '10.0.0.5'],
    ['uplink', '198.51.100.2'],
    ['lan2', 'fe80::aff:fe00:5%eth0'],
  ])('%s reaches %s', async (from, address) => {
    await host.okIn(from, ['ping', '-c1', '-W2', address]);
  });

  test('runs as root in a clean environment, with streams and exit code passed through', async () => {
    const result = await host.run('cat; echo "$GREETING" >&2; id -un; exit 7', {
      stdin: 'in ünd out\n',
      env: { GREETING: 'a b' },
    });
    expect(result).toEqual({
      stdout: 'in ünd out\nroot\n',
      stderr: 'a b\n',
      exitCode: 7,
      timedOut: false,
    });
    expect(await host.ok('env | cut -d= -f1 | sort | tr "\\n" " "')).not.toMatch(
      /npm_|VITEST|NODE_/,
    );
  });

  test('ends what takes too long, with all that it started', async () => {
    const result = await host.run('sleep 4711 & sleep 4711', { timeoutMs: 500 });
    expect(result.timedOut).toBe(true);
    expect((await host.run(['pgrep', '-fx', 'sleep 4711'])).exitCode).toBe(1);
  });

  test('has files that go in and out, and a user who may use sudo', async () => {
    await host.writeFile('/etc/some/where.conf', 'a\nb', 0o600);
    expect(await host.readFile('/etc/some/where.conf')).toBe('a\nb');
    expect(await host.ok(['stat', '-c', '%a %U', '/etc/some/where.conf'])).toBe('600 root\n');
    expect(await host.ok(['su', 'trader', '-c', 'id -un; sudo id -un'])).toBe('trader\nroot\n');
  });

  test('tells what a Quadlet generator found wrong', async () => {
    await host.writeFile('/etc/containers/systemd/bad.container', '[Container]\nBogus=1\n');
    await host.ok('systemctl daemon-reload; rm /etc/containers/systemd/bad.container');
    await until('it is in the journal', async () =>
      (await host.ok('journalctl -b -t quadlet-generator')).includes("unsupported key 'Bogus'"),
    );
  });

  test('runs a Quadlet container that answers on a published port and on the LAN', async () => {
    await host.ok(['bash', '-s'], { stdin: webImage });
    await host.writeFile('/etc/containers/systemd/lan.network', lanNetwork);
    await host.writeFile('/etc/containers/systemd/web.container', webContainer);
    await host.ok('systemctl daemon-reload && systemctl start web');
    await expectAnswers();
  });

  test('comes back from a reboot with its LAN, its files and its containers', async () => {
    const before = host.pid;
    const boot = await host.readFile('/proc/sys/kernel/random/boot_id');
    const machine = await host.readFile('/etc/machine-id');
    await host.reboot();
    expect(host.pid).not.toBe(before);
    expect(await host.readFile('/proc/sys/kernel/random/boot_id')).not.toBe(boot);
    expect(await host.readFile('/etc/machine-id')).toBe(machine);
    expect(await host.ok('journalctl --list-boots --quiet | wc -l')).toBe('2\n');
    expect(await host.ok('systemctl is-system-running')).toBe('running\n');
    await host.okIn('wan1', ['ping', '-c1', '-W2', '10.0.0.5']);
    await expectAnswers();
  });

  test('two hosts at once do not meet', async () => {
    const other = await bootHost({ suite: host.suite });
    try {
      await other.writeFile('/etc/mark', 'other');
      expect((await host.run(['cat', '/etc/mark'])).exitCode).toBe(1);
      expect((await other.run(['podman', 'image', 'exists', 'localhost/web'])).exitCode).toBe(1);
      expect(await other.readFile('/etc/machine-id')).not.toBe(
        await host.readFile('/etc/machine-id'),
      );
    } finally {
      await other.remove();
    }
    await host.ok(['true']);
  });

  test('leaves the machine outside as it was', async () => {
    expect(readFileSync('/proc/net/dev', 'utf8')).not.toMatch(/podman|eth1@|lan1/);
    expect(readFileSync('/proc/mounts', 'utf8')).not.toContain(host.name);
  });

  async function expectAnswers(): Promise<void> {
    const get = (address: string): [string, ...string[]] => [
      ...(['node', '-e', client, `http://${address}/`] as const),
    ];
    expect(await host.ok(get('127.0.0.1:4001'))).toBe('hello');
    expect(await host.okIn('lan1', get('10.0.0.201:4003'))).toBe('hello');
    // The same from a program of this machine.
    const outside = await host.runOutside('lan1', [
      process.execPath,
      ...get('10.0.0.201:4003').slice(1),
    ]);
    expect(outside.stdout).toBe('hello');
  }
});

// Node as a container's only program. Debian's Node reads parts of itself from /usr/share/nodejs.
const webImage = `
set -e
mkdir -p /tmp/web/usr/bin /tmp/web/usr/share /tmp/web/etc
cd /tmp/web
cp -L /usr/bin/node usr/bin/
cp -r /usr/share/nodejs usr/share/
ldd usr/bin/node | grep -o '/[^ ]*' | while read -r file; do
  mkdir -p ".$(dirname "$file")"
  cp -L "$file" ".$file"
done
tar -c . | podman import -q - localhost/web
rm -rf /tmp/web
`;

const server = `require('http').createServer((_,r)=>r.end('hello')).listen(4003,'0.0.0.0');process.on('SIGTERM',process.exit)`;

// Retries: a unit is active before its program listens.
const client = `
const get = (left) => fetch(process.argv[1], { signal: AbortSignal.timeout(3000) })
  .then((answer) => answer.text())
  .then((text) => process.stdout.write(text))
  .catch((error) => left > 0 ? setTimeout(get, 200, left - 1) : console.log(error.cause ?? error));
get(20);
`;

const lanNetwork = `[Network]
NetworkName=lan
Driver=macvlan
Subnet=10.0.0.0/24
Gateway=10.0.0.1
IPRange=10.0.0.192/27
Options=parent=eth1
Options=no_default_route=1
`;

const webContainer = `[Container]
Image=localhost/web
ContainerName=web
Network=podman
Network=lan.network:interface_name=lan0,ip=10.0.0.201
PublishPort=127.0.0.1:4001:4003
Exec=/usr/bin/node -e "${server}"
[Install]
WantedBy=multi-user.target
`;
