/** A host that runs, as commands see it: files of a temporary tree, and programs that a table answers. */

import { onTestFinished, vi } from 'vitest';
import type { Context } from '../../src/context.ts';
import type { Host, RunOptions, RunResult } from '../../src/host/host.ts';
import type { Sandbox } from './sandbox.ts';

export interface Ran {
  /** The command line, its words joined by blanks. */
  line: string;
  input: string | undefined;
}

export type Answer = (line: string, options: RunOptions) => Partial<RunResult> | undefined;

/**
 * Every program succeeds in silence, but for those that `answer` says something else about. The
 * user is root, whoever runs the tests.
 */
export function liveHost(
  { context }: Sandbox,
  answer: Answer = () => undefined,
): { context: Context; ran: Ran[] } {
  const root = vi.spyOn(process, 'geteuid').mockReturnValue(0);
  onTestFinished(() => root.mockRestore());
  const ran: Ran[] = [];
  const host: Host = {
    root: null,
    files: context.host.files,
    run: async (argv, options = {}) => {
      const line = argv.join(' ');
      ran.push({ line, input: options.input });
      return { stdout: '', stderr: '', exitCode: 0, failure: null, ...answer(line, options) };
    },
    attach: async (argv) => {
      ran.push({ line: argv.join(' '), input: undefined });
      return 0;
    },
    now: () => Date.parse('2025-11-21T08:00:00Z'),
    sleep: async () => {},
  };
  return { context: { ...context, host }, ran };
}

/** What `systemctl show` says of these units. */
export function showOutput(units: Readonly<Record<string, Record<string, string>>>): string {
  return Object.entries(units)
    .map(([id, values]) => {
      const all = {
        Id: id,
        LoadState: 'loaded',
        SubState: '',
        Result: 'success',
        InvocationID: 'abc',
        ...values,
      };
      return `${Object.entries(all)
        .map(([key, value]) => `${key}=${value}`)
        .join('\n')}\n`;
    })
    .join('\n');
}

/**
 * What `journalctl -o json` says: a line each, as conmon writes it.
 *
 * @param line of the command, which may name a cursor
 * @param invocation of the unit's run
 */
export function journalOutput(lines: readonly string[], line = '', invocation = 'abc'): string {
  const after = /--after-cursor=cursor-(\d+)/.exec(line)?.[1];
  return lines
    .map((text, index) =>
      JSON.stringify({
        __CURSOR: `cursor-${index}`,
        __REALTIME_TIMESTAMP: String(Date.parse('2025-11-21T07:00:00Z') * 1000 + index),
        _SYSTEMD_INVOCATION_ID: invocation,
        MESSAGE: `${text}\n`,
      }),
    )
    .slice(after === undefined ? 0 : Number(after) + 1)
    .join('\n');
}
