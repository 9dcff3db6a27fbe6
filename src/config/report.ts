/** Collects what is wrong: every problem once, and not more of one file than anybody would read. */

import { formatProblem, type Problem } from '../errors.ts';

const MAX_PROBLEMS_PER_FILE = 50;

export interface Report {
  problem(problem: Problem): void;
  /** Whether more problems of this file would still be shown: finding words for them costs time. */
  wants(file: string): boolean;
  /** One more problem of this file, only counted. */
  more(file: string): void;
  warn(warning: Problem): void;
  problems(): Problem[];
  warnings(): string[];
}

export function createReport(): Report {
  const shown = new Map<string, Problem>();
  const counts = new Map<string, number>();
  const warnings = new Set<string>();
  return {
    problem(problem) {
      const count = counts.get(problem.file) ?? 0;
      const text = count < MAX_PROBLEMS_PER_FILE ? formatProblem(problem) : null;
      if (text !== null && shown.has(text)) return;
      counts.set(problem.file, count + 1);
      if (text !== null) shown.set(text, problem);
    },
    wants: (file) => (counts.get(file) ?? 0) < MAX_PROBLEMS_PER_FILE,
    more: (file) => counts.set(file, (counts.get(file) ?? 0) + 1),
    warn: (warning) => warnings.add(formatProblem(warning)),
    problems: () => [
      ...shown.values(),
      ...[...counts]
        .filter(([, count]) => count > MAX_PROBLEMS_PER_FILE)
        .map(([file, count]) => ({
          file,
          message: `${count - MAX_PROBLEMS_PER_FILE} more problems`,
        })),
    ],
    warnings: () => [...warnings],
  };
}

const NAMES_SHOWN = 4;

/**
 * Equal warnings of several instances as one line, at the place of the first:
 * `4001, 4002, 4003, 4004 and 26 more: read_only_api: not set: …`.
 */
export function summarized(warnings: readonly string[]): string[] {
  const byText = new Map<string, string[]>();
  for (const warning of warnings) {
    const [, name, text] = /^\S*\/instances\/([a-z0-9_]+)\.toml: (.*)$/s.exec(warning) ?? [];
    const key = text ?? warning;
    byText.set(key, [...(byText.get(key) ?? []), ...(name === undefined ? [] : [name])]);
  }
  const done = new Set<string>();
  return warnings.flatMap((warning) => {
    const text = /^\S*\/instances\/[a-z0-9_]+\.toml: (.*)$/s.exec(warning)?.[1] ?? warning;
    const names = byText.get(text) ?? [];
    if (names.length < 2) return [warning];
    if (done.has(text)) return [];
    done.add(text);
    const more = names.length - NAMES_SHOWN;
    const shown = names.slice(0, NAMES_SHOWN).join(', ');
    return [`${shown}${more > 0 ? ` and ${more} more` : ''}: ${text}`];
  });
}
