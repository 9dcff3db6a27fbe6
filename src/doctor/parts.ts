/** Checks of what must be installed: programs, the guard's hook, the kernel. */

import { PARTS, PODMAN_MISSING, podmanTooOld, systemdTooOld } from '../plan/parts.ts';
import { type Check, defineCheck, type Finding, fail, ok, verdictOf, warn } from './check.ts';
import type { HookFacts } from './facts.ts';

const podman = defineCheck({
  id: 'podman',
  title: 'Podman',
  needs: ['podman'],
  judge: ({ podman: { version, database, failure, said = '' } }) => {
    const upgrade = 'install Podman 5.3 or newer (Debian 13: "apt install podman")';
    if (failure === 'missing') return fail(PODMAN_MISSING, upgrade);
    if (failure === 'hangs') {
      return fail(
        'podman should answer within seconds, hangs',
        'see which podman holds the others up ("ps -C podman -o pid,stat,etime,args") and end it',
      );
    }
    if (failure === 'fails') {
      return fail(
        `podman should tell what runs, fails: ${said || 'it says nothing'}`,
        'see what "sudo podman ps" says, and mend that first',
      );
    }
    const old = podmanTooOld(version);
    if (old !== null) return fail(old, upgrade);
    return database === 'boltdb'
      ? warn(
          `${version} keeps its books in BoltDB, which Podman 6 does not read`,
          'with Podman 5.8, before Podman 6 comes: reboot, or stop all containers and run "sudo podman system migrate --migrate-db" (podman-system-migrate(1))',
        )
      : ok(version);
  },
});

const systemd = defineCheck({
  id: 'systemd',
  title: 'systemd',
  needs: ['systemd'],
  judge: ({ systemd: { version, failure } }) => {
    const boot = 'run ibq on a host that was booted with systemd 254 or newer (Debian 13)';
    if (failure === 'missing') return fail('systemd is not installed', boot);
    if (failure === 'not-booted') return fail('this host was not booted with systemd', boot);
    if (failure === 'hangs') {
      return fail(
        'systemctl should answer within seconds, hangs',
        'see "journalctl -b -p err"; where systemd itself hangs, only a reboot helps',
      );
    }
    const old = systemdTooOld(version);
    return old === null ? ok(String(version)) : fail(old, boot);
  },
});

/** netavark, nft and nsenter: one check each. */
const programs = PARTS.map((part): Check => {
  return defineCheck({
    id: part.id,
    title: part.id,
    needs: ['parts'],
    judge: ({ parts }) => {
      const path = parts[part.id] ?? null;
      return path === null
        ? fail(
            `${part.id}, ${part.use}, should be at ${part.paths.join(' or ')}, is missing`,
            `install the package ${part.package}`,
          )
        : ok(path);
    },
  });
});

const guardHook = defineCheck({
  id: 'guard-hook',
  title: 'guard hook',
  needs: ['hook'],
  judge: ({ hook }) => verdictOf(hookFindings(hook), `in ${hook.libDir}`),
});

/** Without it gateways start open, or not at all; whoever can write it is root. */
function hookFindings(hook: HookFacts): Finding[] {
  const { libDir, paths, definition, unfit } = hook;
  const reinstall = 'install ibq again with scripts/install.sh';
  const findings: Finding[] = [];
  if (definition === null) {
    findings.push(fail(`${libDir}/hooks.d/ibq-guard.json is missing`, reinstall));
  } else if (!runsGuard(definition, libDir)) {
    findings.push(
      fail(
        `${libDir}/hooks.d/ibq-guard.json should run ${libDir}/guard before the process of every instance, does not`,
        reinstall,
      ),
    );
  }
  for (const path of unfit) {
    findings.push(fail(`${path} should be a program, is missing or not one`, reinstall));
  }
  for (const { path, uid, mode } of paths) {
    if (uid !== 0) {
      findings.push(fail(`${path} should belong to root, to uid ${uid}`, `chown root: ${path}`));
    }
    // Bits for writing of group and others; a sticky directory doesn't help, the file itself counts.
    if ((mode & 0o022) !== 0) {
      findings.push(
        fail(
          `${path} should be writable by root alone, has mode ${(mode & 0o7777).toString(8)}`,
          `chmod go-w ${path}`,
        ),
      );
    }
  }
  return findings;
}

function runsGuard(definition: string, libDir: string): boolean {
  try {
    const { hook, when, stages } = JSON.parse(definition);
    return (
      hook.path === `${libDir}/guard` &&
      when.annotations['^ibq\\.instance$'] === '.*' &&
      stages.includes('createRuntime')
    );
  } catch {
    return false;
  }
}

const cgroups = defineCheck({
  id: 'cgroups-v2',
  title: 'cgroups',
  needs: ['cgroups'],
  judge: ({ cgroups: { unified } }) =>
    unified
      ? ok('version 2')
      : fail(
          '/sys/fs/cgroup should be cgroups version 2, is not',
          'boot with systemd.unified_cgroup_hierarchy=1 on the kernel command line',
        ),
});

const kernelModules = defineCheck({
  id: 'kernel-modules',
  title: 'kernel modules',
  needs: ['kernelDriver'],
  judge: ({ kernelDriver: { driver, available, said } }) =>
    available
      ? ok(`${driver} (${said})`)
      : fail(
          `the kernel should make ${driver} links, says: ${said}`,
          `boot a kernel that has the module ${driver} (after a kernel upgrade: reboot), or set network.driver to the other of macvlan and ipvlan`,
        ),
});

export const partChecks: readonly Check[] = [
  podman,
  systemd,
  ...programs,
  guardHook,
  cgroups,
  kernelModules,
];
