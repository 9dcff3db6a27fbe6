/** Volumes of a service → files of the user's own, settings, keys, and what else is mounted. */

import type { Profile } from '../images/profile.ts';
import type { Service } from './document.ts';
import type { Draft } from './draft.ts';
import type { ImportOptions } from './import-service.ts';

export function readMounts(
  draft: Draft,
  profile: Profile,
  { mounts, environment }: Service,
  { absolute }: ImportOptions,
): void {
  const volumes: string[] = [];
  const settings = environment.get('TWS_SETTINGS_PATH') || null;
  for (const mount of mounts) {
    const { source, target, options } = mount;
    const what = `volume ${[source, target, options].filter(Boolean).join(':')}`;
    const leave = (why: string) => draft.left.push({ what, why });
    const path = isPath(source) ? absolute(source) : null;
    if (source === '') leave('has no name, and would be lost at each stop');
    else if (path !== null && target === profile.files?.ibc)
      draft.values.set('custom_config.ibc', path);
    else if (path !== null && target === profile.files?.jts)
      draft.values.set('custom_config.jts', path);
    else if (isSettings(target, settings, profile)) {
      leave(
        `settings have a volume of their own; to bring these along, before the first deploy: sudo podman volume create ibq-NAME-settings, then copy ${path ?? `what is in ${source}`} into its directory ibq ("podman volume inspect" tells where)`,
      );
    } else if (target === profile.files?.ssh || /\/\.ssh$/.test(target)) {
      leave(
        `keys are secrets: sudo ibq secret set NAME ssh_key --file ${path ?? source}/id_ed25519, then sudo ibq tunnel trust NAME`,
      );
    } else {
      volumes.push([path ?? source, target, options].filter(Boolean).join(':'));
      if (path === null) leave('is carried over by its name; what Docker has in it stays there');
    }
  }
  if (volumes.length > 0) draft.values.set('volumes', volumes);
}

function isPath(source: string): boolean {
  return /^(?:[.~/]|\$)/.test(source);
}

/** Where the image keeps settings, by its variable or by its own doing. */
function isSettings(target: string, settings: string | null, profile: Profile): boolean {
  const jts = profile.files?.jts.replace(/\/jts\.ini$/, '');
  return target === settings || target === jts || /\/tws_settings\/?$/.test(target);
}
