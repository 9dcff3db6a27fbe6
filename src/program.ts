/** The commander tree. Each action imports its command when it is called. */

import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import type { ImportComposeOptions } from './commands/import-compose.ts';
import type { Context } from './context.ts';
import { ExitCode, NeedsRoot, UserError } from './errors.ts';
import { openHost } from './host/open.ts';
import { type Scope, sudoLine, withScope } from './typed-line.ts';
import { printableLines } from './ui/foreign-text.ts';
import { terminalUi } from './ui/terminal.ts';
import { answerMistakes, readHelp } from './usage.ts';

/** @returns the exit code */
export async function runProgram(
  args: readonly string[],
  version: string,
  open = openHost,
): Promise<number> {
  let exitCode: number = ExitCode.done;
  const finish = (code: number) => {
    exitCode = code;
  };
  const program = buildProgram(version, finish, open);
  try {
    await program.parseAsync([...readHelp(args, program)], { from: 'user' });
  } catch (error) {
    // commander has printed its message; help and version are no errors.
    if (error instanceof CommanderError) {
      return error.exitCode === 0 ? ExitCode.done : ExitCode.usage;
    }
    throw completed(error, program, args);
  }
  return exitCode;
}

/** An error in the scope of the command that was typed. */
function completed(error: unknown, program: Command, args: readonly string[]): unknown {
  if (error instanceof NeedsRoot) {
    return new UserError(`${error.message}: run "${sudoLine(args, process.env)}"`, error.exitCode);
  }
  if (!(error instanceof UserError)) return error;
  return new UserError(inScope(program)(error.message), error.exitCode);
}

/** What ibq prints, with the options of the command that was typed in each command that it names. */
function inScope(program: Command): (text: string) => string {
  const { config, root } = program.opts<GlobalOptions>();
  const scope: Scope = { config: config === CONFIG_FILE ? null : config, root: root ?? null };
  const verbs = program.commands.map((command) => command.name());
  return (text) => withScope(text, scope, verbs);
}

const CONFIG_FILE = '/etc/ibq/ibq.toml';

