/** Timing, waiting and counting for measure.mjs. Times are milliseconds. */

import { spawn, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { loadavg } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';

export function say(text) {
  process.stderr.write(`bench: ${text}\n`);
}

/** Runs a program that must succeed; its output is shown where it fails. @returns what it printed */
export async function run(argv, { input = '', ok = [0] } = {}) {
  const [program, ...rest] = argv;
  const child = spawn(program, rest, { cwd: '/', stdio: ['pipe', 'pipe', 'pipe'] });
  const said = [];
  const printed = [];
  child.stdout.on('data', (chunk) => {
    said.push(chunk);
    printed.push(chunk);
  });
  child.stderr.on('data', (chunk) => said.push(chunk));
  child.stdin.on('error', () => {});
  child.stdin.end(input);
  const code = await new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  if (ok.includes(code)) return Buffer.concat(printed).toString();
  throw new Error(`${argv.join(' ')}: exit status ${code}\n${Buffer.concat(said)}`);
}

/** How long `action` takes. */
export async function time(action) {
  const start = performance.now();
  await action();
  return performance.now() - start;
}

const seen = { rounds: 0, busy: 0, loads: [] };

/** Lets the machine come to rest: at most 6 s until nine tenths of it have been idle for 0.3 s. */
export async function rest() {
  const idle = await untilIdle(6000, 300);
  seen.rounds++;
  if (!idle) seen.busy++;
  seen.loads.push(loadavg()[0]);
}

/** Others may be at work: waited for at the beginning, and told where they go on. */
export async function restAtFirst(ms) {
  say(`waiting until the machine is idle, ${Math.round(ms / 1000)} s at most`);
  if (!(await untilIdle(ms, 2000)))
    say('it is NOT idle: what follows was measured on a busy machine');
}

/** @returns whether nine tenths of the machine were idle for `span` milliseconds */
async function untilIdle(ms, span) {
  const deadline = performance.now() + ms;
  do {
    const before = cpuTimes();
    await sleep(span);
    const after = cpuTimes();
    if ((after.idle - before.idle) / (after.all - before.all) >= 0.9) return true;
  } while (performance.now() < deadline);
  return false;
}

/** How many rounds there were, how many began while others worked, and the load average (one minute). */
export function busySeen() {
  const { rounds, busy, loads } = seen;
  return { rounds, busy, lowest: Math.min(...loads), highest: Math.max(...loads) };
}

function cpuTimes() {
  const values = readFileSync('/proc/stat', 'utf8')
    .split('\n')[0]
    .split(/\s+/)
    .slice(1)
    .map(Number);
  return { idle: values[3] + values[4], all: values.reduce((sum, value) => sum + value, 0) };
}

const HELLO = Buffer.from('API\0\0\0\0\x09v100..187', 'latin1');

/** One try of the IB API handshake: true when a whole frame came back. */
function handshake(port) {
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port });
    let got = Buffer.alloc(0);
    const end = (answered) => {
      socket.destroy();
      resolve(answered);
    };
    socket.setTimeout(3000, () => end(false));
    socket.on('connect', () => socket.write(HELLO));
    socket.on('data', (chunk) => {
      got = Buffer.concat([got, chunk]);
      if (got.length >= 4 && got.length >= 4 + got.readUInt32BE(0)) end(true);
    });
    socket.on('error', () => end(false));
    socket.on('close', () => end(false));
  });
}

/** Waits until each port has answered a handshake: all side by side, a new try after 20 ms. */
export async function untilAllAnswer(ports, timeout = 60_000) {
  const deadline = performance.now() + timeout;
  await Promise.all(
    ports.map(async (port) => {
      while (!(await handshake(port))) {
        if (performance.now() > deadline) throw new Error(`nothing answers on port ${port}`);
        await sleep(20);
      }
    }),
  );
}

/** Largest resident set of any process among the command and what it waited for, in MB. */
export function peakMemory(argv) {
  const script = [
    'import resource, subprocess, sys',
    'subprocess.run(sys.argv[1:], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)',
    'print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)',
  ].join('\n');
  const result = spawnSync('python3', ['-c', script, ...argv], { encoding: 'utf8', cwd: '/' });
  return Math.round(Number(result.stdout) / 1024);
}
