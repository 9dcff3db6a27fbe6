/** The list of checks: closed, documented, and never an exception. */

import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { doctor } from '../../src/commands/doctor.ts';
import { defineCheck, ok, verdictOf, warn } from '../../src/doctor/check.ts';
import { checks, count, runChecks } from '../../src/doctor/checks.ts';
import type { FactValues } from '../../src/doctor/facts.ts';
import { renderChecks, summarize } from '../../src/doctor/render.ts';
import { misfits } from '../schema/validate.ts';
import { sandbox } from '../support/sandbox.ts';
import { facts } from './facts.ts';

const ids = checks.map(({ id }) => id);

test('docs/doctor.md has every check, in order, and no other', () => {
  const page = readFileSync(new URL('../../docs/doctor.md', import.meta.url), 'utf8');
  const documented = [...page.matchAll(/^\| `([a-z0-9-]+)` \|/gm)].map(([, id]) => id);
  expect(documented).toEqual(ids);
});

test('ids are unique', () => expect(new Set(ids).size).toBe(ids.length));

test('a host on which all is well', () => {
  const results = runChecks(facts());
  expect(results.filter(({ result }) => result !== 'ok')).toEqual([]);
  expect(results.every(({ mend }) => mend === null)).toBe(true);
});

test('whatever is unknown, its checks are skipped with the reason', () => {
  for (const key of Object.keys(facts()) as (keyof FactValues)[]) {
    const results = runChecks(facts({}, { [key]: 'nobody knows' }));
    const skipped = results.filter(({ result }) => result === 'skipped');
    expect(skipped.length, key).toBeGreaterThan(0);
    for (const check of skipped) {
      expect(check, key).toMatchObject({ detail: 'nobody knows', mend: null });
    }
    expect(count(results), key).toMatchObject({ warn: 0, fail: 0 });
  }
});

describe('a check', () => {
  test('that throws is skipped', () => {
    const check = defineCheck({
      id: 'x',
      title: 'x',
      needs: [],
      judge: () => {
        throw new Error('a bug');
      },
    });
    expect(check.run(facts())).toEqual({
      id: 'x',
      title: 'x',
      result: 'skipped',
      detail: 'could not be judged: a bug',
      mend: null,
    });
  });

  test('with several findings: the worst first, each way to mend once', () => {
    const findings = [
      warn('a', 'do a'),
      { ...warn('b', 'do b'), result: 'fail' as const },
      warn('c', 'do a'),
    ];
    expect(verdictOf(findings, 'fine')).toEqual({
      result: 'fail',
      detail: 'b; a; c',
      mend: 'do b\ndo a',
    });
    expect(verdictOf([], 'fine')).toEqual(ok('fine'));
  });
});

describe('for people', () => {
  const plain = (_style: string, text: string) => text;

  test('one line a check, below a problem what mends it and its id', () => {
    const [podman, systemd] = runChecks(
      facts(
        { podman: { version: '5.2.0', database: '', failure: null } },
        { systemd: 'no systemctl' },
      ),
    );
    expect(renderChecks(podman && systemd ? [podman, systemd] : [], plain).split('\n')).toEqual([
      expect.stringMatching(/^✗ Podman: podman 5\.2\.0 is too old: /),
      expect.stringMatching(/^ {4}→ install Podman 5\.3 or newer/),
      '      (podman)',
      '- systemd: no systemctl',
    ]);
  });

  test('a summary', () => {
    const results = runChecks(
      facts({ clock: { synchronised: false }, cgroups: { unified: false } }),
    );
    expect(summarize(results)).toBe(
      `${ids.length} checks: ${ids.length - 2} ok, 1 warning, 1 failed, 0 skipped`,
    );
  });
});

describe('the command, with --root', () => {
  const FILES = {
    '/etc/ibq/network.toml':
      '[network]\ninterface = "wlan0"\nsubnet = "192.168.1.0/24"\ngateway = "192.168.1.1"\nrange = "192.168.1.192/27"\n',
    '/sys/fs/cgroup/cgroup.controllers': 'cpu memory\n',
    '/usr/sbin/nft': '',
  };

  test('JSON has every check and fits its schema; a failure is 3', async () => {
    const { context, json } = sandbox(FILES);
    expect(await doctor(context, { json: true })).toBe(3);
    const [printed] = json as { checks: { id: string; result: string }[] }[];
    expect(misfits('doctor', { schemaVersion: 1, ...printed })).toEqual([]);
    expect(printed?.checks.map(({ id }) => id)).toEqual(ids);
    const results = new Map(printed?.checks.map(({ id, result }) => [id, result]));
    expect(Object.fromEntries(results)).toMatchObject({
      podman: 'skipped',
      netavark: 'fail',
      nft: 'ok',
      'cgroups-v2': 'ok',
      configuration: 'ok',
      'parent-interface': 'fail',
      'foreign-files': 'skipped',
    });
  });

  test('a host without faults is 0, and the summary is no data', async () => {
    const { context, out, notes } = sandbox({
      '/sys/fs/cgroup/cgroup.controllers': 'cpu memory\n',
      '/usr/sbin/nft': '',
      '/usr/bin/nsenter': '',
      '/usr/lib/podman/netavark': '',
    });
    expect(await doctor(context, { json: false })).toBe(0);
    expect(out.join('\n')).toContain('✓ nft: /usr/sbin/nft');
    expect(notes).toEqual([expect.stringMatching(/^\d+ checks: \d+ ok, 0 warnings, 0 failed, /)]);
  });

  test('an invalid configuration is a failed check, and no end of the others', async () => {
    const { context, json } = sandbox({ '/etc/ibq/ibq.toml': 'mood = 1\n' });
    expect(await doctor(context, { json: true })).toBe(3);
    const [printed] = json as { checks: { id: string; result: string; detail: string }[] }[];
    const byId = new Map(printed?.checks.map((check) => [check.id, check]));
    expect(byId.get('configuration')).toMatchObject({ result: 'fail' });
    expect(byId.get('wireless')).toMatchObject({
      result: 'skipped',
      detail: 'the configuration is invalid',
    });
  });

  // What is pinned, on hosts whose files are those of real ones (test/fixtures/hosts/README.md).
  const WIFI =
    '[network]\ninterface = "wlp3s0"\nsubnet = "192.168.0.0/24"\ngateway = "192.168.0.1"\nrange = "192.168.0.192/27"\n';
  const EC2 =
    '[network]\ninterface = "ens5"\nsubnet = "172.31.16.0/20"\ngateway = "172.31.16.1"\nrange = "172.31.31.192/27"\n';
  test.each([
    ['wifi-laptop', 'wireless', `${WIFI}driver = "macvlan"\n`, 'fail'],
    ['wifi-laptop', 'wireless', `${WIFI}driver = "ipvlan"\n`, 'ok'],
    ['ec2', 'cloud', `${EC2}mode = "dual"\n`, 'fail'],
    ['ec2', 'cloud', `${EC2}mode = "bridge"\n`, 'ok'],
    ['link-down', 'cloud', '[network]\nmode = "bridge"\n', 'ok'],
  ])('%s: %s with %j is %s', async (name, id, pin, result) => {
    const { context, json } = sandbox({ '/etc/ibq/network.toml': pin }, {}, name);
    await doctor(context, { json: true });
    const [printed] = json as { checks: { id: string; result: string }[] }[];
    expect(printed?.checks.find((check) => check.id === id)).toMatchObject({ id, result });
  });
});