/** @param finish told the exit code of the command that ran */
export function buildProgram(
  version: string,
  finish: (exitCode: number) => void,
  open = openHost,
): Command {
  const program = new Command('ibq')
    .description(
      'Runs Interactive Brokers gateways as systemd services with Podman Quadlet,\nand tells the truth about whether each one answers the IB API.',
    )
    .version(version, '--version', 'print the version')
    .helpOption('-h, --help', 'print this help')
    .option('--root <dir>', 'read and write every host path under DIR; no unit manager is called')
    .option('--config <file>', 'the host configuration', CONFIG_FILE)
    .option('-q, --quiet', 'no progress')
    .option('-v, --verbose', 'print each command that ibq runs')
    .option('--no-color', 'no colours (NO_COLOR is honoured too)')
    .showSuggestionAfterError(true)
    .exitOverride()
    .addHelpText('after', HELP_END);

  const context = (): Context => {
    const options = program.opts<GlobalOptions>();
    if (options.config === '') {
      throw new UserError('--config: should be a file, got ""', ExitCode.usage);
    }
    const ui = terminalUi({
      quiet: options.quiet === true,
      color: options.color,
      inScope: inScope(program),
    });
    return {
      host: open({
        root: options.root ?? null,
        verbose: options.verbose
          ? (line) => process.stderr.write(`+ ${printableLines(line)}\n`)
          : () => {},
        slow: (line) => ui.note(line),
      }),
      ui,
      configFile: options.config,
      env: process.env,
      version,
    };
  };
  /** Registers what a command does: it gets a context and returns the exit code. */
  const action =
    <Args extends unknown[]>(run: (context: Context, ...args: Args) => Promise<number>) =>
    async (...args: Args): Promise<void> =>
      finish(await run(context(), ...args));

  program
    .command('init')
    .description('write a commented /etc/ibq/ibq.toml, detect and pin the network')
    .option('--force', 'set an existing ibq.toml aside and write a new one')
    .action(
      action(async (ctx, options: { force?: boolean }) =>
        (await import('./commands/init.ts')).init(ctx, { force: options.force === true }),
      ),
    );

  const network = program.command('network').description("the host's private network");
  network
    .command('detect')
    .description('what was found, what was chosen and why')
    .option('--json', 'print JSON')
    .option('--write', 'pin it in network.toml')
    .action(
      action(async (ctx, options: { json?: boolean; write?: boolean }) =>
        (await import('./commands/network-detect.ts')).networkDetect(ctx, {
          json: options.json === true,
          write: options.write === true,
        }),
      ),
    );

  network
    .command('show')
    .description('the addresses, ports and rules in force, as a diagram')
    .option('--json', 'print JSON')
    .option('--svg <file>', 'a picture in a file, or on standard output (-)')
    .action(
      action(async (ctx, options: { json?: boolean; svg?: string }) =>
        (await import('./commands/network-show.ts')).networkShow(ctx, {
          json: options.json === true,
          svg: options.svg ?? null,
        }),
      ),
    );

  network
    .command('test')
    .description('proves who can reach what, and that nobody else does')
    .argument('[name]', 'one instance; all without it')
    .option('--to <host:port>', 'a place that instances should get out to; repeatable', collect, [])
    .option('--json', 'print JSON')
    // How ibq starts itself in another network namespace.
    .addOption(new Option('--answer').hideHelp())
    .action(
      action(
        async (
          ctx,
          name: string | undefined,
          options: { to: string[]; json?: boolean; answer?: boolean },
        ) => {
          if (options.answer) return (await import('./host/try-connections.ts')).answerTries();
          return (await import('./commands/network-test.ts')).networkTest(ctx, name ?? null, {
            json: options.json === true,
            to: options.to,
          });
        },
      ),
    );

  program
    .command('import')
    .description('gateways that run by other means, as instances')
    .command('compose')
    .description('the gateways of a docker-compose.yml')
    .argument(
      '[files...]',
      'docker-compose.yml or its directory, later ones over earlier; "-": standard input',
    )
    .option('-f, --file <file>', 'one more file; repeatable', collect, [])
    .option('--variables <file>', 'another file of variables than the .env beside it')
    .option('--service <name>', 'one service of the file')
    .option('--profile <id>', 'the known image that an unknown one is like, or custom')
    .option('--dry-run', 'show the files, write nothing', false)
    .option('--json', 'print JSON', false)
    .action(
      action(async (ctx, files: string[], options: ImportComposeOptions) =>
        (await import('./commands/import-compose.ts')).importCompose(ctx, files, options),
      ),
    );

  const instance = program.command('instance').description('the gateways that should run');
  instance
    .command('add')
    .description('write instances/NAME.toml')
    .argument('<name>', 'a-z, 0-9 and _, at most 31; a port as the name is its port too')
    .addOption(new Option('--mode <mode>', 'live, paper or both'))
    .option('--user <user>', 'IB user name')
    .option('--port <port>', 'port on the host', parsePort)
    .option('--profile <profile>', PROFILE_HELP)
    .option('--image <reference>', 'the image; without it that of the profile')
    .option('--set <key=value>', 'any other key of an instance; repeatable', collect, [])
    .action(
      action(async (ctx, name: string, options: InstanceAddFlags) =>
        (await import('./commands/instance-add.ts')).instanceAdd(ctx, name, options),
      ),
    );
  instance
    .command('remove')
    .description('remove instances/NAME.toml; the next deploy stops it')
    .argument('<name>', 'instance')
    .option('--purge', 'also its settings volume and its secrets; stops it now')
    .option('-y, --yes', 'answer yes to the question that --purge asks on a terminal')
    .action(
      action(async (ctx, name: string, options: { purge?: boolean; yes?: boolean }) =>
        (await import('./commands/instance-remove.ts')).instanceRemove(ctx, name, {
          purge: options.purge === true,
          yes: options.yes === true,
        }),
      ),
    );
  instance
    .command('rename')
    .description('another name; address, MAC, port, settings and secrets stay')
    .argument('<old>', 'instance')
    .argument('<new>', 'its new name')
    .option('-y, --yes', 'stop it without a question, if it runs')
    .action(
      action(async (ctx, from: string, to: string, options: { yes?: boolean }) =>
        (await import('./commands/instance-rename.ts')).instanceRename(ctx, from, to, {
          yes: options.yes === true,
        }),
      ),
    );
  instance
    .command('list')
    .description('the configured instances')
    .option('--json', 'print JSON')
    .action(
      action(async (ctx, options: { json?: boolean }) =>
        (await import('./commands/instance-list.ts')).instanceList(ctx, {
          json: options.json === true,
        }),
      ),
    );
  instance
    .command('show')
    .description('the settings of one instance and where each comes from')
    .argument('<name>', 'instance')
    .option('--json', 'print JSON')
    .action(
      action(async (ctx, name: string, options: { json?: boolean }) =>
        (await import('./commands/instance-show.ts')).instanceShow(ctx, name, {
          json: options.json === true,
        }),
      ),
    );

  const secret = program
    .command('secret')
    .description('passwords, kept as Podman secrets and mounted as files');
  secret
    .command('set')
    .description('read a value from a hidden prompt, from stdin or from a file, and keep it')
    .argument('<name>', 'instance')
    .argument('<key>', 'for example: password')
    .option('--file <file>', 'read it from a file')
    .action(
      action(async (ctx, name: string, key: string, options: { file?: string }) =>
        (await import('./commands/secret.ts')).secretSet(ctx, name, key, {
          file: options.file ?? null,
        }),
      ),
    );
  secret
    .command('list')
    .description('which secrets are needed and which are set; never their values')
    .argument('[name]', 'instance')
    .option('--json', 'print JSON')
    .action(
      action(async (ctx, name: string | undefined, options: { json?: boolean }) =>
        (await import('./commands/secret.ts')).secretList(ctx, name ?? null, {
          json: options.json === true,
        }),
      ),
    );
  secret
    .command('remove')
    .description('forget a value')
    .argument('<name>', 'instance')
    .argument('<key>', 'for example: password')
    .action(
      action(async (ctx, name: string, key: string) =>
        (await import('./commands/secret.ts')).secretRemove(ctx, name, key),
      ),
    );

  const tunnel = program
    .command('tunnel')
    .description('the API of an instance on other machines, by SSH');
  tunnel
    .command('key')
    .description('make a key into the secret ssh_key, and print its line for the other side')
    .argument('<name>', 'instance')
    .option('--passphrase', 'with a passphrase, from a hidden prompt or from stdin')
    .option('--replace', 'in place of the key that is there')
    .action(
      action(async (ctx, name: string, options: { passphrase?: boolean; replace?: boolean }) =>
        (await import('./commands/tunnel-key.ts')).tunnelKey(ctx, name, {
          passphrase: options.passphrase === true,
          replace: options.replace === true,
        }),
      ),
    );
  tunnel
    .command('trust')
    .description('pin the host keys of the machines that the tunnel goes to')
    .argument('<name>', 'instance')
    .option(
      '--fingerprint <fingerprint>',
      'a key that is right, for scripts; repeatable',
      collect,
      [],
    )
    .option('--replace', 'also a key that is not the pinned one any more')
    .action(
      action(async (ctx, name: string, options: { fingerprint: string[]; replace?: boolean }) =>
        (await import('./commands/tunnel-trust.ts')).tunnelTrust(ctx, name, {
          fingerprints: options.fingerprint,
          replace: options.replace === true,
        }),
      ),
    );
  tunnel
    .command('show')
    .description('who gets what, whether it is up, and the lines for the other side')
    .argument('[name]', 'instance')
    .option('--json', 'print JSON')
    .action(
      action(async (ctx, name: string | undefined, options: { json?: boolean }) =>
        (await import('./commands/tunnel-show.ts')).tunnelShow(ctx, name ?? null, {
          json: options.json === true,
        }),
      ),
    );
  tunnel
    .command('test')
    .description('prove that the API answers on the machines it is carried to')
    .argument('<name>', 'instance')
    .option('--json', 'print JSON')
    .action(
      action(async (ctx, name: string, options: { json?: boolean }) =>
        (await import('./commands/tunnel-test.ts')).tunnelTest(ctx, name, {
          json: options.json === true,
        }),
      ),
    );

  program
    .command('plan')
    .description('what deploy would do, and what it costs')
    .option('--json', 'print JSON')
    .option('--diff', 'with the lines of each file that change')
    .option('--detailed-exitcode', 'exit 2 when changes are pending')
    .addOption(acceptRisk())
    .action(
      action(
        async (
          ctx,
          options: {
            json?: boolean;
            diff?: boolean;
            detailedExitcode?: boolean;
            acceptRisk?: string;
          },
        ) =>
          (await import('./commands/plan.ts')).plan(ctx, {
            json: options.json === true,
            diff: options.diff === true,
            detailedExitCode: options.detailedExitcode === true,
            risksAccepted: options.acceptRisk === undefined ? [] : [options.acceptRisk],
          }),
      ),
    );

  program
    .command('deploy')
    .description('put the configuration into force; running gateways stay logged in')
    .option('--dry-run', 'only show and check the plan')
    .option('-y, --yes', 'answer yes to questions')
    .option('--no-start', 'start nothing')
    .option('--no-wait', "don't wait for the API")
    .option('--timeout <seconds>', 'how long to wait for the API', parseSeconds, 180)
    .option(
      '--restart-changed',
      'restart what changed, one by one; sessions are kept where the image can',
    )
    .option('--retry-login', 'start also what IBKR refused too often')
    .option('--replace-drift', 'replace generated files that were edited by hand')
    .addOption(acceptRisk())
    .action(
      action(async (ctx, options: DeployFlags) =>
        (await import('./commands/deploy.ts')).deploy(ctx, {
          dryRun: options.dryRun === true,
          yes: options.yes === true,
          start: options.start,
          wait: options.wait,
          timeoutSeconds: options.timeout,
          restartChanged: options.restartChanged === true,
          retryLogin: options.retryLogin === true,
          replaceDrift: options.replaceDrift === true,
          risksAccepted: options.acceptRisk === undefined ? [] : [options.acceptRisk],
        }),
      ),
    );

  program
    .command('status')
    .description('one line an instance, from unit to API')
    .option('--json', 'print JSON')
    .option('--watch', 'repeat every two seconds')
    .action(
      action(async (ctx, options: { json?: boolean; watch?: boolean }) =>
        (await import('./commands/status.ts')).status(ctx, {
          json: options.json === true,
          watch: options.watch === true,
        }),
      ),
    );

  for (const verb of ['start', 'stop', 'restart'] as const) {
    const command = program
      .command(verb)
      .description(LIFECYCLE[verb])
      .argument('[names...]', 'instances')
      .option('--all', 'every deployed instance');
    if (verb !== 'stop') {
      command.option('--retry-login', 'also after IBKR refused the login too often');
    }
    if (verb === 'restart') {
      command
        .option('--soft', 'let IBC restart the gateway inside its container, without a new login')
        .option('--timeout <seconds>', 'how long --soft waits for the API', parseSeconds, 300)
        .addOption(
          new Option(
            '--new-login',
            'log out and in again even where the session could be kept',
          ).conflicts('soft'),
        );
    }
    command.action(
      action(async (ctx, names: string[], options: LifecycleFlags) =>
        options.soft
          ? (await import('./commands/soft-restart.ts')).softRestart(ctx, names, {
              all: options.all === true,
              timeoutSeconds: options.timeout,
            })
          : (await import('./commands/lifecycle.ts')).lifecycle(ctx, verb, names, {
              all: options.all === true,
              newLogin: options.newLogin === true,
              retryLogin: options.retryLogin === true,
            }),
      ),
    );
  }

  program
    .command('logs')
    .description('the journal of an instance')
    .argument('<name>', 'instance')
    .option('-f, --follow', 'go on as new lines come')
    .option('-n, --lines <n>', 'how many of the last lines', parseCount, 50)
    .option('--since <time>', 'as journalctl reads it: "10 min ago", "today"')
    .option(
      '--all',
      "also the relay's lines about clients that came too early, and long lines whole",
    )
    .action(
      action(
        async (
          ctx,
          name: string,
          options: { follow?: boolean; lines: number; since?: string; all?: boolean },
        ) =>
          (await import('./commands/logs.ts')).logs(ctx, name, {
            follow: options.follow === true,
            lines: options.lines,
            since: options.since ?? null,
            all: options.all === true,
          }),
      ),
    );

  program
    .command('exec')
    .description('run a command inside an instance: ibq exec NAME -- CMD')
    .argument('<name>', 'instance')
    .argument('<command...>', 'what to run, with its arguments')
    .usage('[options] <name> -- <command...>')
    .action(
      action(async (ctx, name: string, command: string[]) =>
        (await import('./commands/exec.ts')).exec(ctx, name, command),
      ),
    );

  program
    .command('probe')
    .description('the IB API handshake with an instance or any HOST:PORT')
    .argument('<target>', 'instance name or HOST:PORT')
    .option('--json', 'print JSON')
    .option('--login', 'open an API session: accounts and next order id')
    .addOption(
      new Option('--half <half>', 'one of the two APIs of mode both').choices(['live', 'paper']),
    )
    .action(
      action(
        async (
          ctx,
          target: string,
          options: { json?: boolean; login?: boolean; half?: 'live' | 'paper' },
        ) =>
          (await import('./commands/probe.ts')).probe(ctx, target, {
            json: options.json === true,
            login: options.login === true,
            half: options.half ?? null,
          }),
      ),
    );

  program
    .command('vnc')
    .description("how to reach an instance's screen")
    .argument('<name>', 'instance')
    .option('--json', 'print JSON')
    .action(
      action(async (ctx, name: string, options: { json?: boolean }) =>
        (await import('./commands/vnc.ts')).vnc(ctx, name, { json: options.json === true }),
      ),
    );

  program
    .command('wait')
    .description('wait until instances answer the IB API')
    .argument('[names...]', 'instances')
    .option('--all', 'every deployed instance')
    .option('--timeout <seconds>', 'give up after', parseSeconds, 180)
    .action(
      action(async (ctx, names: string[], options: { all?: boolean; timeout: number }) =>
        (await import('./commands/wait.ts')).wait(ctx, names, {
          all: options.all === true,
          timeoutSeconds: options.timeout,
        }),
      ),
    );

  program
    .command('doctor')
    .description('everything that could go wrong on this host, and what mends it')
    .option('--json', 'print JSON')
    .action(
      action(async (ctx, options: { json?: boolean }) =>
        (await import('./commands/doctor.ts')).doctor(ctx, { json: options.json === true }),
      ),
    );

  answerMistakes(program);
  return program;
}

