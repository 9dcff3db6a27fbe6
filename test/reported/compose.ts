/** Compose files of people, imported by the whole program, and what each has to become. */

import { expect } from 'vitest';
import { type Place, type Row, typed } from './rows.ts';

export const FILE = '/srv/ib/docker-compose.yml';
export const IMPORT = 'commands/import-compose.test.ts';
export const ENV = 'compose/env-file.test.ts';
const GNZSNZ = 'image: "ghcr.io/gnzsnz/ib-gateway:stable"';
/** A service of gnzsnz's with these lines and variables. */
export const gw = (more = '', variables = '', rest = '') =>
  `services: {gw: {${GNZSNZ}, environment: {TWS_USERID: me${variables === '' ? '' : `, ${variables}`}}, ports: ["127.0.0.1:4002:4004"]${more === '' ? '' : `, ${more}`}}}${rest}\n`;
export const beside = (service: string) => gw().replace(/\}\n$/, `, ${service}}\n`);

interface Outcome {
  exitCode: number;
  /** All that was printed. */
  said: string;
  /** Texts of the instances together. */
  files: string;
}

async function imported(
  text: string | Record<string, string>,
  args = '',
  main?: string,
): Promise<Outcome> {
  const files = {
    ...(typeof text === 'string' ? { [FILE]: text } : text),
    ...(main === undefined ? {} : { '/etc/ibq/ibq.toml': main }),
  };
  const place: Place = { files };
  const { exitCode, out, err } = await typed(
    `import compose ${FILE} --dry-run ${args}`.trim(),
    place,
  );
  return { exitCode, said: err, files: out };
}

/** Imported, with these words in the files of instances and in the list of what is left. */
export function becomes(
  id: string,
  input: string,
  text: string | Record<string, string>,
  {
    files = [],
    said = [],
    not = [],
    args = '',
    main,
  }: { files?: string[]; said?: string[]; not?: string[]; args?: string; main?: string },
): Row {
  return {
    id: `compose ${id}`,
    input,
    right: async () => {
      const outcome = await imported(text, args, main);
      expect(outcome.exitCode, outcome.said).toBe(0);
      for (const word of files) expect(outcome.files).toContain(word);
      for (const word of said) expect(outcome.said).toContain(word);
      for (const word of not) expect(outcome.files + outcome.said).not.toContain(word);
    },
  };
}

export function refused(
  id: string,
  input: string,
  text: string | Record<string, string>,
  words: string[],
  args = '',
): Row {
  return {
    id: `compose ${id}`,
    input,
    right: async () => {
      const { exitCode, said, files } = await imported(text, args);
      expect([64, 78], said).toContain(exitCode);
      expect(files).toBe('');
      for (const word of [...words, 'nothing was written']) expect(said).toContain(word);
    },
  };
}
export const seen = (id: string, input: string, file: string, title: string): Row => ({
  id: `compose ${id}`,
  input,
  seen: [file, title],
});
export const noFault = (id: string, input: string, why: string): Row => ({
  id: `compose ${id}`,
  input,
  noFault: why,
});
