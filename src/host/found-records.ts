/**
 * Running containers of which /run/ibq says nothing any more: somebody removed what the guard wrote down. All of it
 * stands elsewhere too: the container in the unit's cgroup, what it was started with in its OCI specification, its
 * rules in the generation that it was started by. Files alone are read.
 */

import { field, parseJson, textOf } from '../network/json.ts';
import { type Manifest, parseManifest } from '../plan/manifest.ts';
import { GENERATIONS, generationPath, instanceService } from '../plan/paths.ts';
import type { FileReader } from './host.ts';
import { DRIVERS, graphRoot } from './image-store.ts';

/** Of `Slice=ib-gateways.slice` in the template; of one that a drop-in moved elsewhere nothing is found. */
const CGROUPS = '/sys/fs/cgroup/ib.slice/ib-gateways.slice';

export interface FoundRecord {
  /** Text of `/run/ibq/instances/NAME/state`, as the guard writes it. */
  state: string;
  /** The rules that its generation says. */
  guard: string;
}

/** @returns null where it does not run, or where not all of it is found */
export function findRecord(files: FileReader, name: string): FoundRecord | null {
  const cgroup = `${CGROUPS}/${instanceService(name)}`;
  const payload = files.list(cgroup).find((it) => it.startsWith('libpod-payload-'));
  if (payload === undefined) return null;
  const container = payload.slice('libpod-payload-'.length);
  const pid = firstProcess(files, `${cgroup}/${payload}`);
  const annotations = readAnnotations(files, container);
  if (pid === null || annotations === null) return null;
  const value = (key: string) => textOf(field(annotations, `ibq.${key}`)) ?? '';
  const definition = value('definition');
  const guard = guardOf(files, name, definition);
  if (guard === null || value('instance') !== name) return null;
  const lines = [
    `container=${container}`,
    `pid=${pid}`,
    `definition=${definition}`,
    `stop=${value('stop')}`,
    `session=${value('session')}`,
    `stop_timeout=${value('stop_timeout')}`,
  ];
  return { state: `${lines.join('\n')}\n`, guard };
}

/** Instances whose units have a cgroup. */
export function namesInCgroups(files: FileReader): string[] {
  return files.list(CGROUPS).flatMap((unit) => /^ib-gateway@(\w+)\.service$/.exec(unit)?.[1] ?? []);
}

/** Gateways that run, and that the current generation does not know: a backup of /etc/ibq was put back, say. */
export function undeployed(
  files: FileReader,
  manifest: Pick<Manifest, 'instances'> | null,
): string[] {
  const runs = (name: string) =>
    files
      .list(`${CGROUPS}/${instanceService(name)}`)
      .some((it) => it.startsWith('libpod-payload-'));
  return namesInCgroups(files).filter((name) => !manifest?.instances[name] && runs(name));
}

/** The one that is process 1 in there: the runtime may have put it into a cgroup below. */
function firstProcess(files: FileReader, cgroup: string): string | null {
  const directories = [cgroup, ...files.list(cgroup).map((it) => `${cgroup}/${it}`)];
  const pids = directories.flatMap((directory) =>
    (readOrNull(files, `${directory}/cgroup.procs`) ?? '').split('\n').filter(Boolean),
  );
  const isFirst = (pid: string) =>
    /^NSpid:.*\s\d+\s+1$/m.test(readOrNull(files, `/proc/${pid}/status`) ?? '');
  return pids.find(isFirst) ?? null;
}

/** Podman keeps the specification beside the container's own files (libpod, `ContainerConfig.StaticDir`). */
function readAnnotations(files: FileReader, container: string): unknown {
  const root = graphRoot(files);
  for (const driver of DRIVERS) {
    const path = `${root}/${driver}-containers/${container}/userdata/config.json`;
    const annotations = field(parseJson(readOrNull(files, path) ?? ''), 'annotations');
    if (annotations !== undefined) return annotations;
  }
  return null;
}

/** Of the newest generation that knows this definition: what is sets in it follows the current one anyway. */
function guardOf(files: FileReader, name: string, definition: string): string | null {
  const numbers = files
    .list(GENERATIONS)
    .filter((it) => /^[1-9]\d*$/.test(it))
    .map(Number)
    .sort((a, b) => b - a);
  for (const number of numbers) {
    const directory = generationPath(number);
    try {
      const { instances } = parseManifest(files.readText(`${directory}/manifest.json`) ?? '');
      if (instances[name]?.definition === definition) {
        return files.readText(`${directory}/guard/${name}.nft`);
      }
    } catch {
      // Another one may know it.
    }
  }
  return null;
}

/** A process may end while it is looked at. */
function readOrNull(files: FileReader, path: string): string | null {
  try {
    return files.readText(path);
  } catch {
    return null;
  }
}
