/** What ibq must not do: write where it should only look, and let a secret out. */

import { beforeAll, describe, expect, test } from 'vitest';
import { addArguments, addGateway, ibq, ibqOk, prepareHost, told } from './gateways.ts';
import { describeOnHosts, type RunResult } from './harness.ts';

/** Every call by which a file comes to be, changes or goes. */
const WRITING =
  '?open,openat,?creat,?rename,?renameat,renameat2,?unlink,unlinkat,?rmdir,?mkdir,mkdirat,?symlink,symlinkat,?link,linkat,?chmod,fchmodat,?chown,?lchown,fchownat,?mknod,mknodat,truncate,?utime,utimensat,setxattr,mount';

const FORKING = '?clone,?clone3,?fork,?vfork';

/** In the secret's value, and nowhere else on the machine. */
const TOKEN = `Tok${Math.random().toString(36).slice(2)}${Math.random().toString(36).slice(2)}`;

describeOnHosts('quiet', (host) => {
  beforeAll(async () => {
    await prepareHost(host);
    await addGateway(host, '4001', { mode: 'live' });
    await ibqOk(host, ['deploy']);
  });

  describe('`deploy --dry-run`', () => {
    let calls: string[];
    let programs: string[];

    beforeAll(async () => {
      await addGateway(host, '4002');
      await host.ok("sed -i '1i java_heap = 1024' /etc/ibq/instances/4001.toml");
    });

    test('shows the plan and changes no file of the host', async () => {
      const before = await fingerprint();
      const trace = await traced('ibq deploy --dry-run');
      const { result } = trace;
      expect(result.exitCode, await told(host, result)).toBe(0);
      expect(result.stdout).toContain('+ 4002: starts');
      expect(result.stdout).toMatch(/^ {2}~ 4001: a restart puts it into force .*; java_heap$/m);
      expect(result.stderr).toContain('nothing was changed');
      expect(await fingerprint()).toBe(before);
      ({ calls, programs } = trace);
    });

    test('ibq itself writes in one temporary directory, which is gone afterwards', async () => {
      const paths = writtenPaths(calls);
      expect(paths.length).toBeGreaterThan(5);
      const [directory] = /^\/tmp\/ibq-dry-run-\w+/.exec(paths[0] ?? '') ?? ['(none)'];
      expect(paths.filter((path) => !path.startsWith(directory))).toEqual([]);
      expect((await host.run(['test', '-e', directory])).exitCode).toBe(1);
    });

    test('it starts only programs that look and change nothing', () => {
      const asking = [
        /^podman --version$/,
        /^podman (secret ls|image inspect) /,
        /^systemctl (--version|show .*)$/,
        /podman-system-generator --dryrun$/,
        /^nft list table inet ibq_host$/,
      ];
      expect(programs.length).toBeGreaterThan(3);
      expect(programs.filter((line) => !asking.some((known) => known.test(line)))).toEqual([]);
    });
  });

  describe('`--root DIR`', () => {
    beforeAll(async () => {
      const copied = ['arp', 'dev', 'fib_trie', 'route'].map((name) => `/proc/net/${name}`);
      await host.ok('mkdir -p /srv/tree/proc/net /srv/tree/sys/class/net');
      for (const path of copied) await host.ok(`cat ${path} >/srv/tree${path}`);
    });

    test.each([
      'init',
      'network detect --write',
      addArguments('4001', { mode: 'live' }).join(' '),
      'instance list',
      'plan',
      'deploy',
      'deploy -y --replace-drift',
      'instance remove 4001',
      'deploy --dry-run',
    ])('%s: all that it writes or reads is below DIR', async (line) => {
      const before = await fingerprint();
      const { result, lines, calls, programs } = await traced(`ibq --root /srv/tree ${line}`);
      expect(result.exitCode, await told(host, result)).toBe(0);
      expect(await fingerprint()).toBe(before);
      expect(writtenPaths(calls).filter((path) => !path.startsWith('/srv/tree/'))).toEqual([]);
      // The lock of the tree is flock(1)'s. No Podman, no systemctl.
      expect(programs.filter((it) => !/^(flock|sh|cat)\b/.test(it))).toEqual([]);
      const ofTheHost =
        /"\/(etc\/(ibq|containers|systemd|machine-id)|proc\/net|sys\/class|run\/ibq)/;
      const seen = lines.filter((it) => ofTheHost.test(it) && !it.includes('symlink'));
      expect(seen).toEqual([]);
    });
  });

  describe('a secret’s value', () => {
    const said: string[] = [];

    test('goes in by standard input and comes out in the gateway', async () => {
      await host.ok("sed -i '/^java_heap/d' /etc/ibq/instances/4001.toml");
      await sampleProcesses(async () => {
        const password = `p 'ä"$%n\\;#!=:${TOKEN}`;
        // -v prints every command; strace sees what each process is started with, however short it lives.
        for (const [args, stdin] of [
          [['-v', 'secret', 'set', '4002', 'password'], `${password}\n`],
          [['-v', 'secret', 'set', '4002', 'password'], `${password}\n`],
          [['-v', 'deploy'], ''],
          [['-v', 'restart', '4002'], ''],
          [['-v', 'wait', '4002', '--timeout', '300'], ''],
          [['-v', 'status'], ''],
          [['-v', 'status', '--json'], ''],
          [['-v', 'secret', 'list'], ''],
          [['-v', 'instance', 'show', '4002'], ''],
          [['-v', 'logs', '4002', '-n', '1000'], ''],
        ] as const) {
          const trace = [
            'strace',
            '-f',
            '-qq',
            '-s',
            '100000',
            '-e',
            'trace=execve',
            '-o',
            '/tmp/execs',
          ];
          const result = await ibq(host, args, { stdin });
          expect(result.exitCode, await told(host, result)).toBe(0);
          said.push(result.stdout, result.stderr);
          if (args[1] === 'secret') {
            const traced = await host.run([...(trace as [string, ...string[]]), 'ibq', ...args], {
              stdin,
            });
            expect(traced.exitCode, traced.stderr).toBe(0);
            expect(await host.readFile('/tmp/execs')).toContain('podman');
            expect(await host.readFile('/tmp/execs')).not.toContain(TOKEN);
          }
        }
        // Escaped for what reads it: the image's own affair.
        expect(await host.ok('podman exec ib-gateway-4002 cat /run/secrets/password')).toContain(
          TOKEN,
        );
      });
    });

    test('is not in what ibq says, with -v too', () => {
      expect(said.join('\n')).toContain('podman secret create');
      expect(said.join('\n')).not.toContain(TOKEN);
    });

    test('is in no process’s arguments while it is set and deployed', async () => {
      const samples = await host.readFile('/run/samples');
      expect(samples).toContain('ib-gateway-4002');
      expect(samples).not.toContain(TOKEN);
    });

    test('is in no file below /etc, /run and /var, apart from where Podman keeps and mounts it', async () => {
      const found = await host.ok(
        // /run/test-host has a whole /proc and /sys (docs/test-host.md).
        `grep -rlsF -D skip --exclude-dir=test-host ${TOKEN} /etc /run /var /root /home /usr/local /tmp || true`,
      );
      const podman = /^\/var\/lib\/containers\/storage\/|^\/run\/containers\/storage\//;
      const files = found.split('\n').filter(Boolean);
      // The search would have found it.
      expect(files.some((file) => file.includes('/secrets/'))).toBe(true);
      expect(files.filter((file) => !podman.test(file))).toEqual([]);
    });

    test('is not in the journal', async () => {
      const journal = await host.ok(
        'journalctl --sync; journalctl --no-pager --all --output=verbose',
      );
      expect(journal).toContain('ib-gateway@4002.service');
      expect(journal).not.toContain(TOKEN);
    });
  });

  /** Runs a command under strace: what came of it, and what it did to files. */
  async function traced(command: string): Promise<Trace & { result: RunResult; lines: string[] }> {
    const options = `-f -qq -s 4096 -o /tmp/trace -e trace=execve,${FORKING},${WRITING}`;
    const result = await host.run(`strace ${options} ${command}`);
    const lines = (await host.readFile('/tmp/trace')).split('\n');
    return { result, lines, ...readTrace(lines) };
  }

  /** Runs `action` while all processes' arguments are written down, as often as it goes. */
  async function sampleProcesses(action: () => Promise<void>): Promise<void> {
    const sampling = host.run(
      'while [ ! -e /run/enough ]; do cat /proc/[0-9]*/cmdline 2>/dev/null | tr "\\0" " " >>/run/samples; done',
    );
    try {
      await action();
    } finally {
      await host.ok('touch /run/enough');
      await sampling;
    }
  }

  /** Names, modes, owners, times and texts of all that a deploy could touch. */
  async function fingerprint(): Promise<string> {
    const places =
      '/etc /run/ibq /run/systemd/generator /run/systemd/transient /usr/local /var/lib/containers/storage/volumes';
    return host.ok(
      `find ${places} -printf '%p %m %U %G %T@ %l\\n' | sort; find ${places} -type f -print0 | sort -z | xargs -0 sha256sum`,
    );
  }
});

