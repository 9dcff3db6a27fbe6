/** What ibq writes is what the image reads: the profiles against the contracts, which were read from the images' sources. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { profileFor, profileOf } from '../../src/images/index.ts';
import { environmentFor, type ProfileId, secretsFor } from '../../src/images/profile.ts';
import { instanceOf } from './instances.ts';

interface Contract {
  product: string;
  user: { uid: number; gid: number };
  container: { needs: { capabilities: string[]; shm: string | null; hostNetwork: boolean } };
  paths: { home: string; volume: string; configIni: string; configTemplate: string };
  modes: string[];
  ports: Record<'live' | 'paper', { api: number; relay: number | null }>;
  screen: { kind: string; port: number };
  notRead: string[];
  variables: Record<string, { accepts?: string }>;
}

const CONTRACTS: readonly [ProfileId, string][] = [
  ['gnzsnz', 'gnzsnz-gateway'],
  ['gnzsnz-tws', 'gnzsnz-tws'],
  ['danklabs', 'danklabs-gateway'],
  ['danklabs-tws', 'danklabs-tws'],
  ['danklabs-host', 'danklabs-host'],
  ['ibg-controller', 'ibg-controller'],
  ['simulator', 'gnzsnz-gateway'],
];

/** Read by scripts that nobody documented: see the rows of the profile. */
const UNDOCUMENTED: readonly string[] = ['API_PORT', 'SOCAT_PORT'];

describe.each(CONTRACTS)('%s', (id, file) => {
  const path = join(import.meta.dirname, `../simulator/contracts/${file}.json`);
  const contract = JSON.parse(readFileSync(path, 'utf8')) as Contract;
  const profile = profileOf(id);
  const accepted = new Map(
    Object.entries(contract.variables).map(([name, { accepts = '' }]) => [
      name,
      new RegExp(accepts),
    ]),
  );
  /** A variable that the image has not, does not read, or not with this value. */
  const isForeign = ([name, value]: [string, string]): boolean =>
    !UNDOCUMENTED.includes(name) &&
    (contract.notRead.includes(name) || accepted.get(name)?.test(value) !== true);

  test('every value of every instance is one that the image takes', () => {
    fc.assert(
      fc.property(texts(id), (text) => {
        const instance = instanceOf(id, text);
        const own = profileFor(instance);
        const environments = own.networks.map((mode) =>
          environmentFor(own, instance, { mode, beyondLoopback: false }),
        );
        const secrets = secretsFor(own, instance).map(({ as }) => as);
        const wrong = [
          ...environments.flatMap((values) => Object.entries(values)).filter(isForeign),
          ...secrets.filter((as) =>
            as.kind === 'mount'
              ? !as.path.startsWith(`${contract.paths.home}/`)
              : !Object.hasOwn(contract.variables, as.variable),
          ),
        ];
        expect(wrong).toEqual([]);
      }),
      { numRuns: 100 },
    );
  });

  test('modes, ports, paths and needs are its own', () => {
    expect([...profile.modes].sort()).toEqual([...contract.modes].sort());
    const instance = instanceOf(id);
    const { api, gateway, vnc, rdp } = profile.ports(instance);
    for (const half of ['live', 'paper'] as const) {
      const { api: inside, relay } = contract.ports[half];
      // Without a relay the port is the instance's.
      expect([gateway[half], api[half]]).toEqual(relay === null ? [4001, 4001] : [inside, relay]);
    }
    const { kind, port } = contract.screen;
    expect([vnc, rdp]).toEqual(kind === 'vnc' ? [port, null] : [null, port]);
    expect(profile.files).toMatchObject({
      ibc: contract.paths.configIni,
      ibcTemplate: contract.paths.configTemplate,
    });
    expect(profile.settingsVolume(instance)).toBe(contract.paths.volume);
    expect(profile.program).toBe(contract.product);
    const { needs } = contract.container;
    expect(profile.container.capabilities).toEqual(expect.arrayContaining(needs.capabilities));
    expect(profile.networks.includes('bridge')).toBe(!needs.hostNetwork);
    expect((profile.container.shm ?? 0) >= Number.parseInt(needs.shm ?? '0', 10) * 1024).toBe(true);
  });
});

