interface Named {
  id: string;
  kind: string;
}

export interface Waiting extends Named {
  after: readonly string[];
  background: boolean;
  memory: number;
}

export interface Machine {
  cores: number;
  memory: number;
  idle: number;
}

export function inOrder<J extends Named>(
  jobs: readonly J[],
  lengths: Readonly<Record<string, number>>,
): J[];

export function next<J extends Waiting>(
  waiting: readonly J[],
  running: readonly J[],
  done: ReadonlySet<string>,
  machine: Machine,
  most: number | null,
): J | undefined;
