/** `ibq network show`: what goes to standard output, what to a file, and which files it leaves alone. */

import { mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { networkShow } from '../../src/commands/network-show.ts';
import { ExitCode } from '../../src/errors.ts';
import { openFiles } from '../../src/host/files.ts';
import { liveHost } from '../support/live-host.ts';
import { sandbox, temporaryDirectory } from '../support/sandbox.ts';
import { parseXml } from '../support/xml.ts';

/** A host where nothing is deployed; the user's files are this machine's, in a directory of their own. */
function stand() {
  const box = sandbox();
  const { context } = liveHost(box);
  const directory = temporaryDirectory();
  const own = openFiles(null);
  const files = {
    ...context.host.files,
    ...{ kindOf: own.kindOf, writeText: own.writeText, readText: context.host.files.readText },
  };
  const at = (name: string) => join(directory, name);
  const show = (json: boolean, svg: string | null) =>
    networkShow({ ...context, host: { ...context.host, files } }, { json, svg });
  return { ...box, directory, at, show, readFile: (name: string) => own.readText(at(name)) };
}

test('to a file: whole, nothing on standard output, and said', async () => {
  const { show, at, out, json, notes, readFile } = stand();
  expect(await show(false, at('net.svg'))).toBe(ExitCode.done);
  const text = readFile('net.svg') ?? '';
  expect(parseXml(text.trimEnd()).name).toBe('svg');
  expect(text).toMatch(/in force 2025-11-21 08:00:00 UTC.*<\/svg>\n$/s);
  expect([out, json]).toEqual([[], []]);
  expect(notes[0]).toBe(`wrote ${at('net.svg')}`);
});

test('a file that is there is replaced', async () => {
  const { show, at, directory, readFile } = stand();
  writeFileSync(at('net.svg'), 'old');
  await show(false, at('net.svg'));
  expect(readFile('net.svg')).toContain('<svg');
  expect(readdirSync(directory)).toEqual(['net.svg']);
});

test('- is standard output: the picture and no diagram', async () => {
  const { show, out } = stand();
  await show(false, '-');
  expect(out).toHaveLength(1);
  expect(parseXml(out[0] ?? '').name).toBe('svg');
});

test('JSON on standard output, the picture in a file', async () => {
  const { show, at, json, out, readFile } = stand();
  await show(true, at('net.svg'));
  expect(json).toHaveLength(1);
  expect(out).toEqual([]);
  expect(readFile('net.svg')).toContain('<svg');
});

test('both on standard output is a usage error', async () => {
  const { show, out, json } = stand();
  await expect(show(true, '-')).rejects.toMatchObject({
    exitCode: ExitCode.usage,
    message: expect.stringContaining('only one of them can have standard output'),
  });
  expect([out, json]).toEqual([[], []]);
});

test.each([
  ['directory', 'a directory'],
  ['new/', 'a directory'],
  ['link', 'a link; name the file itself'],
  ['/dev/null', 'a device, a pipe or a socket'],
  ['/dev/stdout', 'a link'],
])('%s is left alone: %s', async (file, got) => {
  const { show, at } = stand();
  mkdirSync(at('directory'));
  writeFileSync(at('file'), 'text');
  symlinkSync('file', at('link'));
  const path = file.startsWith('/') ? file : at(file);
  await expect(show(false, path)).rejects.toMatchObject({
    exitCode: ExitCode.usage,
    message: expect.stringContaining(
      `--svg ${path}: should be a file, or - for standard output, got ${got}`,
    ),
  });
});

test('no file named', async () => {
  await expect(stand().show(false, '')).rejects.toMatchObject({
    exitCode: ExitCode.usage,
    message: '--svg: should be a file, or - for standard output, got nothing',
  });
});
