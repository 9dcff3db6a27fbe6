/**
 * Tables from what measure.mjs or latency.mjs printed; with a second and a third argument they replace
 * what stands between the marks of that name in that file.
 *   node scripts/bench.d/report.mjs RESULT.json [docs/performance.md NAME]
 */

import { readFileSync, writeFileSync } from 'node:fs';

const [resultFile, page, name] = process.argv.slice(2);
const result = JSON.parse(readFileSync(resultFile, 'utf8'));
const { machine, quick, busy, measured } = result;

/** `is` and `than` are labels (several are added up); `most`: is/than at most; `least`: than/is at least. */
const AIMS = [
  { title: '`ibq --version` to bare Node', is: 'ibq --version', than: ['node -e 0'], most: 1.15 },
  {
    title: '`plan --root` of 100 to bare Node',
    is: 'ibq plan --root, 100 instances',
    than: ['node -e 0 (beside plan)'],
    most: 2.5,
  },
  {
    title: '`plan --root` of 1000 to bare Node',
    is: 'ibq plan --root, 1000 instances',
    than: ['node -e 0 (beside plan)'],
    most: 6,
  },
  {
    title: '`status` of 20 to `systemctl show` + handshakes + bare Node',
    is: 'ibq status, 20 instances',
    than: ['systemctl show and 20 handshakes', 'node -e 0 (beside status)'],
    most: 1.25,
  },
  {
    title: '`doctor` of 3 to `status` of 3',
    is: 'ibq doctor, 3 instances',
    than: ['ibq status, 3 instances'],
    most: 4,
  },
  {
    title: '`deploy` of 10 from nothing to the floor by hand',
    is: 'ibq deploy, 10 from nothing',
    than: ['by hand: daemon-reload, start, 10 from nothing'],
    most: 1.15,
  },
  {
    title: '… times faster than podman-compose',
    is: 'ibq deploy, 10 from nothing',
    than: ['podman-compose up -d, 10 from nothing'],
    least: 1.6,
  },
  {
    title: '`deploy` with nothing to do, times faster than podman-compose',
    is: 'ibq deploy, nothing to do',
    than: ['podman-compose up -d, nothing to do'],
    least: 6,
  },
];

const tables = Array.isArray(measured) ? [latencyTable()] : [timesTable(), aimsTable()];
const text = [...tables, machineLine()].filter(Boolean).join('\n\n');
process.stdout.write(`${text}\n`);
if (page !== undefined) replaceBetweenMarks(page, text);

function timesTable() {
  const rows = Object.entries(measured).map(([label, { times, peakMb }]) => {
    const five = [0, 0.25, 0.5, 0.75, 1].map((part) => milliseconds(quantile(times, part)));
    const peak = peakMb === null ? '' : String(peakMb);
    return [label, String(times.length), ...five, peak];
  });
  const header = [
    'command',
    'runs',
    'min ms',
    'quartile',
    'median ms',
    'quartile',
    'max ms',
    'peak MB',
  ];
  return table(header, rows);
}

/** Sides that took turns are compared round by round: what disturbs a round disturbs both. */
function aimsTable() {
  const rows = AIMS.flatMap(({ title, is, than, most, least }) => {
    if (![is, ...than].every((label) => measured[label])) return [];
    const ratios = measured[is].times.map((one, round) => {
      const sum = than.reduce((total, label) => total + (measured[label].times[round] ?? 0), 0);
      return least === undefined ? one / sum : sum / one;
    });
    const [low, middle, high] = [0.25, 0.5, 0.75].map((part) => quantile(ratios, part));
    const reached = least === undefined ? middle <= most : middle >= least;
    const aim = least === undefined ? `≤ ${most}` : `≥ ${least}`;
    return [[title, aim, middle.toFixed(2), spread(low, high, 2), reached ? 'yes' : 'no']];
  });
  if (rows.length === 0) return '';
  return table(['aim', 'wanted', 'median of the ratios', 'quartiles', 'reached'], rows);
}

