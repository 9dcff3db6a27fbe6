/**
 * Runs what people wait for once, on a host that is not there: V8 compiles a function when it is
 * first called, and what has been compiled can be kept. Nothing is started, and nothing is written
 * but a temporary directory.
 */

import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { Host, RunResult } from '../host/host.ts';
import type { openHost } from '../host/open.ts';
import { libraryDirectory } from '../host/shipped.ts';
import type { main } from '../main.ts';
import { PARTS } from '../plan/parts.ts';

type Open = typeof openHost;

/** Two, as a live and a paper account have them. */
const NAMES = ['a', 'b'];
const CONTAINER = '0123456789abcdef';

/** @param openReal opens a tree of files */
export async function rehearse(run: typeof main, openReal: Open): Promise<void> {
  const root = mkdtempSync(join(tmpdir(), 'ibq-rehearsal-'));
  const gateway = await listen();
  const silent = silence();
  try {
    writeTree(root, portOf(gateway));
    const open: Open = () => actor(openReal({ root, verbose: () => {} }));
    for (const args of [['--help'], ['plan'], ['deploy', '-y'], ['instance', 'list']]) {
      await run(['--root', root, ...args], '0');
    }
    for (const name of NAMES) writeRecord(root, name);
    for (const args of [['status'], ['status', '--json'], ['plan'], ['network', 'show']]) {
      await run(args, '0', open);
    }
    for (const args of [['probe', 'a'], ['wait', 'a'], ['deploy', '--dry-run'], ['doctor']]) {
      await run(args, '0', open);
    }
  } finally {
    silent.end();
    gateway.close();
    rmSync(root, { recursive: true, force: true });
  }
}

/** A host whose files are those of the tree, whose programs only act, and whose time stands still. */
function actor(tree: Host): Host {
  return {
    ...tree,
    root: null,
    run: async (argv) => ({ ...DONE, stdout: answer(argv) }),
    attach: async () => 0,
    sleep: async () => {},
  };
}

const DONE: RunResult = { stdout: '', stderr: '', exitCode: 0, failure: null };

function answer(argv: readonly string[]): string {
  const [program, verb] = argv;
  if (program === 'systemctl' && verb === '--version') return 'systemd 257 (257)\n';
  if (program === 'podman' && verb === '--version') return 'podman version 5.4.2\n';
  if (program === 'podman' && verb === 'secret') return NAMES.map(secretOf).join('\n');
  if (program !== 'systemctl' || verb !== 'show') return '';
  return argv
    .slice(argv.indexOf('--') + 1)
    .map(
      (id) => `Id=${id}\nLoadState=loaded\nActiveState=active\nSubState=running\nResult=success\n`,
    )
    .join('\n');
}

const secretOf = (name: string) => `ibq-${name}-password`;

function writeTree(root: string, port: number): void {
  const write = (path: string, text: string) => {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  };
  write('etc/machine-id', '0123456789abcdef0123456789abcdef\n');
  write('proc/net/dev', 'Inter-|\n face |\n  eth1: 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0\n');
  write(
    'proc/net/route',
    'Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n' +
      'eth1\t00000000\t0100000A\t0003\t0\t0\t0\t00000000\t0\t0\t0\n' +
      'eth1\t0000000A\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0\n',
  );
  write(
    'etc/ibq/ibq.toml',
    '[image]\nprofile = "simulator"\n[network]\nmode = "dual"\ndriver = "macvlan"\ninterface = "eth1"\n' +
      'subnet = "10.0.0.0/24"\ngateway = "10.0.0.1"\nrange = "10.0.0.192/27"\nallow = ["10.0.0.7"]\n' +
      '[defaults]\nmode = "paper"\nuser = "u"\n',
  );
  for (const { paths } of PARTS) write(paths[0] ?? '', '');
  for (const path of ['guard', 'settings', 'hooks.d/ibq-guard.json']) {
    write(join(libraryDirectory(), path), '');
  }
  for (const [index, name] of NAMES.entries()) {
    write(`etc/ibq/instances/${name}.toml`, `port = ${index === 0 ? port : 65_535}\n`);
  }
}

/** What the guard leaves of a container that runs (`readRunning`). */
function writeRecord(root: string, name: string): void {
  const record = join(root, 'run/ibq/instances', name);
  mkdirSync(record, { recursive: true });
  writeFileSync(join(record, 'state'), `container=${CONTAINER}\npid=1\ndefinition=0\n`);
  writeFileSync(join(record, 'guard.nft'), 'table inet ibq {\n}\n');
  const own = join(root, 'proc/1');
  mkdirSync(join(own, 'net'), { recursive: true });
  mkdirSync(join(own, 'ns'), { recursive: true });
  writeFileSync(join(own, 'cgroup'), `0::/libpod-payload-${CONTAINER}\n`);
  writeFileSync(join(own, 'net/fib_trie'), '');
  rmSync(join(own, 'ns/net'), { force: true });
  symlinkSync('net:[1]', join(own, 'ns/net'));
}

/** Answers a handshake as a gateway does. */
async function listen(): Promise<Server> {
  const text = '187\x0020260101 00:00:00 UTC\x00';
  const frame = Buffer.concat([Buffer.alloc(4), Buffer.from(text, 'latin1')]);
  frame.writeUInt32BE(text.length);
  const server = createServer((socket: Socket) => {
    socket.on('error', () => {});
    socket.once('data', () => socket.write(frame));
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  return server;
}

function portOf(server: Server): number {
  const address = server.address();
  return typeof address === 'object' && address !== null ? address.port : 0;
}

/** Nobody watches a rehearsal. */
function silence(): { end: () => void } {
  const { stdout, stderr } = process;
  const write = { stdout: stdout.write, stderr: stderr.write };
  stdout.write = () => true;
  stderr.write = () => true;
  return {
    end: () => {
      stdout.write = write.stdout;
      stderr.write = write.stderr;
    },
  };
}
