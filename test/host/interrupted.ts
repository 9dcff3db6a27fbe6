/** A deploy that ends too early: how it is made to, and that the next one ends well. */

import { readFileSync } from 'node:fs';
import { expect } from 'vitest';
import {
  ALLOWED,
  addArguments,
  addGateway,
  allow,
  containerIds,
  ibq,
  ibqOk,
  prepareHost,
  setPassword,
  told,
} from './gateways.ts';
import type { RunResult, TestHost } from './harness.ts';

const endAt = readFileSync(new URL('end-at.mjs', import.meta.url), 'utf8');

/** Two gateways run all the time; a third comes and goes. */
export class Interrupted {
  readonly #host: TestHost;
  #running: Record<string, string> = {};
  #turn = 0;

  constructor(host: TestHost) {
    this.#host = host;
  }

  /** Two gateways, not deployed yet. */
  async prepare(): Promise<void> {
    const host = this.#host;
    await prepareHost(host);
    await host.writeFile('/root/end-at.mjs', endAt);
    await addGateway(host, '4001', { mode: 'live' });
    await addGateway(host, '4002', { mode: 'paper' });
  }

  /** The first deploy that ends well: what runs now must run on. */
  async expectFirstDeploy(): Promise<void> {
    await this.#expectDeploys('2 of 2 ready');
    expect(await this.#host.ok('find /etc/ibq /etc/containers/systemd -name ".*"')).toBe('');
    this.#running = await containerIds(this.#host);
    expect(Object.keys(this.#running).sort()).toEqual(['4001', '4002']);
  }

  /**
   * The third instance goes, another takes over its port, and the list of allowed clients changes:
   * a plan with every kind of step.
   */
  async changeConfiguration(behaviour?: string): Promise<void> {
    const [old, next] = this.#turn++ % 2 === 0 ? ['odd', 'even'] : ['even', 'odd'];
    await this.#host.run([
      'rm',
      '-f',
      `/etc/ibq/instances/${old}.toml`,
      `/etc/ibq/instances/${next}.toml`,
    ]);
    await ibqOk(
      this.#host,
      addArguments(next, {
        port: next === 'odd' ? 4031 : 4032,
        ...(behaviour ? { behaviour } : {}),
      }),
    );
    if (this.#turn <= 2) await setPassword(this.#host, next);
    await allow(this.#host, this.#turn % 2 === 0 ? [ALLOWED] : [ALLOWED, '10.0.0.8']);
  }

  /**
   * @param signal that it gets while it writes that line; with `+5` five milliseconds later
   * @param pattern of a line of progress, or milliseconds
   */
  deployUntil(
    signal: 'SIGKILL' | 'SIGKILL+5' | 'SIGINT' | 'SIGTERM',
    pattern: string,
  ): Promise<RunResult> {
    return this.#host.run([
      this.#host.node,
      '/root/end-at.mjs',
      signal,
      pattern,
      'ibq',
      'deploy',
      '-y',
    ]);
  }

  /** Whatever is at its final name is complete: its manifest knows every file, and each is there. */
  async expectWholeGenerations(): Promise<void> {
    const whole = `for (const number of fs.readdirSync('/etc/ibq/generations').filter((it) => /^\\d+$/.test(it))) {
      const directory = '/etc/ibq/generations/' + number;
      const { files } = JSON.parse(fs.readFileSync(directory + '/manifest.json', 'utf8'));
      for (const [path, digest] of Object.entries(files)) {
        const text = fs.readFileSync(directory + '/' + path);
        if (crypto.createHash('sha256').update(text).digest('hex') !== digest) throw new Error(path);
      }
    }
    if (fs.existsSync('/etc/ibq') && fs.readdirSync('/etc/ibq').includes('current')) fs.readdirSync('/etc/ibq/current/');`;
    await this.#host.ok(['sh', '-c', 'test ! -d /etc/ibq/generations || node -e "$0"', whole]);
  }

  /** The next deploy ends well, and the two that ran before run on. */
  async expectSurvived(): Promise<RunResult> {
    const result = await this.#expectDeploys('3 of 3 ready');
    const { '4001': live, '4002': paper } = await containerIds(this.#host);
    expect({ '4001': live, '4002': paper }).toEqual(this.#running);
    return result;
  }

  async #expectDeploys(summary: string): Promise<RunResult> {
    const result = await ibq(this.#host, ['deploy', '-y', '--timeout', '300']);
    expect(result.exitCode, await told(this.#host, result)).toBe(0);
    expect(result.stderr).toContain(summary);
    const again = await ibqOk(this.#host, ['deploy']);
    expect(again.stderr).toContain(`nothing to do; ${summary}`);
    return result;
  }

  /** A shell script in the place of a program, for who puts /root/fake first into PATH. */
  async fakeProgram(name: string, script: string): Promise<void> {
    await this.#host.ok('rm -rf /root/fake');
    await this.#host.writeFile(`/root/fake/${name}`, `#!/bin/sh\n${script}\n`, 0o755);
  }
}
