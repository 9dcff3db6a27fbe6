/** The README, typed as it stands on a fresh host, ends with two gateways that answer and the LAN client in. */

import { readFileSync } from 'node:fs';
import { beforeAll, expect, test } from 'vitest';
import { accountsAt } from './api-client.ts';
import { ALLOWED, lanAddress, status, told } from './gateways.ts';
import { describeOnHosts, installIbq, installSimulator, type RunResult } from './harness.ts';

const README = readFileSync(new URL('../../README.md', import.meta.url), 'utf8');

/** All that is typed otherwise than it stands: who builds ibq, whose gateways they are, and what would never end. */
const SUBSTITUTIONS: readonly (readonly [RegExp, string])[] = [
  // The harness does these three, with the same installer: a test host has no registry of npm's.
  [/^git clone REPOSITORY ibq && cd ibq$/, ''],
  [/^npm ci && npm run build$/, ''],
  [/^sudo scripts\/install\.sh$/, ''],
  [/YOUR_PAPER_USER/, 'demo_paper'],
  [/YOUR_USER/, 'demo'],
  [/^(sudo ibq logs 4001) -f$/, '$1 -n 5'],
];

/** Of the daily commands: no screen is switched on. */
const ENDS: Readonly<Record<string, number>> = { 'ibq vnc 4001': 1 };

/** Lines of each block of a section. */
function blocks(section: string, language: string): string[][] {
  const text = README.split(/^## /m).find((it) => it.startsWith(`${section}\n`)) ?? '';
  const all = [...text.matchAll(/^```(\w*)\n([\s\S]*?)^```$/gm)];
  return all
    .filter(([, its]) => its === language)
    .map(([, , block = '']) => block.trimEnd().split('\n'));
}

function typed(line: string): string {
  const command = line.replace(/\s{2,}#.*$/, '');
  return SUBSTITUTIONS.reduce((text, [from, to]) => text.replace(from, to), command);
}

// Debian 13 is what it speaks of; what differs on other systems has tests of its own.
describeOnHosts(
  'README',
  (host) => {
    const [first = [], again = []] = blocks('On your server', 'sh');

    beforeAll(async () => {
      const [image] = await Promise.all([
        installSimulator(host, 'gnzsnz-gateway'),
        installIbq(host, { node: 'debian' }),
      ]);
      // Under the name of the real one: nothing is pulled.
      await host.ok(['podman', 'tag', image, 'ghcr.io/gnzsnz/ib-gateway:stable']);
    });

    /** In the home of a user who may use sudo. A password comes by a pipe: nobody sits at a terminal. */
    async function type(line: string): Promise<RunResult> {
      const stdin = /\bsecret set\b/.test(line) ? { stdin: 'any\n' } : {};
      return host.run(['su', '-', 'trader', '-c', line], { ...stdin });
    }

    async function typeAll(lines: readonly string[]): Promise<RunResult[]> {
      const results: RunResult[] = [];
      for (const line of lines.map(typed).filter((it) => it !== '')) {
        const result = await type(line);
        expect(result.exitCode, `${line}: ${await told(host, result)}`).toBe(ENDS[line] ?? 0);
        results.push(result);
      }
      return results;
    }

    test('its first block ends with two gateways ready, told as the README shows it', async () => {
      expect(first.at(-1)).toBe('sudo ibq status');
      const results = await typeAll(first);
      const [sample = []] = blocks('On your server', '');
      const rows = (lines: readonly string[], gap: RegExp) =>
        lines.map((line) => line.split(gap).toSpliced(5, 1));
      const shown = (results.at(-1)?.stdout ?? '').trimEnd().split('\n');
      expect(rows(shown, /\t/)).toEqual(rows(sample.slice(1), / {2,}/));
    });

    test('its second lets the client of the LAN in', async () => {
      const [[line = ''] = []] = blocks('On your server', 'toml');
      expect(line).toBe(`allow = ["${ALLOWED}"]`);
      const file = '/etc/ibq/ibq.toml';
      const before = await host.readFile(file);
      await host.writeFile(file, before.replace(/^# allow = .*$/m, line));
      await typeAll(again);
      const address = await lanAddress(host, '4002');
      expect((await accountsAt(host, 'lan1', address, 4004)).accounts).not.toEqual([]);
    });

    test('where there is no sudo, what it says makes each line work', async () => {
      const [, helper = ''] = /type `(sudo\(\) .*?)` first/.exec(README) ?? [];
      const line = `PATH=/usr/local/bin:/usr/bin:/bin; ${helper}; sudo ibq plan && sudo NETWORK_INTERFACE=eth1 ibq network detect`;
      const result = await host.run(line);
      expect(result.exitCode, await told(host, result)).toBe(0);
      expect(result.stdout).toContain('nothing to do');
    });

    test('its daily commands work', async () => {
      const [lines = []] = blocks('Every day', 'sh');
      // The same restart twice would be one too many for the time it takes.
      await typeAll(lines.filter((line) => !line.startsWith('systemctl restart')));
      expect((await status(host)).instances.map(({ word }) => word)).toEqual(['ready', 'ready']);
    });
  },
  ['trixie'],
);
