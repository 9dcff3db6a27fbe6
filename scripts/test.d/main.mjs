/** Runs what scripts/test was asked for, as much side by side as the machine has room for. */

import { spawn } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArguments } from './arguments.mjs';
import { knownLengths, remember, writeCommitted } from './lengths.mjs';
import { cores, freeMemory, Processors } from './machine.mjs';
import { outcomeOf } from './outcome.mjs';
import { clock, jobLine, slowest, waitedFor, whatFailed } from './report.mjs';
import { inOrder, next } from './schedule.mjs';

/** Seconds between two hosts that start: the first seconds of one say nothing of what it will take. */
const PAUSE = 2;
/** Seconds without a word, after which the run says what it is at. */
const SILENCE = 30;
/** Seconds; no job lasts so long. */
const LIMIT = 2700;

const repository = join(import.meta.dirname, '../..');
process.chdir(repository);
const asked = parseArguments(process.argv.slice(2), repository);
const work = mkdtempSync(join(tmpdir(), 'ibq-test-'));
const evidence = join(
  '/var/tmp',
  `ibq-test-${new Date().toISOString().slice(0, 19).replaceAll(':', '')}`,
);
const started = Date.now();
const since = () => (Date.now() - started) / 1000;

const processors = new Processors();
const machine = { cores, memory: freeMemory(), idle: 1 };
const waiting = inOrder(asked.jobs, knownLengths());
/** Job → its process. */
const running = new Map();
const done = new Set();
const ended = [];
let mostHosts = 0;
let lastWord = Date.now();
let lastHost = 0;

process.on('exit', () => rmSync(work, { recursive: true, force: true }));
for (const [signal, status] of [
  ['SIGINT', 130],
  ['SIGTERM', 143],
]) {
  process.on(signal, () => {
    for (const { pid } of running.values()) end(pid);
    process.exit(status);
  });
}

say(
  `${waiting.length} jobs, on ${cores} processors and ${Math.round(machine.memory / 1024)} GiB of memory`,
);
while (waiting.length > 0 || running.size > 0) {
  if (Date.now() - lastHost >= PAUSE * 1000) {
    machine.idle = processors.idle();
    const job = next(waiting, [...running.keys()], done, machine, asked.most);
    if (job) start(job);
    else if (running.size === 0) giveUp();
  }
  if (Date.now() - lastWord > SILENCE * 1000) sayRunning();
  await sleep(250);
}
const failed = report();
process.exit(failed === 0 ? 0 : 1);

function start(job) {
  waiting.splice(waiting.indexOf(job), 1);
  if (job.kind === 'host') lastHost = Date.now();
  const file = (ending) => join(work, `${job.id.replaceAll(/\W/g, '-')}.${ending}`);
  const files = { log: file('log'), report: file('json'), times: file('times') };
  const tests = job.kind === 'host' || job.kind === 'unit';
  const argv = [
    ...['nice', '-n', String(niceness(job))],
    ...job.command,
    ...(tests
      ? ['--reporter=default', '--reporter=json', `--outputFile.json=${files.report}`]
      : []),
  ];
  const env = {
    ...process.env,
    NO_COLOR: '1',
    ...job.env,
    IBQ_TEST_TIMES: files.times,
    IBQ_TEST_EVIDENCE: evidence,
    ...(asked.keep ? { IBQ_KEEP_HOSTS: '1' } : {}),
  };
  // The shell knows what its command and all that it waited for has used of the processors. Its
  // session counts as one with a niceness of its own (sched(7), autogroup).
  const script = `exec 3>&2 >"$2" 2>&1
    echo "$1" >/proc/self/autogroup || true
    shift 2; TIMEFORMAT="%U %S"; { time "$@" 2>&4; } 4>&2 2>&3`;
  const words = ['-c', script, 'job', String(niceness(job)), files.log, ...argv];
  const child = spawn('bash', words, { env, detached: true, stdio: ['ignore', 'ignore', 'pipe'] });
  running.set(job, { pid: child.pid, at: Date.now() });
  mostHosts = Math.max(mostHosts, [...running.keys()].filter(({ kind }) => kind === 'host').length);
  const timer = setTimeout(() => end(child.pid), LIMIT * 1000);
  let used = '';
  child.stderr.on('data', (chunk) => {
    used += chunk;
  });
  child.on('close', (status) => {
    clearTimeout(timer);
    const { at } = running.get(job);
    running.delete(job);
    const cpu = used
      .trim()
      .split(/\s+/)
      .reduce((sum, word) => sum + (Number(word) || 0), 0);
    const outcome = outcomeOf(files);
    if (!tests)
      Object.assign(outcome, {
        passed: status === 0 ? 1 : 0,
        failed: status === 0 ? 0 : 1,
        failures: [],
      });
    // Vitest fails for more than its tests: an error that nobody awaited.
    if (tests && status !== 0 && outcome.failed === 0 && outcome.passed > 0) outcome.failed = 1;
    // An image that is there already is no test.
    if (job.kind === 'image' && status === 0) outcome.passed = 0;
    if (outcome.failed === 0) done.add(job.id);
    note(
      { id: job.id, kind: job.kind, seconds: (Date.now() - at) / 1000, cpu, outcome },
      files.log,
    );
  });
}

