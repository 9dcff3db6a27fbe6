// Starts a command, sends it SIGNAL as soon as it has written a line that matches PATTERN to its
// standard error (or, where PATTERN is a number, that many milliseconds later), and ends as it does:
// 137 for a command that SIGKILL ended.
//   node end-at.mjs SIGNAL PATTERN CMD...
import { spawn } from 'node:child_process';
import { constants } from 'node:os';

const [signal, pattern, command, ...args] = process.argv.slice(2);
const child = spawn(command, args, { stdio: ['ignore', 'inherit', 'pipe'] });
let unsent = true;
let text = '';

const send = () => {
  if (unsent) child.kill(signal);
  unsent = false;
};
if (/^\d+$/.test(pattern)) setTimeout(send, Number(pattern)).unref();

child.stderr.on('data', (chunk) => {
  process.stderr.write(chunk);
  text += chunk;
  if (!/^\d+$/.test(pattern) && new RegExp(pattern, 'm').test(text)) send();
});
child.on('exit', (code, by) => {
  process.exitCode = by ? 128 + constants.signals[by] : code;
  // What it started may still hold its standard error.
  child.stderr.destroy();
});
