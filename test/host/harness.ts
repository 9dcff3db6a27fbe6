/** Disposable real hosts for tests: `scripts/host` with types. docs/test-host.md tells what is on them. */

import { createHash, randomBytes } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { execa } from 'execa';
import { afterAll, beforeAll, beforeEach, describe } from 'vitest';
import { keepEvidence } from './evidence.ts';
import { nameOf, notForThisHost, usedByHost, waitingFor } from './times.ts';

/** `vm`: Debian 13 in a virtual machine, with a kernel of its own; the others are containers. */
export type Suite = 'trixie' | 'forky' | 'vm';
/** Where tests run that don't depend on the kernel: the virtual machine is ten times slower. */
const CONTAINERS: readonly Suite[] = ['trixie', 'forky'];
/** A network namespace on the host: who is plugged into its LAN, or beyond its router. */
export type Neighbour = 'lan1' | 'lan2' | 'lan3' | 'router' | 'wan1' | 'uplink' | 'switch';
/** A shell line, or an argv that no shell touches. */
export type Command = string | readonly [string, ...string[]];

export interface RunOptions {
  stdin?: string | Uint8Array;
  /** Milliseconds; the command is killed then, and `timedOut` says so. Default 600 000: for one that hangs. */
  timeoutMs?: number;
  env?: Record<string, string>;
}

export interface RunResult {
  stdout: string;
  stderr: string;
  exitCode: number;
  timedOut: boolean;
}

/** What `IBQ_TEST_SUITES` asks for, by default all. */
const asked: readonly Suite[] = (process.env.IBQ_TEST_SUITES ?? 'trixie,forky,vm')
  .split(',')
  .map(parseSuite);

const repository = resolve(import.meta.dirname, '../..');
const hostScript = join(repository, 'scripts/host');
const cache = process.env.IBQ_CACHE ?? '/var/cache/ibq-test';
/** Leaves the hosts of a failed run standing, to look around with `scripts/host enter`. */
const keep = process.env.IBQ_KEEP_HOSTS === '1';
/** Where a failing test leaves what its host looked like. */
const evidence = process.env.IBQ_TEST_EVIDENCE ?? join(tmpdir(), 'ibq-test-evidence');

/**
 * One `describe` per suite under test, each with a freshly booted host that is removed at the end.
 * `host` may be used in hooks and tests, not while `define` runs: it is booted after that.
 *
 * @param suites where it makes sense; tests for `vm` stand in files `*vm.test.ts`
 */
export function describeOnHosts(
  title: string,
  define: (host: TestHost) => void,
  suites: readonly Suite[] = CONTAINERS,
): void {
  const these = suites.filter((suite) => asked.includes(suite));
  if (these.length === 0) notForThisHost();
  describe.each(these)(`${title} (%s)`, (suite) => {
    const host = new TestHost(suite, keep ? keptName(suite, title) : hostName(suite));
    // The first boot of a suite builds its image.
    beforeAll(() => host.boot(), 1_200_000);
    // A failing test is looked at when it fails; a hook that failed, for which no test ran, at the end.
    let looks = 0;
    const look = async (title: string): Promise<void> => {
      looks += 1;
      console.error(`FAILS ${title}: ${await keepEvidence(host, title, evidence)}`);
    };
    beforeEach(({ onTestFailed }) => {
      onTestFailed(({ task }) => look(task.name), 600_000);
    });
    // biome-ignore lint/correctness/noEmptyPattern: Vitest takes nothing but a pattern there
    afterAll(async ({}, { result, tasks }) => {
      const failed = [{ result }, ...tasks].some((it) => it.result?.state === 'fail');
      if (failed && looks === 0) await look(title);
      if (!keep) await host.remove();
    }, 600_000);
    define(host);
  });
}

/** A host outside `describeOnHosts`; the caller removes it. */
export async function bootHost(options: { suite: Suite; name?: string }): Promise<TestHost> {
  const host = new TestHost(options.suite, options.name ?? hostName(options.suite));
  await host.boot();
  return host;
}

export class TestHost {
  readonly suite: Suite;
  readonly name: string;
  #pid: number | null = null;
  /** Milliseconds of processor time, when that was counted last. */
  #used = 0;
  /** Before a command that is to run on a container host; `null` of a virtual machine: by `scripts/host exec`. */
  #words: readonly string[] | null = null;

  constructor(suite: Suite, name: string) {
    this.suite = suite;
    this.name = name;
  }

