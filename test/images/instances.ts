/** Instances of a profile, as a file of theirs makes them; what the network's mode allows is left aside. */

import { parseInstanceName, resolveInstance } from '../../src/config/instances.ts';
import { makeLayer, readLayers } from '../../src/config/layer.ts';
import { createReport } from '../../src/config/report.ts';
import type { Instance } from '../../src/config/types.ts';
import { formatProblem } from '../../src/errors.ts';
import { profileFor } from '../../src/images/index.ts';
import {
  environmentFor,
  type Profile,
  type ProfileId,
  type Reach,
  secretsFor,
} from '../../src/images/profile.ts';

/** @param text the file, without its [image]; `[image]` of an instance stands below its other tables */
export function readInstance(
  profile: ProfileId,
  text = '',
  reference: string | null = 'localhost/ibq-simulator',
): { instance: Instance | null; problems: string[]; warnings: string[] } {
  const name = parseInstanceName('4001');
  if (name === null) throw new Error('4001 is a name');
  const report = createReport();
  const image = `\n[image]\nprofile = "${profile}"\n${reference === null ? '' : `reference = "${reference}"\n`}`;
  const source = { path: '4001.toml', text: text + image };
  const { own } = readLayers('instance', 'instance', source, report);
  const shared = { defaults: makeLayer('defaults', ''), host: makeLayer('host', '') };
  const instance = resolveInstance(name, own, shared, report);
  return { instance, problems: report.problems().map(formatProblem), warnings: report.warnings() };
}

/** The smallest text that every profile takes. */
const MINIMAL = 'user = "user1"\n';

/** An instance without a problem. */
export function instanceOf(profile: ProfileId, text = MINIMAL): Instance {
  const { instance, problems } = readInstance(profile, text);
  if (instance === null || problems.length > 0) throw new Error(problems.join('\n'));
  return instance;
}

/** What the image is given, on the first kind of network that it works in. */
export function environment(profile: ProfileId, text?: string): Record<string, string> {
  const instance = instanceOf(profile, text);
  const own = profileFor(instance);
  return environmentFor(own, instance, reachFor(own));
}

/** The first kind of network that it works in, with ports on loopback. */
export function reachFor({ networks }: Profile): Reach {
  return { mode: networks[0] ?? 'bridge', beyondLoopback: false };
}

/** Keys of the secrets that an instance is given. */
export function secretKeys(profile: ProfileId, text?: string): string[] {
  const instance = instanceOf(profile, text);
  return secretsFor(profileFor(instance), instance).map(({ key }) => key);
}

export function secretOf(profile: Profile, key: string): Profile['secrets'][number] {
  const secret = profile.secrets.find((known) => known.key === key);
  if (!secret) throw new Error(`no secret ${key}`);
  return secret;
}
