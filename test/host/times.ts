/** What a host test waits for, and how long: a line of JSON each, in the file that IBQ_TEST_TIMES names. */

import { appendFileSync } from 'node:fs';

const file = process.env.IBQ_TEST_TIMES ?? '';

/** Measures what is waited for, also where it throws. */
export async function waitingFor<T>(what: string, act: () => Promise<T>): Promise<T> {
  const started = Date.now();
  try {
    return await act();
  } finally {
    record({ what, ms: Date.now() - started });
  }
}

/** Processor time that a host has used, in milliseconds; what tests run there by `exec` is not in it. */
export function usedByHost(ms: number): void {
  record({ cpu: ms });
}

/** A file that is not meant for the suite under test has no tests; that is no failure. */
export function notForThisHost(): void {
  record({ notHere: true });
}

type Entry = { what: string; ms: number } | { cpu: number } | { notHere: true };

function record(entry: Entry): void {
  if (file !== '') appendFileSync(file, `${JSON.stringify(entry)}\n`);
}

/** One word or two for a command: whoever sums up wants kinds, not each command line. */
export function nameOf(argv: readonly string[]): string {
  const line = argv.join(' ');
  const own =
    /(?:^|[\s;/])ibq '?(--?root'? '?\S+ '?)?([a-z][a-z-]+)'?(?: '?([a-z]+)'?(?= |$))?/.exec(line);
  if (own) {
    const [, , verb = '', noun = ''] = own;
    const grouped = ['instance', 'secret', 'network', 'import', 'self', 'tunnel'].includes(verb);
    return `ibq ${verb}${grouped && noun !== '' ? ` ${noun}` : ''}`;
  }
  const words = argv[0] === 'bash' && argv[1] === '-c' ? (argv[2] ?? '').trim().split(/\s+/) : argv;
  if (words.includes('sleep')) return 'sleep';
  const inner = words[0] === 'ip' && words[1] === 'netns' ? words.slice(4) : words;
  return (inner[0] ?? '').split('/').pop() ?? '';
}
