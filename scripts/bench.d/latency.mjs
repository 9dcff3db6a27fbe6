/**
 * Runs on the disposable host and prints as JSON what an API request takes by each way in. Both ends
 * are /opt/bench/latency (latency.c); the gateway's is an image of its own, so that all between
 * them is as ibq lays it. What should be compared takes turns.
 */

import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { clear } from './gateways.mjs';
import { machine } from './machine.mjs';
import { busySeen, rest, restAtFirst, run, say } from './timing.mjs';

const { values: options } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    ipvlan: { type: 'boolean', default: false },
  },
});
const ROUNDS = options.quick ? 2 : 5;
const REQUESTS = options.quick ? 2000 : 20_000;
const TICKS = options.quick ? 10_000 : 100_000;

const LATENCY = '/opt/bench/latency';
const HOST_ADDRESS = '10.0.0.5';
const IN_LAN = ['ip', 'netns', 'exec', 'lan1'];
/** Both are paper accounts: the port inside is 4004, and 4002 behind a relay. */
const DIRECT = '4001';
const RELAYED = '4002';
const INSIDE = '4004';
const BEHIND = '4002';
const FLOOR_PORT = '5999';

/** { title, guard: on | off | none, relay, rounds: [{ p50, p99, p999, least, ticks }] } */
const measured = [];

function configure(network, names) {
  rmSync('/etc/ibq', { recursive: true, force: true });
  mkdirSync('/etc/ibq/instances', { recursive: true });
  const lines = Object.entries(network).map(([key, value]) => `${key} = ${JSON.stringify(value)}`);
  writeFileSync(
    '/etc/ibq/ibq.toml',
    `[image]
profile = "custom"
reference = "localhost/ibq-latency:latest"
[network]
${lines.join('\n')}
allow = ["10.0.0.7"]
[publish]
address = "0.0.0.0"
[defaults]
mode = "paper"
[defaults.custom]
live_port = 4003
paper_port = 4004
`,
  );
  for (const name of names) {
    const relay = name === RELAYED ? 'environment = { RELAY = "yes" }\n' : '';
    const port = network.mode === 'host' ? `port = ${INSIDE}\n` : '';
    writeFileSync(`/etc/ibq/instances/${name}.toml`, port + relay);
  }
}

const LAN = {
  interface: 'eth1',
  subnet: '10.0.0.0/24',
  gateway: '10.0.0.1',
  range: '10.0.0.192/27',
};

async function deploy(network, names = [DIRECT, RELAYED]) {
  await clear();
  configure(network, names);
  await run(['ibq', 'deploy', '-y', '--timeout', '600']);
}

function pidOf(name) {
  const state = readFileSync(`/run/ibq/instances/${name}/state`, 'utf8');
  return /^pid=(\d+)$/m.exec(state)?.[1] ?? '';
}

const within = (name) => ['nsenter', `--net=/proc/${pidOf(name)}/ns/net`, '--'];

async function lanAddressOf(name) {
  const { instances } = JSON.parse(await run(['ibq', 'status', '--json']));
  return instances.find((it) => it.name === name)?.lan.address;
}

/**
 * The rules that close an instance: its own, or in mode `host` the host's. Those that the host has in the
 * other modes stay: by some ways nothing gets through without them.
 */
async function guard(name, on) {
  const own = `/run/ibq/instances/${name}/guard.nft`;
  if (/table inet ibq\b/.test(readFileSync(own, 'utf8'))) {
    if (on) await run([...within(name), 'nft', '-f', own]);
    else await run([...within(name), 'nft', 'delete', 'table', 'inet', 'ibq']);
  } else if (on) await run(['nft', '-f', '/etc/ibq/current/host.nft']);
  else await run(['nft', 'delete', 'table', 'inet', 'ibq_host']);
}

async function measureOnce({ from = [], host, port }) {
  const ask = await run([...from, LATENCY, 'ask', host, port, String(REQUESTS)]);
  const [p50, p99, p999, least] = ask.trim().split(' ').map(Number);
  const ticks = Number(await run([...from, LATENCY, 'stream', host, port, String(TICKS)]));
  return { p50, p99, p999, least, ticks };
}

/** @param ways [{ title, relay, name | null, from, host, port }]; without a name there is no guard */
async function measure(ways) {
  const rows = ways.map((way) => ({
    way,
    on: { title: way.title, relay: way.relay, guard: way.name ? 'on' : 'none', rounds: [] },
    off: way.name ? { title: way.title, relay: way.relay, guard: 'off', rounds: [] } : null,
  }));
  for (let round = 0; round < ROUNDS; round++) {
    await rest();
    say(`round ${round + 1} of ${ROUNDS}`);
    for (const { way, on, off } of rows) {
      const sides = [on, ...(off ? [off] : [])];
      // What comes second may find the processor warmer.
      if (round % 2 === 1) sides.reverse();
      for (const side of sides) {
        if (way.name) await guard(way.name, side === on);
        side.rounds.push(await measureOnce(way));
      }
      if (way.name) await guard(way.name, true);
    }
  }
  measured.push(...rows.flatMap(({ on, off }) => (off ? [on, off] : [on])));
}

