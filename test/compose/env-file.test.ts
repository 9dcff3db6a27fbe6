/** `.env` files as Compose reads them. */

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { readEnvFile } from '../../src/compose/env-file.ts';

const read = (text: string, environment: Record<string, string> = {}) =>
  Object.fromEntries(readEnvFile(text, environment).values);

describe('a value', () => {
  test.each<[string, string]>([
    // Without quotes: a comment begins behind a blank, and nowhere else.
    ['X=Sun#Set-2024', 'Sun#Set-2024'],
    ['X=abcd#efghij', 'abcd#efghij'],
    ['X=VAL # comment', 'VAL'],
    ['X=VAL# not a comment', 'VAL# not a comment'],
    ['X=VAL\t# no blank that counts', 'VAL\t# no blank that counts'],
    ['X=#all', '#all'],
    ['X=', ''],
    ['X= ', ''],
    ['X = spaced out  ', 'spaced out'],
    ['X: by a colon', 'by a colon'],
    ['export X=exported', 'exported'],
    ['X=a=b', 'a=b'],
    ['X=some\\tvalue', 'some\\tvalue'],
    [`X=it's "fine"`, `it's "fine"`],
    ['X=C:\\path', 'C:\\path'],
    ['X=windows\r', 'windows'],
    ['\ufeffX=bom', 'bom'],
    // In double quotes: escapes, and comments behind the end.
    ['X="VAL # not a comment"', 'VAL # not a comment'],
    ['X="VAL" # comment', 'VAL'],
    ['X="a\\"b"', 'a"b'],
    ['X="a\\\\tb"', 'a\\tb'],
    ['X="some\\tvalue"', 'some\tvalue'],
    ['X="\\n\\r\\t\\\\"', '\n\r\t\\'],
    ['X="\\q"', '\\q'],
    ['X="\\0101"', 'A'],
    ['X="{\\"hello\\": \\"json\\"}"', '{"hello": "json"}'],
    ['X="two\nlines"', 'two\nlines'],
    ['X=""', ''],
    // In single quotes: as it stands.
    [`X='$OTHER'`, '$OTHER'],
    [`X='Let\\'s go!'`, "Let's go!"],
    [`X='some\\tvalue'`, 'some\\tvalue'],
    [`X='SOME\nVALUE'`, 'SOME\nVALUE'],
    [`X='#1'  # comment`, '#1'],
    // Variables, of lines above and of the shell.
    ['X=$SET', 'value'],
    [`X=pre\${SET}post`, 'prevaluepost'],
    [`X="\${NONE:-\${SET}}"`, 'value'],
    [`X=\${NONE-\${SET:+yes}}`, 'yes'],
    [`X="\${SET:?needed}"`, 'value'],
    ['X=a$$b', 'a$b'],
    ['X="a\\$b"', 'a$b'],
    ['X=a\\$SET', 'a\\value'],
    ['X=pa$word', 'pa'],
    [`A=1\nX=\${A}2`, '12'],
    ['SET=mine\nX=$SET', 'value'],
  ])('%j is %j', (text, expected) => {
    expect(read(text, { SET: 'value' }).X).toBe(expected);
  });

  test('without one is that of the shell, or none', () => {
    expect(read('SET\nNONE\nX=1', { SET: 'value' })).toEqual({ SET: 'value', X: '1' });
  });

  test('that is made of a variable without one is told', () => {
    const text = `A=pa$word\nB='$literal'\nC=\${OTHER:-x}\nD="\${A}$word"`;
    expect([...readEnvFile(text, {}).missing]).toEqual([
      ['A', ['word']],
      ['D', ['word']],
    ]);
  });
});

test('comments and blank lines are nothing', () => {
  expect(read('\n  # A=1\n\n\t\nB=2\n#C=3')).toEqual({ B: '2' });
});

describe('refuses, with the number of the line and nothing of the line', () => {
  test.each([
    ['A=1\nB="geheim', 'line 2: should end with ", as it begins'],
    ["A='1\n2'\nB='geheim\n", "line 3: should end with ', as it begins"],
    ['A=1\n\nge heim=1', 'line 3: should have no blank in its name'],
    ['geheim!=1', 'line 1: should be NAME=value, with a name of letters, digits, "_", "." and "-"'],
    ['=geheim', 'line 1: should have a name before its "="'],
    [
      `A=1\nB=geheim\${`,
      `line 2: should have variables such as \${NAME:-default} after each "$"; a "$" itself is written "$$"`,
    ],
    [`A=\${X:?geheim}`, 'line 1: variable X should be set'],
  ])('%j', (text, message) => {
    let told = '';
    try {
      readEnvFile(text, {});
    } catch (error) {
      told = String(error);
    }
    expect(told).toBe(`Error: ${message}`);
    expect(told).not.toContain('geheim');
  });
});

