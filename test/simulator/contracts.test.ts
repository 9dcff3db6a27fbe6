/** Each image's contract, case by case: the simulator does with a value what the contract says. */

import { connect } from 'node:net';
import { describe, expect, it } from 'vitest';
import { encodeFields } from '../../src/gateway/api-protocol.ts';
import { type Case, CONTRACTS, type Contract } from './contract.ts';
import { vncResponse } from './rfb.ts';
import { QUICK, start, type TestSimulator } from './running.ts';

// Most of a case is waiting: some run side by side.
describe.concurrent.each(CONTRACTS)('$name', (contract) => {
  const variables = Object.entries(contract.variables).map(([name, variable]) => ({
    name,
    ...variable,
  }));

  it('comes up with its minimal environment', () =>
    during(contract, {}, {}, async (simulator) => {
      await untilUp(simulator, 1);
      expect(simulator.halves()).toMatchObject([{ mode: 'paper' }]);
    }));

  it.each(contract.notRead.map((name) => ({ name })))('$name has no effect', ({ name }) =>
    during(contract, { [name]: 'anything' }, {}, async (simulator) => {
      await untilUp(simulator, 1);
      expect(simulator.lines.join('\n')).not.toContain('anything');
    }),
  );

  const rows = variables.flatMap(({ name, cases }) =>
    cases.map((each) => ({ ...each, name, title: titleOf(name, each) })),
  );
  it.each(rows)('$title', (row) => {
    const { name, value, behaviour, password, files = {}, executable = [] } = row;
    const env = {
      ...row.with,
      [name]: value,
      SIMULATOR_BEHAVIOUR: behaviour ?? null,
      SIMULATOR_EXPECTED_PASSWORD: password ?? null,
    };
    return during(contract, env, { files, executable }, async (simulator) => {
      await result(simulator, row);
      await seen(simulator, row);
    });
  });

  it('has patterns that let in no value that it refuses', () => {
    const wrong = variables.flatMap(({ name, accepts, cases }) => {
      const pattern = new RegExp(accepts ?? '^$');
      // For itself, not for what is beside it.
      const alone = cases.filter((each) => !each.files && !each.with && !each.behaviour);
      const refused = alone.filter(({ result }) => result === 'ends' || result === 'no gateway');
      return refused.filter(({ value }) => value && pattern.test(value)).map(() => name);
    });
    expect(wrong).toEqual([]);
  });
});

function titleOf(name: string, each: Case): string {
  const value = each.value === null ? 'unset' : JSON.stringify(each.value);
  const others = Object.keys(each.with ?? {}).filter((other) => other !== name);
  const beside = others.length === 0 ? '' : ` with ${others.join(', ')}`;
  const end = each.status === undefined ? '' : ` ${each.status}`;
  return `${name} ${value}${beside}: ${each.result}${end}`;
}

/** Runs a container of the contract, in its minimal environment and more, for as long as `look` takes. */
async function during(
  contract: Contract,
  env: Readonly<Record<string, string | null | undefined>>,
  files: { files?: NonNullable<Case['files']>; executable?: readonly string[] },
  look: (simulator: TestSimulator) => Promise<void>,
): Promise<void> {
  const wanted = { ...contract.minimal, ...env };
  const set = Object.entries(wanted).filter((entry): entry is [string, string] => entry[1] != null);
  const own = { PATH: process.env.PATH, SIMULATOR_CONTRACT: contract.name, ...QUICK };
  const simulator = start({ ...files, env: { ...own, ...Object.fromEntries(set) } });
  try {
    await look(simulator);
  } finally {
    await simulator.end();
  }
}

async function result(simulator: TestSimulator, row: Case): Promise<void> {
  switch (row.result) {
    case 'up':
      return untilUp(simulator, row.halves ?? 1);
    case 'ends':
      return expect(await simulator.exited).toBe(row.status);
    case 'login window':
      return untilWaiting(simulator, /Setting password/, row.half);
    case 'waits':
      return untilWaiting(simulator, new RegExp(row.log ?? ''));
    case 'no gateway':
      await simulator.logged(new RegExp(row.log ?? ''));
      return expect(simulator.halves().some(({ apiPort }) => apiPort !== null)).toBe(false);
    default:
      throw new Error(`unknown result ${row.result}`);
  }
}

/** IBC's last word of a login, and that of a controller. */
const LOGGED_IN = /Configuration tasks completed|Login complete\. Entering monitor loop/;

async function untilUp(simulator: TestSimulator, count: number): Promise<void> {
  await simulator.until(
    () => simulator.lines.filter((line) => LOGGED_IN.test(line)).length >= count,
  );
  expect(simulator.halves()).toHaveLength(count);
}

