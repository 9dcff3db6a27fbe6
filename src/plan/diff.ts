/** Unified diffs of small text files. */

import { createTwoFilesPatch } from 'diff';

/** Empty where both are the same. An added or removed file needs no search for common lines. */
export function diffText(path: string, before: string, after: string): string {
  if (before === after) return '';
  if (before === '') return `--- /dev/null\n+++ ${path}\n${prefixed('+', after)}`;
  if (after === '') return `--- ${path}\n+++ /dev/null\n${prefixed('-', before)}`;
  const patch = createTwoFilesPatch(path, path, before, after, undefined, undefined, {
    context: 2,
  });
  return patch.replace(/^(Index: .*\n)?=+\n/, '').trimEnd();
}

function prefixed(sign: string, text: string): string {
  return text
    .replace(/\n$/, '')
    .split('\n')
    .map((line) => sign + line)
    .join('\n');
}
