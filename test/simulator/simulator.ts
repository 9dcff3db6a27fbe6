/**
 * The simulator as a library: a container of one of the images. It takes an environment and a root
 * directory, does what the image would do with them, and is told at run time what to do wrong.
 */

import { writeFileSync } from 'node:fs';
import { parseBehaviour } from './behaviour.ts';
import {
  type Container,
  type ContainerOptions,
  createContainer,
  type Service,
} from './container.ts';
import { Exit, type Mode } from './contract.ts';
import { bootDanklabs } from './images/danklabs.ts';
import { bootDanklabsHost } from './images/danklabs-host.ts';
import { bootGnzsnz } from './images/gnzsnz.ts';
import { bootGnzsnzTws } from './images/gnzsnz-tws.ts';
import { bootIbgController } from './images/ibg-controller.ts';

export interface Half {
  mode: Mode;
  /** Port of the relay: what the image publishes. `null` before it listens, or without one. */
  relayPort: number | null;
  /** Port of the gateway's API; `null` while it is not logged in, or its API is off. */
  apiPort: number | null;
  /** API port that the gateway was told to have; `null`: that of its mode. */
  keptPort: number | null;
  /** Port of IBC's command server where it is on. */
  commandPort: number | null;
  /** API sessions that are open. */
  sessions: number;
}

export interface Simulator {
  /** Name of the contract it keeps to. */
  contract: string;
  /** Exit status of the container. */
  exited: Promise<number>;
  /** When process 1 begins to catch SIGTERM: until then the kernel drops it. */
  trapped: Promise<void>;
  /** One of each mode that runs; two with `both`. */
  halves(): Half[];
  /** Ports of screen and supervisor page, where they listen. */
  services(): Partial<Record<Service, number>>;
  /** Changes what it does wrong, as `SIMULATOR_BEHAVIOUR`. Throws on an unknown one. */
  behave(behaviour: string): void;
  behaviour(): string;
  /** What every half does at its `AutoRestartTime` or `AutoLogoffTime`. */
  byClock(what: 'restart' | 'logoff'): void;
  /** Sets the clock of its gateways, `hh:mm:ss`. Throws for another text. */
  setClock(time: string): void;
  /** SIGTERM to the display or the relay, by their names (`named.ts`). */
  endNamed(name: string): void;
  /** SIGKILL to Java in every half, or in that of a mode. */
  killJava(mode?: string): void;
  /** SIGTERM: resolves with the exit status, once the container ends by it or by itself. */
  stop(): Promise<number>;
  /** SIGKILL: resolves with 137. */
  kill(): Promise<number>;
}

/** How the scripts of an image start it, and what they do on SIGTERM. */
export interface Boot {
  /** Resolves with the exit status of the container. May throw `Exit`. */
  run(): Promise<number>;
  /** When process 1 begins to catch SIGTERM; absent: from the start. */
  trapped?: Promise<void>;
  terminate(): void;
}

const BOOTS: Readonly<Record<string, (container: Container) => Boot>> = {
  gnzsnz: bootGnzsnz,
  'gnzsnz-tws': bootGnzsnzTws,
  danklabs: bootDanklabs,
  'danklabs-host': bootDanklabsHost,
  'ibg-controller': bootIbgController,
};

export function startSimulator(options: ContainerOptions): Simulator {
  const ending = new AbortController();
  const container = createContainer(options, ending.signal);
  const { contract, behaviour, running, services, locate } = container;
  const dump = options.env.SIMULATOR_DUMP_ENVIRONMENT;
  if (dump) writeFileSync(locate(dump), JSON.stringify(options.env, null, 2));
  let behaviourText = options.env.SIMULATOR_BEHAVIOUR || 'normal';
  const boot = BOOTS[contract.boot]?.(container);
  if (boot === undefined) throw new Error(`${contract.name}: unknown boot ${contract.boot}`);

  const killed = new Promise<number>((resolve) => {
    ending.signal.addEventListener('abort', () => resolve(137));
  });
  const exited = Promise.race([boot.run(), killed])
    .catch((error: unknown) => {
      if (error instanceof Exit) return error.status;
      throw error;
    })
    // The container is gone: so is everything in it.
    .finally(async () => {
      ending.abort();
      for (const { gateway, relay } of running) {
        gateway?.terminate();
        await gateway?.exited;
        await relay?.close();
      }
      for (const service of services.values()) await service.close();
    });

  return {
    contract: contract.name,
    exited,
    trapped: boot.trapped ?? Promise.resolve(),
    halves: () =>
      running.map(({ mode, relay, gateway }) => ({
        mode,
        relayPort: relay?.port ?? null,
        apiPort: gateway?.apiPort() ?? null,
        keptPort: gateway?.keptPort() ?? null,
        commandPort: gateway?.commandPort() ?? null,
        sessions: gateway?.sessions() ?? 0,
      })),
    services: () => Object.fromEntries([...services].map(([name, { port }]) => [name, port])),
    behave(text) {
      const next = parseBehaviour(text);
      behaviourText = text;
      behaviour.set(next);
    },
    behaviour: () => behaviourText,
    byClock(what) {
      for (const { gateway } of running) gateway?.byClock(what);
    },
    endNamed: (name) => container.named.end(name),
    setClock: (time) => container.clock.set(time),
    killJava(only) {
      for (const { mode, gateway } of running) {
        if (only === undefined || mode === only) gateway?.endJava(137);
      }
    },
    stop() {
      if (!ending.signal.aborted) boot.terminate();
      return exited;
    },
    kill() {
      ending.abort();
      return exited;
    },
  };
}
