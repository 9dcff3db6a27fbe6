/** What is said of an instance that does not answer at its published port. */

import { once } from 'node:events';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { encodeFields } from '../../src/gateway/api-protocol.ts';
import { observeInstances } from '../../src/host/observe.ts';
import type { ManifestInstance } from '../../src/plan/manifest.ts';
import { journalOutput, liveHost, showOutput } from '../support/live-host.ts';
import { sandbox } from '../support/sandbox.ts';

const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

/** Something that answers the first bytes as a gateway does. */
async function listenAt(port: number): Promise<number> {
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.once('data', () => socket.write(encodeFields(187, '20261121 07:00:00 EST')));
  });
  servers.push(server);
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

/** A port where nothing listens. */
async function freePort(): Promise<number> {
  const port = await listenAt(0);
  const server = servers.pop();
  server?.close();
  return port;
}

function manifestOf(port: number): ManifestInstance {
  return {
    definition: 'd',
    mode: 'live',
    profile: 'simulator',
    image: 'localhost/ibq-simulator:latest',
    publish: `127.0.0.1:${port}`,
    lan: null,
    relayPort: 4003,
    sideServices: [],
    commandPorts: [],
    tunnel: null,
    idBase: null,
    inputs: {},
  };
}

/** Whether ibq was started in the gateway's own network. */
let lookedInside = false;

/** @param meanwhile what happens while the gateway is asked in its own network, where it answers */
async function wordFor(port: number, meanwhile: () => Promise<unknown>, log = ''): Promise<string> {
  lookedInside = false;
  const id = 'c0ffee';
  const tree = sandbox({
    '/run/ibq/instances/4001/state': `container=${id}\npid=42\ndefinition=d\n`,
    '/run/ibq/instances/4001/guard.nft': 'table inet ibq { }\n',
    '/proc/42/cgroup': `0::/ib.slice/ib-gateway@4001.service/libpod-payload-${id}\n`,
  });
  const { context } = liveHost(tree, (line) =>
    line.startsWith('systemctl show')
      ? {
          stdout: showOutput({
            'ib-gateway@4001.service': { ActiveState: 'active', SubState: 'running' },
          }),
        }
      : line.startsWith('journalctl')
        ? { stdout: journalOutput([log]) }
        : undefined,
  );
  const { host } = context;
  const slow: typeof host = {
    ...host,
    run: async (argv, options) => {
      const result = await host.run(argv, options);
      if (!argv.includes('probe')) return result;
      lookedInside = true;
      await meanwhile();
      return { ...result, stdout: '{"state":"handshake"}' };
    },
  };
  const [observation] = await observeInstances(slow, { '4001': manifestOf(port) });
  return observation?.verdict.word ?? '';
}

describe('a gateway whose API answers, and nobody knows of a guard', () => {
  test.each([true, false])('is not ready; looked at briefly: %s', async (brief) => {
    const publish = await listenAt(0);
    const tree = sandbox({ '/etc/ibq/ibq.toml': '' });
    const { context } = liveHost(tree, (line) =>
      line.startsWith('systemctl show')
        ? {
            stdout: showOutput({
              'ib-gateway@4001.service': { ActiveState: 'active', SubState: 'running' },
            }),
          }
        : undefined,
    );
    const observed = await observeInstances(
      context.host,
      { '4001': manifestOf(publish) },
      { brief },
    );
    expect(observed[0]?.verdict).toEqual({
      ready: false,
      word: 'unguarded',
      problems: [expect.stringMatching(/^nothing shows that its guard was loaded/)],
      mend: 'sudo ibq restart 4001',
    });
  });

  test.each([true, false])(
    'is not ready where it was flushed; looked at briefly: %s',
    async (brief) => {
      const publish = await listenAt(0);
      const tree = sandbox({
        '/run/ibq/instances/4001/state': 'container=c0ffee\npid=42\ndefinition=d\n',
        '/run/ibq/instances/4001/guard.nft': 'table inet ibq { }\n',
        '/proc/42/cgroup': '0::/ib.slice/ib-gateway@4001.service/libpod-payload-c0ffee\n',
      });
      const { context } = liveHost(tree, (line) => {
        if (line.startsWith('systemctl show')) {
          return {
            stdout: showOutput({
              'ib-gateway@4001.service': { ActiveState: 'active', SubState: 'running' },
            }),
          };
        }
        return line.includes('nft list chain')
          ? { exitCode: 1, stderr: 'Error: No such file or directory\n' }
          : undefined;
      });
      const observed = await observeInstances(
        context.host,
        { '4001': manifestOf(publish) },
        { brief },
      );
      expect(observed[0]?.verdict).toMatchObject({
        ready: false,
        word: 'unguarded',
        mend: 'sudo ibq deploy',
      });
    },
  );
});

describe('a gateway that answers in its own network only', () => {
  test('has lost its port', async () => {
    expect(await wordFor(await freePort(), async () => {})).toBe('port lost');
  });

  test('is ready where it came up while it was looked at', async () => {
    const port = await freePort();
    expect(await wordFor(port, () => listenAt(port))).toBe('ready');
  });

  test('is not looked at from inside while it starts, by its log', async () => {
    const log = '.> Starting IBC/IB gateway\n';
    expect(await wordFor(await freePort(), async () => {}, log)).toBe('starting');
    expect(lookedInside).toBe(false);
  });
});

/** A line of /proc/PID/net/tcp: 127.0.0.1 and the like on both sides. */
const connection = (index: number, port: number, state: string) =>
  `${String(index).padStart(4)}: 0100007F:${port.toString(16).toUpperCase().padStart(4, '0')} 0200590A:${(index + 1024).toString(16).toUpperCase().padStart(4, '0')} ${state} 00000000:00000000 00:00000000 00000000  1000        0 ${index} 1`;

describe('a port that thousands of connections hold', () => {
  test.each([
    ['full: who holds it is asked for, and no restart', 1000, '01', 'crowded'],
    ['of few connections it is judged as ever', 999, '01', 'not listening'],
    ['of connections that have ended too', 1000, '06', 'not listening'],
  ])('%s', async (_title, count, state, word) => {
    const publish = await freePort();
    const lines = Array.from({ length: count }, (_, index) => connection(index, 4003, state));
    const tree = sandbox({
      '/run/ibq/instances/4001/state': 'container=c0ffee\npid=42\ndefinition=d\n',
      '/run/ibq/instances/4001/guard.nft': 'table inet ibq { }\n',
      '/proc/42/cgroup': '0::/ib.slice/ib-gateway@4001.service/libpod-payload-c0ffee\n',
      '/proc/42/net/tcp': `  sl  local_address\n${lines.join('\n')}\n`,
    });
    const { context } = liveHost(tree, (line) =>
      line.startsWith('systemctl show')
        ? {
            stdout: showOutput({
              'ib-gateway@4001.service': { ActiveState: 'active', SubState: 'running' },
            }),
          }
        : undefined,
    );
    const observed = await observeInstances(context.host, { '4001': manifestOf(publish) });
    const { verdict } = observed[0] ?? {};
    expect(verdict?.word).toBe(word);
    if (word === 'crowded') {
      expect(verdict?.problems[0]).toMatch(/^1000 connections are open at its port 4003, /);
      expect(verdict?.mend).not.toContain('restart');
    }
  });
});
