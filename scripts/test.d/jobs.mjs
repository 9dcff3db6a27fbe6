/**
 * What a whole run consists of: checks and unit tests, the images of the hosts, and each test file on
 * each of its hosts. A job is a command of its own; nothing but a fixed order of needs is between two.
 */

import { readdirSync } from 'node:fs';
import { join } from 'node:path';

/** @typedef {'trixie' | 'forky' | 'vm'} Suite */
/**
 * @typedef {object} Job
 * @property {string} id what the report calls it, and what its length is remembered by
 * @property {'check' | 'unit' | 'image' | 'host'} kind
 * @property {readonly [string, ...string[]]} command
 * @property {Record<string, string>} [env]
 * @property {readonly string[]} after ids of jobs that must have ended well
 * @property {boolean} background for the processor's idle time only
 * @property {number} memory MiB that it may come to use
 * @property {Suite} [suite]
 */

const VITEST = ['node', 'node_modules/vitest/vitest.mjs', 'run'];

/** Longer than a container's 14 gateways, or the memory of the virtual machine and QEMU's own. */
const MEMORY = { trixie: 1200, forky: 1200, vm: 2600 };

/**
 * The host of a file in a run of everything, which did not end within 90 minutes on two slow processors when each had both. Those that
 * ask most of Podman, systemd and nft are not named here and run on both, as a new file does. Whoever names a file, or
 * says `--on` or `--every-host`, has it on both.
 */
const ON_ONE = {
  trixie: words(`doctor doctor-units firewalld host-users ibkr import killed lan network-svg
    reach readme refusals routes settings settings-images simulator upgrade`),
  forky:
    words(`attached controller doctor-network doctor-shim host-mode lan-reach login-attempts network
    profiles quiet second-factor services situations stop stopped-deploys systemd tunnel unhealthy`),
};

const CHECKS = {
  types: ['npx', 'tsc', '--noEmit'],
  style: ['npx', 'biome', 'check', '--error-on-warnings', '.'],
  'dead code': ['npx', 'knip'],
  'generated docs': ['npm', 'run', '--silent', 'docs:check'],
  'shell scripts': ['scripts/test.d/shell-scripts'],
};

/** @returns {Job[]} */
export function checks() {
  return Object.entries(CHECKS).map(([id, command]) => ({
    ...{ id, kind: 'check', command, after: [], background: true, memory: 500 },
  }));
}

/** @param {readonly string[]} files all, where none is named @returns {Job} */
export function unitTests(files) {
  const command = [...VITEST, '--project', 'unit', ...files];
  return { id: 'unit', kind: 'unit', command, after: [], background: false, memory: 1500 };
}

/** The bundle that hosts install: once for all of them. @returns {Job} */
export function build() {
  const command = ['npm', 'run', '--silent', 'build'];
  return { id: 'build', kind: 'check', command, after: [], background: false, memory: 500 };
}

/** @param {readonly Suite[]} suites @returns {Job[]} */
export function images(suites) {
  // That of the virtual machine is made of trixie's.
  const wanted =
    suites.includes('vm') && !suites.includes('trixie') ? ['trixie', ...suites] : suites;
  return wanted.map((suite) => ({
    id: `image ${suite}`,
    kind: 'image',
    command: ['scripts/host', 'build', suite],
    after: suite === 'vm' ? ['image trixie'] : [],
    background: false,
    memory: 500,
  }));
}

/**
 * Each file on its hosts: files of the virtual machine are named *vm.test.ts.
 *
 * @param {readonly string[]} files
 * @param {readonly Suite[]} suites
 * @param {{ everyHost: boolean }} which also on the second host those that need one only
 * @returns {Job[]}
 */
export function onHosts(files, suites, { everyHost }) {
  return files.flatMap((file) => {
    const project = file.endsWith('vm.test.ts') ? 'vm' : 'host';
    const its = project === 'vm' ? ['vm'] : ['trixie', 'forky'];
    const wanted = everyHost ? its : its.filter((suite) => runsOn(titleOf(file), suite));
    return wanted
      .filter((suite) => suites.includes(suite))
      .map((suite) => ({
        id: `${suite} ${titleOf(file)}`,
        kind: 'host',
        command: [...VITEST, '--project', project, file],
        env: { IBQ_TEST_SUITES: suite, IBQ_BUILT: '1' },
        after: ['build', `image ${suite}`],
        background: false,
        memory: MEMORY[suite],
        suite,
      }));
  });
}

/** @param {string} repository @returns {string[]} */
export function hostFiles(repository) {
  return readdirSync(join(repository, 'test/host'), { recursive: true })
    .map((file) => `test/host/${file}`)
    .filter((file) => file.endsWith('.test.ts'))
    .sort();
}

/** @param {string} text */
function words(text) {
  return text.split(/\s+/);
}

function runsOn(title, suite) {
  return !Object.keys(ON_ONE).some((other) => other !== suite && ON_ONE[other].includes(title));
}

/** @param {string} file */
function titleOf(file) {
  return file.replace(/^test\/host\//, '').replace(/\.test\.ts$/, '');
}
