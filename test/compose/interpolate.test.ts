/** Variables in a Compose file, by the rules of the Compose specification. */

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { interpolate } from '../../src/compose/interpolate.ts';

const VARIABLES = { SET: 'value', EMPTY: '', OTHER: 'other' };

test.each([
  ['plain', 'plain'],
  ['$SET', 'value'],
  [`a\${SET}b$OTHER`, 'avaluebother'],
  ['$SET_more', ''],
  [`$$SET $\${SET}`, `$SET \${SET}`],
  [`\${SET:-default}`, 'value'],
  [`\${EMPTY:-default}`, 'default'],
  [`\${EMPTY-default}`, ''],
  [`\${NONE-default}`, 'default'],
  [`\${NONE:-}`, ''],
  [`\${NONE:-a:b-c}`, 'a:b-c'],
  [`\${NONE:-\${EMPTY:-\${SET}}}`, 'value'],
  [`\${SET:+yes}`, 'yes'],
  [`\${EMPTY:+yes}`, ''],
  [`\${EMPTY+yes}`, 'yes'],
  [`\${NONE:+yes}`, ''],
  [`\${SET:?no}`, 'value'],
  ['$ 5', '$ 5'],
])('%s → %j', (text, expected) => {
  expect(interpolate(text, VARIABLES).text).toBe(expected);
});

test('tells which variables have neither value nor default', () => {
  const { missing } = interpolate(`$NONE \${ALSO} \${NONE} \${WITH:-x} $EMPTY`, VARIABLES);
  expect(missing).toEqual(['NONE', 'ALSO']);
});

describe('refuses', () => {
  test.each([
    [`\${NONE:?it has to be there}`, 'variable NONE should be set: it has to be there'],
    [`\${EMPTY:?}`, 'variable EMPTY should be set: the file demands it'],
    [`\${SET`, `"\${SET" should end with }`],
    [`\${}`, `\${} should be a variable such as \${NAME:-default}`],
    [`\${SET!x}`, `\${SET!x} should be a variable such as \${NAME:-default}`],
  ])('%s', (text, message) => {
    expect(() => interpolate(text, VARIABLES)).toThrow(message);
  });
});

test('a text without dollars is never changed, and doubled dollars are single ones', () => {
  fc.assert(
    fc.property(fc.string(), (text) => {
      const doubled = text.replaceAll('$', '$$$$');
      expect(interpolate(doubled, VARIABLES)).toEqual({ text, missing: [] });
    }),
  );
});
