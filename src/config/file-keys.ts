/** `jts`, `ibc` and `custom_config`: lines and files that reach the gateway past ibq's own keys. */

import { IBC_KEYS, ibcRefusal, jtsRefusal, KEYS_OF_IBC } from '../images/ibc-keys.ts';
import { followedKeys } from '../images/index.ts';
import type { Profile } from '../images/profile.ts';
import { type Layer, placeOf } from './layer.ts';
import type { Report } from './report.ts';
import { closest, show, showKey } from './text.ts';
import type { Instance } from './types.ts';
import { volumeRisk } from './volume-risk.ts';

type Lines = Readonly<Record<string, string>>;

export function checkFileKeys(
  instance: Instance,
  profile: Profile,
  layers: readonly Layer[],
  report: Report,
): void {
  const { custom_config: own } = instance.settings;
  const [instanceLayer] = layers;
  for (const id of KEYS_OF_IBC) {
    if (own.ibc === null || !instanceLayer?.values.has(id)) continue;
    const message = `has no effect beside custom_config.ibc: ${own.ibc} says it`;
    report.warn({ ...placeOf({ ...instanceLayer, id }), message });
  }
  for (const layer of layers) {
    checkVolumes(layer, report);
    // Of such an image none of the keys is followed, which has been told.
    if (profile.files === null) continue;
    if (followedKeys(profile).has('ibc')) checkIbc(instance, profile, layer, report);
    checkJts(instance, layer, report);
  }
}

/** Two gateways on one volume delete each other's `autorestart` file (IBC's ibcstart.sh). */
function checkVolumes(layer: Layer, report: Report): void {
  const volumes = (layer.values.get('volumes') ?? []) as readonly string[];
  volumes.forEach((volume, index) => {
    const { file, key } = placeOf({ ...layer, id: 'volumes' });
    const risk = volumeRisk(volume.split(':')[0] ?? '');
    if (risk !== null) {
      const message = `hands the gateway ${risk}; a directory of its own is safer`;
      report.warn({ file, key: `${key}.${index}`, message });
    }
    if (!/^ibq-[a-z0-9_]+-settings:/.test(volume)) return;
    const message = 'should not be the settings of an instance: they belong to that one alone';
    report.problem({ file, key: `${key}.${index}`, message });
  });
}

function checkIbc(instance: Instance, profile: Profile, layer: Layer, report: Report): void {
  const place = placeOf({ id: 'ibc', origin: layer.origin, file: layer.file });
  const followed = {
    keys: followedKeys(profile),
    commandServer: profile.files?.commandServer(instance.mode) != null,
  };
  for (const [name, value] of Object.entries((layer.values.get('ibc') ?? {}) as Lines)) {
    const key = `${place.key}.${showKey(name)}`;
    const refusal =
      useless(layer, instance.settings.custom_config.ibc) ??
      ibcRefusal(name, followed) ??
      blankProblem(value);
    if (refusal !== null) {
      report.problem({ file: place.file, key, message: refusal });
    } else if (!IBC_KEYS.includes(name)) {
      const near = closest(name, IBC_KEYS);
      const hint = near ? `; did you mean ${show(near)}?` : '';
      report.warn({ file: place.file, key, message: `is not known of IBC 3.24${hint}` });
    }
  }
}

function checkJts(instance: Instance, layer: Layer, report: Report): void {
  const place = placeOf({ id: 'jts', origin: layer.origin, file: layer.file });
  const sections = (layer.values.get('jts') ?? {}) as Readonly<Record<string, Lines>>;
  for (const [section, lines] of Object.entries(sections)) {
    for (const [name, value] of Object.entries(lines)) {
      const refusal =
        useless(layer, instance.settings.custom_config.jts) ??
        jtsRefusal(section, name, value) ??
        blankProblem(value) ??
        variableProblem(value);
      if (refusal === null) continue;
      const key = `${place.key}.${showKey(section, name)}`;
      report.problem({ file: place.file, key, message: refusal });
    }
  }
}

/** Lines that would go nowhere. Those of `[defaults]` are for all, and left out where they can't. */
function useless(layer: Layer, ownFile: string | null): string | null {
  if (layer.origin !== 'instance' || ownFile === null) return null;
  return `should be left out here; write it into ${ownFile}`;
}

function blankProblem(value: string): string | null {
  return value === value.trim() ? null : 'should not begin or end with a blank: it is dropped';
}

/** The line goes into the image's template, where variables are replaced, and the format has no escape. */
function variableProblem(value: string): string | null {
  return /\$[A-Za-z_{]/.test(value)
    ? 'should be without "$" before a name: the image puts a variable in its place'
    : null;
}
