/** `ibq plan` on a host that runs what is deployed: it says what no file of a generation tells. */

import { expect, test } from 'vitest';
import { plan } from '../../src/commands/plan.ts';
import { deployedTree } from '../support/deployed-tree.ts';
import { storageOf } from '../support/image-store.ts';
import { liveHost, showOutput } from '../support/live-host.ts';

const NAMES = ['4001', '4002'];
const IMAGE = 'localhost/ibq-simulator:latest';
const OPTIONS = { json: false, diff: false, detailedExitCode: true, risksAccepted: [] };

/** Both run. @param definition what they run by, where that is not what is deployed */
async function host({
  definition,
  networkLost = false,
  secrets,
}: {
  definition?: string;
  networkLost?: boolean;
  /** Names that Podman keeps; absent: it has no such file. */
  secrets?: string[];
} = {}) {
  const sand = await deployedTree();
  const unit = { LoadState: 'loaded', ActiveState: 'active', SubState: 'running' };
  const units: Record<string, Record<string, string>> = {
    'ib-gateways.target': {
      ...unit,
      UnitFileState: 'enabled',
      Wants: NAMES.map((name) => `ib-gateway@${name}.service`).join(' '),
    },
  };
  const manifest = JSON.parse(sand.read('/etc/ibq/current/manifest.json') ?? '') as {
    networks: string[];
    instances: Record<string, { definition: string }>;
  };
  for (const network of manifest.networks) {
    units[`${network}-network.service`] = unit;
    if (!networkLost) sand.write(`/etc/containers/networks/${network}.json`, '{}');
  }
  for (const [index, name] of NAMES.entries()) {
    const own = manifest.instances[name]?.definition ?? '';
    const container = `c0ffee${index}`.padEnd(64, '0');
    const pid = 100 + index;
    units[`ib-gateway@${name}.service`] = { ...unit, Environment: `IBQ_DEFINITION=${own}` };
    sand.write(`/proc/${pid}/cgroup`, `0::/x.service/libpod-payload-${container}\n`);
    sand.write(
      `/run/ibq/instances/${name}/state`,
      `container=${container}\npid=${pid}\ndefinition=${definition ?? own}\n`,
    );
    sand.write(
      `/run/ibq/instances/${name}/guard.nft`,
      sand.read(`/etc/ibq/current/guard/${name}.nft`) ?? '',
    );
  }
  sand.write('/run/ibq/host.nft', sand.read('/etc/ibq/current/host.nft') ?? '');
  // 4001 was started before the pull, 4002 after it.
  const images = [{ id: 'a' }, { id: 'b', names: [IMAGE] }];
  const made = { ['c0ffee0'.padEnd(64, '0')]: 'a', ['c0ffee1'.padEnd(64, '0')]: 'b' };
  for (const [path, text] of Object.entries(storageOf(images, made))) sand.write(path, text);
  if (secrets) {
    const nameToID = Object.fromEntries(secrets.map((name) => [name, 'id']));
    const path = '/var/lib/containers/storage/secrets/secrets.json';
    sand.write(path, JSON.stringify({ secrets: {}, nameToID, idToName: {} }));
  }
  const live = liveHost(sand, (line) => {
    if (line.startsWith('systemctl show')) return { stdout: showOutput(units) };
    if (line === 'podman --version') return { stdout: 'podman version 5.4.2\n' };
    if (line === 'systemctl --version') return { stdout: 'systemd 257 (257.9)\n' };
    if (line.startsWith('podman secret ls')) return { stdout: `${secrets?.join('\n')}\n` };
    return undefined;
  });
  return { ...live, sand };
}

test('nothing to do, and one runs an older image than its tag names now', async () => {
  const { context, sand, ran } = await host();
  expect(await plan(context, OPTIONS)).toBe(0);
  expect(sand.warnings).toEqual([
    `4001 runs an older image than ${IMAGE} names now: a restart takes the new one (sudo ibq restart 4001)`,
  ]);
  expect(ran.filter(({ line }) => line.startsWith('podman'))).toEqual([]);
});

test('of one that waits for a restart anyway the plan says that alone', async () => {
  const { context, sand } = await host({ definition: '00' });
  expect(await plan(context, OPTIONS)).toBe(2);
  expect(sand.out.join('\n')).toContain('not restarted since its last change');
  expect(sand.warnings).toEqual([]);
});

test('nothing to do, and a secret is gone: what ends could not start again', async () => {
  const { context, sand } = await host({ secrets: ['ibq-4001-password'] });
  expect(await plan(context, OPTIONS)).toBe(0);
  expect(sand.warnings).toContain(
    'a gateway that ends can\'t start again: instance 4002: its password is not set; run "sudo ibq secret set 4002 password"',
  );
});

test('all secrets there: Podman is not asked', async () => {
  const { context, ran } = await host({ secrets: ['ibq-4001-password', 'ibq-4002-password'] });
  await plan(context, OPTIONS);
  expect(ran.filter(({ line }) => line.startsWith('podman'))).toEqual([]);
});
