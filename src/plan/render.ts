/** A plan for people. Pure: styling is handed in. */

import type { Style } from '../ui/ui.ts';
import type { Installed } from './installed.ts';
import { CURRENT } from './paths.ts';
import { type Change, type Cost, describeStep, type Plan } from './plan.ts';

export interface RenderOptions {
  style: (style: Style, text: string) => string;
  /** Show the diff of each change below it, and the steps. Deploy tells its steps as it does them. */
  detailed: boolean;
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

export function renderPlan(plan: Plan, { style, detailed }: RenderOptions): string {
  if (isEmpty(plan)) return 'nothing to do';
  const lines: string[] = [];
  if (plan.generation) {
    const { from, to } = plan.generation;
    lines.push(
      style('bold', from === null ? `first generation: ${to}` : `generation ${from} → ${to}`),
    );
  }
  for (const change of plan.changes) {
    lines.push(style(COLOUR[change.kind], renderChange(change)));
    if (detailed && change.diff) lines.push(indent(colourDiff(change.diff, style)));
  }
  if (detailed && plan.steps.length > 0) {
    lines.push(style('bold', 'steps'));
    lines.push(...plan.steps.map((step, index) => `  ${index + 1}. ${describeStep(step)}`));
  }
  return lines.join('\n');
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
