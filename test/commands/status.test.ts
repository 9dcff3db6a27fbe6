/** `ibq status`: what is deployed, whether it runs, whether it answers. Ports here are real ones. */

import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { describe, expect, onTestFinished, test } from 'vitest';
import { status } from '../../src/commands/status.ts';
import { encodeFields } from '../../src/gateway/api-protocol.ts';
import { misfits } from '../schema/validate.ts';
import { deployedTree } from '../support/deployed-tree.ts';
import { storageOf } from '../support/image-store.ts';
import { journalOutput, liveHost, showOutput } from '../support/live-host.ts';
import { sandbox } from '../support/sandbox.ts';

const CONTAINER = 'c0ffee'.padEnd(64, '0');
const RUN = '4001'.padEnd(32, '0');
const IBC = '2026-11-28 00:06:44:123 IBC:';
const FRAME = 'detected frame entitled:';
const OPTIONS = { json: false, watch: false };

/** A port where a gateway says hello. */
async function gateway(): Promise<number> {
  const server = createServer((socket) => {
    socket.on('error', () => {});
    socket.once('data', () => socket.end(encodeFields(187, '20261121 07:00:00 EST')));
  });
  onTestFinished(() => void server.close());
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

/**
 * 4001 answers; 4002 is stopped.
 *
 * @param ssh of 4001 @param tunnel what its unit tells @param nft what it says of the host's rules, where it fails
 */
async function host(ssh = '', tunnel = '', nft = '') {
  const port = await gateway();
  const sand = await deployedTree({
    '/etc/ibq/instances/4001.toml': `mode = "live"\nuser = "u"\nread_only_api = true\nport = ${port}\n${ssh}`,
  });
  const show = showOutput({
    'ibq-tunnel@4001.service': { ActiveState: 'active', SubState: 'running', StatusText: tunnel },
    'ib-gateway@4001.service': {
      ActiveState: 'active',
      SubState: 'running',
      InvocationID: RUN,
      StateChangeTimestamp: `@${Date.parse('2025-11-21T07:00:00Z') / 1000}`,
    },
    'ib-gateway@4002.service': { ActiveState: 'inactive', SubState: 'dead' },
  });
  const log = [`${IBC} Login attempt: 1`];
  const definition = /IBQ_DEFINITION=(\w+)/.exec(
    sand.read('/etc/ibq/current/units/ib-gateway@4001.container.d/10-ibq.conf') ?? '',
  )?.[1];
  sand.write('/proc/100/cgroup', `0::/system.slice/x.service/libpod-payload-${CONTAINER}\n`);
  sand.write(
    '/run/ibq/instances/4001/state',
    `container=${CONTAINER}\npid=100\ndefinition=${definition}\n`,
  );
  sand.write(
    '/run/ibq/instances/4001/guard.nft',
    sand.read('/etc/ibq/current/guard/4001.nft') ?? '',
  );
  const live = liveHost(sand, (line) => {
    if (line.startsWith('systemctl show')) return { stdout: show };
    if (line.startsWith('nft ')) return nft === '' ? undefined : { exitCode: 1, stderr: nft };
    if (!line.startsWith('journalctl') || !line.includes(RUN)) return undefined;
    const wanted = / --grep=(.*?) _SYSTEMD/.exec(line)?.[1];
    const told = wanted === undefined ? log : log.filter((it) => new RegExp(wanted).test(it));
    return { stdout: journalOutput(told, line, RUN) };
  });
  return { ...live, sand, port, log };
}

describe("the host's rules are gone", () => {
  test('said once, and of each that runs in JSON', async () => {
    const { context, sand } = await host('', '', 'Error: No such file or directory\n');
    expect(await status(context, OPTIONS)).toBe(3);
    expect(sand.warnings.join('\n')).toMatch(/^the host's rules are gone: .*; sudo ibq deploy/);
    expect(sand.notes.join('\n')).not.toContain("the host's rules");
    await status(context, { ...OPTIONS, json: true });
    expect(sand.json).toMatchObject([
      {
        instances: [
          {
            name: '4001',
            ready: true,
            problems: [expect.stringMatching(/^the host's rules are gone/)],
          },
          { name: '4002', problems: [] },
        ],
      },
    ]);
  });

  test('who may not look says nothing of it', async () => {
    const { context, sand } = await host('', '', 'Operation not permitted (you must be root)\n');
    await status(context, OPTIONS);
    expect(sand.warnings).toEqual([]);
  });
});

describe('one answers, one is stopped', () => {
  test('a line each, and 3', async () => {
    const { context, sand, port } = await host();
    expect(await status(context, OPTIONS)).toBe(3);
    const [first = '', second = ''] = sand.out.join('\n').split('\n');
    expect(first.split('\t')).toEqual([
      '4001',
      'live',
      `127.0.0.1:${port}`,
      '-',
      'active',
      '1h',
      'handshake',
      'ready',
    ]);
    expect(second.split('\t').slice(0, 5)).toEqual([
      '4002',
      'paper',
      '127.0.0.1:4002',
      '-',
      'inactive',
    ]);
    expect(second).toMatch(/stopped$/);
    expect(sand.notes.join('\n')).toMatch(/4002: .*ibq start 4002/);
  });

  test('as JSON', async () => {
    const { context, sand, port } = await host();
    expect(await status(context, { ...OPTIONS, json: true })).toBe(3);
    expect(sand.out).toEqual([]);
    expect(sand.json).toMatchObject([
      {
        instances: [
          {
            name: '4001',
            mode: 'live',
            profile: 'simulator',
            publish: `127.0.0.1:${port}`,
            lan: null,
            unit: { active: 'active', sub: 'running', since: '2025-11-21T07:00:00.000Z' },
            container: { id: CONTAINER, state: 'running' },
            api: { state: 'handshake', accounts: [] },
            pendingRestart: false,
            problems: [],
          },
          { name: '4002', container: null, api: { state: 'unchecked' } },
        ],
      },
    ]);
  });

  test('systemd is asked once for all, and of the log of one that answers only for its link', async () => {
    const { context, ran } = await host();
    await status(context, OPTIONS);
    const lines = ran.map(({ line }) => line);
    expect(lines.filter((line) => line.startsWith('systemctl show'))).toHaveLength(1);
    const journal = lines.filter(
      (line) => line.startsWith('journalctl') && line.includes(`_SYSTEMD_INVOCATION_ID=${RUN}`),
    );
    expect(journal).toEqual([expect.stringContaining('--grep=')]);
  });

  test('one whose link to IBKR is lost is not ready, and is again when the link is back', async () => {
    const { context, sand, log } = await host();
    log.push(`${IBC} Login has completed`, `${IBC} ${FRAME} Connecting to server...; event=Opened`);
    expect(await status(context, { ...OPTIONS, json: true })).toBe(3);
    expect(sand.json.at(-1)).toMatchObject({
      instances: [
        {
          ready: false,
          word: 'link down',
          stage: 'link-lost',
          attempts: 1,
          api: { state: 'handshake' },
          problems: [expect.stringContaining('lost its link to IBKR')],
        },
        {},
      ],
    });
    log.push(`${IBC} ${FRAME} Starting application...; event=Closed`);
    await status(context, { ...OPTIONS, json: true });
    expect(sand.json.at(-1)).toMatchObject({
      instances: [{ ready: true, word: 'ready', stage: null, problems: [] }, {}],
    });
  });

  test('one that runs by an older definition needs a restart', async () => {
    const { context, sand } = await host();
    const state = sand.read('/run/ibq/instances/4001/state') ?? '';
    sand.write('/run/ibq/instances/4001/state', state.replace(/definition=.*/, 'definition=00'));
    await status(context, OPTIONS);
    expect(sand.out.join()).toContain('ready (changed, needs a restart)');
  });

  test('one whose image has moved under its tag is told so, with the digest that it runs', async () => {
    const { context, sand, ran } = await host();
    const running = `sha256:${'1'.repeat(64)}`;
    const images = [
      { id: 'a', digest: running, names: [] },
      { id: 'b', digest: `sha256:${'2'.repeat(64)}`, names: ['localhost/ibq-simulator:latest'] },
    ];
    for (const [path, text] of Object.entries(storageOf(images, { [CONTAINER]: 'a' }))) {
      sand.write(path, text);
    }
    await status(context, OPTIONS);
    const problem = 'its image has moved under its tag: a restart takes the new one';
    expect(sand.notes).toContain(`4001: ${problem}`);
    await status(context, { ...OPTIONS, json: true });
    expect(sand.json).toMatchObject([
      { instances: [{ imageDigest: running, ready: true, problems: [problem] }, {}] },
    ]);
    expect(ran.filter(({ line }) => line.startsWith('podman'))).toEqual([]);
  });

  test('configured and not deployed is told, whatever is in the file', async () => {
    const { context, sand } = await host();
    sand.write('/etc/ibq/instances/4003.toml', 'broken [');
    await status(context, OPTIONS);
    expect(sand.notes.at(-1)).toBe('configured, not deployed: 4003; run "sudo ibq deploy"');
  });
});

describe('mode both: live answers, the process of paper is gone', () => {
  async function both() {
    const port = await gateway();
    const relay = createServer((socket) => socket.on('error', () => {}).end());
    onTestFinished(() => void relay.close());
    relay.listen(0, '127.0.0.1');
    await once(relay, 'listening');
    const paper = (relay.address() as AddressInfo).port;
    const sand = await deployedTree({
      '/etc/ibq/instances/4001.toml': `mode = "both"\nuser = "u"\npaper_user = "p"\nread_only_api = true\nport = ${port}\npaper_port = ${paper}\n[vnc]\nenabled = true\nport = 5901\n`,
      '/etc/ibq/instances/4002.toml': '',
    });
    const show = showOutput({
      'ib-gateway@4001.service': { ActiveState: 'active', SubState: 'running' },
      'ib-gateway@4002.service': { ActiveState: 'inactive', SubState: 'dead' },
    });
    const journal = [
      '.> Starting IBC/IB gateway',
      '.> Starting IBC in live mode, with params:',
      '2026-11-21 09:13:35:519 IBC: Login has completed',
      '.> Starting IBC in paper mode, with params:',
      '2026-11-21 09:13:55:519 IBC: Login has completed',
      'IBC returned exit status 1',
    ];
    const live = liveHost(sand, (line) => {
      if (line.startsWith('systemctl show')) return { stdout: show };
      return line.startsWith('journalctl') ? { stdout: journalOutput(journal) } : undefined;
    });
    return { ...live, sand, port, paper };
  }

  test('the table names the half, the notes say what and what mends it', async () => {
    const { context, sand, port, paper } = await both();
    expect(await status(context, OPTIONS)).toBe(3);
    const cells = sand.out.join('\n').split('\n')[0]?.split('\t') ?? [];
    expect(cells[2]).toBe(`127.0.0.1:${port} (paper ${paper}, vnc 5901)`);
    expect(cells[6]).toBe('live handshake, paper closed');
    expect(cells[7]).toBe('paper: gateway down');
    expect(sand.notes).toContain(
      '4001: paper: the gateway ended, exit status 1: Java or its start script failed',
    );
    expect(sand.notes).toContain('4001: → sudo ibq restart 4001 (a new login of both)');
  });

  test('JSON: the first API as ever, and every service', async () => {
    const { context, sand, port, paper } = await both();
    await status(context, { ...OPTIONS, json: true });
    expect(sand.json).toMatchObject([
      {
        instances: [
          {
            mode: 'both',
            publish: `127.0.0.1:${port}`,
            api: { state: 'handshake' },
            services: [
              {
                service: 'api',
                half: 'live',
                publish: `127.0.0.1:${port}`,
                state: 'handshake',
                word: 'ready',
              },
              {
                service: 'paper',
                half: 'paper',
                publish: `127.0.0.1:${paper}`,
                state: 'closed',
                word: 'gateway down',
              },
              {
                service: 'vnc',
                half: null,
                publish: '127.0.0.1:5901',
                state: 'unchecked',
                word: null,
              },
            ],
            ready: false,
            word: 'gateway down',
          },
          { name: '4002', services: [{ service: 'api', half: 'paper', state: 'unchecked' }] },
        ],
      },
    ]);
    expect(misfits('status', { schemaVersion: 1, ...sand.json[0] })).toEqual([]);
  });
});

describe('with a tunnel', () => {
  const SSH = '[ssh]\nmode = "both"\ntargets = ["a@one", "b@two"]\n';
  const SINCE = 'since 2025-11-21T07:30:00Z';

  test('a column more, and what is down is told with why', async () => {
    const { context, sand } = await host(SSH, `a@one: up ${SINCE}; b@two: down ${SINCE}: refused`);
    expect(await status(context, OPTIONS)).toBe(3);
    const rows = sand.out.join('\n').split('\n');
    expect(rows.map((row) => row.split('\t').at(-1))).toEqual(['1 of 2 up', '-']);
    expect(sand.notes).toContain('4001: tunnel to b@two: down since 2025-11-21T07:30:00Z: refused');
  });

  test('as JSON, as its schema says', async () => {
    const { context, sand, port } = await host(SSH, `a@one: up ${SINCE}; b@two: down ${SINCE}: no`);
    await status(context, { ...OPTIONS, json: true });
    const [shown] = sand.json;
    expect(misfits('status', { schemaVersion: 1, ...shown })).toEqual([]);
    const listens = [`127.0.0.1:${port}`];
    const since = '2025-11-21T07:30:00Z';
    expect(shown).toMatchObject({
      instances: [
        {
          ready: true,
          tunnels: [
            { target: 'a@one', listens, state: 'up', since, detail: '' },
            { target: 'b@two', listens, state: 'down', since, detail: 'no' },
          ],
          problems: ['tunnel to b@two: down since 2025-11-21T07:30:00Z: no'],
        },
        { tunnels: [] },
      ],
    });
  });
});

test('--watch clears the screen when it has something to show', async () => {
  const { context } = await host();
  const order: string[] = [];
  const { run } = context.host;
  const watched = {
    ...context,
    host: {
      ...context.host,
      run: (...args: Parameters<typeof run>) => {
        order.push('ask');
        return run(...args);
      },
      sleep: async () => void process.emit('SIGINT'),
    },
    ui: {
      ...context.ui,
      clear: () => void order.push('clear'),
      print: () => void order.push('print'),
    },
  };
  expect(await status(watched, { json: false, watch: true })).toBe(0);
  expect(order.slice(order.indexOf('clear'))).toEqual(['clear', 'print']);
  expect(order[0]).toBe('ask');
});

test('nothing deployed: nothing is wrong', async () => {
  const sand = sandbox();
  const { context } = liveHost(sand);
  expect(await status(context, OPTIONS)).toBe(0);
  expect(sand.out).toEqual([]);
  expect(sand.notes).toEqual(['nothing is deployed yet: run "sudo ibq deploy"']);
});

test('--root: asks the running host', async () => {
  await expect(status(sandbox().context, OPTIONS)).rejects.toMatchObject({ exitCode: 64 });
});
