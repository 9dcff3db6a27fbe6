export type Suite = 'trixie' | 'forky' | 'vm';

export function hostFiles(repository: string): string[];

export function onHosts(
  files: readonly string[],
  suites: readonly Suite[],
  which: { everyHost: boolean },
): { id: string }[];
