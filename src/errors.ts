/** The two kinds of failure: what the user can mend (these classes), and everything else (a bug). */

/** Exit codes of the public contract; `docs/reference.md` explains each. */
export const ExitCode = {
  done: 0,
  failed: 1,
  changesPending: 2,
  unhealthy: 3,
  usage: 64,
  missingPart: 69,
  locked: 75,
  needsRoot: 77,
  badConfiguration: 78,
  interrupted: 130,
  terminated: 143,
} as const;
export type ExitCode = (typeof ExitCode)[keyof typeof ExitCode];

/** A failure the user can act on. `message` is lower case and ends with what mends it. */
export class UserError extends Error {
  override readonly name = 'UserError';
  readonly exitCode: ExitCode;
  constructor(message: string, exitCode: ExitCode = ExitCode.failed) {
    super(message);
    this.exitCode = exitCode;
  }
}

/** Only root can do it. `program.ts`, which knows what was typed, completes it with the line to run. */
export class NeedsRoot extends UserError {
  constructor() {
    super('needs root', ExitCode.needsRoot);
  }
}

/**
 * One thing wrong in the configuration. Printed as `ibq: FILE[:LINE]: KEY: MESSAGE`, for example
 * `ibq: /etc/ibq/instances/4001.toml: vnc.port: should be a port (1-65535), got 70000`.
 */
export interface Problem {
  file: string;
  /** 1-based line, where it is known (TOML syntax errors). */
  line?: number;
  /** Dotted key, empty when the whole file is meant. */
  key?: string;
  /** `should be …, got …`, with the mending command where one exists. */
  message: string;
  /** The line that is meant, and a caret below the place: printed after the message. */
  excerpt?: readonly string[];
}

/** Every problem of the configuration together: found all, then failed once (exit 78). */
export class ConfigError extends UserError {
  readonly problems: readonly Problem[];
  constructor(problems: readonly Problem[]) {
    super(
      problems.flatMap((it) => [formatProblem(it), ...(it.excerpt ?? [])]).join('\n'),
      ExitCode.badConfiguration,
    );
    this.problems = problems;
  }
}

export function formatProblem({ file, line, key, message }: Problem): string {
  const where = line === undefined ? file : `${file}:${line}`;
  return [where, key, message].filter((part) => part !== undefined && part !== '').join(': ');
}
