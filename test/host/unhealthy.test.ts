/** Gateways that don't answer: a deploy names each, and status tells them apart. */

import { beforeAll, describe, expect, test } from 'vitest';
import { addGateway, ibq, ibqOk, prepareHost, statusOf, told } from './gateways.ts';
import { describeOnHosts, type RunResult } from './harness.ts';

const sick = [
  // A second factor is asked for, and nobody answers.
  { name: 'nologin', port: 4011, mode: 'live', behaviour: 'no-login' },
  { name: 'hung', port: 4012, mode: 'paper', behaviour: 'hang' },
  // Its relay accepts every connection, with nothing behind it.
  { name: 'gone', port: 4013, mode: 'paper', behaviour: 'gateway-down' },
] as const;

describeOnHosts('unhealthy', (host) => {
  let deployed: RunResult;

  beforeAll(async () => {
    await prepareHost(host);
    await addGateway(host, '4001', { mode: 'live' });
    for (const { name, ...options } of sick) await addGateway(host, name, options);
    deployed = await ibq(host, ['deploy', '--timeout', '30']);
  });

  test('deploy ends with 3 after its time-out, and counts who is ready', async () => {
    expect(deployed.exitCode, await told(host, deployed)).toBe(3);
    expect(deployed.stderr).toContain('1 of 4 ready');
  });

  test('a TCP connection proves nothing: all of them accept one', async () => {
    for (const { port } of sick) await host.ok(`timeout 20 bash -c '</dev/tcp/127.0.0.1/${port}'`);
  });

  describe.each([
    {
      name: 'nologin',
      word: 'waiting for 2FA',
      api: 'closed',
      log: 'Second Factor Authentication',
    },
    { name: 'hung', word: 'hung', api: 'silent', log: 'Configuration tasks completed' },
    { name: 'gone', word: 'gateway down', api: 'closed', log: 'IBC returned exit status 1' },
  ])('$name', ({ name, word, api, log }) => {
    test('deploy names it, says what is wrong, and shows the last lines of its log', () => {
      const said = sectionOf(deployed.stderr, name);
      expect(said[0]).toBe(`ibq: warning: ${name} does not answer the IB API: ${word}`);
      expect(said.filter((line) => line.startsWith('  | ')).join('\n')).toContain(log);
    });

    test(`status says ${word}, with the API ${api}`, async () => {
      const { ready, word: said, api: seen, unit, problems } = await statusOf(host, name);
      expect({ ready, said, api: seen.state, unit: unit.active }).toEqual({
        ready: false,
        said: word,
        api,
        unit: 'active',
      });
      expect(problems).not.toEqual([]);
    });
  });

  test('status ends with 3, and has a line for each', async () => {
    const { exitCode, stdout } = await ibq(host, ['status']);
    expect(exitCode).toBe(3);
    const states = stdout
      .trim()
      .split('\n')
      .map((line) => {
        const columns = line.split('\t');
        return [columns[0], columns.at(-1)];
      });
    expect(Object.fromEntries(states)).toEqual({
      '4001': 'ready',
      nologin: 'waiting for 2FA',
      hung: 'hung',
      gone: 'gateway down',
    });
  });

  test('the healthy one is neither named nor delayed', async () => {
    expect(deployed.stderr).not.toContain('4001 does not answer');
    await ibqOk(host, ['wait', '4001', '--timeout', '30']);
  });

  test('once it recovers, status and wait say so', async () => {
    await host.ok('podman exec ib-gateway-hung simulator normal');
    await ibqOk(host, ['wait', 'hung', '--timeout', '300']);
    expect((await statusOf(host, 'hung')).word).toBe('ready');
  });

  test('a stopped one is stopped, not broken', async () => {
    await ibqOk(host, ['stop', 'gone']);
    const { word, unit, api } = await statusOf(host, 'gone');
    expect({ word, unit: unit.active, api: api.state }).toEqual({
      word: 'stopped',
      unit: 'inactive',
      api: 'unchecked',
    });
  });
});

/** The lines of a report from the one that names an instance to the next warning. */
function sectionOf(report: string, name: string): string[] {
  const lines = report.split('\n');
  const first = lines.findIndex((line) => line.includes(`${name} does not answer`));
  const rest = lines.slice(first + 1);
  const end = rest.findIndex((line) => line.startsWith('ibq: '));
  return lines.slice(first, end < 0 ? undefined : first + 1 + end);
}
