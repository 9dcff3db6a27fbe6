// Starts a program of Node, has it sent SIGNAL, and ends as it does: 137 for one that SIGKILL ended.
// PATTERN is milliseconds, or what a line on its standard error matches: then it sends the signal to
// itself while it writes that line, however busy the machine is, or so many milliseconds later: in the
// middle of what it announced. Last it says how long the end took.
//   node end-at.mjs SIGNAL[+MILLISECONDS] PATTERN CMD...
import { spawn } from 'node:child_process';
import { constants } from 'node:os';

const [when, pattern, command, ...args] = process.argv.slice(2);
const [signal, delay = '0'] = when.split('+');
const later = /^\d+$/.test(pattern);

/** Runs in the program, before it. */
const itself = `
delete process.env.NODE_OPTIONS;
const write = process.stderr.write;
let text = '';
process.stderr.write = function (chunk, ...rest) {
  const written = write.call(this, chunk, ...rest);
  text += chunk;
  if (${new RegExp(pattern, 'm')}.test(text)) {
    process.stderr.write = write;
    const end = () => {
      write.call(this, 'end-at: signalled at ' + Date.now() + '\\n');
      process.kill(process.pid, '${signal}');
    };
    if (${Number(delay)} === 0) end();
    else setTimeout(end, ${Number(delay)});
  }
  return written;
};`;
const options = `--import=data:text/javascript,${encodeURIComponent(itself)}`;

const child = spawn(command, args, {
  stdio: ['ignore', 'inherit', 'pipe'],
  env: { ...process.env, ...(later ? {} : { NODE_OPTIONS: options }) },
});
let at = Date.now();
let text = '';
if (later) {
  setTimeout(() => {
    at = Date.now();
    child.kill(signal);
  }, Number(pattern)).unref();
}
child.stderr.on('data', (chunk) => {
  process.stderr.write(chunk);
  text += chunk;
});
child.on('exit', (code, by) => {
  process.exitCode = by ? 128 + constants.signals[by] : code;
  at = Number(/^end-at: signalled at (\d+)$/m.exec(text)?.[1] ?? at);
  process.stderr.write(`end-at: ended ${Date.now() - at} ms after the signal\n`);
  // What it started may still hold its standard error.
  child.stderr.destroy();
});
