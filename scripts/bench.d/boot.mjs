/**
 * The boot of a host with gateways, until all answer. `prepare` deploys them, with a unit that looks;
 * `look` is what it runs; after each boot `told` prints what it found as JSON.
 */

import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { clear, configure, portsOf } from './gateways.mjs';
import { run, untilAllAnswer } from './timing.mjs';

const COUNT = 10;
const FOUND = '/opt/bench/boot.json';
const UNIT = '/etc/systemd/system/bench-boot.service';

const actions = {
  async prepare() {
    await clear();
    await configure(COUNT);
    await run(['ibq', 'deploy', '-y']);
    writeFileSync(
      UNIT,
      `[Service]
ExecStart=/usr/bin/node /opt/bench/boot.mjs look
[Install]
WantedBy=multi-user.target
`,
    );
    await run(['systemctl', 'daemon-reload']);
    await run(['systemctl', 'enable', '--quiet', 'bench-boot.service']);
  },

  /** Milliseconds since the host's systemd started; the kernel before it is not the host's doing. */
  async look() {
    await untilAllAnswer(portsOf(COUNT), 120_000);
    const began = Number(
      (
        await run(['systemctl', 'show', '--property=UserspaceTimestampMonotonic', '--value'])
      ).trim(),
    );
    const [uptime] = readFileSync('/proc/uptime', 'utf8').split(' ');
    writeFileSync(FOUND, String(Math.round(Number(uptime) * 1000 - began / 1000)));
  },

  async told() {
    for (const deadline = performance.now() + 120_000; !existsSync(FOUND); await sleep(100)) {
      if (performance.now() > deadline)
        throw new Error('the gateways did not answer after the boot');
    }
    process.stdout.write(`${readFileSync(FOUND, 'utf8')}\n`);
    await run(['rm', FOUND]);
  },
};

await actions[process.argv[2]]();
