/** Checks of the configuration and of what a login needs: secrets, images, volumes, memory, disk, time. */

import type { Config } from '../config/types.ts';
import { profileFor } from '../images/index.ts';
import { neededSecrets } from '../ssh/secrets.ts';
import {
  type Check,
  defineCheck,
  type Finding,
  fail,
  ok,
  skipped,
  verdictOf,
  warn,
} from './check.ts';
import type { VolumeFacts } from './facts.ts';

const configuration = defineCheck({
  id: 'configuration',
  title: 'configuration',
  needs: ['configuration'],
  judge: ({ configuration: { problems, files } }) =>
    problems.length === 0
      ? ok(files === 0 ? 'none: everything has its default' : `${files} files, valid`)
      : fail(problems.join('; '), 'correct the file; "ibq plan" shows all problems together'),
});

const refusal = defineCheck({
  id: 'plan',
  title: 'plan',
  needs: ['config', 'refusal'],
  judge: ({ refusal: { problem } }) =>
    problem === null
      ? ok('a deploy would take this configuration on this host')
      : fail(
          problem,
          'correct what it names; until then "ibq deploy" changes nothing, also no rule',
        ),
});

const secrets = defineCheck({
  id: 'secrets',
  title: 'secrets',
  needs: ['config', 'secrets'],
  judge: ({ config, secrets: present }) => {
    if (config.instances.length === 0) return skipped(NO_INSTANCE);
    const wanted = requiredSecrets(config);
    const missing = wanted.filter(({ name }) => !present.has(name));
    return verdictOf(
      missing.map(({ instance, key, mend }) => fail(`the ${key} of ${instance} is not set`, mend)),
      `${wanted.length} set`,
    );
  },
});

/** Those without which an instance does not start. */
export function requiredSecrets({ instances }: Config) {
  return instances.flatMap((instance) =>
    neededSecrets(profileFor(instance), instance)
      .filter(({ required }) => required)
      .map((secret) => ({ ...secret, instance: instance.name })),
  );
}

const NO_INSTANCE = 'no instance is configured';

const images = defineCheck({
  id: 'image-present',
  title: 'images',
  needs: ['manifest', 'images'],
  judge: ({ manifest, images: present }) => {
    if (manifest === null) return skipped('nothing is deployed');
    const wanted = [...new Set(Object.values(manifest.instances).map(({ image }) => image))];
    return verdictOf(
      wanted
        .filter((reference) => !present.has(reference))
        .map((reference) =>
          fail(
            `${reference} is not on this host: a gateway that ends can't start again`,
            reference.startsWith('localhost/')
              ? `build or load ${reference} again ("podman images" lists what is there)`
              : `sudo podman pull ${reference}`,
          ),
        ),
      wanted.join(', '),
    );
  },
});

const imageUid = defineCheck({
  id: 'image-uid',
  title: 'users of images',
  needs: ['volumes'],
  judge: ({ volumes }) => {
    if (volumes.length === 0) return skipped('no instance has a settings volume yet');
    return verdictOf(volumes.flatMap(userFindings), 'settings and secrets are theirs');
  },
});

function userFindings(facts: VolumeFacts): Finding[] {
  const { instance, path, owner, wanted, image, imageUser, profile } = facts;
  if (imageUser !== null && imageUser !== wanted.split(':')[0]) {
    return [
      fail(
        `${image} of ${instance} runs as user ${imageUser}, images of the profile ${profile} as ${wanted}: it can read neither its password nor its settings`,
        `use an image of the profile ${profile}, or the profile of this image`,
      ),
    ];
  }
  return owner === wanted
    ? []
    : [
        fail(
          `the settings of ${instance} should belong to ${wanted}, the image's user, they belong to ${owner}: it can't save them, and each start is a full login`,
          `sudo chown -R ${wanted} ${path}`,
        ),
      ];
}

const settingsVolumes = defineCheck({
  id: 'settings-volumes',
  title: 'settings volumes',
  needs: ['manifest', 'lostVolumes'],
  judge: ({ manifest, lostVolumes }) => {
    if (manifest === null) return skipped('nothing is deployed');
    return verdictOf(
      lostVolumes.map((name) =>
        warn(
          `${name} has no settings volume: somebody removed it, or ${name} has never run; its next start begins with new settings and a full login`,
          `restore ibq-${name}-settings from a backup before that ("podman volume import"), or let it begin anew: sudo ibq start ${name}`,
        ),
      ),
      'all that have run have theirs',
    );
  },
});

const memory = defineCheck({
  id: 'memory',
  title: 'memory',
  needs: ['config', 'memoryWarning'],
  judge: ({ config, memoryWarning }) => {
    if (config.instances.length === 0) return skipped(NO_INSTANCE);
    if (memoryWarning === null) return ok(`the heaps of ${config.instances.length} gateways fit`);
    return warn(
      memoryWarning,
      'lower java_heap in [defaults] of ibq.toml, or run fewer gateways here; then: sudo ibq deploy',
    );
  },
});

const MIB = 1024 ** 2;
/** Below this a deploy or a container's layer may fail half-way. */
const DISK_FULL = 50 * MIB;
/** Of /run, which is small and has no containers in it. */
const RUN_FULL = MIB;
/** An image of a gateway takes about this much; an upgrade needs room for a second one. */
const DISK_LOW = 2048 * MIB;

const disk = defineCheck({
  id: 'disk',
  title: 'disk space',
  needs: ['disks'],
  judge: ({ disks }) =>
    verdictOf(
      disks.flatMap(({ path, freeBytes, readOnly }) => {
        if (readOnly) {
          return fail(
            `${path} is read-only: no deploy can write there`,
            `see why ("dmesg", "findmnt -T ${path}"), then: sudo mount -o remount,rw "$(findmnt -nT ${path} -o TARGET)"`,
          );
        }
        const free = `${Math.floor(freeBytes / MIB)} MB free`;
        const mend = `free some: "df -h ${path}"; images that nothing uses: "sudo podman image prune -a"`;
        if (freeBytes < (path === '/run' ? RUN_FULL : DISK_FULL))
          return fail(`${path} is full, ${free}`, mend);
        const images = path.includes('containers');
        return images && freeBytes < DISK_LOW
          ? warn(`${path} has ${free}; a new image of a gateway needs about 2000 MB`, mend)
          : [];
      }),
      disks
        .map(({ path, freeBytes }) => `${path} ${Math.floor(freeBytes / MIB)} MB free`)
        .join(', '),
    ),
});

const clock = defineCheck({
  id: 'clock',
  title: 'clock',
  needs: ['clock'],
  judge: ({ clock: { synchronised } }) =>
    synchronised
      ? ok('synchronised')
      : warn(
          'the clock is not synchronised: logins and two-factor codes fail when it is minutes off',
          'run a time service (Debian: "apt install systemd-timesyncd"); "timedatectl" tells when it is synchronised',
        ),
});

export const configurationChecks: readonly Check[] = [
  configuration,
  refusal,
  secrets,
  images,
  imageUid,
  settingsVolumes,
  memory,
  disk,
  clock,
];
