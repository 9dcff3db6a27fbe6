/** `ibq secret set | list | remove`: values go through a pipe and are seen nowhere. */

import { describe, expect, test, vi } from 'vitest';
import { secretList, secretRemove, secretSet } from '../../src/commands/secret.ts';
import type { Context } from '../../src/context.ts';
import { misfits } from '../schema/validate.ts';
import { deployedTree } from '../support/deployed-tree.ts';
import { liveHost } from '../support/live-host.ts';
import { sandbox } from '../support/sandbox.ts';

vi.mock('../../src/host/lock.ts', () => ({
  withLock: (_host: unknown, _command: string, action: () => Promise<unknown>) => action(),
}));

const VALUE = 'pä$$ "word" \\ %h';

/** @param present names of Podman secrets that are there */
async function host(present: string[] = [], value = VALUE) {
  const sand = await deployedTree();
  const live = liveHost(sand, (line) =>
    line.startsWith('podman secret ls') ? { stdout: present.map((it) => `${it}\n`).join('') } : {},
  );
  const prompts: string[] = [];
  const ui: Context['ui'] = {
    ...live.context.ui,
    readHidden: async (prompt) => {
      prompts.push(prompt);
      return value;
    },
  };
  return { ...live, sand, prompts, context: { ...live.context, ui } };
}

describe('set', () => {
  test('asks for it by its name, gives it to podman on standard input', async () => {
    const { context, ran, prompts, sand } = await host();
    expect(await secretSet(context, '4001', 'password')).toBe(0);
    expect(prompts).toEqual([expect.stringMatching(/password.*, instance 4001: $/)]);
    const create = ran.find(({ line }) => line.includes('secret create'));
    expect(create?.line).toContain('podman secret create --replace ibq-4001-password -');
    expect(create?.input).toContain('word');
    expect(sand.notes).toEqual(['set the password of 4001; next: sudo ibq deploy']);
  });

  test('no argument list and no message has the value', async () => {
    const { context, ran, sand } = await host();
    await secretSet(context, '4001', 'password');
    const seen = [...ran.map(({ line }) => line), ...sand.notes, ...sand.warnings, ...sand.out];
    for (const text of seen) expect(text).not.toContain('word"');
  });

  test('the image reads it through Java properties: backslashes are doubled', async () => {
    const { context, ran } = await host([], 'a\\b');
    await secretSet(context, '4001', 'password');
    expect(ran.find(({ line }) => line.includes('create'))?.input).toBe('a\\\\b');
  });

  test('a replaced one waits for a restart, and says so', async () => {
    const { context, sand } = await host(['ibq-4001-password']);
    await secretSet(context, '4001', 'password');
    expect(sand.notes.join()).toContain('keeps the old one until "sudo ibq restart 4001"');
  });

  test.each<[string, string, string, string, RegExp]>([
    ['an empty value', '4001', 'password', '', /^password: should not be empty/],
    ['two lines', '4001', 'password', 'a\nb', /^password: should be one line/],
    ['a NUL', '4001', 'password', 'a\0b', /^password: should be one line/],
    ['too long', '4001', 'password', 'x'.repeat(600_000), /^password: should be shorter/],
    ['an unknown key', '4001', 'pasword', 'x', /^"pasword" should be one of password/],
    [
      'an unknown instance',
      '4009',
      'password',
      'x',
      /^no instance "4009" \(configured: 4001, 4002\)/,
    ],
  ])('%s is refused: 64, and nothing is kept', async (_title, name, key, value, message) => {
    const { context, ran } = await host([], value);
    await expect(secretSet(context, name, key)).rejects.toMatchObject({
      exitCode: 64,
      message: expect.stringMatching(message),
    });
    expect(ran.filter(({ line }) => line.includes('create'))).toEqual([]);
  });
});

describe('set, from a file', () => {
  test('the newline at its end is no part of a password', async () => {
    const { context, ran, sand, prompts } = await host();
    sand.write('/root/pw', 'word\n');
    await secretSet(context, '4001', 'password', { file: '/root/pw' });
    expect(ran.find(({ line }) => line.includes('create'))?.input).toBe('word');
    expect(prompts).toEqual([]);
  });

  test('one that is not there: 64, and nothing is kept', async () => {
    const { context, ran } = await host();
    await expect(
      secretSet(context, '4001', 'password', { file: '/root/pw' }),
    ).rejects.toMatchObject({
      exitCode: 64,
      message: '/root/pw is not there; nothing was changed',
    });
    expect(ran.filter(({ line }) => line.includes('create'))).toEqual([]);
  });
});

