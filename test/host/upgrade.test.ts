/** A fleet of before user namespaces moves over at each gateway's own restart, and can go back. */

import { readFileSync, rmSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  ALLOWED,
  addGateway,
  allow,
  containerIds,
  containerPid,
  ibq,
  ibqOk,
  told,
  until,
} from './gateways.ts';
import { describeOnHosts, installIbq, installSimulator } from './harness.ts';
import { BEFORE_USER_NAMESPACES, buildOlder } from './older.ts';

const SETTINGS = '/home/ibgateway/tws_settings/ibq';

describeOnHosts('a fleet of before user namespaces', (host) => {
  let older = '';
  let before: Record<string, string> = {};

  beforeAll(async () => {
    [older] = await Promise.all([buildOlder(BEFORE_USER_NAMESPACES), installSimulator(host)]);
    await installIbq(host, { from: older });
    await ibqOk(host, ['init']);
    await allow(host, [ALLOWED]);
    // Live: each login asks for a second factor.
    await addGateway(host, '4001', { mode: 'live' });
    await addGateway(host, '4002');
    await ibqOk(host, ['deploy']);
    before = await containerIds(host);
    expect(await namespaceOf('4001')).toMatch(/^0 0 /);
    const keep = readFileSync(new URL('keep-open.sh', import.meta.url));
    await host.writeFile('/usr/local/bin/keep-open', keep, 0o755);
  });

  afterAll(() => older !== '' && rmSync(older, { recursive: true, force: true }));

  const inside = (script: string) =>
    host.ok(['podman', 'exec', 'ib-gateway-4001', 'sh', '-c', script]);
  const namespaceOf = async (name: string) =>
    (await host.readFile(`/proc/${await containerPid(host, name)}/uid_map`))
      .trim()
      .replace(/\s+/g, ' ');
  /** What the gateway leaves behind for its next start, and something that only it knows. */
  const leave = (text: string) => {
    const directory = `${SETTINGS}/sim${Buffer.from('user_4001').toString('hex').slice(0, 16)}`;
    return inside(
      `mkdir -p ${directory} && echo restart >${directory}/autorestart && printf '${text}' >>${SETTINGS}/jts.ini`,
    );
  };
  /** Of the run that there is: whether IBKR was asked for a second factor. */
  const resumed = async () => {
    await ibqOk(host, ['wait', '4001']);
    const run = 'systemctl show --property=InvocationID --value ib-gateway@4001';
    const log = await host.ok(`journalctl --output=cat _SYSTEMD_INVOCATION_ID=$(${run})`);
    return (
      /autorestart file found .* authentication will not be required/.test(log) &&
      !log.includes('Second Factor Authentication initiated')
    );
  };
  /** A user of the host with the number of the image's user opens the volume now. @returns what he writes there later */
  const keepOpen = async (round: string) => {
    const log = `/tmp/keep-open.${round}`;
    const start = [
      'systemd-run',
      '-q',
      '--uid=1000',
      '--gid=1000',
      `--property=StandardOutput=file:${log}`,
    ] as const;
    await host.ok([...start, '/usr/local/bin/keep-open', await containerPid(host, '4001'), round]);
    const said = async (word: string) =>
      (await host.run(['grep', '-qx', word, log])).exitCode === 0;
    await until('he has the volume open', () => said('ready'));
    return async () => {
      await host.ok(['touch', `/run/keep-open.${round}`]);
      await until('he has written what he can', () => said('done'));
      const volume = "$(podman volume inspect -f '{{.Mountpoint}}' ibq-4001-settings)";
      const found = await host.run(`grep -rl evil_${round} ${volume} | sed 's|.*/_data/||' | sort`);
      return found.stdout.split('\n').filter(Boolean);
    };
  };
  const besideVolume = () =>
    host.ok("ls $(dirname $(podman volume inspect -f '{{.Mountpoint}}' ibq-4001-settings))");
  const onDisk = () =>
    host.ok(
      "cd $(podman volume inspect -f '{{.Mountpoint}}' ibq-4001-settings) && find . -printf '%U:%G\\n' | sort -u",
    );

  test('a deploy of the new ibq touches nothing that runs, and says what is to be done', async () => {
    await leave('[Peers]\\nlearnt=1\\n');
    await installIbq(host);
    const result = await ibq(host, ['deploy']);
    expect(result.exitCode, await told(host, result)).toBe(0);
    expect(result.stderr).toMatch(
      /~ 4001: a restart puts it into force \(.*\); template, user_namespace$/m,
    );
    expect(await containerIds(host)).toEqual(before);
    const doctor = await ibq(host, ['doctor']);
    expect(doctor.stdout).toMatch(/4001 runs as user 1000, which is trader on this host/);
    expect(doctor.stdout).toContain('sudo ibq restart 4001 (a new login)');
  });

  test('one moves over at its restart, its settings and its login with it; the other stays', async () => {
    const writesNow = await keepOpen('before');
    expect(await writesNow()).toEqual(['evil', 'ibq/evil', 'ibq/jts.ini']);
    const writesLater = await keepOpen('after');
    await ibqOk(host, ['restart', '4001']);
    expect(await resumed()).toBe(true);
    expect(await writesLater()).toEqual([]);
    expect(await besideVolume()).toBe('_data\n');
    expect(await namespaceOf('4001')).toBe('0 2013265920 65536');
    expect(await inside(`cat ${SETTINGS}/jts.ini`)).toContain('[Peers]\nlearnt=1\n');
    expect(await inside(`stat -c %u:%g ${SETTINGS} ${SETTINGS}/jts.ini`)).toBe(
      '1000:1000\n1000:1000\n',
    );
    expect((await containerIds(host))['4002']).toBe(before['4002']);
    expect(await namespaceOf('4002')).toMatch(/^0 0 /);
  });

  test('and goes back, by its key', async () => {
    await leave('[Own]\\nlearnt=2\\n');
    expect(await onDisk()).toBe('1000:1000\n');
    const file = '/etc/ibq/instances/4001.toml';
    const text = await host.readFile(file);
    await host.writeFile(file, `user_namespace = false\n${text}`);
    await ibqOk(host, ['deploy']);
    await ibqOk(host, ['restart', '4001']);
    expect(await resumed()).toBe(true);
    expect(await namespaceOf('4001')).toMatch(/^0 0 /);
    await host.writeFile(file, text);
    await ibqOk(host, ['deploy']);
    await leave('[Own]\\nlearnt=3\\n');
    const writesLater = await keepOpen('again');
    await ibqOk(host, ['restart', '4001']);
    expect(await resumed()).toBe(true);
    expect(await writesLater()).toEqual([]);
    // The same numbers as before.
    expect(await namespaceOf('4001')).toBe('0 2013265920 65536');
  });

  test('and to the older ibq', async () => {
    await leave('[Own]\\nlearnt=4\\n');
    await installIbq(host, { from: older });
    await ibqOk(host, ['deploy']);
    await ibqOk(host, ['restart', '4001']);
    expect(await resumed()).toBe(true);
    expect(await namespaceOf('4001')).toMatch(/^0 0 /);
    expect(await inside(`cat ${SETTINGS}/jts.ini`)).toMatch(/learnt=1\n[\s\S]*learnt=4\n/);
    expect(await onDisk()).toBe('1000:1000\n');
  });
});
