// The root file system of the simulator's image, from what this machine has: its own node and a few
// programs, the libraries that ldd names, the simulator in one file.

import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, realpathSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { writeTar } from './image-tar.mjs';

// What `ibq exec NAME -- sh` and checks from inside need; those the machine lacks are left out.
const PROGRAMS =
  'sh bash cat sleep env id ls head tail tr grep timeout true false touch rm mkdir stat printf'.split(
    ' ',
  );
// The images that have a tunnel have a client.
const SSH = ['ssh', 'ssh-agent', 'ssh-add'];
// Processes that somebody may kill (named.ts). By their file they have the real ones' names.
const NAMED = ['Xvfb', 'socat', 'run_socat.sh'];
// ssh asks it for the passphrase, in place of sshpass; a second question means that it was wrong.
const ASKPASS = `#!/bin/sh
case $1 in
  Bad*) exit 1 ;;
esac
printf '%s\\n' "$SSHPASS"
`;

/** @param options `files` of the contract (templates.ts); `program`: bytes of the simulator */
export function writeRoot({ tar, directory, contract, files, program }) {
  const { user, paths } = contract;
  const entries = new Map();
  const add = (path, entry) => {
    for (let parent = dirname(path); parent !== '/'; parent = dirname(parent)) {
      if (!entries.has(parent)) entries.set(parent, { type: '5', mode: 0o755 });
    }
    entries.set(path, entry);
  };
  const file = (path, content, mode = 0o644, owner = {}) =>
    add(path, { type: '0', mode, content: Buffer.from(content), ...owner });
  const folder = (path, mode, owner = {}) => add(path, { type: '5', mode, ...owner });

  // The root is merged as in today's distributions, so that every name of a library is found.
  for (const name of ['bin', 'sbin', 'lib', 'lib64'])
    add(`/${name}`, { type: '2', mode: 0o777, link: `usr/${name}` });
  for (const name of ['/usr/bin', '/usr/sbin', '/usr/lib', '/usr/lib64']) folder(name, 0o755);
  for (const name of ['/proc', '/sys', '/dev', '/run', '/var', '/etc']) folder(name, 0o755);
  folder('/tmp', 0o1777);
  const account = `${user.name}:x:${user.uid}:${user.gid}::${paths.home}:/bin/bash\n`;
  file('/etc/passwd', `root:x:0:0:root:/root:/bin/sh\n${account}`);
  file('/etc/group', `root:x:0:\n${user.name}:x:${user.gid}:\n`);
  // The image's own files. The settings volume of gnzsnz has no directory in the image: neither here.
  for (const { path, text, own } of files) {
    const owner = own ? { uid: user.uid, gid: user.gid } : {};
    if (text === undefined) folder(path, 0o755, owner);
    else file(path, text, 0o644, owner);
  }

  const node = realpathSync(process.execPath);
  file('/usr/local/bin/node', stripped(node, directory), 0o755);
  addLibraries(node, file);
  addScripts(node, file);
  const hasSsh = 'SSH_TUNNEL' in contract.variables;
  for (const name of hasSsh ? [...PROGRAMS, ...SSH] : PROGRAMS) {
    const path = ['/usr/bin', '/bin'].map((bin) => join(bin, name)).find(existsSync);
    if (path === undefined) continue;
    file(`/usr/bin/${name}`, readFileSync(path), 0o755);
    addLibraries(path, file);
  }
  if (hasSsh) file('/opt/simulator/askpass', ASKPASS, 0o755);
  for (const name of NAMED) file(`/opt/simulator/named/${name}`, '#!/bin/sh\nread -r _\n', 0o755);
  file('/opt/simulator/simulator.cjs', program);
  const order = '#!/bin/sh\nexec /usr/local/bin/node /opt/simulator/simulator.cjs "$@"\n';
  file('/usr/local/bin/simulator', order, 0o755);
  writeTar(tar, entries);
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