  /** Process id of the host's systemd, seen from outside; a reboot changes it. Of a virtual machine: QEMU's. */
  get pid(): number {
    if (this.#pid === null) throw new Error(`host ${this.name} is not booted`);
    return this.#pid;
  }

  /**
   * The host's file system, seen from outside. Absolute symbolic links below it lead to the
   * machine's own files: use `readFile` and `writeFile` where there may be some.
   */
  get root(): string {
    if (this.suite === 'vm') throw new Error('the files of a virtual machine are not seen outside');
    return `/proc/${this.pid}/root`;
  }

  /** This machine's Node, which each container host has beside Debian's (scripts/host.d/supervise). */
  get node(): string {
    return this.suite === 'vm' ? 'node' : '/opt/test-host/node';
  }

  async boot(): Promise<void> {
    // A killed test run must not leave hosts behind: they end with this process.
    const owner = keep ? '' : String(process.pid);
    // One that was kept has seen tests before; a new one is there in a second.
    if (keep) await must(['rm', this.name]);
    await waitingFor('boot', () => must(['boot', this.suite, this.name], { IBQ_OWNER: owner }));
    await this.#findPid();
  }

  /** Runs a command as root and waits for it. A non-zero exit is a result, not an exception. */
  async run(command: Command, options: RunOptions = {}): Promise<RunResult> {
    const { stdin = '', timeoutMs = 600_000, env = {} } = options;
    const argv = typeof command === 'string' ? ['bash', '-c', command] : command;
    const variables = Object.entries(env).map(([key, value]) => `${key}=${value}`);
    // Limited from inside, where all that the command started is ended with it.
    const words = variables.length === 0 ? [] : ['env', ...variables];
    const limited = ['timeout', '--signal=KILL', String(timeoutMs / 1000), ...words];
    const started = Date.now();
    const result = await waitingFor(nameOf(argv), () =>
      execa(...this.#on([...limited, ...argv]), {
        input: stdin,
        reject: false,
        stripFinalNewline: false,
        timeout: timeoutMs + 10_000,
        maxBuffer: 256 * 1024 * 1024,
      }),
    );
    const exitCode = result.exitCode ?? 137;
    const timedOut = exitCode === 137 && Date.now() - started >= timeoutMs;
    return { stdout: result.stdout, stderr: result.stderr, exitCode, timedOut };
  }

  /** Runs a command that must succeed and returns its standard output; throws with all it wrote. */
  async ok(command: Command, options: RunOptions = {}): Promise<string> {
    return this.#mustRun(command, options);
  }

  /** Runs a program of the host in a neighbour's network namespace. */
  async runIn(where: Neighbour, command: Command, options: RunOptions = {}): Promise<RunResult> {
    return this.run(inNamespace(where, command), options);
  }

  /** As `runIn`; throws where it fails. */
  async okIn(where: Neighbour, command: Command, options: RunOptions = {}): Promise<string> {
    return this.#mustRun(inNamespace(where, command), options);
  }

  /** Path of a network namespace for a program outside: `nsenter --net=PATH`. */
  netnsPath(where: Neighbour | 'host'): string {
    if (this.suite === 'vm') throw new Error('a virtual machine has its networks for itself');
    return where === 'host' ? `/proc/${this.pid}/ns/net` : `${this.root}/run/netns/${where}`;
  }

  /**
   * Runs a program of this machine (its Node, the repository's packages) with the network of the
   * host or of a neighbour: a real client library can be a LAN client.
   */
  async runOutside(
    where: Neighbour | 'host',
    argv: readonly [string, ...string[]],
    options: RunOptions = {},
  ): Promise<RunResult> {
    const { stdin = '', timeoutMs = 60_000, env = {} } = options;
    const result = await execa(
      '/usr/bin/nsenter',
      [`--net=${this.netnsPath(where)}`, '--', ...argv],
      {
        cwd: repository,
        input: stdin,
        reject: false,
        stripFinalNewline: false,
        timeout: timeoutMs,
        env,
      },
    );
    const { stdout, stderr, exitCode = 137, timedOut } = result;
    return { stdout, stderr, exitCode, timedOut };
  }

  async readFile(path: string): Promise<string> {
    return this.ok(['cat', '--', path]);
  }