test('several lines are not typed: at a terminal the way is a file', async () => {
  const { context, ran } = await host();
  const terminal = { ...context, ui: { ...context.ui, interactive: true } };
  await expect(secretSet(terminal, '4001', 'ssh_key')).rejects.toMatchObject({
    exitCode: 64,
    message: expect.stringContaining('run "sudo ibq secret set 4001 ssh_key --file FILE"'),
  });
  expect(ran.filter(({ line }) => line.includes('create'))).toEqual([]);
});

test.each<[string, string[], boolean, number]>([
  ['at a terminal: the same twice', ['pw', 'pw'], true, 0],
  ['at a terminal: another the second time', ['pw', 'pq'], true, 64],
  ['from a pipe: once', ['pw'], false, 0],
])('a value is read %s', async (_title, typed, interactive, exitCode) => {
  const { context, ran } = await host();
  const left = [...typed];
  const ui = { ...context.ui, interactive, readHidden: async () => left.shift() ?? 'nothing' };
  const setting = secretSet({ ...context, ui }, '4001', 'password');
  if (exitCode === 0) expect(await setting).toBe(0);
  else {
    await expect(setting).rejects.toMatchObject({
      exitCode,
      message: 'password: the two are not the same; nothing was changed',
    });
  }
  expect(left).toEqual([]);
  expect(ran.some(({ line }) => line.includes('secret create'))).toBe(exitCode === 0);
});

test('a key that nothing uses now is kept, and said to be unused', async () => {
  const { context, ran, sand } = await host([], 'screen');
  expect(await secretSet(context, '4001', 'vnc_password')).toBe(0);
  expect(ran.some(({ line }) => line.includes('create --replace ibq-4001-vnc_password'))).toBe(
    true,
  );
  expect(sand.notes).toEqual([
    'kept the vnc_password of 4001; as it is configured now nothing uses it',
  ]);
});

describe('list', () => {
  test('what is set and what is missing; the way to set it', async () => {
    const { context, sand } = await host(['ibq-4001-password', 'somebody-elses']);
    expect(await secretList(context, null, { json: false })).toBe(0);
    const rows = sand.out.join('\n').split('\n');
    expect(rows.find((row) => row.startsWith('4001\tpassword'))).toContain('\tset\trequired\t');
    expect(rows.find((row) => row.startsWith('4002\tpassword'))).toContain('\tmissing\trequired\t');
    expect(rows).toHaveLength(2);
    expect(sand.out.join()).not.toContain('somebody');
    expect(sand.notes).toEqual(['run "sudo ibq secret set 4002 password"']);
  });

  test('what is left from before, and the way to be rid of it', async () => {
    const { context, sand } = await host([
      ...['ibq-4001-password', 'ibq-4002-password'],
      ...['ibq-4001-vnc_password', 'ibq-4009-password'],
    ]);
    await secretList(context, null, { json: false });
    const rows = sand.out.join('\n').split('\n');
    expect(
      rows.filter((row) => row.includes('\tunused\t')).map((row) => row.split('\t')[1]),
    ).toEqual(['vnc_password', 'password']);
    expect(sand.notes).toEqual([
      'nothing uses the vnc_password of 4001: "sudo ibq secret remove 4001 vnc_password"',
      'nothing uses the password of 4009: "sudo ibq secret remove 4009 password"',
    ]);
  });

  test('of one instance, as JSON', async () => {
    const { context, sand } = await host(['ibq-4002-password']);
    await secretList(context, '4002', { json: true });
    expect(sand.json).toMatchObject([
      {
        secrets: [
          { instance: '4002', key: 'password', wanted: 'required', required: true, set: true },
        ],
      },
    ]);
    expect(misfits('secret-list', { schemaVersion: 1, ...sand.json[0] })).toEqual([]);
  });
});

describe('remove', () => {
  test('one that is set', async () => {
    const { context, ran } = await host(['ibq-4001-password']);
    expect(await secretRemove(context, '4001', 'password')).toBe(0);
    expect(ran.at(-1)?.line).toBe('podman secret rm ibq-4001-password');
  });

  test('one that is not: nothing is removed', async () => {
    const { context, ran } = await host(['ibq-4002-password']);
    await expect(secretRemove(context, '4001', 'password')).rejects.toThrow(
      'instance 4001 has no password set',
    );
    expect(ran.filter(({ line }) => line.includes(' rm '))).toEqual([]);
  });
});

test('--root: Podman keeps secrets, a tree does not', async () => {
  await expect(secretList(sandbox().context, null, { json: false })).rejects.toMatchObject({
    exitCode: 64,
    message: expect.stringContaining('--root does not apply'),
  });
});
