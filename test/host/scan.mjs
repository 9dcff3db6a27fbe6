// Tries TCP ports FROM to TO of ADDRESS and prints, as JSON, each that gave any sign of life:
// { "4003": "open", "22": "ECONNREFUSED" }.
//   node --input-type=module - ADDRESS FROM TO <scan.mjs
import { connect } from 'node:net';

const [host, from, to] = process.argv.slice(2);
const AT_ONCE = 8000;
/** Everything is on one machine: an answer takes microseconds. */
const PATIENCE_MS = 500;
const answers = {};

for (let first = Number(from); first <= Number(to); first += AT_ONCE) {
  const last = Math.min(first + AT_ONCE - 1, Number(to));
  const sockets = [];
  for (let port = first; port <= last; port++) {
    const socket = connect({ host, port });
    socket.on('connect', () => {
      answers[port] = 'open';
      socket.destroy();
    });
    socket.on('error', ({ code }) => {
      // Anything else comes from here: no route, no address of that kind.
      if (['ECONNREFUSED', 'ECONNRESET'].includes(code)) answers[port] = code;
    });
    sockets.push(socket);
  }
  // Counted from when all are under way, however busy the machine; then a last look.
  await new Promise((resolve) => setImmediate(resolve));
  await new Promise((resolve) => setTimeout(resolve, PATIENCE_MS));
  await new Promise((resolve) => setImmediate(resolve));
  for (const socket of sockets) socket.destroy();
}
process.stdout.write(JSON.stringify(answers));