  /** Writes a whole file, with the directories above it. */
  async writeFile(path: string, text: string | Uint8Array, mode = 0o644): Promise<void> {
    const command = 'mkdir -p "$(dirname "$1")" && cat >"$1" && chmod "$2" "$1"';
    await this.ok(['bash', '-c', command, 'write', path, mode.toString(8)], { stdin: text });
  }

  /** Copies a file, or what is in a directory, of this machine to `to` on the host. */
  async copyIn(from: string, to: string): Promise<void> {
    if (statSync(from).isDirectory()) {
      const inside = 'mkdir -p "$1" && tar -C "$1" -x --no-same-owner --no-overwrite-dir';
      await execa('tar', ['-C', from, '-c', '.']).pipe(hostScript, [
        ...['exec', this.name, '--', 'bash', '-c', inside, 'copy', to],
      ]);
    } else {
      await this.writeFile(to, readFileSync(from), statSync(from).mode & 0o777);
    }
  }

  /** A real reboot: systemd stops everything and boots the same file system again. */
  async reboot(): Promise<void> {
    this.#countUse();
    await waitingFor('reboot', () => must(['reboot', this.name]));
    await this.#findPid();
  }

  /**
   * Cuts the power of a virtual machine as soon as what the command has written to its standard error
   * matches; then it is turned on again and boots.
   */
  async cutPowerAt(pattern: RegExp, command: readonly [string, ...string[]]): Promise<void> {
    const running = execa(hostScript, ['exec', this.name, '--', ...command], { reject: false });
    let text = '';
    let cut = false;
    running.stderr.on('data', (chunk: Buffer) => {
      text += chunk;
      if (cut || !pattern.test(text)) return;
      process.kill(this.pid, 'SIGKILL');
      cut = true;
    });
    await running;
    if (!cut) throw new Error(`on ${this.name}: ${command.join(' ')}: ended before:\n${text}`);
    await waitingFor('reboot', () => must(['cut', this.name]));
    await this.#findPid();
  }

  /**
   * How long something takes by the host's own clock: without the time in which a process of the host
   * waited for a processor, which is other hosts' doing.
   */
  async timed<T>(act: () => Promise<T>): Promise<{ value: T; ms: number }> {
    const clock = this.#clock();
    const value = await act();
    return { value, ms: clock() };
  }

  /** Lets time pass by the host's own clock: for what happens by itself and is announced by nothing. */
  async rest(ms: number): Promise<void> {
    const clock = this.#clock();
    const started = Date.now();
    await waitingFor('rest', async () => {
      while (clock() < ms && Date.now() - started < 4 * ms) await sleep(Math.min(ms, 250));
    });
  }

  #clock(): () => number {
    const [started, stalled] = [Date.now(), this.#stalled()];
    return () => Date.now() - started - (this.#stalled() - stalled);
  }

  /** Milliseconds; 0 where the kernel does not tell (no pressure stall information). */
  #stalled(): number {
    const path = this.suite === 'vm' ? '' : `${this.root}/sys/fs/cgroup/cpu.pressure`;
    if (!existsSync(path)) return 0;
    return Number(/^some .*total=(\d+)/m.exec(readFileSync(path, 'utf8'))?.[1] ?? 0) / 1000;
  }

  async remove(): Promise<void> {
    this.#countUse();
    await waitingFor('remove', () => must(['rm', this.name]));
    this.#pid = null;
  }

  /** What it has used since it was counted last; a reboot keeps the cgroup and QEMU's process, a cut of its power does not. */
  #countUse(): void {
    if (this.#pid === null) return;
    try {
      const used = this.suite === 'vm' ? usedByProcess(this.#pid) : usedByCgroup(this.root);
      usedByHost(used < this.#used ? used : used - this.#used);
      this.#used = used;
    } catch {
      // A host that has ended by itself has no count; what it was to show is for the tests to say.
    }
  }

  async #findPid(): Promise<void> {
    this.#pid = Number(await must(['pid', this.name]));
    this.#words = this.suite === 'vm' ? null : (await must(['words', this.name])).split('\n');
  }

  /** Program and arguments, here, of a command there. */
  #on(argv: readonly string[]): [string, string[]] {
    const [program = '', ...args] = this.#words ?? [hostScript, 'exec', this.name, '--'];
    return [program, [...args, ...argv]];
  }

