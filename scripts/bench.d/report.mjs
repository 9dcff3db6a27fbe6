/**
 * Tables from what measure.mjs printed; with a second argument they replace what stands between the
 * marks in that file.
 *   node scripts/bench.d/report.mjs RESULT.json [docs/performance.md]
 */

import { readFileSync, writeFileSync } from 'node:fs';

const [resultFile, page] = process.argv.slice(2);
const { machine, quick, load, measured } = JSON.parse(readFileSync(resultFile, 'utf8'));

const MARKS = ['<!-- bench: begin -->', '<!-- bench: end -->'];

/** `is` and `than` are labels (several are added up); `most`: is/than at most; `least`: than/is at least. */
const AIMS = [
  { title: '`ibq --version` to bare Node', is: 'ibq --version', than: ['node -e 0'], most: 1.25 },
  {
    title: '`plan --root` of 100 to bare Node',
    is: 'ibq plan --root, 100 instances',
    than: ['node -e 0 (beside plan)'],
    most: 2.5,
  },
  {
    title: '`plan --root` of 1000, seconds',
    is: 'ibq plan --root, 1000 instances',
    than: [1000],
    most: 1,
  },
  {
    title: '`plan --root` of 1000 to bare Node',
    is: 'ibq plan --root, 1000 instances',
    than: ['node -e 0 (beside plan)'],
  },
  {
    title: '`status` of 20 to `systemctl show` + handshakes',
    is: 'ibq status, 20 instances',
    than: ['systemctl show and 20 handshakes'],
    most: 1.5,
  },
  {
    title: '… with bare Node added to the floor',
    is: 'ibq status, 20 instances',
    than: ['systemctl show and 20 handshakes', 'node -e 0 (beside status)'],
    most: 1.5,
  },
  {
    title: '`deploy` of 10 from nothing to the floor by hand',
    is: 'ibq deploy, 10 from nothing',
    than: ['by hand: daemon-reload, start, 10 from nothing'],
    most: 1.25,
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
    least: 4,
  },
];

const text = [timesTable(), aimsTable(), machineLine()].join('\n\n');
process.stdout.write(`${text}\n`);
if (page !== undefined) replaceBetweenMarks(page, text);

function timesTable() {
  const rows = Object.entries(measured).map(([label, { times, peakMb }]) => {
    const [low, middle, high] = [0, 0.5, 1].map((part) => quantile(times, part));
    const peak = peakMb === null ? '' : String(peakMb);
    return [label, String(times.length), ...[low, middle, high].map(milliseconds), peak];
  });
  return table(['command', 'runs', 'min ms', 'median ms', 'max ms', 'peak MB'], rows);
}

function aimsTable() {
  const rows = AIMS.flatMap(({ title, is, than, most, least }) => {
    if (!measured[is] || than.some((it) => typeof it === 'string' && !measured[it])) return [];
    const ratio = (part) => {
      const sum = than.reduce(
        (total, it) => total + (typeof it === 'string' ? quantile(measured[it].times, part) : it),
        0,
      );
      const one = quantile(measured[is].times, part);
      return least === undefined ? one / sum : sum / one;
    };
    const reached =
      least === undefined ? most === undefined || ratio(0.5) <= most : ratio(0.5) >= least;
    const aim = least === undefined ? (most === undefined ? '' : `≤ ${most}`) : `≥ ${least}`;
    const verdict = aim === '' ? '' : reached ? 'yes' : 'no';
    return [[title, aim, ratio(0.5).toFixed(2), ratio(0).toFixed(2), verdict]];
  });
  return table(['aim', 'wanted', 'by medians', 'by minimums', 'reached'], rows);
}

function machineLine() {
  const parts = [
    `${machine.cpu}, ${machine.cores} cores, ${machine.memoryGb} GB`,
    `Linux ${machine.kernel}`,
    `Debian ${machine.debian}`,
    `Node ${machine.node}`,
    `systemd ${machine.systemd}`,
    `Podman ${machine.podman}`,
    `podman-compose ${machine.podmanCompose}`,
    `load average while measuring ${load.lowest.toFixed(1)} to ${load.highest.toFixed(1)}`,
  ];
  return `${parts.join('; ')}${quick ? ' (a quick run)' : ''}.`;
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

function table(header, rows) {
  const all = [header, ...rows];
  const widths = header.map((_, column) => Math.max(...all.map((row) => row[column].length)));
  const line = (row) => `| ${row.map((cell, column) => cell.padEnd(widths[column])).join(' | ')} |`;
  const rule = `|${widths.map((width) => '-'.repeat(width + 2)).join('|')}|`;
  return [line(header), rule, ...rows.map(line)].join('\n');
}

function replaceBetweenMarks(file, text) {
  const old = readFileSync(file, 'utf8');
  const [begin, end] = MARKS.map((mark) => old.indexOf(mark));
  if (begin === -1 || end < begin) throw new Error(`${file}: should have ${MARKS.join(' … ')}`);
  writeFileSync(file, `${old.slice(0, begin + MARKS[0].length)}\n${text}\n${old.slice(end)}`);
}
