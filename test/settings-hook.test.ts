// biome-ignore-all lint/suspicious/noTemplateCurlyInString: templates of config.ini are the matter here
/** `scripts/settings`: what it does to the files of a container, and what it refuses. */

import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { execa } from 'execa';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { temporaryDirectory } from './support/sandbox.ts';

const script = new URL('../scripts/settings', import.meta.url).pathname;

/** @param steps of `files` @param lines by name, the other files of the directory @param tree of the container */
function container(
  steps: string,
  lines: Readonly<Record<string, string>>,
  tree: Readonly<Record<string, string>>,
) {
  const base = temporaryDirectory();
  const write = (path: string, text: string) => {
    mkdirSync(dirname(join(base, path)), { recursive: true });
    writeFileSync(join(base, path), text, 'latin1');
  };
  for (const [name, text] of Object.entries({ files: `${steps}\n`, ...lines })) {
    write(`wanted/${name}`, text);
  }
  for (const [path, text] of Object.entries(tree)) write(`root/${path}`, text);
  const at = (path: string) => join(base, 'root', path);
  return {
    at,
    run: () => execa(script, [join(base, 'wanted'), join(base, 'root')], { reject: false }),
    read: (path: string) => readFileSync(at(path), 'latin1'),
    /** Names in a directory of the container, leftovers included. */
    names: (path: string) => readdirSync(at(path)).sort(),
    write: (path: string, text: string) => write(`root/${path}`, text),
  };
}

async function afterSet(kind: 'ini' | 'properties', lines: string, text: string): Promise<string> {
  const tree = container(`set ${kind} lines /file`, { lines }, { file: text });
  const { stderr, exitCode } = await tree.run();
  expect([exitCode, stderr]).toEqual([0, '']);
  return tree.read('file');
}

describe('lines of an INI file', () => {
  test.each<[string, string, string, string]>([
    [
      'take the place of those of their section',
      '[Logon]\nTimeZone=Asia/Tokyo\n',
      '; head\n[IBGateway]\nTimeZone=stays\n\n[Logon]\nLocale=en\nTimeZone=UTC\n# end\n',
      '; head\n[IBGateway]\nTimeZone=stays\n\n[Logon]\nLocale=en\nTimeZone=Asia/Tokyo\n# end\n',
    ],
    [
      'are added below the name of their section',
      '[Logon]\nnew=1\nLocale=de\nother=a=b\n',
      '[Logon]\nLocale=en\n\n[Communication]\n',
      '[Logon]\nnew=1\nother=a=b\nLocale=de\n\n[Communication]\n',
    ],
    ['bring their section', '[A]\nx=1\n[B]\ny=2\n', '[B]\nz=3\n', '[B]\ny=2\nz=3\n[A]\nx=1\n'],
    ['are all of an empty file', '[A]\nx=1\n', '', '[A]\nx=1\n'],
    ['end as the others do', '[A]\nx=1\n', '[A]\r\nx=2\r\n[B]\r\n', '[A]\r\nx=1\r\n[B]\r\n'],
    ['replace every one of their name', '[A]\nx=1\n', '[A]\nx=2\n x = 3\n', '[A]\nx=1\nx=1\n'],
    ['know a remark', '[A]\nx=1\n', '[A]\n;x=2\n#x=3\n', '[A]\nx=1\n;x=2\n#x=3\n'],
    ['mean what they say', '[A]\nx=\\1&\\\\\n', '[A]\nx=2\n', '[A]\nx=\\1&\\\\\n'],
    ['stand with an end to the last', '[A]\nx=1\n', '[A]\ny=2', '[A]\nx=1\ny=2\n'],
  ])('%s', async (_, lines, before, after) => {
    expect(await afterSet('ini', lines, before)).toBe(after);
  });
});