  async #mustRun(command: Command, options: RunOptions): Promise<string> {
    const result = await this.run(command, options);
    if (result.exitCode === 0) return result.stdout;
    const shown = typeof command === 'string' ? command : command.join(' ');
    const why = result.timedOut ? 'timed out' : `exit code ${result.exitCode}`;
    throw new Error(
      `on ${this.name}: ${shown}: ${why}\n--- stdout\n${result.stdout}\n--- stderr\n${result.stderr}`,
    );
  }
}

/** Without what tests run there: those are children of theirs. */
function usedByCgroup(root: string): number {
  const usage = (cgroup: string) =>
    Number(
      /usage_usec (\d+)/.exec(
        readFileSync(`${root}/sys/fs/cgroup/${cgroup}cpu.stat`, 'utf8'),
      )?.[1] ?? 0,
    );
  const ran = existsSync(`${root}/sys/fs/cgroup/exec`) ? usage('exec/') : 0;
  return (usage('') - ran) / 1000;
}

/** User and system time are in hundredths of a second. */
function usedByProcess(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
  return (Number(fields[11]) + Number(fields[12])) * 10;
}

/** Where ibq goes: forky's sudo looks for commands in /usr/sbin, /usr/bin, /sbin and /bin only. */
function prefixOf(host: TestHost): string {
  return host.suite === 'forky' ? '/usr' : '/usr/local';
}

/** Where the guard of an installed ibq lies. */
export function libraryOf(host: TestHost): string {
  return `${prefixOf(host)}/lib/ibq`;
}

/**
 * Installs ibq on the host the way a user does: the bundle, by `scripts/install.sh`.
 * @param options.from where another one has been built
 * @param options.node it is run by this machine's Node, which starts in half the time, or by Debian's own
 */
export async function installIbq(
  host: TestHost,
  { from = repository, node = 'machine' }: { from?: string; node?: 'machine' | 'debian' } = {},
): Promise<void> {
  // Whoever runs many files at once has built it before.
  const given = process.env.IBQ_BUILT === '1' || from !== repository;
  if (!given) built ??= execa('npm', ['run', 'build'], { cwd: repository });
  await waitingFor('build', async () => built);
  await waitingFor('install', async () => {
    if (host.suite === 'vm') return installInMachine(host);
    const path = node === 'debian' ? '/usr/bin/node' : host.node;
    await install(host.root, prefixOf(host), path, from);
    // What the installer does where it can run that Node: not from outside. An older ibq has none of it.
    const compile = `${libraryOf(host)}/parts/compile.cjs`;
    await host.ok(`! test -f ${compile} || ${path} ${compile}`);
  });
  await host.ok(['systemctl', 'daemon-reload']);
}
let built: Promise<unknown> | undefined;

async function install(
  tree: string,
  prefix: string,
  node: string,
  from = repository,
): Promise<void> {
  const env = { DESTDIR: tree, PREFIX: prefix, IBQ_NODE: node };
  await execa(join(from, 'scripts/install.sh'), [], { cwd: from, env });
}

/** Into a tree here, which is then copied there. */
async function installInMachine(host: TestHost): Promise<void> {
  const tree = mkdtempSync(join(tmpdir(), 'ibq-tree-'));
  try {
    const node = (await host.ok(quickNode)).trim();
    // The installer wants to see it.
    const seen = join(tree, node);
    mkdirSync(dirname(seen), { recursive: true });
    symlinkSync(process.execPath, seen);
    await install(tree, prefixOf(host), node);
    rmSync(seen);
    await host.copyIn(join(tree, prefixOf(host)), prefixOf(host));
  } finally {
    rmSync(tree, { recursive: true });
  }
}

/**
 * Debian's Node is built without a snapshot and takes five times as long to start, seconds on an
 * emulated processor. The simulator's image, where it is there, has this machine's: as the very file
 * that the gateways run, so that it is read and translated once.
 */
const quickNode = `
layer=$(podman image inspect --format '{{.GraphDriver.Data.UpperDir}}' localhost/ibq-simulator 2>/dev/null)
if [ -n "$layer" ] && "$layer/usr/local/bin/node" --version >/dev/null 2>&1; then
  ln -sfn "$layer/usr/local/bin/node" /usr/local/bin/node
  echo /usr/local/bin/node
else
  echo /usr/bin/node
fi`;

/**
 * Brings a simulated image to the host: by default that of the gnzsnz gateway, `localhost/ibq-simulator`.
 * @param contract name of a file in test/simulator/contracts
 * @returns its reference
 */
