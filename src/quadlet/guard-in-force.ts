/** Whether what systemd would start loads the guard: in the services that Podman's generator makes, and in drop-ins for them. */

import { assignments, parseUnit } from './unit-file.ts';

const HOOKS_DIR = /(?:^|\s)"?--hooks-dir[= ]([^\s"]+)/g;
/** Quadlet puts words into quotes where it has to. */
const INSTANCE = /(?:^|\s)"?--annotation(?:=|"?\s+"?)ibq\.instance=([^\s"]*)/g;

/** Where the container template has its hooks; null: it names none. */
export function hooksDirOf(template: string): string | null {
  return [...template.matchAll(HOOKS_DIR_KEY)].at(-1)?.[1] ?? null;
}
const HOOKS_DIR_KEY = /^GlobalArgs=.*--hooks-dir[= ](\S+)/gm;

/**
 * @param hooksDir of the template @param service text of `ib-gateway@NAME.service`, where `%i` is the instance's name
 * @returns what its `podman run` lacks; null: it loads the guard of `name`
 */
export function guardProblem(
  name: string,
  hooksDir: string | null,
  service: string,
): string | null {
  const starts = assignments(parseUnit(service)).flatMap(([section, key, value = '']) =>
    section === 'Service' && key === 'ExecStart' ? [value] : [],
  );
  const command = starts.join(' ');
  // Podman takes several, and runs the hooks of all.
  const directories = [...command.matchAll(HOOKS_DIR)].map(([, directory]) => directory);
  if (!directories.some((it) => it === hooksDir))
    return `has lost --hooks-dir=${hooksDir ?? '…'} (GlobalArgs=)`;
  const instances = [...command.matchAll(INSTANCE)].map(([, instance]) => instance);
  if (instances.length === 0) return 'has lost the annotation ibq.instance (Annotation=)';
  const other = instances.find((instance) => instance !== '%i' && instance !== name);
  return other === undefined ? null : `has the annotation ibq.instance of ${other}`;
}

/** @param dropIn text of a drop-in for the service itself */
export function replacesStart(dropIn: string): boolean {
  return assignments(parseUnit(dropIn)).some(
    ([section, key]) => section === 'Service' && key === 'ExecStart',
  );
}
