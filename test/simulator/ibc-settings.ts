/** config.ini as IBC takes it (IBC's DefaultSettings): which value means what. */

import { readFileSync } from 'node:fs';
import { Exit } from './contract.ts';
import { parseProperties } from './java-properties.ts';

export interface IbcSettings {
  /** Trimmed; missing or empty: `fallback`. */
  text(key: string, fallback?: string): string;
  /** yes, true, no, false in any case; anything else is `fallback`. */
  flag(key: string, fallback: boolean): boolean;
  /** What is no number is logged, and is `fallback`. */
  integer(key: string, fallback: number): number;
  /** Every setting as read. */
  all: ReadonlyMap<string, string>;
}

/** Throws `Exit` 79 where the file is absent. `path` is one of this machine. */
export function readIbcSettings(path: string, log: (message: string) => void): IbcSettings {
  let bytes: Uint8Array;
  try {
    bytes = readFileSync(path);
  } catch {
    throw new Exit(79, `ini file "${path}" either does not exist, or is a directory.  quitting...`);
  }
  const all = parseProperties(bytes);
  return {
    all,
    text: (key, fallback = '') => (all.get(key) || fallback).trim(),
    flag(key, fallback) {
      const value = (all.get(key) ?? '').toLowerCase();
      if (value === 'yes' || value === 'true') return true;
      return value === 'no' || value === 'false' ? false : fallback;
    },
    integer(key, fallback) {
      const value = all.get(key) ?? '';
      if (value === '') return fallback;
      if (/^[+-]?\d+$/.test(value)) return Number(value);
      log(`Invalid number "${value}" for property "${key}"`);
      return fallback;
    },
  };
}

/** The lines IBC writes of its settings, with user and password masked. */
export function describeSettings(settings: IbcSettings): string[] {
  const masked = new Set(['FIXLoginId', 'FIXPassword', 'IbLoginId', 'IbPassword']);
  const lines = [...settings.all.entries()]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, value]) => `    ${key}=${masked.has(key) && value !== '' ? '***' : value}`);
  return ['IBC Settings:', ...lines, 'End IBC Settings', ''];
}