interface GlobalOptions {
  root?: string;
  config: string;
  quiet?: boolean;
  verbose?: boolean;
  color: boolean;
}

interface InstanceAddFlags {
  mode?: string;
  user?: string;
  port?: number;
  profile?: string;
  image?: string;
  set: string[];
}

interface LifecycleFlags {
  all?: boolean;
  soft?: boolean;
  newLogin?: boolean;
  retryLogin?: boolean;
  timeout: number;
}

interface DeployFlags {
  dryRun?: boolean;
  yes?: boolean;
  start: boolean;
  wait: boolean;
  timeout: number;
  restartChanged?: boolean;
  retryLogin?: boolean;
  replaceDrift?: boolean;
  acceptRisk?: string;
}

/** The names of all profiles; the profiles themselves are loaded by who needs them. */
const PROFILE_HELP =
  'what image it is: gnzsnz, gnzsnz-tws, danklabs, danklabs-tws, danklabs-host, ibg-controller, custom or simulator';

const LIFECYCLE = {
  start: 'start instances',
  stop: 'stop instances: they log out',
  restart: 'restart instances; sessions are kept where they can be, and it says so',
} as const;

const HELP_END = `
First steps:
  sudo ibq init
  sudo ibq instance add 4002 --mode paper --user NAME
  sudo ibq secret set 4002 password
  sudo ibq deploy

Exit codes:
  0 done · 1 failed · 2 changes pending · 3 not healthy · 64 usage
  69 something is missing · 75 another ibq is at work · 77 needs root
  78 configuration invalid · 130/143 interrupted`;

/** Risks have names: what is accepted is one thing, and said. */
function acceptRisk(): Option {
  return new Option(
    '--accept-risk <risk>',
    'open-api: network.allow may hold 0.0.0.0/0, everybody',
  ).choices(['open-api']);
}

function parsePort(text: string): number {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : 0;
  if (port < 1 || port > 65535) throw new InvalidArgumentError('should be a port (1-65535)');
  return port;
}

function parseSeconds(text: string): number {
  const seconds = /^\d{1,6}$/.test(text) ? Number(text) : 0;
  if (seconds < 1) throw new InvalidArgumentError('should be seconds, 1 or more');
  return seconds;
}

function parseCount(text: string): number {
  if (!/^\d{1,7}$/.test(text)) throw new InvalidArgumentError('should be a number, 0 or more');
  return Number(text);
}

function collect(value: string, all: string[]): string[] {
  return [...all, value];
}
