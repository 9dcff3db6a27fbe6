/** A detection in words. */

import type { Candidate, Detection, Selected } from '../network/detect.ts';
import { reasons } from '../network/interface-kind.ts';
import { table } from '../ui/table.ts';
import type { Ui } from '../ui/ui.ts';

/** The choice and its reasons on stdout, warnings on stderr. */
export function printDetection(ui: Ui, detection: Detection, { chosen = false } = {}): void {
  const { selected, candidates, overrides, warnings } = detection;
  const facts = selected
    ? describe(selected, detection, chosen)
    : [['interface', 'none: no interface can carry a LAN; instances use bridge mode']];
  for (const [variable, value] of Object.entries(overrides)) {
    if (value !== null) facts.push([variable, `${value} (set in the environment)`]);
  }
  ui.print(table(facts, ui));
  if (ui.terminal) ui.print('');
  const rows = candidates.map((candidate) => [
    candidate.interface,
    candidate.subnet ?? '-',
    verdict(candidate, selected, ui.terminal),
  ]);
  const shown = ui.terminal ? withoutVeths(candidates, rows) : rows;
  ui.print(
    table(shown, {
      terminal: ui.terminal,
      columns: ui.columns,
      header: ['INTERFACE', 'SUBNET', 'VERDICT'],
    }),
  );
  for (const warning of warnings) ui.warn(warning);
}

function describe(
  selected: Selected,
  { overrides, candidates }: Detection,
  chosen: boolean,
): string[][] {
  const { address, subnet, gateway, gatewaySource, driver, mode, range } = selected;
  const own = candidates.find((candidate) => candidate.interface === selected.interface);
  const because = overrides.NETWORK_INTERFACE
    ? 'from NETWORK_INTERFACE'
    : overrides.NETWORK_SUBNET
      ? 'for NETWORK_SUBNET'
      : chosen
        ? 'chosen among several'
        : 'the first with a private subnet';
  const source = {
    route: "from the host's routes",
    assumed: 'assumed: no route names one',
    override: 'from NETWORK_GATEWAY',
  }[gatewaySource];
  const cloud = own?.reasons.includes('cloud') ? ` (${reasons.cloud})` : '';
  return [
    ['interface', `${selected.interface} (${because})`],
    ['subnet', subnet],
    ['address', address ?? 'not known'],
    ['gateway', `${gateway} (${source})`],
    ['driver', driver === 'ipvlan' ? `ipvlan (${reasons.wireless})` : driver],
    ['mode', `${mode}${cloud}`],
    ['range', range ? `${range} (keep it outside the DHCP range)` : 'none is free'],
  ];
}

/** For a person in sentences alone; the words before them are for programs. */
function verdict(candidate: Candidate, selected: Selected | null, terminal: boolean): string {
  if (candidate.interface === selected?.interface) return 'selected';
  if (candidate.eligible) return 'eligible, but not the one selected';
  return candidate.reasons
    .map((reason) => (terminal ? reasons[reason] : `${reason}: ${reasons[reason]}`))
    .join('; ');
}

const FEW_VETHS = 3;

/** A host with many containers has a veth each: one row is enough for a person. */
function withoutVeths(candidates: readonly Candidate[], rows: string[][]): string[][] {
  const isVeth = (index: number) => candidates[index]?.reasons.includes('veth') === true;
  const count = rows.filter((_, index) => isVeth(index)).length;
  if (count <= FEW_VETHS) return rows;
  const others = rows.filter((_, index) => !isVeth(index));
  return [...others, [`veth… (${count})`, '-', reasons.veth]];
}