/** Files of instances that set some of what the profile follows. */
function texts(id: ProfileId): fc.Arbitrary<string> {
  const { modes, ssh, follows, variables } = profileOf(id);
  const followed = new Set([...follows, ...variables.flatMap(({ keys }) => keys)]);
  const some = (lines: Readonly<Record<string, fc.Arbitrary<unknown>>>) =>
    fc.record(lines, { requiredKeys: [] }).map((values) =>
      Object.entries(values)
        .filter(([key]) => followed.has(key))
        .map(([key, value]) => `${key.replace(/^.*\./, '')} = ${JSON.stringify(value)}\n`)
        .join(''),
    );
  const time12 = fc.constantFrom('01:00 AM', '12:59 PM', '11:55 PM');
  const top = some({
    time_zone: fc.constantFrom('Etc/UTC', 'America/New_York'),
    read_only_api: fc.boolean(),
    auto_restart_time: time12,
    auto_logoff_time: time12,
    cold_restart_time: fc.constantFrom('00:00', '07:05', '23:59'),
    twofa_timeout_action: fc.constantFrom('exit', 'restart'),
    twofa_device: fc.constant('IB Key'),
    twofa_exit_interval: fc.integer({ min: 1, max: 3600 }),
    twofa_wait: fc.integer({ min: 10, max: 3600 }),
    twofa_totp: fc.boolean(),
    passkey_authenticate: fc.boolean(),
    tws_server: fc.constantFrom('cdc1.ibllc.com', 'ndc1.ibllc.com'),
    relogin_after_twofa_timeout: fc.boolean(),
    existing_session_action: fc.constantFrom('primary', 'primaryoverride', 'secondary', 'manual'),
    bypass_warning: fc.boolean(),
    allow_blind_trading: fc.boolean(),
    accept_incoming: fc.constantFrom('accept', 'reject', 'manual'),
    master_client_id: fc.integer({ min: 0, max: 2 ** 31 - 1 }),
    save_settings: fc.constantFrom('08:00 12:30', 'Every 30 mins'),
    trusted_clients: fc.constant(['10.0.0.7']),
    java_heap: fc.integer({ min: 256, max: 65_536 }),
    java_options: fc.constant('-XX:+UseG1GC'),
    uid: fc.integer({ min: 1, max: 65_534 }),
    gid: fc.integer({ min: 1, max: 65_534 }),
  });
  const vnc = some({
    'vnc.screen': fc.constantFrom('800x600x16', '1600x1200x24'),
    'vnc.display': fc.constantFrom(':0', ':12'),
    'vnc.port': fc.integer({ min: 1, max: 65_535 }),
  });
  const tunnel = fc.constantFrom(
    '',
    ...(ssh === null ? [] : ['[ssh]\nmode = "yes"\nvia = "image"\ntargets = ["a@b:2222"]\n']),
    '[ssh]\nmode = "both"\ntargets = ["a@b"]\n',
  );
  const user = fc.constantFrom('user = "user1"\n', 'user_secret = true\n');
  const supervisor = fc.constantFrom(
    '',
    ...(followed.has('supervisor.enabled') ? ['[supervisor]\nenabled = true\n'] : []),
  );
  return fc
    .tuple(fc.constantFrom(...modes), user, top, vnc, supervisor, tunnel)
    .map(([mode, who, lines, screen, page, ssh]) => {
      const paper = mode === 'both' && who.startsWith('user =') ? 'paper_user = "paper1"\n' : '';
      return `mode = "${mode}"\n${who}${paper}${lines}[vnc]\n${screen}${page}${ssh}`;
    });
}
