/** The Ui of a real process: stdout, stderr, and questions on the terminal. */

import { createInterface } from 'node:readline/promises';
import { ExitCode, UserError } from '../errors.ts';
import { clipLines, openColours } from './foreign-text.ts';
import type { Ui } from './ui.ts';

export interface TerminalOptions {
  quiet: boolean;
  color: boolean;
  /** Completes the commands in a text for people. */
  inScope?: (text: string) => string;
}

export function terminalUi({ quiet, color, inScope = same }: TerminalOptions): Ui {
  const terminal = process.stdout.isTTY === true;
  const interactive = process.stdin.isTTY === true && process.stderr.isTTY === true;
  const coloured = terminal && color && !process.env.NO_COLOR && process.env.TERM !== 'dumb';
  const { style, plain } = openColours(coloured);
  const message = (text: string) => clipLines(plain(inScope(text)));
  return {
    terminal,
    columns: terminal ? process.stdout.columns || null : null,
    interactive,
    print: (text) => void process.stdout.write(`${plain(inScope(text))}\n`),
    clear: () => {
      if (terminal) process.stdout.write('\u001b[2J\u001b[H');
    },
    json: (value) =>
      void process.stdout.write(`${JSON.stringify({ schemaVersion: 1, ...value }, null, 2)}\n`),
    note: (text) => {
      if (!quiet) process.stderr.write(`${message(text)}\n`);
    },
    tell: (text) => void process.stderr.write(`${message(text)}\n`),
    warn: (text) => void process.stderr.write(`ibq: warning: ${message(text)}\n`),
    style,
    async confirm(question, { assumeYes, flag, unlessTyped }) {
      if (assumeYes) return true;
      if (!interactive) {
        throw new UserError(
          `"${question}" needs an answer and there is no terminal; pass ${flag}`,
          ExitCode.usage,
        );
      }
      const hint = unlessTyped === 'no' ? '[y/N]' : '[Y/n]';
      for (;;) {
        const answer = (await ask(`${message(question)} ${hint} `)).trim();
        if (/^(y|yes)$/i.test(answer)) return true;
        if (/^(n|no)$/i.test(answer)) return false;
        if (answer === '') return unlessTyped !== 'no';
        process.stderr.write('please answer y or n\n');
      }
    },
    async choose(question, choices) {
      const lines = choices.map((choice, index) => `  ${index + 1}  ${choice}`);
      process.stderr.write(`${message([question, ...lines].join('\n'))}\n`);
      for (;;) {
        const answer = (await ask(`1 to ${choices.length} [1] `)).trim();
        if (answer === '') return 0;
        const number = /^\d{1,4}$/.test(answer) ? Number(answer) : 0;
        if (number >= 1 && number <= choices.length) return number - 1;
        process.stderr.write(`please answer with a number from 1 to ${choices.length}\n`);
      }
    },
    readHidden: (prompt) => (process.stdin.isTTY ? promptHidden(prompt) : readStdin()),
  };
}

const same = (text: string): string => text;

async function ask(question: string): Promise<string> {
  const lines = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return await new Promise((resolve, reject) => {
      // Ctrl-C and Ctrl-D close it, and the question alone would wait for ever.
      const abort = () => {
        process.stderr.write('\n');
        reject(new UserError('aborted, no changes made', ExitCode.interrupted));
      };
      lines.once('close', abort);
      lines.question(question).then((answer) => {
        lines.off('close', abort);
        resolve(answer);
      }, reject);
    });
  } finally {
    lines.close();
  }
}

async function readStdin(): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of process.stdin) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks)
    .toString('utf8')
    .replace(/\r?\n$/, '');
}

let typedAhead = '';

/** Reads keys in raw mode, so that nothing is echoed; Ctrl-C ends ibq, Ctrl-D ends the value. */
async function promptHidden(prompt: string): Promise<string> {
  // Before the prompt: what is typed as soon as it is seen must not be echoed.
  process.stdin.setRawMode(true);
  process.stderr.write(prompt);
  let value = '';
  /** Whether the value is whole. What was typed after it is for the next question. */
  const take = (text: string): boolean => {
    const keys = [...text];
    for (const [index, key] of keys.entries()) {
      if (key === '\r' || key === '\n' || key === '\u0004') {
        typedAhead = keys.slice(index + 1).join('');
        return true;
      }
      if (key === '\u0003') throw new UserError('aborted, no changes made', ExitCode.interrupted);
      if (key === '\u007f' || key === '\b') value = [...value].slice(0, -1).join('');
      else if (key >= ' ') value += key;
    }
    return false;
  };
  try {
    const ahead = typedAhead;
    typedAhead = '';
    if (take(ahead)) return value;
    // Left as it is afterwards: there may be another question.
    for await (const chunk of process.stdin.iterator({ destroyOnReturn: false })) {
      if (take(chunk.toString('utf8'))) return value;
    }
    return value;
  } finally {
    process.stdin.setRawMode(false);
    process.stdin.pause();
    process.stderr.write('\n');
  }
}
