/** Collects what is wrong: every problem once, and not more of one file than anybody would read. */

import { formatProblem, type Problem } from '../errors.ts';

const MAX_PROBLEMS_PER_FILE = 50;

export interface Report {
  problem(problem: Problem): void;
  /** Whether more problems of this file would still be shown: finding words for them costs time. */
  wants(file: string): boolean;
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
      const text = formatProblem(problem);
      if (shown.has(text)) return;
      const count = (counts.get(problem.file) ?? 0) + 1;
      counts.set(problem.file, count);
      if (count <= MAX_PROBLEMS_PER_FILE) shown.set(text, problem);
    },
    wants: (file) => (counts.get(file) ?? 0) < MAX_PROBLEMS_PER_FILE,
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