function latencyTable() {
  const rows = measured.map(({ title, relay, guard, rounds }, index) => {
    const middle = (key) =>
      quantile(
        rounds.map((round) => round[key]),
        0.5,
      );
    const other = measured[index + 1];
    let cost = '';
    if (guard === 'on' && other?.guard === 'off') {
      const ratios = rounds.map(({ p50 }, round) => (p50 / other.rounds[round].p50 - 1) * 100);
      const [low, half, high] = [0.25, 0.5, 0.75].map((part) => quantile(ratios, part));
      cost = `${signed(half)} % (${signed(low)} to ${signed(high)})`;
    }
    return [
      title,
      relay ? 'socat' : '–',
      { on: 'on', off: 'off', none: '–' }[guard],
      ...['p50', 'p99', 'p999'].map((key) => middle(key).toFixed(1)),
      Math.round(middle('ticks') / 1000).toString(),
      cost,
    ];
  });
  const header = [
    'way in',
    'relay',
    'guard',
    'p50 µs',
    'p99 µs',
    'p99.9 µs',
    'thousand ticks/s',
    'guard at p50',
  ];
  return table(header, rows);
}

function machineLine() {
  const { rounds, requests, ticks } = result.counts ?? {};
  const parts = [
    new Date().toISOString().slice(0, 10),
    `${machine.cpu}, ${machine.cores} cores, ${machine.memoryGb} GB`,
    `Linux ${machine.kernel}`,
    `Debian ${machine.debian}`,
    `Node ${machine.node}`,
    `systemd ${machine.systemd}`,
    `Podman ${machine.podman}`,
    `podman-compose ${machine.podmanCompose}`,
    ...(rounds ? [`medians of ${rounds} rounds of ${requests} requests and ${ticks} ticks`] : []),
    `load average while measuring ${busy.lowest.toFixed(1)} to ${busy.highest.toFixed(1)}`,
    `${busy.busy} of ${busy.rounds} rounds began while the machine was not idle`,
  ];
  const told = `${parts.join('; ')}.`;
  const doubt =
    busy.busy * 4 > busy.rounds ? ' **Measured on a busy machine: not to be relied on.**' : '';
  return `${told}${quick ? ' **A quick look, not a measurement.**' : ''}${doubt}`;
}

function quantile(times, part) {
  const sorted = [...times].sort((a, b) => a - b);
  const at = (sorted.length - 1) * part;
  const below = sorted[Math.floor(at)] ?? Number.NaN;
  const above = sorted[Math.ceil(at)] ?? Number.NaN;
  return below + (above - below) * (at - Math.floor(at));
}

function milliseconds(value) {
  return value.toFixed(value < 100 ? 1 : 0);
}

function spread(low, high, digits) {
  return `${low.toFixed(digits)} to ${high.toFixed(digits)}`;
}

function signed(percent) {
  return `${percent < 0 ? '−' : '+'}${Math.abs(percent).toFixed(1)}`;
}

function table(header, rows) {
  const all = [header, ...rows];
  const widths = header.map((_, column) => Math.max(...all.map((row) => row[column].length)));
  const line = (row) => `| ${row.map((cell, column) => cell.padEnd(widths[column])).join(' | ')} |`;
  const rule = `|${widths.map((width) => '-'.repeat(width + 2)).join('|')}|`;
  return [line(header), rule, ...rows.map(line)].join('\n');
}

function replaceBetweenMarks(file, text) {
  const wanted = [`<!-- ${name}: begin -->`, `<!-- ${name}: end -->`];
  const old = readFileSync(file, 'utf8');
  const [begin, end] = wanted.map((mark) => old.indexOf(mark));
  if (begin === -1 || end < begin) throw new Error(`${file}: should have ${wanted.join(' … ')}`);
  writeFileSync(file, `${old.slice(0, begin + wanted[0].length)}\n${text}\n${old.slice(end)}`);
}