test('100 000 variables', () => {
  const text = Array.from({ length: 100_000 }, (_, n) => `VARIABLE_${n}=value${n}`).join('\n');
  expect(readEnvFile(text, {}).values.size).toBe(100_000);
});

/**
 * A reader written from the rules of Docker's page "Syntax for environment files in Docker Compose"
 * (docs.docker.com/compose/how-tos/environment-variables/variable-interpolation) alone, line by line and by patterns, for
 * the texts that `lines` below makes.
 */
function byTheDocuments(text: string): Record<string, string> {
  const values: Record<string, string> = {};
  const variables = (value: string) =>
    value.replace(/\$(?:\{(\w+)(?::-([^{}]*))?\}|(\w+))/g, (_all, braced, fallback, plain) => {
      const found = values[braced ?? plain] ?? '';
      return found === '' ? (fallback ?? '') : found;
    });
  const escapes: Record<string, string> = { n: '\n', r: '\r', t: '\t', '\\': '\\', '"': '"' };
  const statement =
    /^[ \t]*(?:export[ ]+)?(\w+)[ ]*[=:][ ]*(?:'((?:\\'|[^'])*)'(?:[ ]+#.*)?|"((?:\\[\s\S]|[^"\\])*)"(?:[ ]+#.*)?|(.*))$/gm;
  for (const [, name = '', single, double, plain] of text.matchAll(statement)) {
    if (single !== undefined) values[name] = single.replaceAll("\\'", "'");
    else if (double !== undefined) {
      values[name] = variables(
        double.replace(/\\([nrt\\"])/g, (_all, sign) => escapes[sign] ?? ''),
      );
    } else {
      values[name] = variables((plain ?? '').split(' #')[0]?.trim() ?? '');
    }
  }
  return values;
}

const name = fc.constantFrom('A', 'B', 'C', 'USER', 'TWS_PASSWORD');
const signs = (alphabet: string) =>
  fc
    .array(fc.constantFrom(...alphabet, '$A', `\${B}`, `\${C:-x y}`, ' #', '#'), { maxLength: 12 })
    .map((parts) => parts.join(''));
const comment = fc.constantFrom('', ' # a comment', '  # it\'s "quoted"');
const line = fc.oneof(
  // A "#" first of all is no comment to Compose's reader, whatever its page says.
  fc
    .tuple(name, fc.constantFrom('=', ' = ', ': '), signs('aZ9!%&/()?*+-_.,;|@\'"\\'), comment)
    .filter(([, , value]) => !/^\s*(?:#|'|"|$)/.test(value))
    .map(([key, by, value, end]) => `${key}${by}${value}${end}`),
  fc
    .tuple(name, signs('aZ9!"%=\n '), comment)
    .map(([key, value, end]) => `${key}='${value}'${end}`),
  fc
    .tuple(
      fc.constantFrom('', 'export '),
      name,
      fc.array(fc.oneof(signs("aZ9'=\n "), fc.constantFrom('\\n', '\\t', '\\r', '\\\\', '\\"'))),
      comment,
    )
    .map(([prefix, key, parts, end]) => `${prefix}${key}="${parts.join('')}"${end}`),
  fc.constantFrom('', '# TWS_PASSWORD=no', '   # x', '\t'),
);

test('is read as a reader made from the documents reads it', () => {
  fc.assert(
    fc.property(fc.array(line, { maxLength: 8 }), (lines) => {
      const text = lines.join('\n');
      expect(read(text)).toEqual(byTheDocuments(text));
    }),
    { numRuns: 3000 },
  );
});

test('whatever a password is, it can be written: in single quotes with its own escaped', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (password) => {
      // A backslash before the quote would escape it.
      fc.pre(!password.includes('\\') && !password.includes("'"));
      expect(read(`X='${password}' # end`).X).toBe(password);
    }),
    { numRuns: 500 },
  );
});

test('no text ends in anything but values or a line', () => {
  fc.assert(
    fc.property(
      fc.array(
        fc.constantFrom('A', '=', '"', "'", '\\', '$', '{', '}', ' ', '#', '\n', ':', 'é', '\0'),
        {
          maxLength: 40,
        },
      ),
      (parts) => {
        try {
          readEnvFile(parts.join(''), {});
        } catch (error) {
          expect(String(error)).toMatch(/^Error: line \d+: /);
        }
      },
    ),
    { numRuns: 3000 },
  );
});