describe('lines of a properties file', () => {
  test.each<[string, string, string, string]>([
    ['take the place of theirs', 'b=2\n', '# b=\na=1\nb=\nc=3\n', '# b=\na=1\nb=2\nc=3\n'],
    [
      'however theirs are written',
      'a=1\nb=2\nc=3\n',
      '  a : x\nb\ty\nc z\nd=4\n',
      'a=1\nb=2\nc=3\nd=4\n',
    ],
    ['are added at the end', 'n=1\n', 'a=b\n', 'a=b\nn=1\n'],
    ['replace all of a value that goes on', 'a=1\n', 'a=x\\\n  b=y\\\n  z\nc=3\n', 'a=1\nc=3\n'],
    ['leave alone what only looks like theirs', 'b=1\n', 'a=x\\\nb=y\n', 'a=x\\\nb=y\nb=1\n'],
    ['know an escaped backslash', 'b=1\n', 'a=x\\\\\nb=y\n', 'a=x\\\\\nb=1\n'],
    ['come after a last value that would go on', 'b=1\n', 'a=x\\\n', 'a=x\\\n\nb=1\n'],
    [
      'keep bytes that are no text',
      'b=1\n',
      'a=\xe9\xff\n!\x80\nb=2\n',
      'a=\xe9\xff\n!\x80\nb=1\n',
    ],
    ['keep variables', 'p=1${X}\n', 'a=${A}\np=0\n', 'a=${A}\np=1${X}\n'],
  ])('%s', async (_, lines, before, after) => {
    expect(await afterSet('properties', lines, before)).toBe(after);
  });
});

test('every line that is not named stays, whatever it is', async () => {
  const other = fc.oneof(
    fc.constantFrom('', '# remark', '[Other]', '[Logon]', ' x = y ', 'a\\tb=c', 'UserName=z='),
    fc.string({ unit: 'grapheme-ascii', maxLength: 20 }).map((text) => text.replace(/\\+$/, '')),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(other, { maxLength: 12 }), async (others) => {
      const text = others.map((line) => `${line}\n`).join('');
      const after = await afterSet('ini', '[Logon]\nibq.named=1\n', text);
      const kept = after.split('\n').filter((line) => line !== 'ibq.named=1');
      // Of the section, its name may have come.
      const added = others.some((line) => line.trim() === '[Logon]') ? [] : ['[Logon]'];
      expect(kept).toEqual([...others, ...added, '']);
    }),
    { numRuns: 25 },
  );
});

describe('a file', () => {
  test('keeps its mode, and is left alone where nothing changes', async () => {
    const tree = container('set ini lines /file', { lines: '[A]\nx=1\n' }, { file: '[A]\nx=2\n' });
    chmodSync(tree.at('file'), 0o640);
    await tree.run();
    expect(statSync(tree.at('file')).mode & 0o777).toBe(0o640);
    const { ino } = statSync(tree.at('file'));
    await tree.run();
    expect(statSync(tree.at('file')).ino).toBe(ino);
    expect(tree.names('.')).toEqual(['file']);
  });

  test('that is not there: `try` does without, `set` says so', async () => {
    expect((await container('try ini lines /file', { lines: '' }, { x: '' }).run()).exitCode).toBe(
      0,
    );
    const { exitCode, stderr } = await container(
      'set ini lines /a/file',
      { lines: '' },
      { x: '' },
    ).run();
    expect([exitCode, stderr]).toEqual([
      1,
      '/a/file should be there to be changed, is not in this image',
    ]);
  });

  test.each(['/dir/file', '/dir/below/file'])('behind a link is refused: %s', async (path) => {
    const tree = container(`set ini lines ${path}`, { lines: '[A]\nx=1\n' }, { 'real/file': '' });
    const outside = join(temporaryDirectory(), 'outside');
    mkdirSync(join(outside, 'below'), { recursive: true });
    writeFileSync(join(outside, 'below/file'), 'of the host');
    writeFileSync(join(outside, 'file'), 'of the host');
    symlinkSync(outside, tree.at('dir'));
    const { exitCode, stderr } = await tree.run();
    expect([exitCode, stderr]).toEqual([
      1,
      `${path} should be a file in the container, dir is a symbolic link`,
    ]);
    expect(readFileSync(join(outside, 'file'), 'utf8')).toBe('of the host');
  });

  test('that is a directory or a pipe is refused', async () => {
    const tree = container('try ini lines /file', { lines: '' }, { 'file/x': '' });
    expect((await tree.run()).stderr).toBe('/file should be a file, is none');
    const piped = container('try ini lines /pipe', { lines: '' }, { x: '' });
    await execa('mkfifo', [piped.at('pipe')]);
    expect((await piped.run()).stderr).toBe('/pipe should be a file, is none');
  });
});