/** Both instances, by the same way. */
function bothBy(title, place) {
  return [DIRECT, RELAYED].map((name) => ({
    title,
    name,
    relay: name === RELAYED,
    ...place(name),
  }));
}

/** The same as `LIB/tunnel` does it: a connection from here, which listens there. */
async function openTunnels() {
  const directory = '/opt/bench/ssh';
  mkdirSync(directory, { recursive: true });
  for (const key of ['host', 'user']) {
    if (existsSync(`${directory}/${key}`)) continue;
    await run(['ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-f', `${directory}/${key}`]);
  }
  mkdirSync('/run/sshd', { recursive: true });
  const inFiles = `-o AuthorizedKeysFile=${directory}/user.pub -o StrictModes=no -o PidFile=none`;
  const sshd = [...IN_LAN, '/usr/sbin/sshd', '-D', '-f', '/dev/null', '-p', '2222'];
  const listens = ['-o', `HostKey=${directory}/host`, ...inFiles.split(' ')];
  const children = [spawn(sshd[0], [...sshd.slice(1), ...listens], { stdio: 'ignore' })];
  await sleep(1000);
  const forwards = [DIRECT, RELAYED].flatMap((name) => [
    '-R',
    `127.0.0.1:${name}:127.0.0.1:${name}`,
  ]);
  const quiet =
    '-o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o BatchMode=yes'.split(' ');
  const ssh = ['-N', '-T', '-p', '2222', '-i', `${directory}/user`, ...quiet, ...forwards];
  children.push(spawn('ssh', [...ssh, 'root@10.0.0.7'], { stdio: 'ignore' }));
  await until([...IN_LAN, LATENCY, 'ask', '127.0.0.1', RELAYED, '1']);
  return { close: () => children.map((child) => child.kill()) };
}

async function until(argv) {
  for (const deadline = performance.now() + 60_000; ; await sleep(500)) {
    try {
      return await run(argv);
    } catch (error) {
      if (performance.now() > deadline) throw error;
    }
  }
}

async function floor() {
  const server = spawn(LATENCY, ['serve', '127.0.0.1', FLOOR_PORT], { stdio: 'ignore' });
  const place = { host: '127.0.0.1', port: FLOOR_PORT };
  await until([LATENCY, 'ask', place.host, place.port, '1']);
  await measure([
    { title: "the host's loopback, no container", relay: false, name: null, ...place },
  ]);
  server.kill();
}

async function dual() {
  await deploy({ mode: 'dual', driver: 'macvlan', ...LAN });
  const lan = new Map([
    [DIRECT, await lanAddressOf(DIRECT)],
    [RELAYED, await lanAddressOf(RELAYED)],
  ]);
  const tunnels = await openTunnels();
  await measure([
    {
      title: "inside, the gateway's own port",
      relay: false,
      name: RELAYED,
      from: within(RELAYED),
      host: '127.0.0.1',
      port: BEHIND,
    },
    ...bothBy('inside, the port that is published', (name) => ({
      from: within(name),
      host: '127.0.0.1',
      port: INSIDE,
    })),
    ...bothBy('`dual`, 127.0.0.1', (name) => ({ host: '127.0.0.1', port: name })),
    ...bothBy("`dual`, the host's own address", (name) => ({ host: HOST_ADDRESS, port: name })),
    ...bothBy('LAN client, macvlan', (name) => ({
      from: IN_LAN,
      host: lan.get(name),
      port: INSIDE,
    })),
    ...bothBy("LAN client, a port of the host's", (name) => ({
      from: IN_LAN,
      host: HOST_ADDRESS,
      port: name,
    })),
    ...bothBy('SSH tunnel', (name) => ({ from: IN_LAN, host: '127.0.0.1', port: name })),
  ]);
  tunnels.close();
}

async function hostMode() {
  for (const name of [DIRECT, RELAYED]) {
    await deploy({ mode: 'host' }, [name]);
    const relay = name === RELAYED;
    await measure([
      { title: 'mode `host`, 127.0.0.1', relay, name, host: '127.0.0.1', port: INSIDE },
      {
        title: 'mode `host`, LAN client',
        relay,
        name,
        from: IN_LAN,
        host: HOST_ADDRESS,
        port: INSIDE,
      },
    ]);
  }
}

async function ipvlan() {
  await deploy({ mode: 'dual', driver: 'ipvlan', ...LAN });
  const lan = new Map([
    [DIRECT, await lanAddressOf(DIRECT)],
    [RELAYED, await lanAddressOf(RELAYED)],
  ]);
  await measure(
    bothBy('LAN client, ipvlan', (name) => ({ from: IN_LAN, host: lan.get(name), port: INSIDE })),
  );
}

await restAtFirst(options.quick ? 20_000 : 600_000);
say('measuring latency');
await floor();
await dual();
if (options.ipvlan) await ipvlan();
await hostMode();
await clear();
const counts = { rounds: ROUNDS, requests: REQUESTS, ticks: TICKS };
process.stdout.write(
  `${JSON.stringify({ machine: machine(), quick: options.quick, counts, busy: busySeen(), measured })}\n`,
);
