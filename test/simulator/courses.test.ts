/** Courses of events, as the contracts have them: what is logged in which order, and how it ends. */

import { connect } from 'node:net';
import { describe, expect, it } from 'vitest';
import { CONTRACTS, type Course, IBC_COURSES } from './contract.ts';
import { QUICK, start, type TestSimulator } from './running.ts';

const images = CONTRACTS.filter(({ behaviours }) => behaviours !== undefined);

// Most of a course is waiting: some run side by side.
describe.concurrent('IBC, in the gnzsnz gateway', () => {
  it.each(IBC_COURSES)('$name', (course) => follow('gnzsnz-gateway', course));
});

describe.concurrent.each(images)('$name', ({ name, behaviours = [] }) => {
  it.each(behaviours)('$name', (course) => follow(name, course));
});

async function follow(contract: string, course: Course): Promise<void> {
  const minimal = CONTRACTS.find(({ name }) => name === contract)?.minimal ?? {};
  const simulator = start({
    env: {
      PATH: process.env.PATH,
      SIMULATOR_CONTRACT: contract,
      ...QUICK,
      ...minimal,
      SIMULATOR_COMMAND_PORT: '7462',
      SIMULATOR_BEHAVIOUR: course.behaviour,
      ...course.with,
    },
  });
  try {
    let at = 0;
    for (const step of course.steps) {
      if (step.startsWith('do: ')) await act(simulator, step.slice('do: '.length));
      else at = await nextLine(simulator, new RegExp(step), at);
    }
    if (course.ends !== null) expect(await simulator.exited).toBe(course.ends);
    else expect(await Promise.race([simulator.exited, later()])).toBe('still there');
    const log = simulator.lines.join('\n');
    if (course.noLog) expect(log).not.toMatch(new RegExp(course.noLog));
    for (const [pattern, count] of Object.entries(course.counts ?? {})) {
      const lines = simulator.lines.filter((line) => new RegExp(pattern).test(line));
      expect(lines, pattern).toHaveLength(count ?? 0);
    }
  } finally {
    await simulator.end();
  }
}

/** Place after the next line that matches. */
async function nextLine(simulator: TestSimulator, pattern: RegExp, from: number): Promise<number> {
  const find = () => simulator.lines.findIndex((line, at) => at >= from && pattern.test(line));
  await simulator
    .until(() => find() >= 0)
    .catch(() => {
      throw new Error(`no ${pattern} after line ${from}:\n${simulator.lines.join('\n')}`);
    });
  return find() + 1;
}

async function act(simulator: TestSimulator, what: string): Promise<void> {
  const [verb, word = ''] = what.split(' ');
  switch (verb) {
    case 'behave':
      return simulator.behave(word);
    case 'command':
      return command(simulator, word);
    case 'connect':
      return knock(await simulator.relay());
    case 'clock':
      return simulator.setClock(word);
    case 'end':
      return simulator.endNamed(word);
    case 'kill':
      return simulator.killJava();
    case 'SIGTERM':
      void simulator.stop();
      return;
    default:
      throw new Error(`unknown step: ${what}`);
  }
}

/** Resolves with the first answer of the command server. */
async function command(simulator: TestSimulator, line: string): Promise<void> {
  await simulator.until(() => simulator.halves().some(({ commandPort }) => commandPort !== null));
  const socket = connect(simulator.half().commandPort ?? 0, '127.0.0.1');
  socket.on('error', () => socket.destroy());
  socket.write(`${line}\n`);
  await new Promise((resolve) => socket.once('data', resolve));
}

/** Connects to a port and waits until it is closed from there. */
async function knock(port: number): Promise<void> {
  const socket = connect(port, '127.0.0.1');
  socket.resume();
  await new Promise((resolve, reject) => {
    socket.on('error', reject);
    socket.on('close', resolve);
  });
}

async function later(): Promise<string> {
  await new Promise((resolve) => setTimeout(resolve, 100));
  return 'still there';
}
