import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { environmentProblem, quadletLine, textProblem } from '../../src/quadlet/escape.ts';
import { get, parseUnit } from '../../src/quadlet/unit-file.ts';
import { expandWord, splitWords } from './quadlet-words.ts';

const nasty = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc.string({ unit: fc.constantFrom(...'%$\\"\'\n\r\t ;#{}=é\u2028a'), maxLength: 40 }),
);

describe('environment lines', () => {
  test.each([
    ['plain', 'paper', 'Environment=K=paper'],
    ['blanks', '11:59 PM', 'Environment="K=11:59 PM"'],
    ['empty', '', 'Environment=K='],
    ['specifier', '100%n', 'Environment=K=100%%n'],
    // biome-ignore lint/suspicious/noTemplateCurlyInString: what systemd would expand
    ['variable', '$HOME ${X}', 'Environment="K=$$HOME $${X}"'],
    ['quotes', `"a" 'b'`, `Environment="K=\\"a\\" 'b'"`],
    ['backslash', 'a\\n', 'Environment="K=a\\\\n"'],
    ['new section', '\n[Service]\nExecStart=x', 'Environment="K=\\n[Service]\\nExecStart=x"'],
    ['comment signs', '; # x', 'Environment="K=; # x"'],
    ['unicode', 'zażółć 🙂', 'Environment="K=zażółć 🙂"'],
    ['control', '\u0001\u007f', 'Environment="K=\\x01\\x7f"'],
  ])('%s', (_, value, line) => {
    expect(quadletLine('Environment', `K=${value}`)).toBe(`${line}\n`);
  });

  test('carry every text that is not refused', () => {
    fc.assert(
      fc.property(nasty, (value) => {
        fc.pre(textProblem(value) === null);
        const line = quadletLine('Environment', `K=${value}`);
        expect(line.indexOf('\n')).toBe(line.length - 1);
        const read = get(parseUnit(`[Container]\n${line}`), 'Container', 'Environment') ?? '';
        expect(splitWords(read).map(expandWord)).toEqual([`K=${value}`]);
      }),
      { numRuns: 2000 },
    );
  });
});

describe('refused', () => {
  test.each([
    ['NUL', 'a\0b', 'without NUL'],
    ['half a surrogate pair', '\ud83d', 'valid Unicode'],
    ['noncharacters', 'a\uffff', 'noncharacters'],
    ['noncharacters of other planes', '\u{1fffe}', 'noncharacters'],
    ['CR LF', 'a\r\nb', 'line ends of LF'],
    ['U+0080', 'a\u0080', 'U+0080'],
    [
      'more than Linux takes',
      'x'.repeat(131_070),
      'at most 131071 bytes with its name, got 131072',
    ],
    ['as many in two-byte characters', 'é'.repeat(65_535), 'got 131072'],
  ])('%s', (_, value, message) => {
    expect(environmentProblem('K', value)).toContain(message);
  });

  test('nothing else is', () => {
    expect(environmentProblem('K', 'x'.repeat(131_069))).toBeNull();
    expect(environmentProblem('K', '\n\r\t"\'\\$%;#🙂')).toBeNull();
  });

  test.each([
    ['Network', 'a\nExec=b'],
    ['PublishPort', ''],
    ['Volume', ' a:/b'],
    ['Image', '"a"'],
    ['Image', 'a\\'],
  ] as const)('%s=%j', (key, value) => {
    expect(() => quadletLine(key, value)).toThrow(`${key}=: should`);
  });

  test('whole-line keys still have their expansions escaped', () => {
    expect(quadletLine('Volume', 'a:/b%n$c')).toBe('Volume=a:/b%%n$$c\n');
  });
});
