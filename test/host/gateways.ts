/** What the tests on booted hosts say to ibq, and how they look at what came of it. */

import { setTimeout as sleep } from 'node:timers/promises';
import type { CheckResult } from '../../src/doctor/check.ts';
import {
  installIbq,
  installSimulator,
  type RunOptions,
  type RunResult,
  type TestHost,
} from './harness.ts';
import { waitingFor } from './times.ts';

/** The LAN client that tests allow (docs/test-host.md). */
export const ALLOWED = '10.0.0.7';

/** `ibq status --json`, as far as tests read it. */
export interface Status {
  schemaVersion: number;
  instances: InstanceStatus[];
}
interface ServiceStatus {
  service: string;
  half: string | null;
  publish: string | null;
  lan: string | null;
  state: string;
  word: string | null;
}
export interface InstanceStatus {
  name: string;
  mode: string;
  publish: string | null;
  lan: { address: string; mac: string | null; port: number } | null;
  unit: { active: string; sub: string; result: string; since: string | null };
  container: { id: string; state: string; startedAt: string | null } | null;
  api: { state: string; accounts: string[]; detail: string };
  services: ServiceStatus[];
  ready: boolean;
  word: string;
  stage: string | null;
  pendingRestart: boolean;
  problems: string[];
}

/** `ibq …` by root: su and sudo take half as long as ibq, and this is called a thousand times. */
export function ibq(
  host: TestHost,
  args: readonly string[],
  options?: RunOptions,
): Promise<RunResult> {
  return host.run(['ibq', ...args], options);
}

/** `sudo ibq …`, typed by the user trader. */
export function sudoIbq(
  host: TestHost,
  args: readonly string[],
  options?: RunOptions,
): Promise<RunResult> {
  return host.run(['su', '-', 'trader', '-c', `sudo ibq ${args.map(quote).join(' ')}`], options);
}

/** As `ibq`; throws with all that was written where the exit code is not 0. */
export async function ibqOk(
  host: TestHost,
  args: readonly string[],
  options?: RunOptions,
): Promise<RunResult> {
  return mustEndWell(host, args, await ibq(host, args, options));
}

/** As `sudoIbq`; throws with all that was written where the exit code is not 0. */
export async function sudoIbqOk(
  host: TestHost,
  args: readonly string[],
  options?: RunOptions,
): Promise<RunResult> {
  return mustEndWell(host, args, await sudoIbq(host, args, options));
}

async function mustEndWell(
  host: TestHost,
  args: readonly string[],
  result: RunResult,
): Promise<RunResult> {
  if (result.exitCode === 0) return result;
  throw new Error(`${host.name}: ibq ${args.join(' ')}: ${await told(host, result)}`);
}

/** All that a person would look at when an ibq went wrong. */
export async function told(host: TestHost, result: RunResult): Promise<string> {
  const { exitCode, stdout, stderr } = result;
  const said = `exit code ${exitCode}\n--- stdout\n${stdout}\n--- stderr\n${stderr}`;
  // Asked for before it is known whether that is wrong: a failing test leaves the whole journal anyway.
  if (exitCode === 0) return said;
  const listing = "journalctl --no-pager -b -u 'ib-gateway@*' -u 'ibq-*' -u ib-gateways.target";
  // Without what the gateways themselves say.
  const journal = await host.run(`${listing} | grep -vE ' (ib-gateway-|podman\\[)' | tail -n 30`);
  return `${said}\n--- journal\n${journal.stdout}`;
}

/** ibq, the simulated gateway's image, `ibq init`, and one LAN client allowed. */
export async function prepareHost(host: TestHost): Promise<void> {
  if (host.suite === 'vm') {
    // In this order: ibq runs there by the Node that is in the image.
    await installSimulator(host);
    await installIbq(host);
  } else {
    await Promise.all([installIbq(host), installSimulator(host)]);
  }
  await ibqOk(host, ['init']);
  await allow(host, [ALLOWED]);
}

/** Writes the whole of ibq.toml: who may reach the gateways over the LAN. */
export async function allow(host: TestHost, clients: readonly string[]): Promise<void> {
  await host.writeFile('/etc/ibq/ibq.toml', `[network]\nallow = ${JSON.stringify(clients)}\n`);
}

export interface GatewayOptions {
  mode?: 'live' | 'paper' | 'both';
  port?: number;
  /** docs/simulator.md, "Behaviours". */
  behaviour?: string;
  /** More `--set KEY=VALUE`. */
  set?: readonly string[];
}

/** `ibq instance add` of a simulated gateway, with its password. */
export async function addGateway(
  host: TestHost,
  name: string,
  options: GatewayOptions = {},
): Promise<void> {
  await ibqOk(host, addArguments(name, options));
  await setPassword(host, name);
}

