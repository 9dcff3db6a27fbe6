/** What a mistyped command line is answered with: what was wrong, what was meant perhaps, where the help is. */

import type { Command } from 'commander';

/** What other tools call a command. */
const OTHER_NAMES: Readonly<Record<string, string>> = {
  show: 'ibq status, or ibq instance show NAME',
  ps: 'ibq status',
  ls: 'ibq instance list',
  list: 'ibq instance list',
  add: 'ibq instance add NAME',
  create: 'ibq instance add NAME',
  edit: 'edit /etc/ibq/instances/NAME.toml, then ibq plan',
  rm: 'ibq instance remove NAME',
  remove: 'ibq instance remove NAME',
  delete: 'ibq instance remove NAME',
  up: 'ibq deploy',
  apply: 'ibq deploy',
  down: 'ibq stop NAME, or ibq instance remove NAME',
  diff: 'ibq plan',
  check: 'ibq plan, or ibq doctor',
  detect: 'ibq network detect',
  version: 'ibq --version',
};

/** A suggestion that is followed without a second look must not end a session. */
const NEVER_SUGGESTED = ['stop', 'restart', 'remove'];

/** To be called when all commands are there. */
export function answerMistakes(program: Command, path: readonly string[] = ['ibq']): void {
  const name = path.join(' ');
  program
    .showHelpAfterError(`(see "${name} --help")`)
    .configureOutput({ outputError: (text, write) => write(inOurForm(text, name)) })
    .configureHelp({
      showGlobalOptions: true,
      // An empty list is no default that anybody wants to read of.
      optionDescription: (option) =>
        Array.isArray(option.defaultValue)
          ? option.description
          : withDetails(option.description, option),
    });
  for (const command of program.commands) answerMistakes(command, [...path, command.name()]);
}

function withDetails(
  description: string,
  { argChoices, defaultValue }: { argChoices?: readonly string[]; defaultValue?: unknown },
): string {
  const details = [
    ...(argChoices ? [`choices: ${argChoices.join(', ')}`] : []),
    ...(defaultValue === undefined || typeof defaultValue === 'boolean'
      ? []
      : [`default: ${defaultValue}`]),
  ];
  return details.length === 0 ? description : `${description} (${details.join('; ')})`;
}

/** `ibq: --timeout <seconds>: should be seconds, 1 or more, got "x"`. */
function inOurForm(text: string, command: string): string {
  const typed = /^error: unknown command '(.*)'$/m.exec(text)?.[1];
  const meant = typed === undefined || command !== 'ibq' ? undefined : OTHER_NAMES[typed];
  const suggestion = /\n\(Did you mean (?:one of )?(.*)\?\)/;
  const [, suggested = ''] = suggestion.exec(text) ?? [];
  const safe = suggested.split(', ').filter((it) => it !== '' && !NEVER_SUGGESTED.includes(it));
  const hint = meant ?? safe.join(', or ');
  const dashes =
    command === 'ibq exec' && /^error: unknown option/.test(text)
      ? '\n(put -- before the command: ibq exec NAME -- COMMAND)'
      : '';
  return text
    .replace(suggestion, '')
    .replace(/^error: option '(.+)' argument '(.*)' is invalid\. (.*)$/m, 'ibq: $1: $3, got "$2"')
    .replace(/Allowed choices are (.*)\., got/, 'should be $1, got')
    .replace(
      /^error: (.*)$/m,
      (_, message: string) =>
        `ibq: ${message}${hint === '' || dashes !== '' ? dashes : `\n(Did you mean ${hint}?)`}`,
    );
}

/** `help A B` is `A B --help`; the help of a command that does not exist is no help. */
export function readHelp(args: readonly string[], program: Command): readonly string[] {
  const operands = args.filter(
    (arg, index) => !arg.startsWith('-') && !takesValue(args[index - 1]),
  );
  const [first, ...rest] = operands;
  if (first === undefined) return args;
  if (first === 'help')
    return rest.length === 0 ? ['--help'] : readHelp([...rest, '--help'], program);
  if (program.commands.some((command) => command.name() === first)) return args;
  return args.filter((arg) => arg !== '--help' && arg !== '-h');
}

function takesValue(arg: string | undefined): boolean {
  return arg === '--root' || arg === '--config';
}
