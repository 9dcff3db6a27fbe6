/** What the doctor asks nft about guards: few programs for all, and each by itself where one spoils the others. */

import { expect, test } from 'vitest';
import { readGuards } from '../../src/host/doctor/rules.ts';
import type { HostReader, RunResult } from '../../src/host/host.ts';
import type { RunningInstance } from '../../src/plan/installed.ts';
import type { Manifest } from '../../src/plan/manifest.ts';
import { sandbox } from '../support/sandbox.ts';

const guardOf = (allowed: string) =>
  `# a guard\ntable inet ibq\ndelete table inet ibq\ntable inet ibq {\n\tset allow {\n\t\telements = { ${allowed} }\n\t}\n}\n`;

/** As nft writes it. */
const listed = (name: string, allowed: string) =>
  `table inet ${name} {\n\tset allow {\n\t\telements = { ${allowed} }\n\t}\n\n\tchain input {\n\t}\n}\n`;

const done = (stdout: string, exitCode = 0): RunResult => ({
  stdout,
  stderr: '',
  exitCode,
  failure: null,
});

/** Guards that nft loads as they are; `bad` in one of them is no rule. */
function nft(input: string): RunResult {
  if (input.includes('bad')) return done('', 1);
  const tables = [...input.matchAll(/^table inet (\S+) \{\n[^}]*?= \{ (.*) \}/gm)];
  return done(tables.map(([, name = '', allowed = '']) => listed(name, allowed)).join(''));
}

async function look(guards: Record<string, string>, kernel: string) {
  const names = Object.keys(guards);
  const { host } = sandbox(
    Object.fromEntries(
      names.map((name) => [`/etc/ibq/current/guard/${name}.nft`, guards[name] ?? '']),
    ),
  ).context;
  const programs: string[] = [];
  const run: HostReader['run'] = async ([program], { input } = {}) => {
    programs.push(program);
    return program === 'unshare' ? nft(input ?? '') : done(kernel);
  };
  const running = names.map(
    (name, at) =>
      [name, { pid: 100 + at, definition: 'd', guard: guards[name] } as RunningInstance] as const,
  );
  const instances = Object.fromEntries(names.map((name) => [name, { definition: 'd' }]));
  const manifest = { instances } as unknown as Manifest;
  const facts = await readGuards({ ...host, run }, manifest, names, new Map(running));
  return { facts, programs };
}

test('all at once: one namespace that is tried, and one shell that lists', async () => {
  const kernel = `${listed('ibq', '10.0.0.7')}100 0\n${listed('ibq', '10.0.0.9')}101 0\n102 1\n`;
  const { facts, programs } = await look(
    { '4001': guardOf('10.0.0.7'), '4002': guardOf('10.0.0.8'), '4003': guardOf('10.0.0.8') },
    kernel,
  );
  expect(programs).toEqual(['unshare', 'sh']);
  expect(facts.map(({ name, wanted, kernel: has }) => [name, wanted, has])).toEqual([
    ['4001', listed('ibq', '10.0.0.7'), listed('ibq', '10.0.0.7')],
    ['4002', listed('ibq', '10.0.0.8'), listed('ibq', '10.0.0.9')],
    ['4003', listed('ibq', '10.0.0.8'), null],
  ]);
});

test('one that can not be loaded takes no other along', async () => {
  const { facts, programs } = await look(
    { '4001': guardOf('10.0.0.7'), '4002': guardOf('bad') },
    '100 1\n101 1\n',
  );
  expect(programs.filter((it) => it === 'unshare')).toHaveLength(3);
  expect(facts.map(({ wanted }) => wanted)).toEqual([listed('ibq', '10.0.0.7'), null]);
});

test('without nsenter nobody knows', async () => {
  const { host } = sandbox({ '/etc/ibq/current/guard/4001.nft': guardOf('10.0.0.7') }).context;
  const run: HostReader['run'] = async ([program]) => done('', program === 'sh' ? 127 : 0);
  const record = { pid: 1, definition: 'd', guard: guardOf('10.0.0.7') } as RunningInstance;
  const manifest = { instances: { '4001': { definition: 'd' } } } as unknown as Manifest;
  const facts = readGuards({ ...host, run }, manifest, ['4001'], new Map([['4001', record]]));
  await expect(facts).rejects.toThrow('nft does not tell: it is not installed');
});
