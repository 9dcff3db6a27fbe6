/** Volumes of a service → files of the user's own, settings, keys, and what else is mounted. */

import { posix } from 'node:path';
import { volumeRisk } from '../config/volume-risk.ts';
import type { Profile } from '../images/profile.ts';
import type { ComposeFile } from './document.ts';
import { type Draft, takeItem } from './draft.ts';
import type { ImportOptions } from './import-service.ts';
import type { Mount, Service } from './service.ts';

export function readMounts(
  draft: Draft,
  profile: Profile,
  file: ComposeFile,
  { mounts, environment, given }: Service,
  { kindOf }: ImportOptions,
): void {
  const settings = environment.get('TWS_SETTINGS_PATH') || null;
  const ownConfig = /^yes$/i.test(environment.get('CUSTOM_CONFIG') ?? '');
  const readsCustom = profile.variables.some(({ name }) => name === 'CUSTOM_CONFIG');
  const configs = given.flatMap(({ name, kind, target }): (Mount & { what: string })[] => {
    const source = kind === 'config' ? file.configs.get(name)?.file : null;
    if (kind === 'config' && source != null)
      return [{ source, target, options: 'ro', what: `config ${name}` }];
    return [];
  });
  const named = new Set(environment.values());
  for (const { name, kind, target } of given) {
    const source = (kind === 'secret' ? file.secrets : file.configs).get(name);
    // One whose value nobody has here is told of by its variable.
    const used = draft.usedGiven.has(name) || named.has(target);
    if (kind === 'config' && source?.file == null) {
      draft.left.push({
        what: `config ${name}`,
        why: 'has no file of this host; volumes can mount one',
      });
    } else if (kind === 'secret' && !used) {
      const from = source?.file == null ? '' : ` (${source.file})`;
      draft.left.push({
        what: `secret ${name}`,
        why: `no variable of the image names it${from}; secrets = { VARIABLE_FILE = "key" } hands one over`,
      });
    }
  }
  for (const mount of [...mounts.map((it) => ({ ...it, what: '' })), ...configs]) {
    const { source, target: written, options } = mount;
    const target = posix.normalize(written).replace(/(?<=.)\/+$/, '');
    const what = mount.what || `volume ${[source, written, options].filter(Boolean).join(':')}`;
    const leave = (why: string) => draft.left.push({ what, why });
    const path = source.startsWith('/') ? source : null;
    const outside = file.volumes.get(source) ?? null;
    const inDocker = outside ?? `${file.project}_${source}`;
    const risk = path === null ? null : volumeRisk(path);
    const isIbc = target === profile.files?.ibc;
    if (source === '') leave('has no name, and would be lost at each stop');
    else if (path !== null && (isIbc || target === profile.files?.jts)) {
      if (isIbc && readsCustom && !ownConfig) {
        leave(
          'lies there without CUSTOM_CONFIG=yes: the image writes over it; to use it, set custom_config.ibc',
        );
      } else if (kindOf(path) !== 'file')
        leave('is no file of this host: custom_config would need one');
      else {
        const key = isIbc ? 'custom_config.ibc' : 'custom_config.jts';
        draft.values.set(key, path);
        draft.origins.set(key, what);
      }
    } else if (target === '/run/secrets' || target.startsWith('/run/secrets/')) {
      if (!draft.usedMounts.has(target)) {
        leave(
          `secrets are Podman's: sudo ibq secret set NAME KEY --file ${path ?? source}; secrets = { VARIABLE_FILE = "key" } hands over others`,
        );
      }
    } else if (isSettings(target, settings, profile)) {
      const from =
        path ??
        `what is in Docker's volume ${inDocker} (/var/lib/docker/volumes/${inDocker}/_data)`;
      leave(
        `settings have a volume of their own; to bring these along, before the first deploy: sudo podman volume create ibq-NAME-settings, then copy ${from} into its directory ibq ("podman volume inspect" tells where)`,
      );
    } else if (target === profile.files?.ssh || /\/\.ssh$/.test(target)) {
      leave(
        `keys are secrets: sudo ibq secret set NAME ssh_key --file ${path ?? source}/id_ed25519, then sudo ibq tunnel trust NAME`,
      );
    } else if (risk !== null) {
      leave(`would hand the gateway ${risk}; not carried over: who wants it adds it to volumes`);
    } else if (path !== null && kindOf(path) === null) {
      leave(
        'is not there: Docker would make an empty directory, and Podman does not start; make it, then add it to volumes',
      );
    } else if (path === null && !/^[A-Za-z0-9][A-Za-z0-9_.-]*$/.test(source)) {
      leave('should be a path or the name of a volume');
    } else {
      const name = path ?? outside ?? source;
      const before = draft.left.length;
      takeItem(draft, 'volumes', [name, written, options].filter(Boolean).join(':'), what);
      if (path === null && draft.left.length === before) {
        leave(
          `is carried over by its name; what Docker has in it (volume ${inDocker}) stays there`,
        );
      }
    }
  }
}

/** Where the image keeps settings, by its variable or by its own doing. */
function isSettings(target: string, settings: string | null, profile: Profile): boolean {
  const jts = profile.files?.jts.replace(/\/jts\.ini$/, '');
  const own = profile.settingsVolume({ mode: 'paper' } as Parameters<Profile['settingsVolume']>[0]);
  return (
    [settings?.replace(/\/+$/, ''), jts, own].includes(target) || /\/tws_settings$/.test(target)
  );
}
