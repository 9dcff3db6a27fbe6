/**
 * Processes of the scripts that somebody can find by name and kill. Each only waits, with the real one's name and
 * words: what it is there for is done by the simulator, as long as it lives.
 */

import { spawn } from 'node:child_process';
import type { Identity } from './identity.ts';
import { deferred } from './waiting.ts';

/** Where the image has them (image-root.mjs). */
const DIRECTORY = '/opt/simulator/named';

export interface Named {
  /** Resolves when it has ended, whoever did that. */
  ended: Promise<void>;
  isOver(): boolean;
  end(): void;
}

export interface NamedProcesses {
  start(argv: readonly [string, ...string[]]): Named;
  /** As `pkill NAME`. */
  end(name: string): void;
}

/** @param real without it, as in tests in the process, nobody but the simulator can end one */
export function namedProcesses({
  real,
  identity,
}: {
  real: boolean;
  identity: Identity;
}): NamedProcesses {
  const all: { name: string; process: Named }[] = [];
  const begin = ([name, ...words]: readonly [string, ...string[]]): Named => {
    const over = deferred<void>();
    let isOver = false;
    const settle = () => {
      isOver = true;
      over.resolve();
    };
    const named = { ended: over.promise, isOver: () => isOver };
    if (!real) return { ...named, end: settle };
    // It waits for the end of its input: it never outlives the simulator.
    const child = identity.spawnAs((as) =>
      spawn(`${DIRECTORY}/${name}`, words, { stdio: ['pipe', 'ignore', 'ignore'], ...as }),
    );
    child.on('error', settle);
    child.on('exit', settle);
    child.stdin?.on('error', () => undefined);
    return { ...named, end: () => child.kill('SIGTERM') };
  };
  return {
    start(argv) {
      const process = begin(argv);
      all.push({ name: argv[0], process });
      return process;
    },
    end(wanted) {
      for (const { name, process } of all) if (name === wanted) process.end();
    },
  };
}
