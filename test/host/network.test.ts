/** `ibq network show` says what is in force; `ibq network test` proves it, and leaves nothing behind. */

import { readFileSync } from 'node:fs';
import { afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { NetworkShow, ShownInstance } from '../../src/network/show.ts';
import { misfits } from '../schema/validate.ts';
import {
  addGateway,
  containerIds,
  containerPid,
  ibq,
  ibqOk,
  prepareHost,
  statusOf,
  told,
  until,
} from './gateways.ts';
import { describeOnHosts, type RunResult } from './harness.ts';

const stranger = readFileSync(new URL('stranger.py', import.meta.url), 'utf8');

interface Tested {
  passed: number;
  failed: number;
  skipped: number;
  tries: {
    instance: string;
    id: string;
    actual: string | null;
    result: string;
    source: string;
    detail: string;
  }[];
  notRunning: string[];
}

describeOnHosts('network', (host) => {
  let before: string;

  beforeAll(async () => {
    await prepareHost(host);
    await addGateway(host, '4001', { mode: 'live' });
    await addGateway(host, '4002', { mode: 'paper' });
    await addGateway(host, 'research', { mode: 'paper', port: 4010 });
    await ibqOk(host, ['deploy']);
    before = await remains();
  });

  describe('show', () => {
    test('the three instances as they were deployed, by what the system says', async () => {
      const shown = await show();
      expect(shown.problems).toEqual([]);
      expect(shown.host).toMatchObject({
        wayOut: { interface: 'eth0', gateway: '198.51.100.1' },
        forwarding: true,
        rules: 'in-force',
      });
      expect(shown.networks.map(({ kind, driver, current }) => [kind, driver, current])).toEqual([
        ['lan', 'macvlan', true],
        ['publish', 'bridge', true],
      ]);
      const instance = shown.instances[0];
      expect(shown.instances.map(({ name }) => name)).toEqual(['4001', '4002', 'research']);
      expect(instance).toMatchObject({
        state: 'running',
        api: 'handshake',
        rules: 'in-force',
        lan: { address: '10.0.0.192', state: 'up' },
        wayOut: { interface: 'pub0' },
        published: { address: '127.0.0.1:4001', listening: true, forwarded: true },
        problems: [],
      });
      expect(instance?.reach.map(({ by, from }) => [by, from])).toEqual([
        ['host', [instance?.wayOut?.gateway]],
        ['lan', ['10.0.0.7']],
      ]);
    });

    test('the diagram has each of them on the LAN and on the bridge', async () => {
      const { stdout } = await ibqOk(host, ['network', 'show']);
      expect(stdout).toMatch(/eth1 {2}up {2}10\.0\.0\.5\/24 {2}the LAN/);
      expect(stdout).toMatch(/4002 +10\.0\.0\.193 {2}02:\S+ {2}:4004 ← 10\.0\.0\.7/);
      expect(stdout).toMatch(/research +10\.\S+:4004 {2}← 127\.0\.0\.1:4010 on the host/);
    });

    test('an element that somebody added to the live rules', async () => {
      const pid = await containerPid(host, '4001');
      await host.ok(`nsenter -t ${pid} -n nft add element inet ibq allow '{ 10.0.0.8 }'`);
      const instance = await shownOf('4001');
      await host.ok(`nsenter -t ${pid} -n nft delete element inet ibq allow '{ 10.0.0.8 }'`);
      expect(instance.rules).toBe('changed');
      expect(instance.reach[1]?.from).toEqual(['10.0.0.7', '10.0.0.8']);
      expect((await shownOf('4001')).rules).toBe('in-force');
    });

    test('one that waits for a restart, and one that is stopped', async () => {
      await host.ok("sed -i '1i java_heap = 1024' /etc/ibq/instances/4002.toml");
      await ibqOk(host, ['deploy']);
      await ibqOk(host, ['stop', 'research']);
      const pending = await shownOf('4002');
      const stopped = await shownOf('research');
      const { stdout } = await ibqOk(host, ['network', 'show']);
      await ibqOk(host, ['start', 'research']);
      await ibqOk(host, ['wait', 'research']);
      expect(pending).toMatchObject({ pendingRestart: true, lan: { address: '10.0.0.193' } });
      expect(pending.problems).toEqual([expect.stringContaining('sudo ibq restart 4002')]);
      expect(stopped).toMatchObject({
        state: 'stopped',
        lan: null,
        published: null,
        rules: 'none',
      });
      expect(stdout).toContain('research  stopped  not in force: 127.0.0.1:4010, 10.0.0.194:4004');
    });
  });

  describe('test', () => {
    afterEach(async () => {
      expect(await remains()).toBe(before);
    });
    beforeAll(async () => {
      before = await remains();
    });

    test('as deployed: everything passes, within seconds', async () => {
      const { value, ms } = await host.timed(() => tryAll([]));
      const { result, tested } = value;
      expect(result.exitCode, await told(host, result)).toBe(0);
      expect(ms).toBeLessThan(15_000);
      expect(tested.failed + tested.skipped).toBe(0);
      expect(tested.passed).toBe(30);
    });

    test('the LAN hears of no borrowed address, and one that a neighbour has is not taken', async () => {
      await host.okIn('lan3', 'ip address add 10.0.0.254/24 dev eth0');
      await host.ok(
        'systemd-run --quiet --unit ear ip netns exec lan1 tcpdump --immediate-mode -l -n -i eth0 arp or icmp or tcp',
      );
      const ear = () => host.ok('journalctl --no-pager -o cat -u ear');
      await until('the client listens', async () => /^listening on eth0/m.test(await ear()));
      const { tested } = await tryAll(['4001']);
      await host.rest(500);
      await host.ok('systemctl stop ear');
      const heard = await ear();
      await host.okIn('lan3', 'ip address del 10.0.0.254/24 dev eth0');
      expect(tested.failed).toBe(0);
      const borrowed = tested.tries
        .filter(({ id }) => id === 'lan-other' || id === 'lan-allowed')
        .map(({ source }) => source);
      expect(borrowed).toEqual(['10.0.0.252', '10.0.0.253']);
      expect(heard).toMatch(/who-has 10\.0\.0\.253 tell 10\.0\.0\.5/);
      for (const address of borrowed) {
        expect(heard).not.toMatch(new RegExp(`(tell|Reply) ${address}\\b|IP ${address}\\.`));
      }
    });

    test('a whole subnet is allowed: an address of it, and nothing is let in for the test', async () => {
      await host.ok(
        'sed -i \'s|^allow = .*|allow = ["10.0.0.7", "10.0.0.64/28"]|\' /etc/ibq/ibq.toml',
      );
      await ibqOk(host, ['deploy']);
      const { result, tested } = await tryAll(['4001']);
      await host.ok('sed -i \'s|^allow = .*|allow = ["10.0.0.7"]|\' /etc/ibq/ibq.toml');
      await ibqOk(host, ['deploy']);
      expect(result.exitCode).toBe(0);
      expect(tested.tries.find(({ id }) => id === 'lan-allowed')?.source).toBe('10.0.0.79');
    });

    test('nobody is allowed: nobody is let in, and it is said', async () => {
      await host.ok("sed -i 's|^allow = .*|allow = []|' /etc/ibq/ibq.toml");
      await ibqOk(host, ['deploy']);
      const { result, tested } = await tryAll(['4001']);
      await host.ok('sed -i \'s|^allow = .*|allow = ["10.0.0.7"]|\' /etc/ibq/ibq.toml');
      await ibqOk(host, ['deploy']);
      expect(result.exitCode).toBe(0);
      expect(failures(tested)).toEqual([]);
      expect(tested.tries.find(({ id }) => id === 'lan-allowed')?.result).toBe('skipped');
      expect(tested.tries.find(({ id }) => id === 'lan-other')?.result).toBe('pass');
    });

    test('the way out: one that listens, one that does not, a name that nobody knows', async () => {
      const server = 'require("net").createServer().listen(5432)';
      await host.ok(`systemd-run --quiet --unit maindb ip netns exec uplink node -e '${server}'`);
      const open = await tryAll(['4001', '--to', '198.51.100.1:5432']);
      const closed = await tryAll(['4001', '--to', '198.51.100.1:1', '--to', 'maindb:5432']);
      await host.ok('systemctl stop maindb');
      expect(open.result.exitCode).toBe(0);
      expect(closed.result.exitCode).toBe(3);
      expect(failures(closed.tested)).toEqual(['4001 way-out refused', '4001 way-out unreachable']);
    });

    test('an instance that knows another machine by a borrowed address is not misled', async () => {
      const pid = await containerPid(host, '4001');
      const stranger = 'lladdr 02:00:00:00:00:99 dev lan0 nud stale';
      await host.ok(`nsenter -t ${pid} -n ip neigh replace 10.0.0.253 ${stranger}`);
      const { result, tested } = await tryAll(['4001']);
      expect(result.exitCode, await told(host, result)).toBe(0);
      expect(tested.tries.find(({ id }) => id === 'lan-allowed')).toMatchObject({
        source: '10.0.0.253',
        actual: 'ok',
      });
    });

    test('rules of an older ibq take no stand-in: that is said, and the next deploy brings those of today', async () => {
      const pid = await containerPid(host, '4001');
      const [record, inside] = ['/run/ibq/instances/4001/guard.nft', `nsenter -t ${pid} -n`];
      await host.ok(
        `sed -i '/stand_in/d; /ether_addr . ipv4/,/}/d' ${record}; ${inside} nft -f ${record}`,
      );
      const { result, tested } = await tryAll(['4001']);
      const ids = await containerIds(host);
      const { stderr } = await ibqOk(host, ['deploy']);
      expect(result.exitCode, await told(host, result)).toBe(0);
      expect(failures(tested)).toEqual([]);
      expect(tested.tries.find(({ id }) => id === 'lan-allowed')).toMatchObject({
        result: 'skipped',
        detail: expect.stringContaining('its guard is of an older ibq'),
      });
      expect(stderr).toContain('update the guard of 4001');
      expect(await containerIds(host)).toEqual(ids);
    });

    describe('says what is broken', () => {
      test('the rules inside one instance flushed', async () => {
        const pid = await containerPid(host, '4001');
        await host.ok(`nsenter -t ${pid} -n nft flush ruleset`);
        const { result, tested } = await tryAll([]);
        const shown = await shownOf('4001');
        await host.ok(`nsenter -t ${pid} -n nft -f /run/ibq/instances/4001/guard.nft`);
        expect(result.exitCode).toBe(3);
        expect(failures(tested)).toEqual(
          expect.arrayContaining(['4001 lan-other ok', '4001 sibling-lan ok']),
        );
        expect(failures(tested).filter((line) => !line.startsWith('4001'))).toEqual([]);
        expect(shown).toMatchObject({ rules: 'missing' });
        expect(shown.problems.join()).toContain('everybody gets in');
      });

      test('the host’s rules flushed: a container on another bridge gets in', async () => {
        await host.ok('nft delete table inet ibq_host');
        const { result, tested } = await tryAll([]);
        const shown = await show();
        await host.ok('systemctl reload ibq-host-rules');
        expect(result.exitCode).toBe(3);
        expect(failures(tested)).toEqual([
          '4001 container ok',
          '4002 container ok',
          'research container ok',
        ]);
        expect(shown.host.rules).toBe('missing');
        expect(shown.problems).toHaveLength(1);
      });

      test('the parent interface down', async () => {
        await host.ok('ip link set eth1 down');
        const { result, tested } = await tryAll(['4002']);
        const shown = await show();
        await host.ok('ip link set eth1 up && ip route replace 203.0.113.0/24 via 10.0.0.1');
        expect(result.exitCode).toBe(3);
        expect(failures(tested)).toEqual(['4002 lan-allowed unreachable']);
        expect(tested.tries.find(({ id }) => id === 'lan-other')?.result).toBe('skipped');
        expect(tested.tries.find(({ id }) => id === 'host-loopback')?.result).toBe('pass');
        expect(shown.problems).toEqual([expect.stringMatching(/^eth1, .* is down$/)]);
      });

      test('Podman’s forwards flushed: the port listens and leads nowhere', async () => {
        await host.ok('nft delete table inet netavark');
        const { result, tested } = await tryAll(['4002']);
        const shown = await shownOf('4002');
        await host.ok('podman network reload --all');
        before = await remains();
        expect(result.exitCode).toBe(3);
        expect(failures(tested)).toEqual(['4002 host-loopback silent']);
        expect(shown.published).toMatchObject({ listening: true, forwarded: false });
      });

      test('a gateway that does not run, asked for by name', async () => {
        await ibqOk(host, ['stop', 'research']);
        const { result, tested } = await tryAll(['research']);
        await ibqOk(host, ['start', 'research']);
        await ibqOk(host, ['wait', 'research']);
        before = await remains();
        expect(result.exitCode).toBe(3);
        expect(tested).toMatchObject({ tries: [], notRunning: ['research'] });
      });

      test('and all is well again', async () => {
        const { result } = await tryAll([]);
        expect(result.exitCode, await told(host, result)).toBe(0);
      });
    });

    test.each([
      ['INT', 130],
      ['TERM', 143],
      ['KILL', 137],
    ])('kill -%s in the middle leaves nothing', async (signal, code) => {
      const meanwhile = `
        ibq network test >/dev/null 2>&1 & pid=$!
        for i in $(seq 1200); do
          ip link show ibqtest0 >/dev/null 2>&1 && nft list table inet ibq_test >/dev/null 2>&1 && break
          sleep 0.05
        done
        ip -br link show ibqtest0; kill -${signal} $pid; wait $pid; echo "exit $?"`;
      const said = await host.ok(meanwhile);
      expect(said).toMatch(/^ibqtest0/);
      expect(said).toContain(`exit ${code}`);
      if (signal !== 'KILL') return;
      // It is its helpers that tidy up then, as soon as they see its end.
      await until('nothing is left', async () => (await remains()) === before);
    });

    test('a stranger with the address of the stand-in gets in neither during the test nor after it, also when that is killed', async () => {
      const { lan } = await statusOf(host, '4001');
      const target = `${lan?.address} ${lan?.mac}`;
      await host.writeFile('/srv/stranger.py', stranger);
      const said = await host.ok(`
        . /run/ibq/instances/4001/state; inside="nsenter -t $pid -n"
        # It is silent where the LAN is asked who has the address.
        ip -n lan2 address add 10.0.0.253/32 dev eth0
        ip netns exec lan2 sysctl -q -w net.ipv4.conf.eth0.arp_ignore=8
        ip -n lan2 neigh replace ${lan?.address} lladdr ${lan?.mac} dev eth0 nud permanent
        # Where the address is allowed the same gets in.
        $inside nft add element inet ibq allow '{ 10.0.0.253 }'
        ip netns exec lan2 python3 /srv/stranger.py ${target} 4003 10.0.0.253 1
        $inside nft delete element inet ibq allow '{ 10.0.0.253 }'
        ip netns exec lan2 python3 /srv/stranger.py ${target} 4003 10.0.0.253 600 >/srv/stranger.log 2>&1 & stranger=$!
        ibq network test 4001 --json >/srv/tested.json
        ibq network test >/dev/null 2>&1 & test=$!
        for i in $(seq 1200); do
          $inside nft list set inet ibq stand_in | grep -q 10.0.0.253 && break
          sleep 0.05
        done
        kill -STOP $test; kill -KILL $(pgrep -P $test) $test; wait $test
        $inside nft list set inet ibq stand_in | grep -o '10.0.0.253 timeout [0-9]*s' && echo open
        for i in $(seq 600); do
          $inside nft list set inet ibq stand_in | grep -q 10.0.0.253 || break
          sleep 0.2
        done
        sleep 3; kill $stranger; wait $stranger
        $inside nft list set inet ibq stand_in | grep 10.0.0.253 || echo closed
        $inside nft list set inet ibq allow | grep 10.0.0.253 || echo 'never allowed'
        cat /srv/stranger.log
        ip -n lan2 neigh del ${lan?.address} dev eth0
        ip -n lan2 address del 10.0.0.253/32 dev eth0
        ip netns exec lan2 sysctl -q -w net.ipv4.conf.eth0.arp_ignore=0`);
      const [control = '', ...lines] = said.split('\n');
      expect(Number(control.split(' ')[1])).toBeGreaterThan(0);
      expect(lines.slice(0, 4)).toEqual([
        '10.0.0.253 timeout 30s',
        'open',
        'closed',
        'never allowed',
      ]);
      const [tried = 0, accepted] = (lines[4] ?? '').split(' ').map(Number);
      expect(tried).toBeGreaterThan(100);
      expect(accepted).toBe(0);
      const first = JSON.parse(await host.readFile('/srv/tested.json')) as Tested;
      expect(failures(first)).toEqual([]);
      expect(first.tries.find(({ id }) => id === 'lan-allowed')).toMatchObject({
        source: '10.0.0.253',
        actual: 'ok',
      });
      // The table of its stand-ins on the host is left; it opens nothing, and goes with the next one.
      const { result } = await tryAll(['4001']);
      expect(result.exitCode, await told(host, result)).toBe(0);
    });

    test('what even its helpers could not take away goes with the next one', async () => {
      const pid = await containerPid(host, '4001');
      await host.ok(`
        nsenter -t ${pid} -n nft add element inet ibq allow '{ 10.0.0.99 }'
        nft add table inet ibq_test; ip link add ibqtest0 type veth peer name ibqtest9
        printf '%s\\n' 'nft delete table inet ibq_test' 'ip link delete ibqtest0' \
          "nsenter --net=/proc/${pid}/ns/net nft delete element inet ibq allow '{ 10.0.0.99 }'" \
          >/run/ibq/network-test.undo`);
      const { result } = await tryAll(['4001']);
      expect(result.exitCode).toBe(0);
    });
  });

  describe('a guard that was flushed inside a running instance', () => {
    test.each(['dual', 'lan'])(
      'in mode %s: status says so, a deploy brings it back',
      async (mode) => {
        await host.writeFile(
          '/etc/ibq/ibq.toml',
          `[network]\nmode = "${mode}"\nallow = ["10.0.0.7"]\n`,
        );
        await ibqOk(host, ['deploy', '--restart-changed']);
        const ids = await containerIds(host);
        const pid = await containerPid(host, '4001');
        await host.ok(`nsenter -t ${pid} -n nft flush ruleset`);
        const open = await statusOf(host, '4001');
        expect(open.problems[0]).toMatch(/^its guard is gone: .* deploy/);
        expect(open).toMatchObject({ ready: false, word: 'unguarded' });
        expect((await ibq(host, ['status'])).exitCode).toBe(3);
        expect((await statusOf(host, '4002')).problems).toEqual([]);
        const { stdout } = await ibqOk(host, ['plan']);
        expect(stdout).toContain('update the guard of 4001');
        const { stderr } = await ibqOk(host, ['deploy']);
        expect(stderr.match(/update the guard of \w+/g)).toEqual(['update the guard of 4001']);
        expect(await containerIds(host)).toEqual(ids);
        expect((await statusOf(host, '4001')).problems).toEqual([]);
        const { result } = await tryAll([]);
        expect(result.exitCode, await told(host, result)).toBe(0);
        expect((await ibqOk(host, ['deploy'])).stderr).toContain('nothing to do');
      },
    );
  });

  test('ranges of other networks of Podman count wherever it keeps them', async () => {
    const range = async () => {
      const args = ['--config', '/srv/new/ibq.toml', 'network', 'detect', '--json'];
      const { selected } = JSON.parse((await ibqOk(host, args)).stdout) as {
        selected: { range: string };
      };
      return selected.range;
    };
    await host.writeFile('/srv/new/ibq.toml', '');
    const file = '/etc/containers/containers.conf.d/elsewhere.conf';
    await host.writeFile(file, '[network]\nnetwork_config_dir = "/srv/networks"\n');
    const free = await range();
    await host.ok(
      `podman network create -d macvlan -o parent=eth1 --subnet 10.0.0.0/24 --ip-range ${free} other`,
    );
    const files = await host.ok('ls /srv/networks/*.json');
    const next = await range();
    await host.ok(`podman network rm other; rm -r ${file} /srv/new`);
    expect(files).toBe('/srv/networks/other.json\n');
    expect(free).toMatch(/^10\.0\.0\.\d+\/27$/);
    expect(next).toMatch(/^10\.0\.0\.\d+\/27$/);
    expect(next).not.toBe(free);
  });

  test('refused: without root, with --root, an unknown name, a bad place', async () => {
    const user = (line: string) => host.run(['su', '-', 'trader', '-c', `ibq ${line}`]);
    expect(await user('network show')).toMatchObject({
      exitCode: 77,
      stderr: expect.stringContaining('sudo ibq network show'),
    });
    expect((await user('network test')).exitCode).toBe(77);
    expect((await ibq(host, ['--root', '/tmp', 'network', 'show'])).exitCode).toBe(64);
    expect((await ibq(host, ['--root', '/tmp', 'network', 'test'])).exitCode).toBe(64);
    expect((await ibq(host, ['network', 'test', 'nobody'])).exitCode).toBe(64);
    expect((await ibq(host, ['network', 'test', '--to', 'maindb'])).exitCode).toBe(64);
  });

  async function show(): Promise<NetworkShow> {
    const { stdout } = await ibqOk(host, ['network', 'show', '--json']);
    expect(misfits('network-show', stdout)).toEqual([]);
    return JSON.parse(stdout) as NetworkShow;
  }

  async function shownOf(name: string): Promise<ShownInstance> {
    const found = (await show()).instances.find((instance) => instance.name === name);
    if (found) return found;
    throw new Error(`network show has no instance ${name}`);
  }

  async function tryAll(args: string[]): Promise<{ result: RunResult; tested: Tested }> {
    const result = await ibq(host, ['network', 'test', '--json', ...args]);
    if (result.exitCode !== 0 && result.exitCode !== 3) throw new Error(await told(host, result));
    expect(misfits('network-test', result.stdout)).toEqual([]);
    return { result, tested: JSON.parse(result.stdout) as Tested };
  }

  function failures({ tries }: Tested): string[] {
    return tries
      .filter(({ result }) => result === 'fail')
      .map(({ instance, id, actual }) => `${instance} ${id} ${actual}`);
  }

  /** All that a test could leave: links, namespaces, rules, neighbours, processes, files. */
  async function remains(): Promise<string> {
    return host.ok(`
      ip -br link | awk '{print $1}' | sed 's/@.*//' | grep -v '^veth' | sort
      nft list tables | sort
      ls /run/ibq
      for state in /run/ibq/instances/*/state; do
        pid=$(sed -n s/^pid=//p $state)
        [ -d /proc/$pid ] || continue
        nsenter -t $pid -n nft list set inet ibq allow 2>&1
        nsenter -t $pid -n nft list set inet ibq stand_in 2>&1
        nsenter -t $pid -n ip -br link | awk '{print $1}' | sed 's/@.*//'
        nsenter -t $pid -n ip neigh show dev lan0 | grep -oE '^10\\.0\\.0\\.(2[2-5][0-9]|79)' || true
      done
      pgrep -fc 'network test' || true
      lsns --noheadings --type net | wc -l`);
  }
});
