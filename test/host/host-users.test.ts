/** What users of the host with a gateway's number can do to it: nothing. With `user_namespace = false` they can. */

import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, test } from 'vitest';
import { addGateway, containerPid, ibq, ibqOk, prepareHost, setPassword } from './gateways.ts';
import { describeOnHosts, libraryOf } from './harness.ts';
import { BEFORE_USER_NAMESPACES, fileOf } from './older.ts';

/** `trader`, and numbers that images have for their users. */
const IDS = [1000, 999, 911] as const;
const here = (name: string) => readFileSync(new URL(name, import.meta.url));

describeOnHosts('users of the host', (host) => {
  beforeAll(async () => {
    await prepareHost(host);
    await addGateway(host, '4001', { mode: 'live' });
    await addGateway(host, '4002', { set: ['user_namespace=false'] });
    for (const name of ['4001', '4002']) await setPassword(host, name, `SECRET${name}`);
    await ibqOk(host, ['deploy']);
    await host.writeFile('/usr/local/bin/attack', here('attack.sh'), 0o755);
    await host.writeFile('/usr/local/bin/swap', here('swap.py'), 0o755);
  });

  const attack = async (name: string, id: number) => {
    const pid = await containerPid(host, name);
    const words = await host.ok(as(id, ['/usr/local/bin/attack', pid]));
    return words.split('\n').filter((word) => word !== '');
  };

  test.each(IDS)('%i sees nothing of a gateway, and can do nothing to it', async (id) => {
    expect(await attack('4001', id)).toEqual([]);
  });

  test('the same works where the gateway has the users of the host', async () => {
    expect(await attack('4002', 1000)).toEqual([
      ...['password', 'config', 'environment', 'memory', 'maps', 'handles', 'directory'],
      ...['settings', 'write', 'signal', 'trace'],
    ]);
  });

  test('the gateway itself reads and writes what is its own', async () => {
    const inside = (command: string) =>
      host.ok(['podman', 'exec', 'ib-gateway-4001', 'sh', '-c', command]);
    expect(await inside('id -u; cat /run/secrets/password')).toBe('1000\nSECRET4001');
    expect(await inside('cd /home/ibgateway/tws_settings/ibq && touch x && stat -c %u:%g x')).toBe(
      '1000:1000\n',
    );
    // On the disk it has the same number: a gateway without a user namespace can go on with it.
    const volume = "$(podman volume inspect -f '{{.Mountpoint}}' ibq-4001-settings)";
    expect(await host.ok(`stat -c %u:%g ${volume}/ibq/x`)).toBe('1000:1000\n');
  });

  test('no two gateways have the same users', async () => {
    await addGateway(host, '4003', { port: 4013 });
    await ibqOk(host, ['deploy']);
    const maps = await Promise.all(
      ['4001', '4003'].map(async (name) =>
        host.readFile(`/proc/${await containerPid(host, name)}/uid_map`),
      ),
    );
    expect(new Set(maps.map((map) => map.trim().split(/\s+/)[1])).size).toBe(2);
    await ibqOk(host, ['instance', 'remove', '4003', '--purge']);
    await ibqOk(host, ['deploy']);
  });

  test('doctor fails for the one that a user of the host can read, and names him', async () => {
    const { exitCode, stdout } = await ibq(host, ['doctor', '--json']);
    expect(exitCode).toBe(3);
    const { checks } = JSON.parse(stdout) as {
      checks: { id: string; result: string; detail: string }[];
    };
    const of = (id: string) => checks.find((check) => check.id === id);
    expect(of('host-users')).toMatchObject({
      result: 'fail',
      detail: expect.stringMatching(/^4002 runs as user 1000, which is trader on this host/),
    });
    expect(of('user-namespace')).toMatchObject({ result: 'ok' });
  });

  describe('a volume that moves to where nobody has it open', () => {
    /** The directory that Podman keeps the volume's own in. */
    let volumes = '';
    const shown = () =>
      host.ok(`cd ${volumes}/_data && find . -printf '%P %U:%G %m %l\\n' | sort && cat ibq/*.ini`);
    let before = '';

    beforeAll(async () => {
      await host.ok('podman volume create ibq-moved-settings');
      const mountpoint = ['podman', 'volume', 'inspect', '-f', '{{.Mountpoint}}'] as const;
      volumes = (await host.ok([...mountpoint, 'ibq-moved-settings']))
        .trim()
        .replace(/\/_data$/, '');
      await host.ok(`
        set -e; cd ${volumes}/_data
        mkdir -p ibq/deep && echo kept >ibq/jts.ini && echo token >ibq/deep/autorestart && chmod 600 ibq/deep/autorestart
        ln -s /etc/canary ibq/link && ln ibq/jts.ini ibq/same.ini && mkfifo ibq/pipe && touch ibq/of-another
        chown -hR 1000:1000 . && chown 0:0 ibq/of-another
        mkdir -p /run/ibq/instances/moved && echo users=host >/run/ibq/instances/moved/state
        mkdir -p /srv/killing
      `);
      before = await shown();
    });
    const own = () => `${libraryOf(host)}/own-settings moved 2013659136`;
    /** A program that ends who calls it for the nth time. */
    const killing = (program: string, call: number) => `
        rm -f /srv/killing/* /var/lib/ibq/own-settings/moved
        printf '%s\\n' '#!/bin/sh' 'echo >>/srv/killing/calls' \\
          '[ $(wc -l </srv/killing/calls) -lt ${call} ] || { kill -KILL $PPID; exit 1; }' \\
          "exec $(command -v ${program}) \\"\\$@\\"" >/srv/killing/${program} && chmod 755 /srv/killing/${program}`;

    test.each([
      ['nsenter', 1],
      ['sync', 1],
      ['mv', 1],
      ['mv', 2],
      ['mv', 3],
      ['nsenter', 2],
      ['rmdir', 1],
    ] as const)(
      'is whole after a kill at %s %i, and after the next start',
      async (program, call) => {
        // Somebody has it open all the time.
        const { stdout, stderr } = await host.run(`
        exec 9<${volumes}/_data
        ${killing(program, call)}
        PATH=/srv/killing:$PATH ${own()} >/dev/null 2>&1 && echo 'was not killed'
        ${own()} >/dev/null && [ ! /proc/self/fd/9 -ef ${volumes}/_data ] && echo moved`);
        expect([stdout, stderr]).toEqual(['moved\n', '']);
        expect(await shown()).toBe(before);
        expect(await host.ok(`ls ${volumes}`)).toBe('_data\n');
      },
    );

    test('stays where it is as long as nobody could have opened it', async () => {
      await host.ok('echo users=own >/run/ibq/instances/moved/state');
      const inode = await host.ok(`stat -c %i ${volumes}/_data`);
      const again = await host.run(own());
      expect([again.exitCode, again.stdout + again.stderr]).toEqual([0, '']);
      expect(await host.ok(`stat -c %i ${volumes}/_data`)).toBe(inode);
    });
  });

  describe('a race against the hook', () => {
    const CANARY = '/etc/canary';
    const EVIL = '/tmp/evil';
    const LOG = '/tmp/swap.log';
    const canary = () => host.ok(`stat -c '%u %a' ${CANARY} && cat ${CANARY}`);
    const CLEAN = '0 600\nuntouched\n';

    /** A container's tree with a volume of trader's, and what is to be done to it. */
    const layTrap = async () => {
      await host.ok(`
        rm -rf /srv/race ${EVIL} ${LOG}
        printf 'untouched\\n' >${CANARY}; chown 0:0 ${CANARY}; chmod 600 ${CANARY}
        mkdir -p /srv/race/root/volume/ibq /srv/race/wanted ${EVIL}
        printf '[Logon]\\nTimeZone=UTC\\n' | tee ${EVIL}/jts.ini >/srv/race/root/volume/ibq/jts.ini
        printf 'user 1000 1000\\ntry ini jts.ini /volume/ibq/jts.ini\\n' >/srv/race/wanted/files
        chown -R 1000:1000 /srv/race/root/volume ${EVIL}
      `);
    };
    /** Runs a hook again and again, each time with another line to put in. @returns how often it ended with 0 */
    const hook = (program: string, times: number, until = 'false') =>
      host.ok(['bash', '-c', HOOK_LOOP, 'loop', program, String(times), until]);
    const swapping = async (directory: string, name: string, run: () => Promise<unknown>) => {
      const command = as(1000, ['/usr/local/bin/swap', directory, name, EVIL, CANARY, LOG]);
      const attacker = host.run(['timeout', '280', ...command]);
      await host.ok(
        `for i in $(seq 100); do grep -qs ready ${LOG} && exit 0; sleep 0.1; done; exit 1`,
      );
      try {
        return await run();
      } finally {
        await host.run(['pkill', '-KILL', '-f', '/usr/local/bin/swap']);
        await attacker;
      }
    };

    test('was won against the hook of before: the attack works', async () => {
      await layTrap();
      const old = await fileOf(BEFORE_USER_NAMESPACES, 'scripts/settings');
      await host.writeFile('/srv/old-settings', old, 0o755);
      // It knew no such word.
      await host.ok("sed -i '/^user /d' /srv/race/wanted/files");
      await swapping('/srv/race/root/volume', 'ibq', () =>
        hook('/srv/old-settings', 400, `grep -q "came: 0 " ${LOG}`),
      );
      expect(await host.readFile(LOG)).toMatch(/^came: 0 jts\.ini\./m);
    });

    test('is not won in 200 starts of the hook', async () => {
      await layTrap();
      const done = await swapping('/srv/race/root/volume', 'ibq', () =>
        hook(`${libraryOf(host)}/settings`, 200),
      );
      // It gets through now and then, so that the race is one.
      expect(Number(done)).toBeGreaterThan(0);
      expect(await host.readFile(LOG)).toBe('ready\n');
      expect(await host.readFile(`${EVIL}/jts.ini`)).toBe('[Logon]\nTimeZone=UTC\n');
      expect(await canary()).toBe(CLEAN);
    });

    test('is not won by a directory that was opened before, in real starts', async () => {
      await layTrap();
      const pid = await containerPid(host, '4002');
      const volume = `/proc/${pid}/root/home/ibgateway/tws_settings`;
      await swapping(volume, 'ibq', async () => {
        for (let start = 0; start < 3; start++) {
          await host.run(
            'systemctl reset-failed ib-gateway@4002; systemctl restart ib-gateway@4002',
          );
        }
      });
      expect(await host.readFile(LOG)).not.toMatch(/came: 0/);
      expect(await canary()).toBe(CLEAN);
      await ibq(host, ['stop', '4002']);
    });
  });
});

/** Loops here and not outside: what counts is how often it meets the attacker. */
const HOOK_LOOP = `
done=0
for ((i = 0; i < $2; i++)); do
  printf '[Logon]\\nTimeZone=%s\\n' "$i" >/srv/race/wanted/jts.ini
  if timeout 20 "$1" /srv/race/wanted /srv/race/root >/dev/null 2>&1; then done=$((done + 1)); fi
  if eval "$3"; then break; fi
done
echo "$done"`;

/** As a user of the host, with no group but his own. */
function as(id: number, command: readonly [string, ...string[]]): [string, ...string[]] {
  return ['setpriv', `--reuid=${id}`, `--regid=${id}`, '--clear-groups', ...command];
}
