import { execFileSync } from 'node:child_process';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { shellLine } from '../src/shell-line.ts';

test.each([
  [['systemctl', 'show', '--property=Id,Wants'], 'systemctl show --property=Id,Wants'],
  [['a b', '', '$x', 'ib-gateway@4001.service'], "'a b' '' '$x' ib-gateway@4001.service"],
])('%j', (argv, line) => {
  expect(shellLine(argv)).toBe(line);
});

test('a shell reads back every word as it was', () => {
  const words = fc.array(
    fc.string({ unit: 'binary' }).map((word) => word.replaceAll('\0', '')),
    { minLength: 1, maxLength: 5 },
  );
  fc.assert(
    fc.property(words, (argv) => {
      const script = `printf '%s\\0' ${shellLine(argv)}`;
      const output = execFileSync('sh', ['-c', script]);
      expect(output.toString('utf8')).toBe(
        argv.map((word) => `${Buffer.from(word).toString('utf8')}\0`).join(''),
      );
    }),
    { numRuns: 100 },
  );
});
