/** The shipped templates (`quadlets/`), or the user's own in their place, with their placeholders filled. */

import { UserError } from '../errors.ts';
import { getAll, parseUnit } from './unit-file.ts';

/** Templates that a generation is rendered from, by file name in `quadlets/`. */
export const templateNames = [
  'ib-gateway@.container',
  'ibq-publish.network',
  'ibq-lan.network',
] as const;
export type TemplateName = (typeof templateNames)[number];

/**
 * Replaces each `@WORD@`. Every value must have its place and every place its value: a template of
 * the user's that lost one would bring up something other than what ibq planned.
 * @param values already escaped for the keys they stand in
 * @throws UserError naming the template and the placeholders
 */
export function fillTemplate(
  name: TemplateName,
  text: string,
  values: Readonly<Record<string, string>>,
): string {
  const found = new Set<string>();
  const filled = text.replace(/@([A-Z]+(?:_[A-Z]+)*)@/g, (place, word: string) => {
    found.add(word);
    return values[word] ?? place;
  });
  const missing = Object.keys(values).filter((word) => !found.has(word));
  const unknown = [...found].filter((word) => !(word in values));
  const list = (words: string[]) => words.map((word) => `@${word}@`).join(', ');
  if (missing.length > 0) throw new UserError(`${name}: should contain ${list(missing)}`, 78);
  if (unknown.length > 0) throw new UserError(`${name}: should not contain ${list(unknown)}`, 78);
  return filled;
}

/**
 * A container template without these would run gateways without a guard, or for mistyped names, end them
 * without a logout, or try a refused login for ever.
 * @throws UserError naming the line that is missing
 */
export function checkContainerTemplate(text: string, libDir: string): void {
  const unit = parseUnit(text);
  const demanded = [
    ['Unit', 'AssertPathExists', '/etc/ibq/current/units/ib-gateway@%i.container'],
    ['Unit', 'AssertPathExists', `${libDir}/hooks.d/ibq-guard.json`],
    ['Unit', 'AssertFileIsExecutable', `${libDir}/guard`],
    ['Unit', 'Requires', 'ibq-login-guard@%i.service'],
    ['Unit', 'After', 'ibq-login-guard@%i.service'],
    ['Service', 'ExecStop', `-${libDir}/stop`],
    ['Container', 'ContainerName', 'ib-gateway-%i'],
    ['Container', 'GlobalArgs', `--hooks-dir=${libDir}/hooks.d`],
    ['Container', 'Annotation', 'ibq.instance=%i'],
    ['Install', 'WantedBy', 'ib-gateways.target'],
  ] as const;
  for (const [section, key, value] of demanded) {
    if (getAll(unit, section, key).some((line) => line.split(/\s+/).includes(value))) continue;
    throw new UserError(`ib-gateway@.container: [${section}] should have ${key}=${value}`, 78);
  }
}
