/** Random Compose files: what is imported and what is listed together are all of it, whichever way it is written. */

import fc from 'fast-check';
import { expect, test, vi } from 'vitest';
import { stringify } from 'yaml';
import { importCompose } from '../../src/commands/import-compose.ts';
import { loadHostConfig } from '../../src/host/config-files.ts';
import { sandbox } from '../support/sandbox.ts';

// The lock takes a process each time; import-compose.test.ts has the real one.
vi.mock('../../src/host/lock.ts', () => ({
  withLock: (_host: unknown, _command: string, action: () => Promise<unknown>) => action(),
}));

const FILE = '/srv/ib/docker-compose.yml';
const PASSWORD = 'geheim#1';

interface Gateway {
  live: boolean;
  /** Environment as a list of NAME=value, ports in the long form, networks as a list. */
  long: boolean;
  variables: string[];
  volumes: string[];
  networks: string[];
  screen: boolean;
}
const words = (prefix: string) =>
  fc.uniqueArray(
    fc.integer({ min: 0, max: 9 }).map((n) => `${prefix}${n}`),
    { maxLength: 3 },
  );
const gateway: fc.Arbitrary<Gateway> = fc.record({
  live: fc.boolean(),
  long: fc.boolean(),
  variables: words('EXTRA_'),
  volumes: words('vol'),
  networks: words('net'),
  screen: fc.boolean(),
});
/** Services that are no gateway, and one that only looks like it. */
const OTHERS: readonly object[] = [
  { image: 'postgres:16', environment: { POSTGRES_PASSWORD: 'x' } },
  { build: '.', environment: ['IB_HOST=gw0'] },
  { image: 'example/bot:1', environment: { TWS_USERID: 'u0', TRADING_MODE: 'live' } },
  { image: 'ghcr.io/gnzsnz/ib-gateway:stable', entrypoint: ['chown'], user: 'root' },
  { image: 'x/y', env_file: 'absent.env', ports: ['::1:8080:80'] },
];

function serviceOf({ live, long, variables, volumes, networks, screen }: Gateway, index: number) {
  const environment: Record<string, string> = {
    TWS_USERID: `u${index}`,
    TWS_PASSWORD: PASSWORD,
    TRADING_MODE: live ? 'live' : 'paper',
    ...(screen ? { VNC_SERVER_PASSWORD: 'secret12' } : {}),
    ...Object.fromEntries(variables.map((name) => [name, `value of ${name}`])),
  };
  const host = 4100 + index;
  const inside = live ? 4003 : 4004;
  return {
    image: 'ghcr.io/gnzsnz/ib-gateway:stable',
    environment: long
      ? Object.entries(environment).map(([name, value]) => `${name}=${value}`)
      : environment,
    ports: long
      ? [{ target: inside, published: String(host), host_ip: '127.0.0.1', protocol: 'tcp' }]
      : [`127.0.0.1:${host}:${inside}`],
    ...(volumes.length === 0 ? {} : { volumes: volumes.map((it) => `${it}:/data/${it}`) }),
    ...(networks.length === 0
      ? {}
      : { networks: long ? networks : Object.fromEntries(networks.map((it) => [it, null])) }),
  };
}

test('each service, variable, volume and network is in a file or in the list', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(gateway, { minLength: 1, maxLength: 3 }),
      fc.uniqueArray(fc.constantFrom(...OTHERS.keys()), { maxLength: 3 }),
      async (gateways, others) => {
        const named = (prefix: string, all: readonly string[]) =>
          Object.fromEntries(all.filter((it) => it.startsWith(prefix)).map((it) => [it, {}]));
        const used = gateways.flatMap((it) => [...it.volumes, ...it.networks]);
        const services = Object.fromEntries([
          ...gateways.map((it, index) => [`gw${index}`, serviceOf(it, index)] as const),
          ...others.map((index) => [`other${index}`, OTHERS[index]] as const),
        ]);
        const box = sandbox({
          [FILE]: stringify({
            services,
            volumes: named('vol', used),
            networks: named('net', used),
          }),
        });
        await importCompose(box.context, FILE, { dryRun: false, json: false });
        const { config } = loadHostConfig(box.context.host.files, '/etc/ibq/ibq.toml', {});
        expect(config.instances.map(({ user }) => user).sort()).toEqual(
          gateways.map((_it, index) => `u${index}`),
        );
        for (const [index, it] of gateways.entries()) {
          const instance = config.instances.find(({ user }) => user === `u${index}`);
          expect(instance).toMatchObject({ mode: it.live ? 'live' : 'paper', port: 4100 + index });
          const told = [
            box.read(instance?.file ?? ''),
            ...box.notes.filter((line) => line.includes(`gw${index} (`)),
          ].join('\n');
          for (const name of [...it.variables, ...it.volumes, ...it.networks]) {
            expect(told).toContain(name);
          }
          expect(told).toContain(it.screen ? 'vnc' : 'user');
        }
        for (const index of others) expect(box.notes.join('\n')).toContain(`  other${index}: `);
        // A password goes nowhere but into a secret.
        const written = config.instances.map(({ file }) => box.read(file)).join('');
        expect(written + box.notes.join('')).not.toMatch(/geheim|secret12/);
      },
    ),
    { numRuns: 60 },
  );
});
