/** The words after scripts/test, and which jobs they mean. */

import { existsSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { build, checks, hostFiles, images, onHosts, unitTests } from './jobs.mjs';

const USAGE = `usage: scripts/test [FILE…] [--on SUITE]… [--every-host] [--keep] [--unit] [--most N] [--write-lengths]

  FILE             a test file, or the name of one in test/host: deploy, network; by default everything
  --on SUITE       on trixie, forky or vm only; may be said more than once
  --every-host     also those files on both hosts that a run of everything has on one (scripts/test.d/jobs.mjs)
  --keep           leave the hosts standing; the next run with --keep replaces those of its files
  --unit           everything that needs no booted host
  --most N         at most N hosts at once
  --write-lengths  write how long each file took into scripts/test.d/lengths.json`;

const SUITES = ['trixie', 'forky', 'vm'];

/**
 * @param {readonly string[]} words
 * @param {string} repository
 * @returns what to run; ends the process with 64 where it can't be understood
 */
export function parseArguments(words, repository) {
  const { values, positionals } = parsed(words);
  if (values.help) {
    console.log(USAGE);
    process.exit(0);
  }
  const suites = values.on ?? SUITES;
  for (const suite of suites) {
    if (!SUITES.includes(suite)) misused(`--on: should be trixie, forky or vm, was ${suite}`);
  }
  const most = values.most === undefined ? null : Number(values.most);
  if (most !== null && !(Number.isInteger(most) && most > 0)) {
    misused(`--most: should be a number of hosts, was ${values.most}`);
  }
  const all = hostFiles(repository);
  const named = positionals.map((word) => find(word, all, repository));
  const units = named.filter((file) => !all.includes(file));
  const onBooted = named.length === 0 ? all : named.filter((file) => all.includes(file));
  const whole = named.length === 0 && values.on === undefined;
  const everyHost = !whole || (values['every-host'] ?? false);
  const hosts = values.unit ? [] : onHosts(onBooted, suites, { everyHost });
  if (named.length > 0 && hosts.length === 0 && units.length === 0) {
    misused(`none of these files is for ${suites.join(', ')}`);
  }
  if (hosts.length > 0 && process.getuid?.() !== 0) {
    console.error(
      'tests on booted hosts need root: sudo scripts/test, or scripts/test --unit without them',
    );
    process.exit(77);
  }
  const wanted = SUITES.filter((suite) => hosts.some((job) => job.suite === suite));
  return {
    most,
    keep: values.keep ?? false,
    writeLengths: values['write-lengths'] ?? false,
    jobs: [
      ...(whole || hosts.length > 0 ? [build()] : []),
      ...(whole ? checks() : []),
      ...(whole || units.length > 0 ? [unitTests(units)] : []),
      ...images(wanted),
      ...hosts,
    ],
  };
}

function parsed(words) {
  try {
    return parseArgs({
      args: [...words],
      allowPositionals: true,
      options: {
        on: { type: 'string', multiple: true },
        'every-host': { type: 'boolean' },
        keep: { type: 'boolean' },
        unit: { type: 'boolean' },
        most: { type: 'string' },
        'write-lengths': { type: 'boolean' },
        help: { type: 'boolean', short: 'h' },
      },
    });
  } catch (error) {
    return misused(error.message);
  }
}

/** A path from here or from the repository, or what a file of test/host is called. */
function find(word, all, repository) {
  const short = `test/host/${word}.test.ts`;
  if (all.includes(short)) return short;
  const path = relative(repository, resolve(process.env.IBQ_FROM ?? '.', word));
  for (const file of [path, word]) {
    if (file.endsWith('.test.ts') && existsSync(join(repository, file))) return file;
  }
  return misused(`${word}: should be a test file, or the name of one in test/host`);
}

function misused(why) {
  console.error(`test: ${why}\n${USAGE}`);
  process.exit(64);
}
