/**
 * The simulator as a program. Without an argument it is the container's process 1; with one it gives
 * the running simulator an order (`state`, `restart`, or a behaviour).
 */

import { CONTROL_SOCKET, giveOrder, startControl } from './control.ts';
import { processIdentity } from './identity.ts';
import { startSimulator } from './simulator.ts';

const [order] = process.argv.slice(2);
if (order === undefined) void runContainer();
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
    identity: processIdentity(),
  });
  process.on('SIGTERM', () => void simulator.stop());
  process.on('SIGINT', () => void simulator.stop());
  startControl(simulator, process.env.SIMULATOR_CONTROL_SOCKET || CONTROL_SOCKET);
  process.exit(await simulator.exited);
}

async function command(line: string): Promise<void> {
  const socket = process.env.SIMULATOR_CONTROL_SOCKET || CONTROL_SOCKET;
  const answer = await giveOrder(socket, line).catch((error: Error) => `error: ${error.message}`);
  process.stdout.write(`${answer}\n`);
  process.exitCode = answer.startsWith('error') ? 1 : 0;
}
