/** A service of a Compose file → an instance of ibq's. Pure. */

import { profileOf } from '../images/index.ts';
import type { Profile, ProfileId } from '../images/profile.ts';
import { readContainer } from './container.ts';
import type { ComposeFile, Service } from './document.ts';
import { type Draft, makeDraft } from './draft.ts';
import { readMounts } from './mounts.ts';
import { readPorts } from './ports.ts';
import { imageReference } from './profile.ts';
import { readVariables } from './variables.ts';

export interface ImportedInstance extends Draft {
  service: string;
  profile: ProfileId;
  /** Port of the API on the host; the name of the instance where that is free. */
  port: number;
  /** It lives in the host's own network. */
  sharesHost: boolean;
}

export interface ImportOptions {
  /** Makes a path of the file absolute: beside the file, or in the home directory. */
  absolute: (path: string) => string;
}

export function importService(
  file: ComposeFile,
  service: Service,
  id: ProfileId,
  options: ImportOptions,
): ImportedInstance {
  const profile: Profile = profileOf(id);
  const draft = makeDraft();
  draft.values.set('image.profile', id);
  if (service.image !== null) {
    draft.values.set('image.reference', imageReference(service.image));
  }
  readVariables(draft, profile, service.environment);
  const port = readPorts(draft, profile, service);
  readMounts(draft, profile, service, options);
  readContainer(draft, file, service);
  return {
    ...draft,
    service: service.name,
    profile: id,
    port,
    sharesHost: service.networkMode === 'host',
  };
}
