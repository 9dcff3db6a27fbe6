/**
 * Runs on the disposable host and prints what it measured as JSON: every time of every round, so
 * that whoever reads can judge. The sides of a comparison take turns.
 */

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import {
  clear,
  compose,
  configure,
  keepUnits,
  placeUnitsByHand,
  portsOf,
  services,
  writeComposeFile,
} from './gateways.mjs';
import { machine } from './machine.mjs';
import {
  busySeen,
  peakMemory,
  rest,
  restAtFirst,
  run,
  say,
  time,
  untilAllAnswer,
} from './timing.mjs';

const { values: options } = parseArgs({
  options: { quick: { type: 'boolean', default: false }, only: { type: 'string' } },
});
const FAST_ROUNDS = options.quick ? 7 : 31;
const SLOW_ROUNDS = options.quick ? 2 : 5;
const NODE = ['/usr/bin/node', '-e', '0'];

/** The row of many: so many instances, and those of them that are told to hang. */
const MANY = options.quick ? 12 : 50;
const HANGING = options.quick ? 3 : 10;

/** Label → { times, peak }. Sides that took turns have their times in the same order. */
const measured = {};

function note(label, ms) {
  measured[label] ??= { times: [], peakMb: null };
  measured[label].times.push(ms);
}

function notePeak(label, argv) {
  measured[label].peakMb = peakMemory(argv);
}

/** Takes turns: every round runs each of `sides` (label → action) once, always in this order. */
async function alternate(rounds, sides) {
  for (let round = 0; round < rounds; round++) {
    // The first round only warms the caches.
    if (round % 5 === 0) await rest();
    for (const [label, action] of Object.entries(sides)) {
      const ms = await time(action);
      if (round > 0) note(label, ms);
    }
  }
}