/** It waits for somebody, the other half of both does not: nothing of what would come next happens. */
async function untilWaiting(simulator: TestSimulator, pattern: RegExp, half?: string) {
  const others = half === undefined ? 0 : 1;
  const count = (wanted: RegExp) => simulator.lines.filter((line) => wanted.test(line)).length;
  await simulator.until(() => count(pattern) > others && count(/tasks completed/) >= others);
  await new Promise((resolve) => setTimeout(resolve, 100));
  expect(count(/tasks completed/)).toBe(others);
  const waiting = half === undefined ? simulator.halves() : [simulator.half(half)];
  expect(waiting.map(({ apiPort }) => apiPort)).toEqual([null]);
}

async function seen(simulator: TestSimulator, row: Case): Promise<void> {
  if (row.log) await simulator.logged(new RegExp(row.log));
  if (row.ssh) await simulator.logged(new RegExp(`not run here: ${literally(row.ssh)}$`));
  if (row.noLog) expect(simulator.lines.join('\n')).not.toMatch(new RegExp(row.noLog));
  for (const [path, line] of Object.entries(row.writes ?? {})) {
    expect(simulator.readFile(path)).toMatch(new RegExp(line ?? '', 'm'));
  }
  for (const name of row.listens ?? []) await simulator.until(() => ports(simulator)[name] != null);
  for (const name of row.silent ?? []) expect(ports(simulator)[name] ?? null).toBeNull();
  if (row.apiPort) expect(simulator.half().keptPort).toBe(row.apiPort);
  if (row.readOnly !== undefined && simulator.half().apiPort !== null) {
    expect(await isReadOnly(simulator.half().apiPort ?? 0)).toBe(row.readOnly);
  }
  if (row.vncPassword) {
    const port = simulator.services().vnc ?? 0;
    expect(await vncResult(port, row.vncPassword)).toBe(0);
    expect(await vncResult(port, 'not that')).toBe(1);
  }
  if (row.pageLogin) {
    const port = simulator.services().supervisor ?? 0;
    expect(await pageStatus(port)).toBe(401);
    expect(await pageStatus(port, row.pageLogin)).toBe(200);
  }
}

function ports(simulator: TestSimulator): Record<string, number | null | undefined> {
  const [half] = simulator.halves();
  return {
    ...simulator.services(),
    relay: half?.relayPort,
    commands: half?.commandPort,
  };
}

function literally(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}

/** Whether an order is turned down as such a gateway turns it down (321). */
async function isReadOnly(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1');
  const version = Buffer.from('v100..187');
  const hello = Buffer.alloc(8);
  hello.write('API\0', 'latin1');
  hello.writeUInt32BE(version.length, 4);
  let heard = '';
  return new Promise((resolve, reject) => {
    socket.on('error', reject);
    socket.on('data', (chunk) => {
      const first = heard === '';
      heard += chunk.toString('latin1');
      // Start the API, place an order, and ask the time: the answer to that comes after the order's.
      if (first) {
        socket.write(encodeFields(71, 2, 1, ''));
        socket.write(encodeFields(3, 5));
        socket.write(encodeFields(49, 1));
      }
      const fields = heard.split('\0');
      if (!fields.some((field, at) => field.endsWith('49') && fields[at + 1] === '1')) return;
      socket.destroy();
      resolve(fields.includes('321'));
    });
    socket.write(Buffer.concat([hello, version]));
  });
}

/** The security result of a VNC login, 0 when it went well. */
async function vncResult(port: number, password: string): Promise<number> {
  const socket = connect(port, '127.0.0.1');
  const expected = [12, 2, 16, 4];
  let bytes = Buffer.alloc(0);
  return new Promise((resolve, reject) => {
    socket.on('error', reject);
    socket.on('data', (chunk) => {
      bytes = Buffer.concat([bytes, chunk]);
      const size = expected[0] ?? 0;
      if (bytes.length < size) return;
      const part = bytes.subarray(0, size);
      bytes = bytes.subarray(size);
      expected.shift();
      if (size === 12) socket.write(part);
      else if (size === 2) socket.write(Buffer.from([2]));
      else if (size === 16) socket.write(vncResponse(part, password));
      else {
        socket.destroy();
        resolve(part.readUInt32BE());
      }
    });
  });
}

async function pageStatus(port: number, login?: string): Promise<number> {
  const headers: Record<string, string> =
    login === undefined ? {} : { Authorization: `Basic ${Buffer.from(login).toString('base64')}` };
  return (await fetch(`http://127.0.0.1:${port}/`, { headers })).status;
}