export async function installSimulator(
  host: TestHost,
  contract = 'gnzsnz-gateway',
): Promise<string> {
  const building = simulators.get(contract) ?? simulatorImage(contract);
  simulators.set(contract, building);
  const image = await waitingFor('build', () => building);
  const command = ['podman', 'import', '-q', ...image.importArguments, '-', image.reference];
  const bring = () =>
    execa(hostScript, ['exec', host.name, '--', ...command], { inputFile: image.rootFileSystem });
  await waitingFor('podman import', async () => {
    if (host.suite === 'vm') await bring();
    else await withKeptStorage(host, image.rootFileSystem, bring);
  });
  return image.reference;
}

/**
 * Podman's storage as it is with one image and nothing else: what Podman made of it on the first host of a suite is
 * copied to the others, which takes less than another import.
 */
async function withKeptStorage(
  host: TestHost,
  image: string,
  bring: () => Promise<unknown>,
): Promise<void> {
  const storage = `${host.root}/var/lib/containers/storage`;
  if (existsSync(`${storage}/overlay-images`)) return void (await bring());
  const kept = `${image.replace(/\.tar$/, '')}-${host.suite}`;
  if (existsSync(kept)) return void (await execa('cp', ['-a', `${kept}/.`, storage]));
  await bring();
  const unfinished = `${kept}.${process.pid}`;
  await execa('cp', ['-a', storage, unfinished]);
  try {
    renameSync(unfinished, kept);
  } catch {
    // Another run has kept it meanwhile.
    rmSync(unfinished, { recursive: true });
  }
}
const simulators = new Map<string, Promise<SimulatorImage>>();

interface SimulatorImage {
  rootFileSystem: string;
  importArguments: string[];
  reference: string;
}

/** What the image is made of, built anew only when its sources or this Node have changed. */
async function simulatorImage(contract: string): Promise<SimulatorImage> {
  const script = join(repository, 'scripts/simulator-image');
  const about = async (question: string): Promise<string> =>
    (await execa(script, ['--contract', contract, question])).stdout;
  const importArguments = (await about('--import-args')).split('\n');
  const reference = await about('--reference');

  const hash = createHash('sha256').update(process.version).update(contract);
  for (const path of [script, ...filesBelow(join(repository, 'test/simulator'))]) {
    hash.update(path).update(readFileSync(path));
  }
  const rootFileSystem = join(cache, 'simulator', `${hash.digest('hex').slice(0, 12)}.tar`);
  if (!existsSync(rootFileSystem)) {
    const directory = dirname(rootFileSystem);
    mkdirSync(directory, { recursive: true });
    const unfinished = `${rootFileSystem}.${process.pid}`;
    await execa(script, ['--contract', contract, unfinished], { cwd: repository });
    renameSync(unfinished, rootFileSystem);
    for (const old of readdirSync(directory).map((name) => join(directory, name))) {
      // A run that began before this one may still be using its own.
      const unused = Date.now() - statSync(old).ctimeMs > 6 * 3_600_000;
      if (unused && old !== rootFileSystem) rmSync(old, { force: true, recursive: true });
    }
  }
  return { rootFileSystem, importArguments, reference };
}

function filesBelow(directory: string): string[] {
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
}

function inNamespace(where: Neighbour, command: Command): [string, ...string[]] {
  const argv = typeof command === 'string' ? ['bash', '-c', command] : command;
  return ['ip', 'netns', 'exec', where, ...argv];
}

/** Runs `scripts/host`; its own words are the error. */
async function must(args: string[], env: Record<string, string> = {}): Promise<string> {
  const result = await execa(hostScript, args, { env, reject: false });
  if (result.exitCode === 0) return result.stdout;
  throw new Error(`${basename(hostScript)} ${args.join(' ')}: ${result.stderr || result.message}`);
}

/** Unique among all test runs of a machine. */
function hostName(suite: Suite): string {
  return `${suite}-${process.pid}-${randomBytes(3).toString('hex')}`;
}

/** The same in each run: a kept host is replaced by the next one. */
function keptName(suite: Suite, title: string): string {
  return `kept-${suite}-${title.toLowerCase().replaceAll(/[^a-z0-9]+/g, '-')}`.slice(0, 41);
}

function parseSuite(word: string): Suite {
  if (word === 'trixie' || word === 'forky' || word === 'vm') return word;
  throw new Error(`IBQ_TEST_SUITES: should be trixie, forky, vm with commas, was ${word}`);
}
