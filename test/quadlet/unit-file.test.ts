import { existsSync, readdirSync, readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  addValue,
  assignments,
  formatUnit,
  get,
  getAll,
  parseUnit,
  removeKey,
  setValue,
} from '../../src/quadlet/unit-file.ts';

const fixtures = new URL('../fixtures/units/', import.meta.url);
const read = (name: string) => readFileSync(new URL(name, fixtures), 'utf8');

/** Fixtures, our own templates, and all that this machine's packages installed. */
function realUnits(): string[][] {
  const own = new URL('../../quadlets/', import.meta.url).pathname;
  const directories = [
    fixtures.pathname,
    own,
    '/usr/lib/systemd/system',
    '/usr/lib/systemd/network',
  ];
  return directories.filter(existsSync).flatMap((directory) =>
    readdirSync(directory, { withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => [`${directory}/${entry.name}`]),
  );
}

/** Text made of the pieces unit files are made of, in any order. */
const unitText = fc
  .array(
    fc.oneof(
      fc.constantFrom(
        '[A]',
        '[B]\n',
        'Key=',
        'Key=1\n',
        '\\\n',
        '\r\n',
        '\n',
        '#c\n',
        ';',
        ' ',
        '=',
      ),
      fc.string({ unit: 'grapheme', maxLength: 8 }),
    ),
    { maxLength: 40 },
  )
  .map((parts) => parts.join(''));

describe('a unit file is written back byte for byte', () => {
  test.each(realUnits())('%s', (path) => {
    const text = readFileSync(path, 'utf8');
    expect(formatUnit(parseUnit(text, 'systemd'))).toBe(text);
    expect(formatUnit(parseUnit(text, 'quadlet'))).toBe(text);
  });

  test('whatever the text is', () => {
    fc.assert(
      fc.property(unitText, fc.constantFrom('systemd', 'quadlet'), (text, dialect) => {
        expect(formatUnit(parseUnit(text, dialect))).toBe(text);
      }),
      { numRuns: 1000 },
    );
  });
});

describe('values', () => {
  const systemd = parseUnit(read('continued.service'), 'systemd');

  test.each([
    ['Unit', 'Description', ['several lines  joined with one blank']],
    ['Unit', 'Documentation', ['man:a(1)  man:b(1)']],
    ['Unit', 'After', ['a.service', 'b.service']],
    ['Service', 'Environment', ['"C=a b"  D=3']],
    ['Service', 'ExecStopPost', ['/bin/echo doubled\\\\']],
    ['Service', 'Restart', ['no']],
    ['Install', 'WantedBy', ['multi-user.target']],
    ['Service', 'Nothing', []],
  ])('[%s] %s as systemd reads it', (section, key, values) => {
    expect(getAll(systemd, section, key)).toEqual(values);
  });

  test('continued as Quadlet reads it: no blank between the parts', () => {
    const quadlet = parseUnit(read('continued.service'), 'quadlet');
    expect(get(quadlet, 'Unit', 'Description')).toBe('several lines joined with one blank');
    expect(get(quadlet, 'Service', 'ExecStopPost')).toBe('/bin/echo doubled\\Restart=no');
  });

  test.each(['odd.container', 'crlf.container'])('of %s', (name) => {
    const unit = parseUnit(read(name));
    expect(assignments(unit)).toEqual([
      ['Container', 'Image', 'docker.io/library/busybox'],
      ['Container', 'Exec', 'sh -c "a=b; echo $$a"'],
      ['Container', 'Label', 'indented=yes'],
      ['Container', 'Label', 'a=1 b=2'],
      ['Container', 'Annotation', ''],
      ['Container', 'Label', 'c=3'],
      ['X-Ibq', 'Key', '[not a section]'],
    ]);
    expect(get(unit, 'Container', 'Annotation')).toBeUndefined();
  });
});

describe('changes leave every other line as it is', () => {
  const text = '# top\n[Container]\nImage=a\n# note\nLabel=x=1\n\n[Install]\nWantedBy=t';
  const unit = parseUnit(text);

  test.each([
    ['set', setValue(unit, 'Container', 'Image', 'b'), text.replace('Image=a', 'Image=b')],
    [
      'set, new',
      setValue(unit, 'Container', 'Pull', 'never'),
      text.replace('x=1\n', 'x=1\nPull=never\n'),
    ],
    [
      'add beside its like',
      addValue(unit, 'Container', 'Image', 'b'),
      text.replace('=a\n', '=a\nImage=b\n'),
    ],
    ['add after the last line', addValue(unit, 'Install', 'Also', 'u'), `${text}\nAlso=u\n`],
    ['add a section', addValue(unit, 'Service', 'Slice', 's'), `${text}\n\n[Service]\nSlice=s\n`],
    ['remove', removeKey(unit, 'Container', 'Label'), text.replace('Label=x=1\n', '')],
    ['add to nothing', addValue(parseUnit(''), 'A', 'B', 'c'), '[A]\nB=c\n'],
    ['set with CRLF', setValue(parseUnit('[A]\r\nB=c\r\n'), 'A', 'B', 'd'), '[A]\r\nB=d\r\n'],
    [
      'add with CRLF',
      addValue(parseUnit('[A]\r\nB=c\r\n'), 'A', 'C', 'd'),
      '[A]\r\nB=c\r\nC=d\r\n',
    ],
  ])('%s', (_, changed, wanted) => {
    expect(formatUnit(changed)).toBe(wanted);
  });

  test('a line break in a value is refused', () => {
    expect(() => setValue(unit, 'Container', 'Image', 'a\n[Service]')).toThrow('line break');
  });

  test('what was set is read back', () => {
    fc.assert(
      // A file that ends in the middle of a continued value has no place to add to.
      fc.property(
        unitText.map((base) => base.replaceAll('\\', '')),
        (base) => {
          const changed = setValue(parseUnit(base), 'New', 'Key', 'value');
          expect(get(parseUnit(formatUnit(changed)), 'New', 'Key')).toBe('value');
        },
      ),
    );
  });
});