export function addArguments(name: string, options: GatewayOptions = {}): string[] {
  const { mode = 'paper', port, behaviour, set = [] } = options;
  const settings = [...set, ...(behaviour ? [`environment.SIMULATOR_BEHAVIOUR=${behaviour}`] : [])];
  return [
    ...[
      'instance',
      'add',
      name,
      '--profile',
      'simulator',
      '--mode',
      mode,
      '--user',
      `user_${name}`,
    ],
    ...(port === undefined ? [] : ['--port', String(port)]),
    ...settings.flatMap((setting) => ['--set', setting]),
  ];
}

export async function setPassword(host: TestHost, name: string, value = 'any'): Promise<void> {
  await setSecret(host, name, 'password', value);
}

export async function setSecret(
  host: TestHost,
  name: string,
  key: string,
  value: string,
): Promise<void> {
  await ibqOk(host, ['secret', 'set', name, key], { stdin: `${value}\n` });
}

export async function status(host: TestHost): Promise<Status> {
  const result = await ibq(host, ['status', '--json']);
  if (result.exitCode !== 0 && result.exitCode !== 3) throw new Error(await told(host, result));
  return JSON.parse(result.stdout) as Status;
}

/**
 * What the doctor finds, by id of the check. It is asked again where it could not find out in time: other hosts have
 * the processors.
 */
export async function doctorChecks(host: TestHost): Promise<Map<string, CheckResult>> {
  for (;;) {
    const result = await ibq(host, ['doctor', '--json']);
    if (![0, 3].includes(result.exitCode)) throw new Error(await told(host, result));
    const { checks } = JSON.parse(result.stdout) as { checks: CheckResult[] };
    const late = checks.filter(({ detail }) =>
      /did not end in time|not known within \d+ seconds/.test(detail),
    );
    if (late.length === 0) return new Map(checks.map((check) => [check.id, check]));
  }
}

/** @throws where there is no such instance */
export async function statusOf(host: TestHost, name: string): Promise<InstanceStatus> {
  const { instances } = await status(host);
  const found = instances.find((instance) => instance.name === name);
  if (found) return found;
  throw new Error(`status has no instance ${name}: ${JSON.stringify(instances)}`);
}

export async function lanAddress(host: TestHost, name: string): Promise<string> {
  const { lan } = await statusOf(host, name);
  if (lan === null) throw new Error(`${name} has no LAN address`);
  return lan.address;
}

/** Ids of the running gateways' containers by instance name, as Podman (not ibq) says. */
export async function containerIds(host: TestHost): Promise<Record<string, string>> {
  const lines = await host.ok(['podman', 'ps', '--no-trunc', '--format', '{{.Names}} {{.ID}}']);
  return Object.fromEntries(
    lines
      .split('\n')
      .filter((line) => line.startsWith('ib-gateway-'))
      .map((line) => line.replace(/^ib-gateway-/, '').split(' ')),
  );
}

/** First process of a gateway, for nsenter on the host. */
export async function containerPid(host: TestHost, name: string): Promise<string> {
  const format = ['--format', '{{.State.Pid}}'];
  return (await host.ok(['podman', 'inspect', ...format, `ib-gateway-${name}`])).trim();
}

/** The address of an interface in a gateway's network namespace. */
export async function addressOf(
  host: TestHost,
  name: string,
  device: 'pub0' | 'lan0',
): Promise<string> {
  const command = [
    'nsenter',
    '-t',
    await containerPid(host, name),
    '-n',
    'ip',
    '-j',
    '-4',
    'address',
    'show',
    device,
  ] as const;
  const links = JSON.parse(await host.ok(command)) as { addr_info: { local: string }[] }[];
  const address = links[0]?.addr_info[0]?.local;
  if (address === undefined) throw new Error(`${name} has no address on ${device}`);
  return address;
}

/** Podman's networks that are ibq's. */
export async function ibqNetworks(host: TestHost): Promise<string[]> {
  const names = await host.ok(['podman', 'network', 'ls', '--format', '{{.Name}}']);
  return names
    .split('\n')
    .filter((name) => name.startsWith('ibq-'))
    .sort();
}

/** Where `/etc/ibq/current` points: a new generation changes it. */
export async function generation(host: TestHost): Promise<string> {
  return (await host.ok(['readlink', '/etc/ibq/current'])).trim();
}

/** When systemd last read its units: a daemon-reload changes it. */
export async function lastReload(host: TestHost): Promise<string> {
  return host.ok(['systemctl', 'show', '--property=UnitsLoadTimestampMonotonic']);
}

/**
 * Repeats `look` until it is true, and rests between two looks at least as long as one took: most of a look
 * is the processor's work. The time is for a machine that is busy with other hosts.
 */
export async function until(
  what: string,
  look: () => Promise<boolean>,
  timeoutMs = 600_000,
): Promise<void> {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    const began = Date.now();
    if (await look()) return;
    if (Date.now() > deadline) throw new Error(`waited ${timeoutMs / 1000} s until ${what}`);
    await waitingFor('between looks', () => sleep(Math.max(500, Date.now() - began)));
  }
}

function quote(word: string): string {
  return `'${word.replaceAll("'", "'\\''")}'`;
}