/** An emulated processor waits for nothing but this machine's, and its files are among the longest. */
function niceness({ background, suite }) {
  if (background) return 3;
  return suite === 'vm' ? -10 : 0;
}

function note(job, log) {
  ended.push(job);
  if (job.kind !== 'image' || job.seconds > 2 || job.outcome.failed > 0) say(jobLine(since(), job));
  if (job.outcome.failed === 0) return;
  mkdirSync(evidence, { recursive: true });
  const kept = join(evidence, `${job.id.replaceAll(/\W/g, '-')}.log`);
  copyFileSync(log, kept);
  say(readFileSync(log, 'utf8').trimEnd());
  say(`      all it wrote: ${kept}`);
}

/** What is left needs a job that failed. */
function giveUp() {
  for (const { id, kind, after } of waiting.splice(0)) {
    say(`FAILS ${id}: not run, for it needs ${after.filter((it) => !done.has(it)).join(', ')}`);
    ended.push({
      id,
      kind,
      seconds: 0,
      cpu: 0,
      outcome: { passed: 0, failed: 1, waits: {}, hostCpu: 0, failures: ['not run'] },
    });
  }
}

/** @returns {number} how many failed */
function report() {
  const passed = ended.reduce((sum, { outcome }) => sum + outcome.passed, 0);
  const failures = ended.reduce((sum, { outcome }) => sum + outcome.failed, 0);
  const lengths = Object.fromEntries(
    ended
      .filter(({ outcome }) => outcome.failed === 0 && outcome.passed > 0)
      .map((it) => [it.id, Math.round(it.seconds)]),
  );
  remember(lengths);
  if (asked.writeLengths) writeCommitted(lengths);
  for (const line of [...slowest(ended), ...waitedFor(ended)]) say(line);
  const cpu = ended.reduce((sum, it) => sum + it.cpu + it.outcome.hostCpu, 0);
  const busy = Math.round(processors.busySinceStart() * 100);
  say('');
  say(
    `${clock(since())} in all, processors ${busy} % busy, ${clock(cpu)} of their time for the tests; up to ${mostHosts} hosts at once`,
  );
  for (const line of whatFailed(ended)) say(line);
  if (failures > 0) say(`what failing tests left of their hosts: ${evidence}`);
  say(`\n${passed} passed, ${failures} failed`);
  return failures;
}

function sayRunning() {
  const now = [...running].map(([{ id }, { at }]) => `${id} ${clock((Date.now() - at) / 1000)}`);
  say(`   … ${clock(since()).padStart(6)}  at ${now.join(', ')}; ${waiting.length} to come`);
}

function say(line) {
  lastWord = Date.now();
  console.log(line);
}

/** A job with all that it started; its hosts end by themselves. */
function end(pid) {
  try {
    process.kill(-pid, 'SIGTERM');
  } catch {
    // It ended meanwhile.
  }
}
