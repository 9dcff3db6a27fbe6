/** `ibq doctor` on a booted host: how a check is broken, found, mended as it says itself, and passes. */

import { expect } from 'vitest';
import type { CheckResult, Result } from '../../src/doctor/check.ts';
import { ibq, told } from './gateways.ts';
import type { TestHost } from './harness.ts';

interface Case {
  break?: () => Promise<unknown>;
  says: RegExp;
  mend: (found: CheckResult) => Promise<unknown>;
}

export interface Doctor {
  /** Breaks something; the check `id` finds it, it is mended, and the check passes. */
  check(id: string, result: Result, what: Case): Promise<void>;
  passes(...ids: string[]): Promise<void>;
  /** Types what is advised, each line as it stands. */
  asSaid(found: CheckResult): Promise<void>;
  /** What can't be broken for all of the host is broken for the doctor's eyes, in mounts of its own. */
  seenAs(id: string, result: Result, broken: string, mended: string): Promise<void>;
  /** A stand-in for a program, until it is unmounted. */
  replace(path: string, script: string): Promise<void>;
  writeHostConfig(text: string): Promise<void>;
}

export function doctorOn(host: TestHost): Doctor {
  async function check(id: string, result: Result, what: Case): Promise<void> {
    await what.break?.();
    const { exitCode, checks } = await doctor(host);
    const found = checks.get(id);
    if (found) await what.mend(found);
    expect(found).toMatchObject({ id, result, detail: expect.stringMatching(what.says) });
    if (result === 'fail') expect(exitCode).toBe(3);
    await passes(id);
  }

  async function passes(...ids: string[]): Promise<void> {
    const { checks } = await doctor(host);
    for (const id of ids) expect(checks.get(id), id).toMatchObject({ result: 'ok', mend: null });
  }

  async function asSaid({ mend }: CheckResult): Promise<void> {
    for (const line of (mend ?? '').split('\n')) await host.ok(line.replace(/^sudo /, ''));
  }

  async function seenAs(id: string, result: Result, broken: string, mended: string): Promise<void> {
    const look = async (setup: string) => {
      const script = `${setup}; ibq doctor --json`;
      return byId((await host.run(['unshare', '--mount', 'bash', '-c', script])).stdout).get(id);
    };
    expect(await look(broken)).toMatchObject({ id, result });
    // Nothing to do in a view of its own: the next one is without the fault.
    const after = mended === 'true' ? mended : `${broken}; ${mended}`;
    expect(await look(after)).toMatchObject({ id, result: 'ok' });
  }

  async function replace(path: string, script: string): Promise<void> {
    const stand = `/run/stand-in-${path.replaceAll('/', '-')}`;
    await host.writeFile(stand, `#!/bin/sh\n${script}\n`, 0o755);
    await host.ok(['mount', '--bind', stand, path]);
  }

  function writeHostConfig(text: string): Promise<void> {
    return host.writeFile('/etc/ibq/ibq.toml', text);
  }

  return { check, passes, asSaid, seenAs, replace, writeHostConfig };
}

export async function doctor(
  host: TestHost,
): Promise<{ exitCode: number; checks: Map<string, CheckResult> }> {
  const result = await ibq(host, ['doctor', '--json']);
  if (result.exitCode !== 0 && result.exitCode !== 3) throw new Error(await told(host, result));
  return { exitCode: result.exitCode, checks: byId(result.stdout) };
}

export function byId(text: string): Map<string, CheckResult> {
  const { checks } = JSON.parse(text) as { checks: CheckResult[] };
  return new Map(checks.map((check) => [check.id, check]));
}

export function failures(checks: ReadonlyMap<string, CheckResult>): string[] {
  return [...checks.values()].filter(({ result }) => result === 'fail').map(({ id }) => id);
}
