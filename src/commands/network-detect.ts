/** `ibq network detect`: what was found, what was chosen and why; `--write` pins it. */

import { dirname } from 'node:path';
import { TomlError } from 'smol-toml';
import { syntaxProblem } from '../config/document.ts';
import type { Context } from '../context.ts';
import { ExitCode, formatProblem } from '../errors.ts';
import { refuseDangling } from '../host/config-files.ts';
import type { FileReader } from '../host/host.ts';
import { readNetworkFacts, readPodmanSubnets } from '../host/network-facts.ts';
import { requireRoot } from '../host/root.ts';
import { type Candidate, type Detection, detectNetwork } from '../network/detect.ts';
import { parseCidr, prefixOf } from '../network/ipv4.ts';
import { type Overrides, overridesOf } from '../network/overrides.ts';
import {
  type PinnedValues,
  parsePin,
  pinChanges,
  pinOf,
  renderPin,
  valuesOf,
} from '../network/pin.ts';
import { freeName } from './free-name.ts';
import { printDetection } from './network-detect-output.ts';

const COMMAND = 'network detect --write';

/**
 * @param options.ask which of several equal interfaces is meant, where somebody sits at a terminal
 * @returns 0, or 69 where no interface can carry a LAN (then nothing is written)
 */
export async function networkDetect(
  context: Context,
  { json, write, ask = false }: { json: boolean; write: boolean; ask?: boolean },
): Promise<ExitCode> {
  const { host, ui } = context;
  const directory = dirname(context.configFile);
  const pinFile = `${directory}/network.toml`;
  const overrides = overridesOf(context.env);
  if (write) requireRoot(host);
  if (write) refuseDangling(host.files, pinFile);
  const read = readPin(context, pinFile);
  const pinned = read === 'unreadable' ? null : read;
  const found = detect(context, overrides, pinned, directory);
  const chosen = ask && ui.interactive ? await chooseInterface(context, found, pinned) : null;
  const detection = chosen === null ? found : detect(context, overrides, pinned, directory, chosen);

  if (json) ui.json(detection);
  else printDetection(ui, detection, { chosen: chosen !== null });
  const gone = detection.candidates.every((it) => it.interface !== pinned?.interface);
  if (!json && pinned?.interface && gone) {
    const message = `should be an interface of this host, ${pinned.interface} is gone`;
    ui.warn(formatProblem({ file: pinFile, key: 'network.interface', message }));
  }
  const { selected } = detection;
  if (!selected) {
    const why = 'no interface can carry a LAN';
    ui.warn(write ? `${why}: nothing was written to ${pinFile}` : `${why}; its reasons are above`);
    return ExitCode.missingPart;
  }
  const pin = pinOf(selected, overrides, host.now(), { chosen: chosen !== null });
  const changes = pinned && pinChanges(pinned, valuesOf(pin));
  if (!write) {
    const command = `sudo ${assignments(overrides)}ibq ${COMMAND}`;
    if (!json && read === 'unreadable') {
      ui.note(`what ${pinFile} pins cannot be read; mend it, or have it replaced: ${command}`);
    } else if (!json) tellPin(context, pinFile, pinned, changes, command);
  } else if (changes?.length === 0) {
    ui.note(`${pinFile} says so already; nothing was written`);
  } else {
    if (!host.files.exists(directory)) host.files.makeDirectory(directory, 0o755);
    if (read === 'unreadable') {
      const aside = freeName(host, `${pinFile}.old`);
      host.files.rename(pinFile, aside);
      ui.note(`moved ${pinFile} to ${aside}`);
    }
    host.files.writeText(pinFile, renderPin(pin), 0o644);
    ui.note(changes ? `replaced ${pinFile}:` : `wrote ${pinFile}`);
    for (const change of changes ?? []) ui.note(`  ${change}`);
    if (changes) ui.note('to put it into force: sudo ibq deploy');
  }
  return ExitCode.done;
}

function detect(
  { host }: Context,
  overrides: Overrides,
  pinned: PinnedValues | null,
  directory: string,
  chosen: string | null = null,
): Detection {
  const options = {
    instances: countInstances(host.files, directory),
    usedSubnets: readPodmanSubnets(host.files),
    pinnedRange: parseCidr(pinned?.range ?? ''),
  };
  return detectNetwork(readNetworkFacts(host.files), overrides, options, chosen);
}

/**
 * The first in order is the default; the one that is pinned already, if there is one.
 * @returns null where there is nothing to choose
 */
async function chooseInterface(
  { host, ui }: Context,
  { selected, candidates, overrides }: Detection,
  pinned: PinnedValues | null,
): Promise<string | null> {
  const eligible = candidates.filter((it) => it.eligible);
  const decided = overrides.NETWORK_INTERFACE ?? overrides.NETWORK_SUBNET;
  if (selected === null || decided !== null || eligible.length < 2) return null;
  const usual = eligible.find((it) => it.interface === pinned?.interface)?.interface;
  const isFirst = (it: Candidate) => it.interface === (usual ?? selected.interface);
  const inOrder = [...eligible.filter(isFirst), ...eligible.filter((it) => !isFirst(it))];
  const { routes } = readNetworkFacts(host.files);
  const choices = inOrder.map(({ interface: name, subnet }) => {
    const isWayOut = routes.some(
      (it) => it.interface === name && it.gateway !== null && prefixOf(it.destination) === 0,
    );
    return `${name}  ${subnet}${isWayOut ? "  (this host's way to the internet)" : ''}`;
  });
  const index = await ui.choose(
    'This host has several private networks. On which one do the gateways get addresses?',
    choices,
  );
  return inOrder[index]?.interface ?? null;
}

function countInstances(files: FileReader, directory: string): number {
  return files.list(`${directory}/instances`).filter((name) => name.endsWith('.toml')).length;
}

/** A file that can't be read as TOML is a warning: what is detected can still be shown, or replace it. */
function readPin({ host, ui }: Context, file: string): PinnedValues | 'unreadable' | null {
  const text = host.files.readText(file);
  if (text === null) return null;
  try {
    return parsePin(text);
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    const problem = syntaxProblem({ path: file, text }, error);
    ui.warn([formatProblem(problem), ...(problem.excerpt ?? [])].join('\n'));
    return 'unreadable';
  }
}

function assignments(overrides: Overrides): string {
  return Object.entries(overrides)
    .map(([name, value]) => (value === null ? '' : `${name}=${quoted(value)} `))
    .join('');
}

/** For a shell. */
function quoted(value: string): string {
  return /^[\w.:@/-]+$/.test(value) ? value : `'${value.replaceAll("'", `'\\''`)}'`;
}

function tellPin(
  { ui }: Context,
  pinFile: string,
  pinned: PinnedValues | null,
  changes: string[] | null,
  command: string,
): void {
  if (!pinned || !changes) {
    ui.note(`nothing is pinned yet; to pin this: ${command}`);
  } else if (changes.length === 0) {
    ui.note(`pinned in ${pinFile}, the same as detected now`);
  } else {
    ui.note(`pinned in ${pinFile}, which decides; a new detection would change`);
    for (const change of changes) ui.note(`  ${change}`);
    ui.note(`to pin what is detected now: ${command}`);
  }
}
