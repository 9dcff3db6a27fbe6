/** `ibq network show`: the addresses, ports and rules in force. */

import type { Context } from '../context.ts';
import { ExitCode, UserError } from '../errors.ts';
import { readNetworkState } from '../host/network-state.ts';
import { requireLive, requireRoot } from '../host/root.ts';
import { showNetwork } from '../network/show.ts';
import { renderDiagram } from '../network/show-diagram.ts';
import { parseOutputFile } from './output-file.ts';

export interface NetworkShowOptions {
  json: boolean;
  /** File for a picture, `-` for standard output; null: none. */
  svg: string | null;
}

/** @returns 0, also where something is not in force: `network test` and `doctor` judge */
export async function networkShow(
  { host, ui }: Context,
  { json, svg }: NetworkShowOptions,
): Promise<ExitCode> {
  if (json && svg === '-') {
    throw new UserError(
      '--json and --svg -: only one of them can have standard output; name a file for the picture',
      ExitCode.usage,
    );
  }
  requireRoot(host);
  requireLive(host, 'network show');
  const file = svg === null || svg === '-' ? null : parseOutputFile(host.files, svg, '--svg');

  const show = showNetwork(await readNetworkState(host));
  if (svg !== null) {
    const { renderSvg } = await import('../network/show-svg.ts');
    const picture = renderSvg(show, timeOf(host.now()));
    if (file === null) ui.print(picture);
    else {
      host.files.writeText(file, `${picture}\n`);
      ui.note(`wrote ${file}`);
    }
  } else if (!json) ui.print(renderDiagram(show, ui.style));
  if (json) ui.json(show);
  if (!json && show.instances.length === 0) {
    ui.note('nothing is deployed yet: run "sudo ibq deploy"');
  }
  return ExitCode.done;
}

/** `2025-11-21 12:05:33 UTC` */
function timeOf(now: number): string {
  return new Date(now).toISOString().replace(/T(.*)\..*/, ' $1 UTC');
}
