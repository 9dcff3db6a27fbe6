/** The one door to the world: files, processes, sockets, clock. Everything else is pure. */

import type { OwnFile } from '../plan/own-files.ts';

/** Reading. Paths are absolute paths of the host; under `--root DIR` they are read below DIR. */
export interface FileReader {
  /** `null` where nothing is there. Throws `UserError` (77 without permission). */
  readText(path: string): string | null;
  /** A file that somebody chose: whatever lies there is looked at before it is read, and links are followed. */
  readChosen(path: string, limit?: number): OwnFile;
  /** Sorted names; empty where the directory is absent. */
  list(path: string): string[];
  exists(path: string): boolean;
  /** A file that can be run. */
  isProgram(path: string): boolean;
  /** Target of a symbolic link, `null` where there is none. */
  readLink(path: string): string | null;
  /** What is at `path` itself, no link followed; `special`: a device, a pipe, a socket. `null`: nothing. */
  kindOf(path: string): 'file' | 'directory' | 'link' | 'special' | null;
}

export interface FileWriter {
  /** Whole and durable or not at all: temporary file beside it, fsync, rename, fsync of the directory. */
  writeText(path: string, text: string, mode?: number): void;
  makeDirectory(path: string, mode?: number): void;
  /** A new directory with all its files (paths relative to it) and links, on disk when this returns. */
  writeTree(
    directory: string,
    files: readonly { path: string; text: string }[],
    links: readonly { path: string; target: string }[],
  ): void;
  /** A new private directory (0700) for scratch files. @returns its absolute path */
  makeTemporaryDirectory(prefix: string): string;
  /** Replaces what is at `path` with a link in one rename. */
  symlink(target: string, path: string): void;
  rename(from: string, to: string): void;
  /** Removes a file, a link or a whole tree; absent is fine. */
  remove(path: string): void;
}

export interface RunOptions {
  /** Given on standard input; never shown by `-v`. */
  input?: string;
  /** Added to the environment. */
  env?: Readonly<Record<string, string>>;
  /** Milliseconds; then the process is killed and the result says so. Default 60 000. */
  timeoutMs?: number;
  /** Called with each line of standard error as it comes (progress of a pull). */
  onStderrLine?: (line: string) => void;
}

export interface RunResult {
  stdout: string;
  stderr: string;
  /** `null` where the program is not installed or was killed. */
  exitCode: number | null;
  failure: 'not-found' | 'not-started' | 'timed-out' | 'signal' | null;
}

export interface AttachOptions {
  /** What of each line of its output is shown; null: nothing. Absent: the output goes past ibq. */
  line?: (text: string) => string | null;
  /** Given on standard input, for a pager. */
  input?: string;
}

/** A reader's view: facts are gathered through it and nothing can be changed. */
export interface HostReader {
  /** `--root DIR`, else `null`. With it no process is started and no socket opened. */
  readonly root: string | null;
  readonly files: FileReader;
  /** Runs a program; a non-zero exit is a result, not an exception. */
  run(argv: readonly [string, ...string[]], options?: RunOptions): Promise<RunResult>;
  /** Runs a program on ibq's own terminal and gives its exit code (128 + signal where one ended it). */
  attach(argv: readonly [string, ...string[]], options?: AttachOptions): Promise<number>;
  /** Milliseconds since the epoch. */
  now(): number;
  sleep(ms: number): Promise<void>;
}

export interface Host extends HostReader {
  readonly files: FileReader & FileWriter;
}
