#!/usr/bin/env node
// The root file system of localhost/ibq-simulator from what this machine has: its own node and a few
// programs, the libraries that ldd names, the simulator in one file. Same input, same bytes.

import { execFileSync } from 'node:child_process';
import {
  closeSync,
  existsSync,
  mkdtempSync,
  openSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const here = dirname(fileURLToPath(import.meta.url));
const contract = JSON.parse(readFileSync(join(here, 'contracts/gnzsnz-gateway.json'), 'utf8'));
const { home } = contract.paths;
const { uid, gid } = contract.user;

const REFERENCE = 'localhost/ibq-simulator:latest';
const IMPORT_ARGS = [
  'CMD ["/usr/local/bin/node","/opt/simulator/simulator.cjs"]',
  `USER ${uid}:${gid}`,
  `WORKDIR ${home}`,
  `ENV HOME=${home}`,
  'ENV PATH=/usr/local/bin:/usr/bin:/bin',
].flatMap((change) => ['--change', change]);

// What `ibq exec NAME -- sh` and checks from inside need; those the machine lacks are left out.
const PROGRAMS =
  'sh bash cat sleep env id ls head tail tr grep timeout true false touch rm mkdir stat printf'.split(
    ' ',
  );

const [argument] = process.argv.slice(2);
if (argument === '--import-args') {
  process.stdout.write(`${IMPORT_ARGS.join('\n')}\n`);
} else if (argument === '--load') {
  inTemporaryDirectory(async (directory) => {
    const tar = join(directory, 'simulator.tar');
    await buildImage(tar, directory);
    execFileSync('podman', ['import', ...IMPORT_ARGS, tar, REFERENCE], { stdio: 'inherit' });
  });
} else if (argument !== undefined && !argument.startsWith('-')) {
  inTemporaryDirectory((directory) => buildImage(resolve(argument), directory));
} else {
  process.stderr.write('usage: scripts/simulator-image OUT.tar | --load | --import-args\n');
  process.exitCode = 64;
}

async function inTemporaryDirectory(work) {
  const directory = mkdtempSync(join(tmpdir(), 'ibq-simulator-'));
  try {
    await work(directory);
  } finally {
    rmSync(directory, { recursive: true });
  }
}

async function buildImage(out, directory) {
  const entries = new Map();
  const add = (path, entry) => {
    for (let parent = dirname(path); parent !== '/'; parent = dirname(parent)) {
      if (!entries.has(parent)) entries.set(parent, { type: '5', mode: 0o755 });
    }
    entries.set(path, entry);
  };
  const file = (path, content, mode = 0o644, owner = 0) =>
    add(path, { type: '0', mode, content: Buffer.from(content), owner });
  const folder = (path, mode, owner = 0) => add(path, { type: '5', mode, owner });

  // The root is merged as in today's distributions, so that every name of a library is found.
  for (const name of ['bin', 'sbin', 'lib', 'lib64'])
    add(`/${name}`, { type: '2', mode: 0o777, link: `usr/${name}` });
  for (const name of ['/usr/bin', '/usr/sbin', '/usr/lib', '/usr/lib64']) folder(name, 0o755);
  for (const name of ['/proc', '/sys', '/dev', '/run', '/var']) folder(name, 0o755);
  folder('/tmp', 0o1777);
  file(
    '/etc/passwd',
    `root:x:0:0:root:/root:/bin/sh\nibgateway:x:${uid}:${gid}::${home}:/bin/bash\n`,
  );
  file('/etc/group', `root:x:0:\nibgateway:x:${gid}:\n`);
  // The image's own directories. Its settings volume has no directory in the image: neither here.
  for (const name of [home, `${home}/ibc`, contract.paths.program]) folder(name, 0o755, uid);
  const settings = Object.entries(contract.configIni).map(([key, value]) => `${key}=${value}\n`);
  file(`${home}/ibc/config.ini.tmpl`, settings.join(''), 0o644, uid);

  const node = realpathSync(process.execPath);
  file('/usr/local/bin/node', stripped(node, directory), 0o755);
  addLibraries(node, file);
  addScripts(node, file);
  for (const name of PROGRAMS) {
    const path = ['/usr/bin', '/bin'].map((bin) => join(bin, name)).find(existsSync);
    if (path === undefined) continue;
    file(`/usr/bin/${name}`, readFileSync(path), 0o755);
    addLibraries(path, file);
  }

  const bundle = await build({
    entryPoints: [join(here, 'main.ts')],
    bundle: true,
    write: false,
    minify: true,
    platform: 'node',
    format: 'cjs',
    target: 'node20.18',
  });
  file('/opt/simulator/simulator.cjs', bundle.outputFiles[0].contents);
  const order = '#!/bin/sh\nexec /usr/local/bin/node /opt/simulator/simulator.cjs "$@"\n';
  file('/usr/local/bin/simulator', order, 0o755);
  writeTar(out, entries);
}

// The libraries that ldd names, in the directory of libc (where the loader looks), and the loader.
function addLibraries(program, file) {
  const text = execFileSync('ldd', [realpathSync(program)], { encoding: 'utf8' });
  const named = [...text.matchAll(/^\s*(\S+) => (\/\S+)/gm)].map(([, name, path]) => [name, path]);
  const libc = named.find(([name]) => name.startsWith('libc.'))?.[1] ?? '/usr/lib/libc';
  for (const [name, path] of named)
    file(join(merged(dirname(libc)), name), readFileSync(path), 0o755);
  const loader = /^\s*(\/\S*ld\S*)/m.exec(text)?.[1];
  if (loader !== undefined) file(merged(loader), readFileSync(loader), 0o755);
}

// Debian's node reads parts of its own library from files at every start, and names them in itself.
function addScripts(node, file) {
  const text = execFileSync('ldd', [node], { encoding: 'utf8' });
  const library = /=> (\/\S*\/libnode\.so\S*)/.exec(text)?.[1];
  const content = readFileSync(library ?? node, 'latin1');
  for (const [path] of content.matchAll(/\/usr\/share\/nodejs\/[\w./-]+\.js/g)) {
    if (existsSync(path)) file(path, readFileSync(path));
  }
}

function merged(path) {
  return path.replace(/^\/(lib|lib64|bin|sbin)(?=\/|$)/, '/usr/$1');
}

// Without its symbols node is a fifth smaller; a machine without strip gets it whole.
function stripped(node, directory) {
  const copy = join(directory, 'node');
  try {
    execFileSync('strip', ['-o', copy, node], { stdio: 'ignore' });
    execFileSync(copy, ['-e', '0']);
    return readFileSync(copy);
  } catch {
    return readFileSync(node);
  }
}

// ustar, sorted, every time stamp 0.
function writeTar(out, entries) {
  const tar = openSync(out, 'w');
  for (const [path, entry] of [...entries].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const content = entry.content ?? Buffer.alloc(0);
    writeSync(tar, header(`.${path}${entry.type === '5' ? '/' : ''}`, entry, content.length));
    for (let done = 0; done < content.length; ) done += writeSync(tar, content, done);
    writeSync(tar, Buffer.alloc((512 - (content.length % 512)) % 512));
  }
  writeSync(tar, Buffer.alloc(1024));
  closeSync(tar);
}

function header(path, { type, mode, owner = 0, link = '' }, size) {
  const block = Buffer.alloc(512);
  const octal = (value, length) => `${value.toString(8).padStart(length - 1, '0')}\0`;
  const put = (text, offset) => block.write(text, offset, 'latin1');
  put(path, 0);
  put(octal(mode, 8), 100);
  put(octal(owner, 8), 108);
  put(octal(owner, 8), 116);
  put(octal(size, 12), 124);
  put(octal(0, 12), 136);
  put(' '.repeat(8), 148);
  put(type, 156);
  put(link, 157);
  put('ustar\x0000', 257);
  const sum = block.reduce((total, byte) => total + byte, 0);
  put(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  return block;
}
