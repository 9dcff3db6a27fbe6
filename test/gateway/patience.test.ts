import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { expect, test, vi } from 'vitest';
import { Patience } from '../../src/gateway/patience.ts';

const rest = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** As long as this process can't listen. */
function busy(ms: number): void {
  const until = performance.now() + ms;
  while (performance.now() < until);
}

test('what arrived while the process was busy is heard before the limit counts', async () => {
  const server = createServer((socket) => socket.end('word')).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  const first = await new Promise((resolve) => {
    const patience = new Patience();
    const socket = connect(port, '127.0.0.1', () => {
      patience.end();
      resolve('connected');
    });
    socket.on('error', resolve);
    patience.set(20, () => resolve('limit'));
    busy(200);
  });
  expect(first).toBe('connected');
  server.close();
});

test('a limit that was set anew, or ended, counts no more, also one that is just over', async () => {
  const over: string[] = [];
  const patience = new Patience();
  patience.set(1, () => over.push('first'));
  // Both are due when this process is free again, in this order.
  setTimeout(() => patience.set(20, () => over.push('second')), 1);
  busy(20);
  await vi.waitFor(() => expect(over).toContain('second'), 60_000);
  patience.set(1, () => over.push('third'));
  setTimeout(() => patience.end(), 1);
  busy(20);
  await rest(100);
  expect(over).toEqual(['second']);
});
