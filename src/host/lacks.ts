/** Things that keep a plan or a start from being carried out: gathered first, told together. */

import { ExitCode, UserError } from '../errors.ts';

export interface Lack {
  /** What is wrong, and what mends it. */
  text: string;
  exitCode: ExitCode;
}

export function lack(exitCode: ExitCode, text: string): Lack {
  return { text, exitCode };
}

/** What the whole ends with, where several are lacking. */
const ORDER: readonly ExitCode[] = [ExitCode.missingPart, ExitCode.badConfiguration];

/**
 * @param undone `nothing was changed`
 * @throws UserError that names all
 */
export function refuseLacks(lacks: readonly Lack[], undone = 'nothing was changed'): void {
  if (lacks.length === 0) return;
  const exitCode = ORDER.find((code) => lacks.some((it) => it.exitCode === code));
  const lines = [...new Set(lacks.map(({ text }) => text)), undone];
  throw new UserError(lines.join('\n'), exitCode ?? ExitCode.failed);
}

/** What a look says by an error of its own. */
export async function lacksOf(look: () => unknown): Promise<Lack[]> {
  try {
    await look();
    return [];
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    return error.message.split('\n').map((text) => ({ text, exitCode: error.exitCode }));
  }
}
