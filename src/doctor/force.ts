/** Checks of what is in force: units as systemd has them, rules as the kernel has them, what runs. */

import { titleOf } from '../gateway/instance-state.ts';
import { RUNNING, TARGET_UNIT } from '../plan/paths.ts';
import { type Check, defineCheck, type Finding, fail, skipped, verdictOf, warn } from './check.ts';
import type { GuardFacts, UnitFacts } from './facts.ts';
import { shim } from './shim.ts';

const NOTHING = 'nothing is deployed';
const RELOAD = 'sudo systemctl daemon-reload';

const quadletGenerator = defineCheck({
  id: 'quadlet-generator',
  title: 'Quadlet generator',
  needs: ['manifest', 'generator'],
  judge: ({ manifest, generator: { path, services, errors } }) => {
    if (path === null) {
      return fail("Podman's Quadlet generator is missing", 'install the package podman again');
    }
    const wanted = [
      ...Object.keys(manifest?.instances ?? {}).map((name) => `ib-gateway@${name}.service`),
      ...(manifest?.networks ?? []).map((name) => `${name}-network.service`),
    ];
    const missing = wanted.filter((service) => !services.has(service));
    const said = errors.join('; ');
    const mend = `mend the file that it names, then: ${RELOAD}`;
    const findings: Finding[] = [];
    if (missing.length > 0) {
      const detail = `does not make ${missing.join(', ')}; it says: ${said || '(nothing)'}`;
      findings.push(fail(detail, errors.length > 0 ? mend : 'sudo ibq deploy'));
    } else if (errors.length > 0) {
      findings.push(warn(`complains: ${said}`, mend));
    }
    return verdictOf(findings, `${path}, makes all ${wanted.length} units`);
  },
});

const generatedUnits = defineCheck({
  id: 'generated-units',
  title: 'generated units',
  needs: ['manifest', 'units', 'generatorLog', 'changedUnits'],
  judge: ({ manifest, units, generatorLog, changedUnits }) => {
    if (manifest === null) return skipped(NOTHING);
    const findings = [
      ...units.flatMap(unitFinding),
      ...changedUnits.map((id) =>
        warn(`the files of ${id} were changed, and systemd has not read them again`, RELOAD),
      ),
    ];
    const [first, ...rest] = findings;
    if (first && generatorLog.length > 0) {
      const said = `at the last reload the generator said: ${generatorLog.join('; ')}`;
      return verdictOf([{ ...first, detail: `${first.detail}; ${said}` }, ...rest], '');
    }
    return verdictOf(findings, `${units.length} loaded`);
  },
});

function unitFinding({ id, load, loaded, deployed }: UnitFacts): Finding[] {
  if (load === 'masked') return [fail(`${id} is masked`, `sudo systemctl unmask ${id}`)];
  if (load !== 'loaded') {
    return [fail(`${id} should be loaded, is ${load}`, `see quadlet-generator, then: ${RELOAD}`)];
  }
  if (loaded === deployed) return [];
  // What the generator refuses, systemd makes of the template alone.
  return loaded === null
    ? [fail(`${id} was not generated`, `see quadlet-generator, then: ${RELOAD}`)]
    : [fail(`${id} is loaded as it was before the last deploy`, RELOAD)];
}

const boot = defineCheck({
  id: 'boot',
  title: 'start at boot',
  needs: ['manifest', 'boot'],
  judge: ({ manifest, boot: { enabled } }) => {
    if (manifest === null) return skipped(NOTHING);
    return verdictOf(
      enabled
        ? []
        : [fail(`${TARGET_UNIT} is not enabled: no gateway starts at boot`, 'sudo ibq deploy')],
      `${TARGET_UNIT} is enabled`,
    );
  },
});

const networks = defineCheck({
  id: 'networks',
  title: 'networks',
  needs: ['manifest', 'podmanNetworks'],
  judge: ({ manifest, podmanNetworks: { wanted, defined } }) => {
    if (manifest === null) return skipped(NOTHING);
    const gone = wanted.filter((name) => !defined.includes(name)).sort();
    const are = gone.length === 1 ? 'is' : 'are';
    return verdictOf(
      gone.length === 0
        ? []
        : [
            fail(
              `${gone.join(', ')} ${are} gone from Podman: no instance that needs ${gone.length === 1 ? 'it' : 'them'} can start`,
              'sudo ibq deploy',
            ),
          ],
      wanted.join(', ') || 'this mode has none',
    );
  },
});

