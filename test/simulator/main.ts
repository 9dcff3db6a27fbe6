/**
 * The simulator as a program. Without an argument it is the container's process 1; with one it gives
 * the running simulator an order (`state`, or a behaviour). `ibkr PORT` is a stand-in for IBKR instead,
 * and `ask HOST:PORT JSON` asks that.
 */

import { connect } from 'node:net';
import { CONTROL_SOCKET, giveOrder, startControl } from './control.ts';
import { overStream } from './ibkr/line.ts';
import { createIbkrServer, listenForGateways } from './ibkr/server.ts';
import { processIdentity } from './identity.ts';
import { startSimulator } from './simulator.ts';

const [order, ...rest] = process.argv.slice(2);
if (order === undefined) void runContainer();
else if (order === 'ibkr') void runIbkr(Number(rest[0] ?? 4000));
else if (order === 'ask') void ask(rest[0] ?? '', rest[1] ?? '{"type":"counts"}');
else void command(order);

async function runContainer(): Promise<void> {
  const simulator = startSimulator({
    env: process.env,
    root: '',
    // Pipes are written synchronously: the last lines are out before the process ends.
    log: (line) => process.stdout.write(`${line}\n`),
    ports: 'image',
    bind: '0.0.0.0',
    runSsh: true,
    runNamed: true,
    identity: processIdentity(),
  });
  // As a shell that has not come to its trap: a signal without a handler does not reach process 1. Node comes with
  // a handler of its own, by which /proc says that this one is caught.
  process.once('SIGTERM', () => undefined).removeAllListeners('SIGTERM');
  void simulator.trapped.then(() => {
    process.on('SIGTERM', () => void simulator.stop());
    process.on('SIGINT', () => void simulator.stop());
  });
  startControl(simulator, process.env.SIMULATOR_CONTROL_SOCKET || CONTROL_SOCKET);
  process.exit(await simulator.exited);
}

async function runIbkr(port: number): Promise<void> {
  // Process 1 of a container does not end by these unless it says so.
  process.on('SIGTERM', () => process.exit(0));
  process.on('SIGINT', () => process.exit(0));
  await listenForGateways(createIbkrServer(), port, '0.0.0.0');
  process.stdout.write(`a stand-in for IBKR listens on port ${port}\n`);
}

async function ask(address: string, question: string): Promise<void> {
  const [host, port] = address.split(':');
  const line = overStream<unknown, unknown>(connect(Number(port), host));
  line.send(JSON.parse(question));
  const answer = await line.next();
  process.stdout.write(`${JSON.stringify(answer, null, 2)}\n`);
  line.close();
  process.exitCode = answer === null ? 1 : 0;
}

async function command(line: string): Promise<void> {
  const socket = process.env.SIMULATOR_CONTROL_SOCKET || CONTROL_SOCKET;
  const answer = await giveOrder(socket, line).catch((error: Error) => `error: ${error.message}`);
  process.stdout.write(`${answer}\n`);
  process.exitCode = answer.startsWith('error') ? 1 : 0;
}
