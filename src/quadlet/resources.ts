/**
 * What an instance may use of the host, as lines of its drop-in. A key that is not set has no line, so that
 * the template's value holds and the definition of an instance that sets nothing stays as it is.
 */

import type { Instance } from '../config/types.ts';
import type { Problem } from '../errors.ts';
import type { Profile } from '../images/profile.ts';
import { quadletLine } from './escape.ts';

/** Seconds that systemd waits beyond the container's time to stop, so that it is Podman that ends the wait. */
const STOP_MARGIN_SECONDS = 30;

/** Lines of `[Container]`. */
export function containerLines(profile: Profile, { settings }: Instance): string[] {
  const { container } = profile;
  const shm = settings.shm_size ?? container.shm;
  return [
    ...(shm === null ? [] : [quadletLine('ShmSize', `${shm}m`)]),
    ...(settings.stop_timeout === null
      ? []
      : [quadletLine('StopTimeout', String(settings.stop_timeout))]),
    ...(settings.read_only ? [quadletLine('ReadOnly', 'true')] : []),
    ...(container.seccompUnconfined ? [quadletLine('SeccompProfile', 'unconfined')] : []),
    // The template drops all.
    ...container.capabilities.map((capability) => quadletLine('AddCapability', capability)),
  ];
}

/** Lines of `[Service]`: limits are those of the unit's control group, which the container's is below. */
export function serviceLines({ settings }: Instance): string[] {
  const { memory, cpus, stop_timeout: stop } = settings;
  return [
    ...(memory === null ? [] : [`MemoryMax=${memory}M\n`]),
    // systemd reads two decimals of a percent (parse_permyriad).
    ...(cpus === null ? [] : [`CPUQuota=${Number((cpus * 100).toFixed(2))}%\n`]),
    ...(stop === null ? [] : [`TimeoutStopSec=${stop + STOP_MARGIN_SECONDS}\n`]),
  ];
}

/** Directories and files of the host that are mounted: Podman does not make them, and fails the start. */
export function hostPathsOf({ settings }: Instance): string[] {
  const sources = settings.volumes.map((volume) => volume.split(':')[0] ?? '');
  return [...new Set(sources.filter((source) => source.startsWith('/')))];
}

/** One path in the container can hold one volume. */
export function volumeProblems(profile: Profile, instance: Instance): Problem[] {
  const { file, settings } = instance;
  const taken = new Map<string, string>();
  const own = profile.settingsVolume(instance);
  if (own !== null) taken.set(own, 'the settings of the instance');
  return settings.volumes.flatMap((volume, index) => {
    const path = (volume.split(':')[1] ?? '').replace(/(?<=.)\/+$/, '');
    const other = taken.get(path);
    taken.set(path, `volumes.${index}`);
    if (other === undefined) return [];
    const message = `should have a path of its own, ${path} is that of ${other}`;
    return [{ file, key: `volumes.${index}`, message }];
  });
}
