/** A Ui that keeps what it is told: data, notes and warnings apart, as on stdout and stderr. */

import type { Ui } from '../../src/ui/ui.ts';

export interface Said {
  /** What was printed, in order. */
  out: string[];
  json: object[];
  notes: string[];
  warnings: string[];
}

/** Nobody sits at it: a pipe, no colours; every question is answered no and every value is empty. */
export function fakeUi(changes: Partial<Ui> = {}): { ui: Ui; said: Said } {
  const said: Said = { out: [], json: [], notes: [], warnings: [] };
  const ui: Ui = {
    terminal: false,
    columns: null,
    interactive: false,
    print: (text) => void said.out.push(text),
    clear: () => {},
    json: (value) => void said.json.push(value),
    note: (text) => void said.notes.push(text),
    tell: (text) => void said.notes.push(text),
    warn: (text) => void said.warnings.push(text),
    style: (_style, text) => text,
    confirm: async () => false,
    choose: async () => 0,
    readHidden: async () => '',
    ...changes,
  };
  return { ui, said };
}
