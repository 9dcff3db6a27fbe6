/** A plan for people. Pure: styling is handed in. */

import type { Style } from '../ui/ui.ts';
import type { Installed } from './installed.ts';
import { CURRENT } from './paths.ts';
import { type Change, type Cost, describeStep, type Plan } from './plan.ts';

export interface RenderOptions {
  style: (style: Style, text: string) => string;
  /** Show the steps. Deploy tells them as it does them. */
  steps: boolean;
  /** Show the diff of each change below it. */
  diffs: boolean;
  /** How many are configured: then those that the plan leaves alone are counted too. */
  instances?: number;
}

const SIGN = { add: '+', change: '~', remove: '-' } as const;
const COLOUR = { add: 'green', change: 'yellow', remove: 'red' } as const;

const COST: Record<Cost, string> = {
  none: '',
  start: 'starts',
  'new-login': 'a restart puts it into force (a new login, unless the session can be kept)',
  stop: 'stops',
  connections: 'cuts what is connected through it (no login)',
};

export function renderPlan(plan: Plan, { style, steps, diffs, instances }: RenderOptions): string {
  if (isEmpty(plan)) return 'nothing to do';
  const lines: string[] = [];
  const totals = totalsOf(plan, instances ?? null);
  if (totals !== '') lines.push(style('bold', totals));
  if (plan.generation) {
    const { from, to } = plan.generation;
    const title = from === null ? `first generation: ${to}` : `generation ${from} → ${to}`;
    lines.push(style('bold', title));
  }
  for (const change of plan.changes) {
    lines.push(style(COLOUR[change.kind], renderChange(change)));
    const diff = diffs ? withoutHashes(change.diff) : '';
    if (diff) lines.push(indent(colourDiff(diff, style)));
  }
  if (steps && plan.steps.length > 0) {
    lines.push(style('bold', 'steps'));
    lines.push(...plan.steps.map((step, index) => `  ${index + 1}. ${describeStep(step)}`));
  }
  return lines.join('\n');
}

/** `1 starts, 2 need a restart (new login), 27 untouched`; empty where no instance is meant. */
function totalsOf({ changes }: Plan, instances: number | null): string {
  const count = (fits: (change: Change) => boolean, one: string, several: string) => {
    const found = changes.flatMap((it) => ('instance' in it && fits(it) ? [it.instance] : []));
    const { size } = new Set(found);
    return size === 0 ? [] : [`${size} ${size === 1 ? one : several}`];
  };
  const costs = (cost: Cost) => (change: Change) => change.cost === cost;
  const quiet = (kind: Change['kind']) => (it: Change) => it.cost === 'none' && it.kind === kind;
  const configured = new Set(
    changes.flatMap((it) => ('instance' in it && it.kind !== 'remove' ? [it.instance] : [])),
  );
  const untouched = instances === null ? 0 : instances - configured.size;
  return [
    ...count(costs('start'), 'starts', 'start'),
    ...count(costs('new-login'), 'needs a restart (new login)', 'need a restart (new login)'),
    ...count(costs('stop'), 'stops', 'stop'),
    ...count(quiet('add'), 'is added and not started', 'are added and not started'),
    ...count(quiet('change'), 'changes without a restart', 'change without a restart'),
    ...count(quiet('remove'), 'that does not run is removed', 'that do not run are removed'),
    ...(untouched > 0 ? [`${untouched} untouched`] : []),
  ].join(', ');
}

/** ibq's own mark of a definition: it changes with whatever else does, and tells nobody anything. */
const HASH_LINE =
  /^[+-](?:(?:Label|Annotation)=ibq\.definition=|Environment=IBQ_DEFINITION=)[0-9a-f]*$/;

/** Hunks and files of which nothing else is left are left out. */
function withoutHashes(diff: string): string {
  const lines = diff.split('\n').filter((line) => !HASH_LINE.test(line));
  const isFile = (index: number) =>
    lines[index]?.startsWith('--- ') === true && lines[index + 1]?.startsWith('+++ ') === true;
  const files: { head: string[]; hunks: string[][] }[] = [];
  for (let index = 0; index < lines.length; index++) {
    const line = lines[index] ?? '';
    const file = files.at(-1);
    if (isFile(index)) {
      files.push({ head: [line, lines[index + 1] ?? ''], hunks: [] });
      index++;
    } else if (file === undefined) {
      files.push({ head: [], hunks: [[line]] });
    } else if (line.startsWith('@@') || file.hunks.length === 0) {
      file.hunks.push([line]);
    } else {
      file.hunks.at(-1)?.push(line);
    }
  }
  const changes = (hunk: readonly string[]) => hunk.some((line) => /^[+-]/.test(line));
  return files
    .flatMap(({ head, hunks }) => {
      const kept = hunks.filter(changes);
      // A head alone stays: a file that is new and empty.
      return kept.length > 0 || hunks.length === 0 ? [...head, ...kept.flat()] : [];
    })
    .join('\n');
}

/** Files of the current generation that are no longer as ibq wrote them, a line each. */
export function driftLines(
  { drift }: Plan,
  { files, links }: Pick<Installed, 'files' | 'links'>,
): string[] {
  return drift.map((path) => {
    const missing = (files.get(path) ?? links.get(path) ?? null) === null;
    return `${CURRENT}/${path}: ${missing ? 'is missing' : 'was edited by hand'}`;
  });
}

export function isEmpty(plan: Plan): boolean {
  return plan.changes.length === 0 && plan.steps.length === 0;
}

function renderChange(change: Change): string {
  const what = 'instance' in change ? change.instance : change.file;
  const words = [COST[change.cost], change.because.join(', ')].filter(Boolean);
  return `  ${SIGN[change.kind]} ${what}${words.length > 0 ? `: ${words.join('; ')}` : ''}`;
}

function colourDiff(diff: string, style: RenderOptions['style']): string {
  return diff
    .split('\n')
    .map((line) => {
      if (line.startsWith('+')) return style('green', line);
      return line.startsWith('-') ? style('red', line) : style('dim', line);
    })
    .join('\n');
}

function indent(text: string): string {
  return text.replace(/^/gm, '      ');
}
