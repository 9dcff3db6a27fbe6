/** The commander tree: its style, its contract, and what reaches a command. */

import type { Command } from 'commander';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { Context } from '../src/context.ts';
import { PROFILE_IDS } from '../src/images/index.ts';
import { buildProgram, runProgram } from '../src/program.ts';
import { temporaryDirectory } from './support/sandbox.ts';

type Call = [Context, ...unknown[]];
const calls = vi.hoisted(() => [] as unknown[][]);

vi.mock('../src/commands/plan.ts', () => ({
  plan: async (...args: unknown[]) => {
    calls.push(args);
    return 2;
  },
}));
vi.mock('../src/commands/exec.ts', () => ({
  exec: async (...args: unknown[]) => {
    calls.push(args);
    return 42;
  },
}));
vi.mock('../src/commands/deploy.ts', () => ({
  deploy: async (...args: unknown[]) => {
    calls.push(args);
    return 0;
  },
}));
vi.mock('../src/commands/network-show.ts', () => ({
  networkShow: async (...args: unknown[]) => {
    calls.push(args);
    return 0;
  },
}));
vi.mock('../src/commands/soft-restart.ts', () => ({
  softRestart: async (...args: unknown[]) => {
    calls.push(args);
    return 0;
  },
}));
vi.mock('../src/commands/logs.ts', () => ({
  logs: async (...args: unknown[]) => {
    calls.push(args);
    return 0;
  },
}));

let out = '';
let err = '';
beforeEach(() => {
  calls.length = 0;
  out = '';
  err = '';
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    out += text;
    return true;
  });
  vi.spyOn(process.stderr, 'write').mockImplementation((text) => {
    err += text;
    return true;
  });
});
afterEach(() => void vi.restoreAllMocks());

const run = (...args: string[]) => runProgram(args, '1.2.3');

/** What the only command that ran was given. */
async function reached(...args: string[]): Promise<{ exitCode: number; call: Call }> {
  const exitCode = await run(...args);
  expect(err).toBe('');
  expect(calls).toHaveLength(1);
  return { exitCode, call: calls[0] as Call };
}

/** `network detect`, … of every command; groups too. */
function walk(command: Command, path: string[] = []): [string, Command][] {
  return command.commands.flatMap((child) => {
    const here = [...path, child.name()];
    return [[here.join(' '), child] as [string, Command], ...walk(child, here)];
  });
}

const tree = buildProgram('1.2.3', () => {});
const commands = walk(tree);

describe('the contract', () => {
  const CONTRACT = [
    'init',
    'network detect',
    'network show',
    'network test',
    'instance add',
    'instance remove',
    'instance rename',
    'instance list',
    'instance show',
    'secret set',
    'secret list',
    'secret remove',
    'tunnel key',
    'tunnel trust',
    'tunnel show',
    'tunnel test',
    'plan',
    'deploy',
    'status',
    'start',
    'stop',
    'restart',
    'logs',
    'exec',
    'probe',
    'wait',
    'vnc',
    'doctor',
    'import compose',
  ];
  /** Names that are kept for what is to come. */
  const LATER = ['watch', 'upgrade', 'history', 'rollback', 'uninstall', 'completion'];

  test('these commands, and no other', () => {
    const leaves = commands.filter(([, command]) => command.commands.length === 0);
    expect(leaves.map(([name]) => name).sort()).toEqual([...CONTRACT].sort());
  });

  test('a name that is kept means nothing yet', () => {
    const names = commands.map(([name]) => name);
    for (const name of LATER) expect(names).not.toContain(name);
  });

  test.each([
    ['', '--version --root --config --quiet --verbose --no-color'],
    ['init', '--force'],
    ['network detect', '--json --write'],
    ['network show', '--json --svg'],
    ['network test', '--to --json --answer'],
    ['instance add', '--mode --user --port --profile --image --set'],
    ['instance remove', '--purge --yes'],
    ['instance rename', '--yes'],
    ['instance list', '--json'],
    ['instance show', '--json'],
    ['secret list', '--json'],
    ['tunnel key', '--passphrase --replace'],
    ['tunnel trust', '--fingerprint --replace'],
    ['tunnel show', '--json'],
    ['tunnel test', '--json'],
    ['plan', '--json --diff --detailed-exitcode --accept-risk'],
    [
      'deploy',
      '--dry-run --yes --no-start --no-wait --timeout --restart-changed --retry-login --replace-drift --accept-risk',
    ],
    ['status', '--json --watch'],
    ['start', '--all --retry-login'],
    ['stop', '--all'],
    ['restart', '--all --retry-login --soft --timeout --new-login'],
    ['logs', '--follow --lines --since --all'],
    ['exec', ''],
    ['probe', '--json --login --half'],
    ['vnc', '--json'],
    ['secret set', '--file'],
    ['wait', '--all --timeout'],
  ])('ibq %s: %s', (name, options) => {
    const command = name === '' ? tree : commands.find(([known]) => known === name)?.[1];
    expect(command?.options.map(({ long }) => long).join(' ')).toBe(options);
  });

  test.each([
    ['-q', '--quiet'],
    ['-v', '--verbose'],
    ['deploy -y', '--yes'],
    ['logs -f', '--follow'],
    ['logs -n', '--lines'],
  ])('%s is %s', (short, long) => {
    const [name = '', flag = name] = short.split(' ');
    const command = commands.find(([known]) => known === name)?.[1] ?? tree;
    expect(command.options.find((option) => option.short === flag)?.long).toBe(long);
  });
});

