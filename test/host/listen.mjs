// Opens a TCP listener where it runs, in a network namespace, and hands it to the process that started it.

import { createServer } from 'node:net';

const [host, port] = process.argv.slice(2);
const server = createServer();
server.on('error', (error) => process.send(error.message, () => process.exit(1)));
server.listen({ host, port: Number(port) }, () => {
  process.send('listening', server, () => process.exit());
});