const hostRules = defineCheck({
  id: 'host-rules',
  title: 'host rules',
  needs: ['manifest', 'hostRules'],
  judge: ({ manifest, hostRules: { wanted, kernel } }) => {
    if (manifest === null) return skipped(NOTHING);
    if (wanted === null) return skipped('this mode has none');
    const mend = 'sudo systemctl restart ibq-host-rules';
    if (kernel === null) {
      const shared = Object.keys(manifest.hostPorts).length > 0;
      const who = shared ? 'everybody gets in' : 'other containers get in';
      return fail(`table inet ibq_host should be loaded, is not: ${who}`, mend);
    }
    return verdictOf(
      kernel === wanted ? [] : [fail('table inet ibq_host is not as it was deployed', mend)],
      'table inet ibq_host is loaded, as deployed',
    );
  },
});

const instanceGuards = defineCheck({
  id: 'instance-guards',
  title: 'guards',
  needs: ['guards'],
  judge: ({ guards }) =>
    guards.length === 0
      ? skipped('no instance runs')
      : verdictOf(guards.flatMap(guardFinding), `${guards.length} in force, as deployed`),
});

function guardFinding({ name, pid, wanted, kernel, current, recorded }: GuardFacts): Finding[] {
  if (pid === null) {
    return [
      fail(
        `nothing shows that the guard of ${name} was loaded: its ports may be open`,
        `sudo ibq restart ${name}`,
      ),
    ];
  }
  if (kernel !== null && kernel === wanted) {
    const lost = `what the guard of ${name} wrote down in ${RUNNING} is gone; its rules are in force`;
    return recorded ? [] : [warn(lost, 'sudo ibq deploy')];
  }
  const state = kernel === null ? 'is not loaded: its ports are open' : 'is not as deployed';
  return [
    fail(
      `the guard of ${name} ${state}`,
      current ? `sudo nsenter -t ${pid} -n nft -f ${RUNNING}/${name}/guard.nft` : 'sudo ibq deploy',
    ),
  ];
}

const pendingRestarts = defineCheck({
  id: 'pending-restarts',
  title: 'pending restarts',
  needs: ['instances'],
  judge: ({ instances }) =>
    verdictOf(
      instances
        .filter(({ pendingRestart, imageMoved }) => pendingRestart || imageMoved)
        .map(({ name, pendingRestart }) =>
          warn(
            pendingRestart
              ? `${name} runs by an older definition`
              : `${name} runs an older image than its tag names now`,
            `sudo ibq restart ${name} (a new login), when it suits you`,
          ),
        ),
      instances.length === 0 ? NOTHING : 'none',
    ),
});

const running = defineCheck({
  id: 'instances',
  title: 'instances',
  needs: ['instances', 'undeployed'],
  judge: ({ instances, undeployed }) => {
    if (instances.length === 0 && undeployed.length === 0) return skipped(NOTHING);
    return verdictOf(
      [
        ...instances
          .filter(({ verdict }) => !verdict.ready)
          .map(({ name, active, verdict }) => {
            // Who reads this has asked the doctor already.
            const mend =
              verdict.mend?.replace(/^sudo ibq doctor$/, 'sudo nft list ruleset') ??
              `sudo ibq logs ${name}`;
            const detail = `${name}: ${titleOf(verdict)}`;
            return active === 'inactive' ? warn(detail, mend) : fail(detail, mend);
          }),
        ...undeployed.map((name) =>
          warn(
            `${name} runs and is not deployed`,
            `configure it again (instances/${name}.toml), or stop it: sudo ibq deploy`,
          ),
        ),
      ],
      `${instances.length} ready`,
    );
  },
});

export const forceChecks: readonly Check[] = [
  quadletGenerator,
  generatedUnits,
  boot,
  networks,
  hostRules,
  shim,
  instanceGuards,
  pendingRestarts,
  running,
];