describe('style', () => {
  const STYLE = /^[a-z"'/-].*[^.]$|^IB /s;

  test.each(commands)('%s is described: lower case, no full stop', (_name, command) => {
    expect(command.description()).toMatch(STYLE);
    expect(command.description().length).toBeLessThan(75);
  });

  test.each(commands)('the options and arguments of %s are described', (_name, command) => {
    for (const { long, description, hidden } of command.options) {
      if (hidden) continue;
      expect(description, long).toMatch(STYLE);
    }
    for (const argument of command.registeredArguments) {
      expect(argument.description, argument.name()).toMatch(STYLE);
    }
  });

  test('what an option takes is named in one way', () => {
    for (const [, command] of [['', tree] as const, ...commands]) {
      for (const { flags } of command.options) {
        expect(flags).toMatch(/^(-\w, )?--[a-z-]+( <[a-z=:]+>)?$/);
      }
    }
  });

  test('help fits a terminal', () => {
    for (const [name, command] of commands) {
      for (const line of command.helpInformation().split('\n')) {
        expect(line.length, `${name}: ${line}`).toBeLessThanOrEqual(80);
      }
    }
  });
});

describe('help and version', () => {
  test.each([[['--version']], [['plan', '--version']]])('%j', async (args) => {
    expect(await run(...args)).toBe(0);
    expect(out).toBe('1.2.3\n');
  });

  test.each([[['--help']], [['-h']], [['help']]])('%j', async (args) => {
    expect(await run(...args)).toBe(0);
    expect(out).toContain('First steps:\n  sudo ibq init');
    expect(out).toContain('Exit codes:');
    expect(err).toBe('');
  });

  test('of a command within a command', async () => {
    expect(await run('help', 'network', 'detect')).toBe(0);
    expect(out).toContain('Usage: ibq network detect');
  });

  test('the profiles of instance add are all there are', () => {
    const add = commands.find(([name]) => name === 'instance add')?.[1];
    const help = add?.options.find(({ long }) => long === '--profile')?.description;
    expect(
      help
        ?.replace(/^.*: /, '')
        .split(/, | or /)
        .sort(),
    ).toEqual([...PROFILE_IDS].sort());
  });

  test('an empty list is no default to read of', async () => {
    expect(await run('instance', 'add', '--help')).toBe(0);
    expect(out).toContain('--set <key=value>');
    expect(out).not.toContain('default: []');
  });

  test.each([[['plan', '--help']], [['help', 'plan']]])('%j', async (args) => {
    expect(await run(...args)).toBe(0);
    expect(out).toContain('Usage: ibq plan [options]');
    expect(out).toContain('--root <dir>');
  });

  test.each([[[]], [['network']], [['instance']], [['secret']]])(
    '%j alone is a question: help on stderr, 64',
    async (args) => {
      expect(await run(...args)).toBe(64);
      expect(out).toBe('');
      expect(err).toContain('Usage: ibq');
    },
  );
});

describe('usage errors: 64, on stderr, with a way on', () => {
  test.each<[string[], string]>([
    [['plam'], "ibq: unknown command 'plam'\n(Did you mean plan?)"],
    [['network', 'detct'], "ibq: unknown command 'detct'\n(Did you mean detect?)"],
    [['plan', '--jsno'], "ibq: unknown option '--jsno'\n(Did you mean --json?)"],
    [['plan', 'extra'], "ibq: too many arguments for 'plan'\n(it is about all instances)"],
    [['status', '4001'], "ibq: too many arguments for 'status'\n(it shows all instances;"],
    [['init', 'x'], "ibq: too many arguments for 'init'\n(usage: ibq init [options])"],
    [
      ['instance', 'add'],
      "ibq: missing required argument 'name'\n(usage: ibq instance add [options] <name>)",
    ],
    [['instance', 'rm', 'x'], "unknown command 'rm'\n(Did you mean ibq instance remove NAME?)"],
    [['secret', 'add', 'x'], "unknown command 'add'\n(Did you mean ibq secret set NAME KEY?)"],
    [['status', '-w'], "unknown option '-w'\n(Did you mean --watch?)"],
    [['-V'], "unknown option '-V'\n(Did you mean --version?)"],
    [['logs', 'x', '--tail', '5'], "unknown option '--tail'\n(Did you mean --lines?)"],
    [['status', '--output', 'json'], "unknown option '--output'\n(Did you mean --json?)"],
    [
      ['import', 'compose', 'f', '--env-file', 'x'],
      "unknown option '--env-file'\n(Did you mean --variables?)",
    ],
    [['network', 'nosuch', '--help'], "ibq: unknown command 'nosuch'"],
    [['help', 'network', 'nosuch'], "ibq: unknown command 'nosuch'"],
    [
      ['show'],
      "ibq: unknown command 'show'\n(Did you mean ibq status, or ibq instance show NAME?)",
    ],
    [['ls'], "ibq: unknown command 'ls'\n(Did you mean ibq instance list?)"],
    [['stpo'], "ibq: unknown command 'stpo'\n(see"],
    [['instance', 'remov', '4001'], "ibq: unknown command 'remov'\n(see"],
    [['completion', '--help'], "ibq: unknown command 'completion'"],
    [['help', 'nosuch'], "ibq: unknown command 'nosuch'"],
    [['deploy', '--accept-risk', 'foo'], 'should be open-api, got "foo"'],
    [
      ['exec', '4001', 'ls', '-la'],
      "ibq: unknown option '-la'\n(put -- before the command: ibq exec NAME -- COMMAND)",
    ],
    [['exec', '4001'], "ibq: missing required argument 'command'"],
    [['vnc'], "ibq: missing required argument 'name'"],
    [['--root'], "ibq: option '--root <dir>' argument missing"],
    [['deploy', '--timeout', '0'], 'should be seconds, 1 or more'],
    [['deploy', '--timeout', '1e3'], 'should be seconds, 1 or more'],
    [['logs', '4001', '-n', '-1'], 'should be a number, 0 or more'],
    [['instance', 'add', 'a', '--port', '70000'], 'should be a port (1-65535)'],
  ])('%j: %s', async (args, message) => {
    expect(await run(...args)).toBe(64);
    expect(err).toContain(message);
    // Of the command that was meant, as far as it was understood.
    const [, path = ''] = /\(see "ibq((?: \w+)*) --help"\)\n$/.exec(err) ?? [];
    const known = commands.map(([name]) => name);
    const typed = args.filter((arg) => !arg.startsWith('-') && arg !== 'help');
    const deepest = [typed.slice(0, 2).join(' '), typed[0] ?? ''].find((it) => known.includes(it));
    expect(path.trim()).toBe(deepest ?? '');
    expect(out).toBe('');
    expect(calls).toEqual([]);
  });
});

test('an option of a command that stands before it', async () => {
  expect(await run('--json', 'status')).toBe(64);
  expect(err).toContain('(it stands behind the command: ibq status --json)');
});

describe('global options', () => {
  test.each([
    ['before the verb', (root: string) => ['--root', root, '--config', '/x.toml', 'plan']],
    ['after it', (root: string) => ['plan', '--root', root, '--config', '/x.toml']],
    ['around it', (root: string) => ['--root', root, 'plan', '--config=/x.toml', '--json']],
  ])('%s', async (_title, args) => {
    const root = temporaryDirectory();
    const { exitCode, call } = await reached(...args(root));
    expect(exitCode).toBe(2);
    expect(call[0].host.root).toBe(root);
    expect(call[0].configFile).toBe('/x.toml');
    expect(call[0].version).toBe('1.2.3');
  });

  test('without them: this host, its usual configuration', async () => {
    const { call } = await reached('plan');
    expect(call[0].host.root).toBeNull();
    expect(call[0].configFile).toBe('/etc/ibq/ibq.toml');
  });
});

describe('what reaches a command', () => {
  test.each<[string[], unknown]>([
    [[], { json: false, diff: false, detailedExitCode: false, risksAccepted: [] }],
    [
      ['--json', '--detailed-exitcode', '--accept-risk=open-api'],
      { json: true, diff: false, detailedExitCode: true, risksAccepted: ['open-api'] },
    ],
  ])('plan %j', async (args, options) => {
    expect((await reached('plan', ...args)).call[1]).toEqual(options);
  });

  const DEPLOY = {
    dryRun: false,
    yes: false,
    start: true,
    wait: true,
    timeoutSeconds: 180,
    restartChanged: false,
    retryLogin: false,
    replaceDrift: false,
    risksAccepted: [],
  };
  test.each<[string, object]>([
    ['', {}],
    ['-y', { yes: true }],
    ['--dry-run', { dryRun: true }],
    ['--no-start', { start: false }],
    ['--no-wait --timeout 5', { wait: false, timeoutSeconds: 5 }],
    ['--accept-risk open-api', { risksAccepted: ['open-api'] }],
    ['--restart-changed --replace-drift', { restartChanged: true, replaceDrift: true }],
  ])('deploy %s', async (args, changes) => {
    const { call } = await reached('deploy', ...args.split(' ').filter(Boolean));
    expect(call[1]).toEqual({ ...DEPLOY, ...changes });
  });

  test.each<[string, object]>([
    ['', { json: false, svg: null }],
    ['--json', { json: true, svg: null }],
    ['--svg a.svg', { json: false, svg: 'a.svg' }],
    ['--svg - --json', { json: true, svg: '-' }],
  ])('network show %s', async (args, options) => {
    const { call } = await reached('network', 'show', ...args.split(' ').filter(Boolean));
    expect(call[1]).toEqual(options);
  });

  test.each<[string, object]>([
    ['4001', { all: false, timeoutSeconds: 300 }],
    ['--all --timeout 60', { all: true, timeoutSeconds: 60 }],
  ])('restart --soft %s', async (args, options) => {
    const { call } = await reached('restart', '--soft', ...args.split(' '));
    expect(call.slice(1)).toEqual([args === '4001' ? ['4001'] : [], options]);
  });

  test('logs', async () => {
    const { call } = await reached('logs', '4001', '-f', '-n', '5', '--since', '10 min ago');
    expect(call.slice(1)).toEqual([
      '4001',
      { follow: true, lines: 5, since: '10 min ago', all: false },
    ]);
  });

  test.each([
    [['exec', '4001', '--', 'ls', '-x']],
    [['exec', '4001', '--', 'ls', '-v', '--json', '--root', '/']],
    [['exec', '4001', '--', 'sh', '-c', 'echo "a b"']],
    [['exec', '4001', '--', 'env', '--', '-q']],
    [['exec', '4001', 'ls']],
  ])('%j: the command as it is', async (args) => {
    const { exitCode, call } = await reached(...args);
    expect(exitCode).toBe(42);
    const rest = args.slice(2);
    expect(call.slice(1)).toEqual(['4001', rest[0] === '--' ? rest.slice(1) : rest]);
    expect(call[0].host.root).toBeNull();
  });
});
