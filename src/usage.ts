/** What a mistyped command line is answered with: what was wrong, what was meant perhaps, where the help is. */

import type { Command } from 'commander';

/** What other tools call a command, by the command that it was typed behind. */
const OTHER_NAMES: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  ibq: {
    show: 'ibq status, or ibq instance show NAME',
    ps: 'ibq status',
    ls: 'ibq instance list',
    list: 'ibq instance list',
    inspect: 'ibq instance show NAME',
    add: 'ibq instance add NAME',
    create: 'ibq instance add NAME',
    edit: 'edit /etc/ibq/instances/NAME.toml, then ibq plan',
    config: 'ibq instance show NAME',
    rm: 'ibq instance remove NAME',
    remove: 'ibq instance remove NAME',
    delete: 'ibq instance remove NAME',
    up: 'ibq deploy',
    apply: 'ibq deploy',
    reload: 'ibq deploy',
    down: 'ibq stop NAME, or ibq instance remove NAME',
    diff: 'ibq plan --diff',
    check: 'ibq plan, or ibq doctor',
    detect: 'ibq network detect',
    log: 'ibq logs NAME',
    version: 'ibq --version',
  },
  'ibq instance': {
    ls: 'ibq instance list',
    rm: 'ibq instance remove NAME',
    delete: 'ibq instance remove NAME',
    create: 'ibq instance add NAME',
    get: 'ibq instance show NAME',
    edit: 'edit /etc/ibq/instances/NAME.toml, then ibq plan',
    set: 'edit /etc/ibq/instances/NAME.toml, then ibq plan',
  },
  'ibq secret': {
    add: 'ibq secret set NAME KEY',
    create: 'ibq secret set NAME KEY',
    ls: 'ibq secret list',
    show: 'ibq secret list',
    rm: 'ibq secret remove NAME KEY',
    delete: 'ibq secret remove NAME KEY',
  },
  'ibq network': { list: 'ibq network show', ls: 'ibq network show', status: 'ibq network show' },
  'ibq tunnel': { list: 'ibq tunnel show', ls: 'ibq tunnel show', status: 'ibq tunnel show' },
  'ibq import': { docker: 'ibq import compose FILE', 'docker-compose': 'ibq import compose FILE' },
};

/** What other tools call an option; offered where the command has it. */
const OTHER_OPTIONS: Readonly<Record<string, string>> = {
  '-w': '--watch',
  '-V': '--version',
  '--tail': '--lines',
  '--output': '--json',
  '-o': '--json',
  '-j': '--json',
  '--format': '--json',
  '--env-file': '--variables',
};

/** Of a command that takes no name, or one alone. */
const ONE_OF_MANY: Readonly<Record<string, string>> = {
  'ibq status': 'it shows all instances; of one alone: ibq status | grep NAME',
  'ibq plan': 'it is about all instances',
  'ibq deploy': 'it is about all instances; ibq restart NAME is for one alone',
  'ibq logs': 'it shows one instance at a time',
};

/** A suggestion that is followed without a second look must not end a session. */
const NEVER_SUGGESTED = ['stop', 'restart', 'remove'];

/** To be called when all commands are there. */
export function answerMistakes(program: Command, path: readonly string[] = ['ibq']): void {
  const name = path.join(' ');
  program
    .showHelpAfterError(`(see "${name} --help")`)
    .configureOutput({ outputError: (text, write) => write(inOurForm(text, name, program)) })
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
function inOurForm(text: string, name: string, command: Command): string {
  const suggestion = /\n\(Did you mean (?:one of )?(.*)\?\)/;
  const [, suggested = ''] = suggestion.exec(text) ?? [];
  const hint = hintFor(text, suggested, name, command);
  return text
    .replace(suggestion, '')
    .replace(/^error: option '(.+)' argument '(.*)' is invalid\. (.*)$/m, 'ibq: $1: $3, got "$2"')
    .replace(/Allowed choices are (.*)\., got/, 'should be $1, got')
    .replace(/\. Expected \d+ arguments? but got \d+\.$/m, '')
    .replace(/^error: (.*)$/m, (_, message: string) => `ibq: ${message}${hint}`);
}

/** One line with what was meant, or how the command is used; empty where nobody knows. */
function hintFor(text: string, suggested: string, name: string, command: Command): string {
  const usage = `\n(usage: ${name} ${command.usage()})`;
  if (/^error: missing required argument/.test(text)) return usage;
  if (/^error: too many arguments/.test(text)) {
    return ONE_OF_MANY[name] === undefined ? usage : `\n(${ONE_OF_MANY[name]})`;
  }
  const [, option = ''] = /^error: unknown option '([^=']*).*'$/m.exec(text) ?? [];
  if (option !== '' && name === 'ibq exec') {
    return '\n(put -- before the command: ibq exec NAME -- COMMAND)';
  }
  const [, typed = ''] = /^error: unknown command '(.*)'$/m.exec(text) ?? [];
  const safe = suggested.split(', ').filter((it) => it !== '' && !NEVER_SUGGESTED.includes(it));
  const meant =
    OTHER_NAMES[name]?.[typed] ?? knownOption(OTHER_OPTIONS[option], command) ?? safe.join(', or ');
  if (meant !== '') return `\n(Did you mean ${meant}?)`;
  return option === '--json' && name === 'ibq'
    ? '\n(it stands behind the command: ibq status --json)'
    : '';
}

function knownOption(long: string | undefined, command: Command): string | undefined {
  const options = [...command.options, ...(command.parent === null ? [] : rootOf(command).options)];
  return options.some((option) => option.long === long) ? long : undefined;
}

function rootOf(command: Command): Command {
  return command.parent === null ? command : rootOf(command.parent);
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
  if (isKnown(program, operands)) return args;
  return args.filter((arg) => arg !== '--help' && arg !== '-h');
}

/** Whether the words name a command, as far as there are commands within it. */
function isKnown(program: Command, [word, ...rest]: readonly string[]): boolean {
  if (word === undefined || word === 'help') return true;
  const found = program.commands.find((command) => command.name() === word);
  if (found === undefined) return false;
  return found.commands.length === 0 || isKnown(found, rest);
}

function takesValue(arg: string | undefined): boolean {
  return arg === '--root' || arg === '--config';
}