const rows = {
  async version() {
    const version = ['ibq', '--version'];
    await alternate(FAST_ROUNDS + 1, {
      'node -e 0': () => run(NODE),
      'ibq --version': () => run(version),
    });
    notePeak('node -e 0', NODE);
    notePeak('ibq --version', version);
  },

  async plan() {
    const trees = [100, 1000].map((count) => ({ count, root: writeTree(count) }));
    const argv = ({ root }) => ['ibq', '--root', root, 'plan'];
    await alternate(FAST_ROUNDS + 1, {
      'node -e 0 (beside plan)': () => run(NODE),
      ...Object.fromEntries(
        trees.map((tree) => [`ibq plan --root, ${tree.count} instances`, () => run(argv(tree))]),
      ),
    });
    notePeak('node -e 0 (beside plan)', NODE);
    for (const tree of trees) notePeak(`ibq plan --root, ${tree.count} instances`, argv(tree));
  },

  async status() {
    const count = 20;
    await clear();
    await configure(count);
    await run(['ibq', 'deploy', '-y']);
    const show = [
      'systemctl',
      'show',
      '--timestamp=unix',
      '--property=Id,LoadState,ActiveState,SubState,Result,StateChangeTimestamp,Environment,Wants,NeedDaemonReload,UnitFileState,InvocationID',
      '--',
      ...services(count),
    ];
    const status = ['ibq', 'status'];
    await alternate(FAST_ROUNDS + 1, {
      'node -e 0 (beside status)': () => run(NODE),
      'systemctl show and 20 handshakes': async () => {
        await run(show);
        await untilAllAnswer(portsOf(count));
      },
      'ibq status, 20 instances': () => run(status),
    });
    notePeak('node -e 0 (beside status)', NODE);
    notePeak('systemctl show and 20 handshakes', show);
    notePeak('ibq status, 20 instances', status);
    await clear();
  },

  async few() {
    const count = 3;
    await clear();
    await configure(count);
    await run(['ibq', 'deploy', '-y']);
    await alternate(Math.ceil(FAST_ROUNDS / 2) + 1, {
      'ibq status, 3 instances': () => run(['ibq', 'status']),
      'ibq doctor, 3 instances': () => run(['ibq', 'doctor'], { ok: [0, 3] }),
      'ibq network show, 3 instances': () => run(['ibq', 'network', 'show']),
    });
    await alternate(SLOW_ROUNDS + 1, {
      'ibq network test, 3 instances': () => run(['ibq', 'network', 'test'], { ok: [0, 3] }),
    });
    notePeak('ibq doctor, 3 instances', ['ibq', 'doctor']);
    await clear();
  },

  async many() {
    await clear();
    await configure(MANY);
    await run(['ibq', 'deploy', '-y', '--timeout', '600']);
    await alternate(SLOW_ROUNDS + 1, {
      [`ibq plan, nothing to do, ${MANY} instances`]: () => run(['ibq', 'plan']),
      [`ibq deploy, nothing to do, ${MANY} instances`]: () => run(['ibq', 'deploy', '-y']),
      [`ibq status, ${MANY} instances`]: () => run(['ibq', 'status']),
    });
    for (const port of portsOf(HANGING)) {
      await run(['podman', 'exec', `ib-gateway-${port}`, 'simulator', 'hang']);
    }
    await alternate(SLOW_ROUNDS + 1, {
      [`ibq status, ${MANY} instances of which ${HANGING} hang`]: () =>
        run(['ibq', 'status'], { ok: [3] }),
    });
    await clear();
  },

  async deploy() {
    const count = 10;
    const ports = portsOf(count);
    const deploy = ['ibq', 'deploy', '-y'];
    const up = [...compose, 'up', '-d'];
    const start = ['systemctl', 'start', '--', ...services(count)];
    await clear();
    await configure(count);
    await run(deploy);
    keepUnits();
    writeComposeFile(count);
    await clear();

    /** From nothing until all answer; then again with nothing to do; each ends with a clean host. */
    const sides = {
      'ibq deploy, 10 from nothing': {
        prepare: () => {},
        go: () => run(deploy),
        again: { label: 'ibq deploy, nothing to do', go: () => run(deploy) },
      },
      'by hand: daemon-reload, start, 10 from nothing': {
        prepare: placeUnitsByHand,
        go: async () => {
          await run(['systemctl', 'daemon-reload']);
          await run(start);
        },
      },
      'podman-compose up -d, 10 from nothing': {
        prepare: () => {},
        go: () => run(up),
        again: { label: 'podman-compose up -d, nothing to do', go: () => run(up) },
      },
    };
    for (let round = 0; round <= SLOW_ROUNDS; round++) {
      say(`deploy: round ${round} of ${SLOW_ROUNDS}`);
      for (const [label, { prepare, go, again }] of Object.entries(sides)) {
        prepare();
        await rest();
        const ms = await time(async () => {
          await go();
          await untilAllAnswer(ports);
        });
        if (round > 0) note(label, ms);
        if (again) {
          await rest();
          for (let time_ = 0; time_ < 4 && round > 0; time_++)
            note(again.label, await time(again.go));
        }
        if (round === SLOW_ROUNDS && again)
          notePeak(again.label, label.startsWith('ibq') ? deploy : up);
        await clear();
      }
    }
    notePeak('ibq deploy, 10 from nothing', deploy);
    await clear();
    notePeak('podman-compose up -d, 10 from nothing', up);
    await clear();
    placeUnitsByHand();
    await run(['systemctl', 'daemon-reload']);
    notePeak('by hand: daemon-reload, start, 10 from nothing', start);
    await clear();
  },
};

/** A tree for `--root`: a host with a pinned network and `count` instances, nothing deployed. */
function writeTree(count) {
  const root = `/opt/bench/root-${count}`;
  mkdirSync(`${root}/etc/ibq/instances`, { recursive: true });
  mkdirSync(`${root}/proc/net`, { recursive: true });
  for (const table of ['dev', 'route', 'fib_trie', 'arp']) {
    writeFileSync(`${root}/proc/net/${table}`, readFileSync(`/proc/net/${table}`));
  }
  writeFileSync(`${root}/etc/machine-id`, '0123456789abcdef0123456789abcdef\n');
  writeFileSync(
    `${root}/etc/ibq/ibq.toml`,
    `[network]
mode = "dual"
driver = "macvlan"
interface = "eth1"
subnet = "10.0.0.0/16"
gateway = "10.0.0.1"
range = "10.0.64.0/20"
[defaults]
user = "bench"
`,
  );
  for (let index = 0; index < count; index++) {
    const port = 5001 + index;
    const mode = index % 2 === 0 ? 'live' : 'paper';
    writeFileSync(`${root}/etc/ibq/instances/${port}.toml`, `mode = "${mode}"\n`);
  }
  return root;
}

await restAtFirst(options.quick ? 20_000 : 600_000);
for (const [row, measure] of Object.entries(rows)) {
  if (options.only !== undefined && options.only !== row) continue;
  say(`measuring ${row}`);
  await measure();
}
process.stdout.write(
  `${JSON.stringify({ machine: machine(), quick: options.quick, busy: busySeen(), measured })}\n`,
);
