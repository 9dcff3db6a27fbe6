/** The staged generation goes through the host's real Quadlet generator before anything is switched. */

import { ExitCode, UserError } from '../errors.ts';
import type { Desired } from '../plan/desired.ts';
import { QUADLET_DIRECTORY, QUADLET_LINK, TEMPLATE_UNIT } from '../plan/paths.ts';
import { parseGeneratorOutput } from '../quadlet/generator-output.ts';
import { guardProblem, hooksDirOf, replacesStart } from '../quadlet/guard-in-force.ts';
import { targetAlias } from '../ssh/render.ts';
import type { Host, HostReader } from './host.ts';
import { readServiceDropIns } from './service-drop-ins.ts';

/** Where systemd looks for generators; an earlier one takes the place of a later (systemd.generator(7)). */
const GENERATOR_DIRECTORIES = ['/run', '/etc', '/usr/local/lib', '/usr/lib'];

/** Not Podman's own copy in libexec: what systemd does not run makes no units. */
export function findGenerator({ files }: Pick<HostReader, 'files'>): string | null {
  const path = GENERATOR_DIRECTORIES.map(
    (directory) => `${directory}/systemd/system-generators/podman-system-generator`,
  ).find((it) => files.exists(it));
  return path === undefined || files.readLink(path) === '/dev/null' ? null : path;
}

/**
 * Sees what the host will see: the staged units and, beside them, the user's own files and drop-ins,
 * but not the generation that is active now.
 *
 * @param staging absolute path of the staged generation
 * @returns complaints about units that are not ibq's
 * @throws UserError when an expected service does not come out of the generator, or would not load its guard (78)
 */
export async function checkGeneration(
  host: Host,
  staging: string,
  desired: Desired,
): Promise<string[]> {
  const generator = findGenerator(host);
  if (generator === null) {
    throw new UserError('the Quadlet generator of Podman is missing; reinstall podman', 69);
  }
  const beside = `${staging}/beside`;
  linkUserFiles(host, beside);
  const result = await host.run([generator, '--dryrun'], {
    env: { QUADLET_UNIT_DIRS: `${staging}/units:${beside}` },
  });
  host.files.remove(beside);
  const { services, errors } = parseGeneratorOutput(result.stdout, result.stderr);
  const missing = [
    ...desired.instances
      .filter(({ service, definition }) => !services.get(service)?.includes(definition))
      .map(({ service }) => service),
    ...desired.networks.filter(({ service }) => !services.has(service)).map((it) => it.service),
  ];
  if (missing.length > 0) {
    const said = errors.map((line) => line.replaceAll(staging, '').replaceAll(beside, ''));
    throw new UserError(
      `Podman's Quadlet generator does not make ${missing.join(', ')}; nothing was changed. It says:\n${said.join('\n') || '(nothing)'}`,
    );
  }
  checkGuards(host, services, desired);
  await checkTunnels(host, staging, desired);
  return errors.map((line) => `Quadlet generator: ${line.replaceAll(`${beside}/`, '')}`);
}

/** What each instance would really be started by: a drop-in of the user's may take the guard away. */
function checkGuards(
  { files }: Pick<HostReader, 'files'>,
  services: ReadonlyMap<string, string>,
  { instances, files: generation }: Desired,
): void {
  const template = generation.find(({ path }) => path === `units/${TEMPLATE_UNIT}`);
  const hooksDir = hooksDirOf(template?.text ?? '');
  const problems = [
    ...instances.flatMap(({ name, service }) => {
      const lost = guardProblem(name, hooksDir, services.get(service) ?? '');
      return lost === null
        ? []
        : `${service} ${lost}; correct the drop-ins in ${QUADLET_DIRECTORY}`;
    }),
    ...readServiceDropIns(files).flatMap(({ path, text }) =>
      text !== null && replacesStart(text)
        ? `${path} replaces ExecStart=, by which the guard is loaded; remove that line`
        : [],
    ),
  ];
  if (problems.length === 0) return;
  throw new UserError(
    `a gateway would run without its guard, and its ports would be open; nothing was changed:\n${problems.join('\n')}`,
    ExitCode.badConfiguration,
  );
}

/** ssh of this host reads each tunnel's file: an older one may not know an option. */
async function checkTunnels(host: Host, staging: string, { instances }: Desired): Promise<void> {
  for (const { name, tunnel } of instances) {
    if (tunnel?.via !== 'host') continue;
    const file = `${staging}/tunnel/${name}/ssh_config`;
    const { exitCode, failure, stderr } = await host.run(['ssh', '-G', '-F', file, targetAlias(0)]);
    if (exitCode === 0 || failure === 'not-found') continue;
    const said = stderr.trim().replaceAll(`${staging}/`, '') || `exit status ${exitCode}`;
    throw new UserError(
      `ssh does not take the tunnel of ${name}; correct ssh.options or ssh.proxy_command; nothing was changed. It says:\n${said}`,
    );
  }
}

/** The same check for `deploy --dry-run`, in a private directory that is gone afterwards. */
export async function dryRunCheck(host: Host, desired: Desired): Promise<string[]> {
  const directory = host.files.makeTemporaryDirectory('ibq-dry-run-');
  try {
    const staging = `${directory}/generation`;
    host.files.writeTree(staging, desired.files, desired.links);
    return await checkGeneration(host, staging, desired);
  } finally {
    host.files.remove(directory);
  }
}

function linkUserFiles(host: Host, beside: string): void {
  host.files.makeDirectory(beside);
  for (const name of host.files.list(QUADLET_DIRECTORY)) {
    const path = `${QUADLET_DIRECTORY}/${name}`;
    // Our own link, and the hidden leftovers of a rename that was cut short.
    if (path !== QUADLET_LINK && !/^\.ibq\./.test(name)) {
      host.files.symlink(path, `${beside}/${name}`);
    }
  }
}
