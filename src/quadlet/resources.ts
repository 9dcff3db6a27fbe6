/**
 * What an instance may use of the host, as lines of its drop-in. A key that is not set has no line, so that
 * the template's value holds and the definition of an instance that sets nothing stays as it is.
 */

import type { Instance } from '../config/types.ts';
import type { Problem } from '../errors.ts';
import type { Profile } from '../images/profile.ts';
import { execLine, quadletLine } from './escape.ts';

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
    ...askedLines(profile),
    // The template drops all.
    ...container.capabilities.map((capability) => quadletLine('AddCapability', capability)),
  ];
}

function askedLines({ container: { asked } }: Profile): string[] {
  if (asked === undefined) return [];
  const [user, group] = asked.user?.split(':') ?? [];
  return [
    ...(user === undefined ? [] : [quadletLine('User', user)]),
    ...(group === undefined ? [] : [quadletLine('Group', group)]),
    ...asked.tmpfs.map((path) => quadletLine('Tmpfs', path)),
    ...asked.devices.map((device) => quadletLine('AddDevice', device)),
    ...(asked.command.length === 0 ? [] : [execLine(asked.command)]),
  ];
}

/** Lines of `[Service]`: limits are those of the unit's control group, which the container's is below. */
export function serviceLines({ settings }: Instance): string[] {
  const { memory, cpus, stop_timeout: stop, restart } = settings;
  return [
    // The template has the default.
    ...(restart === 'on-failure' ? [] : [`Restart=${restart}\n`]),
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
    const message =
      other === undefined
        ? hides(path, profile, own)
        : `should have a path of its own, ${path} is that of ${other}`;
    return message === null ? [] : [{ file, key: `volumes.${index}`, message }];
  });
}

/** What a volume at this path would cover, or be covered by; null: nothing that matters. */
function hides(path: string, { files }: Profile, settings: string | null): string | null {
  if (path === '/run' || /^\/run\/secrets(?:\/|$)/.test(path)) {
    return `should have another path: secrets of the instance are mounted below /run/secrets`;
  }
  const below = (file: string | null | undefined) => file?.startsWith(`${path}/`) === true;
  if (path === '' || path === '/') return 'should have a path below "/", which is the image itself';
  if (below(settings))
    return `should have another path: ${path} would hide the settings in ${settings}`;
  const own = [files?.ibcTemplate, files?.jtsTemplate].find(below);
  return own === undefined
    ? null
    : `should have another path: ${path} would hide the image's own ${own}`;
}
