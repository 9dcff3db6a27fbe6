/** Diffs that a plan shows. */

import { expect, test } from 'vitest';
import { diffText } from '../../src/plan/diff.ts';

test.each([
  ['the same', 'a\n', 'a\n', ''],
  ['both empty', '', '', ''],
  ['added', '', 'a\nb\n', '--- /dev/null\n+++ f\n+a\n+b'],
  ['removed', 'a\nb\n', '', '--- f\n+++ /dev/null\n-a\n-b'],
  ['changed', 'a\nb\nc\n', 'a\nB\nc\n', '--- f\n+++ f\n@@ -1,3 +1,3 @@\n a\n-b\n+B\n c'],
  ['a line added', 'a\n', 'a\nb\n', '--- f\n+++ f\n@@ -1,1 +1,2 @@\n a\n+b'],
  [
    'the last newline lost',
    'a\n',
    'a',
    '--- f\n+++ f\n@@ -1,1 +1,1 @@\n-a\n+a\n\\ No newline at end of file',
  ],
])('%s', (_title, before, after, diff) => {
  expect(diffText('f', before, after)).toBe(diff);
});
