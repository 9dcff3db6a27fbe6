/**
 * What `scripts/stop` has to know of a running container to end its session. It goes there by annotations, which
 * the guard writes down when that container starts: a newer generation may say something else.
 */

import type { Instance } from '../config/types.ts';
import { halvesOf, type Profile } from '../images/profile.ts';
import { quadletLine } from './escape.ts';
import { definitionHash } from './render-instance.ts';
import { loginHash } from './render-login.ts';
import type { OwnFileNames } from './render-settings.ts';

export interface StopParts {
  profile: Profile;
  instance: Instance;
  ownFiles: OwnFileNames;
  /** As `RenderedInstance`. */
  commandPorts: readonly number[];
}

/** Lines of `[Container]`; none where IBC has no command server that ibq could use. */
export function stopLines(parts: StopParts): string {
  const halves = halfPorts(parts);
  if (halves === '') return '';
  const session = sessionHash(parts);
  const { stop_timeout } = parts.instance.settings;
  const annotations = [
    `ibq.stop=${halves}`,
    ...(session === null ? [] : [`ibq.session=${session}`]),
    ...(stop_timeout === null ? [] : [`ibq.stop_timeout=${stop_timeout}`]),
  ];
  return annotations.map((text) => quadletLine('Annotation', text)).join('');
}

/**
 * What a kept session depends on: with another user, mode or place of the settings the next start has to log in.
 * The image is none of it.
 *
 * @returns null where no session outlives the container
 */
function sessionHash({ profile, instance, ownFiles }: StopParts): string | null {
  const volume = profile.settingsVolume(instance);
  if (volume === null) return null;
  return definitionHash([volume, loginHash(instance, ownFiles)]);
}

/** `7462:4002`: the command server, and the API that listens while somebody is logged in; `both` has two. */
function halfPorts({ profile, instance, commandPorts }: StopParts): string {
  const { gateway } = profile.ports(instance);
  const halves = halvesOf(instance.mode);
  if (commandPorts.length !== halves.length) return '';
  return halves.map((half, index) => `${commandPorts[index]}:${gateway[half]}`).join(' ');
}
