// Tries the IB API handshake at each target and prints, as JSON, which of them answer with a version:
// { "127.0.0.1:4001": true }.
//   node --input-type=module - ADDRESS:PORT[@SOURCE] … <answers.mjs
import { readFileSync } from 'node:fs';
import { connect } from 'node:net';

/** Everything is on one machine: an answer takes milliseconds, but for a machine that is busy. */
const [, busy = '0'] = /^some avg10=([\d.]+)/m.exec(pressure()) ?? [];
const PATIENCE_MS = 1500 * (1 + Number(busy) / 100);

const answers = await Promise.all(
  process.argv.slice(2).map(async (target) => [target, await answersAt(target)]),
);
process.stdout.write(JSON.stringify(Object.fromEntries(answers)));

function answersAt(target) {
  const [, host, port, source] = /^(.+):(\d+)(?:@(.+))?$/.exec(target);
  return new Promise((resolve) => {
    const socket = connect({ host, port: Number(port), ...(source && { localAddress: source }) });
    const end = (answer) => {
      socket.destroy();
      resolve(answer);
    };
    const versions = 'v100..176';
    socket.on('connect', () =>
      socket.write(`API\0\0\0\0${String.fromCharCode(versions.length)}${versions}`),
    );
    socket.on('data', () => end(true));
    socket.on('error', () => end(false));
    socket.on('close', () => end(false));
    setTimeout(() => end(false), PATIENCE_MS);
  });
}

/** Percent of the last ten seconds in which somebody waited for a processor, among others. */
function pressure() {
  try {
    return readFileSync('/proc/pressure/cpu', 'utf8');
  } catch {
    return '';
  }
}
