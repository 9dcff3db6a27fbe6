/** The stand-in for IBKR hears of every login and every end of a gateway, however it gets there. */

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { addGateway, ibq, ibqOk, prepareHost, type Status, statusOf, until } from './gateways.ts';
import { describeOnHosts } from './harness.ts';
import { HostIbkr, WITH_IBKR } from './ibkr.ts';

describeOnHosts('IBKR', (host) => {
  const ibkr = new HostIbkr(host);

  beforeAll(async () => {
    await prepareHost(host);
    await ibkr.listen();
    const set = ['auto_restart_time=11:55 PM', 'environment.SIMULATOR_SHUTDOWN_SECONDS=5'];
    await addGateway(host, '4001', { mode: 'live', set: [WITH_IBKR, ...set] });
    await ibqOk(host, ['deploy', '--timeout', '300']);
  });
  afterAll(() => ibkr.close());

  const user = 'user_4001';

  test('a gateway in a network of its own logs in, once', () => {
    expect(ibkr.counts(user)).toMatchObject({
      connections: 1,
      attempts: 1,
      secondFactorAsked: 1,
      completed: 1,
      open: 1,
    });
  });

  test('at its time it restarts by itself: the same session, and the word meanwhile', async () => {
    const before = ibkr.counts(user);
    await ibqOk(host, ['exec', '4001', '--', 'simulator', 'clock:23:54:58']);
    const words = new Set<string>();
    while (ibkr.counts(user).resumed === before.resumed) {
      words.add((await statusOf(host, '4001')).word);
    }
    await ibqOk(host, ['wait', '4001', '--timeout', '300']);
    expect(words).toContain('restarting');
    for (const word of words) expect(['ready', 'restarting', 'starting']).toContain(word);
    const { attempts, logouts, lost } = before;
    expect(ibkr.counts(user)).toMatchObject({ attempts, logouts, lost, paused: 1, resumed: 1 });
  });

  describe('one of its processes is killed', () => {
    /** By its name, as the image's own scripts do it. */
    const killing = (name: string, signal: string) =>
      `for file in /proc/[0-9]*/comm; do
         pid=\${file#/proc/}; pid=\${pid%/comm}
         [ "$(cat $file 2>/dev/null)" = ${name} ] && grep -q ib-gateway@4001 /proc/$pid/cgroup && kill -${signal} $pid && killed=yes
       done; [ -n "$killed" ]`;
    const kill = (name: string, signal = 'KILL') => host.ok(killing(name, signal));
    const api = async () => (await statusOf(host, '4001')).api.state;

    test('socat: the relay is away and comes back, the session goes on', async () => {
      const before = ibkr.counts(user);
      // In one command: it is back after five seconds.
      const { stdout } = await host.run(`${killing('socat', 'KILL')} && ibq status --json`);
      const [seen] = (JSON.parse(stdout) as Status).instances;
      expect(seen).toMatchObject({ word: 'not listening', ready: false });
      expect(seen?.problems.join()).toMatch(/relay of its image \(socat\) is gone/);
      await until('the relay is back', async () => (await api()) === 'handshake');
      expect(ibkr.counts(user)).toEqual(before);
    });

    test('run_socat.sh: the relay goes on; once socat ends too, it stays away, and the session lives', async () => {
      const before = ibkr.counts(user);
      await kill('run_socat.sh', 'TERM');
      expect(await api()).toBe('handshake');
      await kill('socat', 'TERM');
      // Longer than the script would wait.
      await host.ok(['sleep', '7']);
      const seen = await statusOf(host, '4001');
      expect(seen).toMatchObject({
        word: 'not listening',
        ready: false,
        unit: { active: 'active' },
      });
      expect(seen.problems.join('\n')).toMatch(/relay/);
      expect(ibkr.counts(user)).toEqual(before);
      // What it takes to have it back costs no login.
      await ibqOk(host, ['restart', '4001']);
      await ibqOk(host, ['wait', '4001', '--timeout', '300']);
      const { attempts, resumed } = before;
      expect(ibkr.counts(user)).toMatchObject({ attempts, resumed: resumed + 1, lost: 0 });
    });

    test.each<[string, string, number, () => Promise<unknown>]>([
      ['Xvfb', 'Java dies of it', 1, () => kill('Xvfb')],
      [
        'Java',
        'as by the kernel',
        137,
        () => ibq(host, ['exec', '4001', '--', 'simulator', 'kill']),
      ],
    ])(
      '%s: %s, the container ends with %i, and systemd starts it again',
      async (_name, _why, status, act) => {
        const before = ibkr.counts(user);
        await host.writeFile(
          '/run/systemd/system/ib-gateway@.service.d/soon.conf',
          '[Service]\nRestartSec=25\nRestartSteps=0\n',
        );
        await host.ok(['systemctl', 'daemon-reload']);
        await act();
        // The journal has its last words a moment after its end.
        let seen = await statusOf(host, '4001');
        await until(`it is to be started again, with exit status ${status}`, async () => {
          seen = await statusOf(host, '4001');
          const said = new RegExp(`exit status ${status}\\b`).test(seen.problems.join('\n'));
          return seen.unit.sub === 'auto-restart' && said;
        });
        expect(seen).toMatchObject({ word: 'restarting', unit: { result: 'exit-code' } });
        await ibkr.until(user, { lost: before.lost + 1, attempts: before.attempts + 1, open: 1 });
        await ibqOk(host, ['wait', '4001', '--timeout', '300']);
      },
    );
  });

  test('a tag that moved: plan, status and doctor say so, and the next restart takes the new image', async () => {
    const before = ibkr.counts(user);
    const digest = async () => {
      const { instances } = JSON.parse((await ibq(host, ['status', '--json'])).stdout) as {
        instances: { imageDigest: string | null }[];
      };
      return instances[0]?.imageDigest;
    };
    const old = await digest();
    const tag = 'localhost/ibq-simulator:latest';
    await host.ok(
      `id=$(podman create ${tag}) && podman commit -q --change LABEL=other=1 "$id" ${tag} && podman rm "$id"`,
    );
    const plan = await ibqOk(host, ['plan']);
    expect(plan.stdout + plan.stderr).toMatch(/4001.*image/);
    const { word, problems } = await statusOf(host, '4001');
    expect([word, problems]).toEqual([
      'ready',
      [expect.stringMatching(/image has moved under its tag/)],
    ]);
    expect(await digest()).toBe(old);
    const doctor = await ibq(host, ['doctor']);
    expect(doctor.stdout).toContain('4001 runs an older image than its tag names now');
    await ibqOk(host, ['restart', '4001']);
    await ibqOk(host, ['wait', '4001', '--timeout', '300']);
    expect(await digest()).not.toBe(old);
    expect((await statusOf(host, '4001')).problems).toEqual([]);
    const { attempts, resumed } = before;
    expect(ibkr.counts(user)).toMatchObject({ attempts, resumed: resumed + 1 });
  });

  test('STOP of the command server is a logout, and the container ends with 0', async () => {
    const ask = 'exec 3<>/dev/tcp/127.0.0.1/7462; printf "STOP\\n" >&3; head -1 <&3';
    await host.ok(['podman', 'exec', 'ib-gateway-4001', 'bash', '-c', ask]);
    await ibkr.until(user, { logouts: 1, open: 0 });
    await until('the unit has ended', async () => {
      const { unit } = await statusOf(host, '4001');
      return unit.active === 'inactive' && unit.result === 'success';
    });
  });

  test('in the network of the host it logs in too', async () => {
    await host.writeFile('/etc/ibq/ibq.toml', '[network]\nmode = "host"\n');
    await ibqOk(host, ['deploy']);
    await ibqOk(host, ['start', '4001']);
    await ibkr.until(user, { completed: 4, open: 1 });
  });

  test('a link that is cut is known to the gateway, and told until it is back', async () => {
    ibkr.setPolicy(user, { link: 'down' });
    const lost = 'frame entitled: Connecting to server...; event=Opened';
    await until('the gateway says so', async () => {
      const { stdout } = await host.run('journalctl -b -o cat -u ib-gateway@4001');
      return stdout.includes(lost);
    });
    const seen = await statusOf(host, '4001');
    expect(seen).toMatchObject({ word: 'link down', stage: 'link-lost', ready: false });
    expect(seen.problems.join()).toContain('has lost its link to IBKR');
    ibkr.setPolicy(user, { link: 'up' });
    await until('it is ready', async () => (await statusOf(host, '4001')).ready);
    expect(ibkr.counts(user)).toMatchObject({ attempts: 4, completed: 4 });
  });

  test('its counts outlast a reboot, and the gateways find it again', async () => {
    await host.reboot();
    await ibkr.listen();
    await ibkr.until(user, { completed: 5, open: 1 });
    expect(ibkr.counts(user).attempts).toBe(5);
  });
});