interface Trace {
  /** Of ibq's own process and its threads. */
  calls: string[];
  /** Command lines of the programs that it started. */
  programs: string[];
}

function readTrace(lines: readonly string[]): Trace {
  const [root] = (lines[0] ?? '').split(/\s+/);
  const parents = new Map<string, string>();
  for (const line of lines) {
    const [, parent, child] = /^(\d+) .*?(?:clone3?|v?fork)\b.* = (\d+)$/.exec(line) ?? [];
    if (parent && child) parents.set(child, parent);
  }
  /** The process of a program, or of a thread of one; what programs start is their own affair. */
  const started = new Map<string, string>();
  const isOwn = (pid: string): boolean => {
    if (started.has(pid)) return false;
    const parent = parents.get(pid);
    return pid === root || (parent !== undefined && isOwn(parent));
  };
  const calls: string[] = [];
  /** A call that another process's came in between of is told in two lines. */
  const begun = new Map<string, string>();
  for (const line of lines) {
    const [, pid = '', text = ''] = /^(\d+)\s+(.*)$/.exec(line) ?? [];
    if (!isOwn(pid)) continue;
    if (text.endsWith(' <unfinished ...>')) {
      begun.set(pid, text.replace(/ <unfinished \.\.\.>$/, ''));
      continue;
    }
    const call = text.replace(/^<\.\.\. \w+ resumed>/, () => begun.get(pid) ?? '');
    const argv = /^execve\("[^"]*", \[(.*?)\].* = 0$/.exec(call)?.[1];
    if (argv === undefined) calls.push(call);
    else if (pid !== root) started.set(pid, argv.replaceAll('", "', ' ').replaceAll('"', ''));
  }
  return { calls, programs: [...started.values()] };
}

/** Absolute paths that calls which succeeded have written to, made, renamed or removed. */
function writtenPaths(calls: readonly string[]): string[] {
  return calls.flatMap((call) => {
    if (/ = -1 /.test(call) || /^(execve|clone|clone3|fork|vfork)\(/.test(call)) return [];
    if (/^open(at)?\(/.test(call) && !/O_WRONLY|O_RDWR|O_CREAT|O_TRUNC/.test(call)) return [];
    const paths = [...call.matchAll(/"(\/[^"]*)"/g)].map(([, path = '']) => path);
    // The first argument of symlink(2) is only its text.
    const touched = call.startsWith('symlink') ? paths.slice(-1) : paths;
    return touched.filter((path) => !path.startsWith('/dev/') && !path.startsWith('/proc/self/'));
  });
}
