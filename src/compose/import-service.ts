/** A service of a Compose file → an instance of ibq's. Pure. */

import { profileOf } from '../images/index.ts';
import type { Profile, ProfileId } from '../images/profile.ts';
import { readContainer } from './container.ts';
import { draftCustom } from './custom-draft.ts';
import type { ComposeFile } from './document.ts';
import { type Draft, makeDraft } from './draft.ts';
import { givenTexts } from './given.ts';
import { imageReference } from './identify.ts';
import { readMounts } from './mounts.ts';
import { type LanWish, readNetworks } from './networks.ts';
import { readPorts } from './ports.ts';
import type { Service } from './service.ts';
import { readVariables } from './variables.ts';

export interface ImportedInstance extends Draft {
  service: string;
  profile: ProfileId;
  /** Port of the API on the host; the name of the instance where that is free. */
  port: number;
  /** Whether the file names it: where it does not, another one does as well. */
  portNamed: boolean;
  /** It lives in the host's own network. */
  sharesHost: boolean;
  /** The LAN that the file puts it into. */
  lan: LanWish | null;
}

export interface ImportOptions {
  /** Text of a file of the host; null: there is none that can be read. */
  readFile: (path: string) => string | null;
  kindOf: (path: string) => 'file' | 'directory' | 'link' | 'special' | null;
  exists: (path: string) => boolean;
  /** Of the configuration that is there. */
  publishAddress: string;
}

export function importService(
  file: ComposeFile,
  service: Service,
  id: ProfileId,
  options: ImportOptions,
): ImportedInstance {
  const draft = makeDraft();
  draft.problems.push(...service.problems);
  draft.left.push(...service.unread);
  draft.values.set('image.profile', id);
  readImage(draft, file, service);
  const profile: Profile = id === 'custom' ? draftCustom(draft, service) : profileOf(id);
  const texts = givenTexts(file, service, options.readFile);
  readVariables(draft, profile, service, (path) => {
    const found = texts(path);
    if (found !== null) {
      draft.usedMounts.add(path);
      for (const { name, target } of service.given) if (target === path) draft.usedGiven.add(name);
      for (const { target } of service.mounts)
        if (path.startsWith(target)) draft.usedMounts.add(target);
    }
    return found;
  });
  // What [defaults] of the host must not decide for a gateway that ran without them.
  if (!draft.values.has('mode')) draft.values.set('mode', 'paper');
  const lan = readNetworks(draft, file, service, options);
  const { port, named } = readPorts(draft, profile, service, options.publishAddress);
  readMounts(draft, profile, file, service, options);
  writeReadOnly(draft, profile);
  readContainer(draft, profile, service);
  const sharesHost = service.networkMode === 'host';
  if (sharesHost) {
    draft.left.push({
      what: 'network_mode host',
      why: 'the API was open on every address of the host; ibq closes it to all but this host. For clients of the network set publish.address and network.allow',
    });
  }
  return { ...draft, service: service.name, profile: id, port, portNamed: named, sharesHost, lan };
}

/** Whether clients may trade is never left to `[defaults]` either. */
function writeReadOnly(draft: Draft, profile: Profile): void {
  if (draft.values.has('read_only_api') || draft.values.has('custom_config.ibc')) return;
  if (profile.id === 'custom' && !followsReadOnly(profile)) return;
  draft.values.set('read_only_api', true);
  if (profile.id.startsWith('danklabs')) {
    draft.left.push({
      what: 'READ_ONLY_API',
      why: 'is not set, and by its documents the image then lets clients trade; ibq writes read_only_api = true: set it to false for clients that trade',
    });
  }
}

function followsReadOnly({ variables }: Profile): boolean {
  return variables.some(({ keys }) => keys.includes('read_only_api'));
}

function readImage(draft: Draft, { project }: ComposeFile, { name, image, build }: Service): void {
  if (image !== null && /[:@]$/.test(image)) {
    draft.problems.push(`image: ${image} should have a tag behind its "${image.at(-1)}"`);
  }
  if (image !== null) draft.values.set('image.reference', imageReference(image));
  draft.origins.set('image.reference', 'image');
  if (build === null) return;
  // What Compose calls it.
  const built = imageReference(image ?? `${project}-${name}:latest`);
  draft.values.set('image.reference', built);
  draft.left.push({
    what: 'build',
    why: built.startsWith('localhost/')
      ? `ibq builds no images: sudo podman build -t ${built} ${build}, before the first deploy`
      : `ibq builds no images, and takes ${built} from its registry; for a build of your own: sudo podman build -t localhost/${project}-${name}:latest ${build}, and that as image.reference`,
  });
}
