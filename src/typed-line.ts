/** Commands that ibq prints: safe to paste, and about the same configuration and host as the one that was typed. */

import { overridesOf } from './network/overrides.ts';
import { shellLine } from './shell-line.ts';

/** Options that say which configuration or which host a command is about. Null: not typed. */
export interface Scope {
  config: string | null;
  root: string | null;
}

/**
 * The command as it was typed, to be run by root. Every argument is kept and quoted; the variables
 * that ibq reads and sudo would strip stand before it.
 *
 * @param args the arguments after `ibq`
 */
export function sudoLine(
  args: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): string {
  const variables = Object.entries(overridesOf(env)).flatMap(([name, value]) =>
    // The name must stay outside the quotes.
    value === null ? [] : [`${name}=${shellLine([value])}`],
  );
  return ['sudo', ...variables, 'ibq', shellLine(args)].join(' ');
}

/**
 * Each command `ibq VERB …` in a text gets the options of the one that was typed: a hint is about the
 * same configuration.
 *
 * @param verbs the first words of all commands
 */
export function withScope(text: string, { config, root }: Scope, verbs: readonly string[]): string {
  const options = [
    ...(root === null ? [] : ['--root', root]),
    ...(config === null ? [] : ['--config', config]),
  ];
  if (options.length === 0) return text;
  const line = shellLine(options);
  return text.replace(
    new RegExp(`\\bibq (?=(?:${verbs.join('|')})\\b)`, 'g'),
    () => `ibq ${line} `,
  );
}