describe('a hostile tree', () => {
  const lines = '[A]\nx=1\n';

  test('with a pipe, a socket or a directory in place of a file is refused, and not waited for', async () => {
    const tree = container('try ini lines /file', { lines }, { other: '' });
    // What is killed leaves its socket there.
    const socket =
      "require('node:net').createServer().listen('file', () => process.kill(process.pid, 'SIGKILL'))";
    for (const make of [['mkfifo'], ['mkdir'], [process.execPath, '-e', socket]] as const) {
      const [program, ...args] = make;
      await execa(program, [...args, 'file'], { cwd: tree.at('.'), reject: false });
      expect(tree.names('.')).toContain('file');
      expect((await tree.run()).stderr).toBe('/file should be a file, is none');
      await execa('rm', ['-r', tree.at('file')]);
    }
    expect(tree.names('.')).toEqual(['other']);
  });

  test.each(['set ini lines /file', 'put /file /copy', 'take /file /copy'])(
    'with a sparse gigabyte is refused and fills nothing: %s',
    async (step) => {
      const tree = container(step, { lines }, { file: '' });
      truncateSync(tree.at('file'), 1024 ** 3);
      const { exitCode, stderr } = await tree.run();
      expect([exitCode, stderr]).toEqual([1, '/file should be at most 1 MB, is larger']);
      expect(tree.names('.')).toEqual(['file']);
      expect(statSync(tree.at('file')).blocks).toBe(0);
    },
  );

  test('with a file of just 1 MB is none', async () => {
    const line = `${'y'.repeat(1023)}\n`;
    const tree = container('set ini lines /file', { lines }, { file: line.repeat(1024) });
    expect((await tree.run()).stderr).toBe('');
    expect(tree.read('file')).toBe(`${line.repeat(1024)}${lines}`);
    const larger = container('set ini lines /file', { lines }, { file: `${line.repeat(1024)}x` });
    expect((await larger.run()).stderr).toBe('/file should be at most 1 MB, is larger');
  });

  test.each(['/../file', '/a/./file', '/a//file', '/a/'])('has plain paths: %s', async (path) => {
    const tree = container(`try ini lines ${path}`, { lines }, { 'a/file': '', file: '' });
    expect((await tree.run()).stderr).toBe(`${path} should be a plain path`);
  });

  test('keeps what it says to a line of plain text', async () => {
    const name = '\u001b]0;title\u0007';
    const tree = container(`put /${name} /x`, {}, { y: '' });
    expect((await tree.run()).stderr).toBe('/]0;title should be a file in the image, is not there');
  });
});

describe('files of the user’s', () => {
  const OWNER = `${process.getuid?.()}:${process.getgid?.()}`;

  test('put: each time, readable to its owner alone', async () => {
    const tree = container(
      `put /run/own /opt/config.ini ${OWNER}`,
      {},
      { 'run/own': 'a\\b$c', 'opt/config.ini': 'of the image' },
    );
    await tree.run();
    expect(tree.read('opt/config.ini')).toBe('a\\b$c');
    expect(statSync(tree.at('opt/config.ini')).mode & 0o777).toBe(0o600);
    expect(tree.names('opt')).toEqual(['config.ini']);
  });

  test('make: where there is none, with its directory', async () => {
    const tree = container('make /own /volume/ibq/jts.ini -', {}, { own: 'new', 'volume/x': '' });
    await tree.run();
    expect(tree.read('volume/ibq/jts.ini')).toBe('new');
    tree.write('volume/ibq/jts.ini', 'what the gateway wrote');
    await tree.run();
    expect(tree.read('volume/ibq/jts.ini')).toBe('what the gateway wrote');
  });

  test('take: once for each of its texts, and what was there is kept', async () => {
    const tree = container(
      'take /own /volume/jts.ini -',
      {},
      { own: 'one', 'volume/jts.ini': 'zero' },
    );
    await tree.run();
    expect(tree.read('volume/jts.ini')).toBe('one');
    expect(tree.read('volume/jts.ini.before')).toBe('zero');

    tree.write('volume/jts.ini', 'one, and what the gateway wrote');
    await tree.run();
    expect(tree.read('volume/jts.ini')).toBe('one, and what the gateway wrote');

    tree.write('own', 'two');
    await tree.run();
    expect(tree.read('volume/jts.ini')).toBe('two');
    expect(tree.read('volume/jts.ini.before')).toBe('one, and what the gateway wrote');
    expect(tree.names('volume')).toEqual(['jts.ini', 'jts.ini.before', 'jts.ini.taken']);
  });

  test('that are not there are told of', async () => {
    const { exitCode, stderr } = await container('put /own /x -', {}, { y: '' }).run();
    expect([exitCode, stderr]).toEqual([1, '/own should be a file in the image, is not there']);
  });
});

test('a word that it does not know ends it before anything is done after it', async () => {
  const tree = container('jump /a\nput /own /x -', {}, { own: '' });
  const { exitCode, stderr } = await tree.run();
  expect(exitCode).toBe(1);
  expect(stderr).toMatch(/unknown word jump/);
  expect(existsSync(tree.at('x'))).toBe(false);
});
