/** The simulated gateways of the bench: configured for ibq, for systemd by hand, for podman-compose. */

import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { run } from './timing.mjs';

const FIRST_PORT = 4001;
const STATIC_UNITS = ['ib-gateways.target', 'ib-gateways.slice', 'ibq-host-rules.service'];
const UNITS = '/etc/systemd/system';
const QUADLET_LINK = '/etc/containers/systemd/ibq';
const WANTED = `${UNITS}/multi-user.target.wants/ib-gateways.target`;
/** What ibq generated, set aside to be put in place by hand. */
const KEPT = '/opt/bench/kept';
const COMPOSE_FILE = '/opt/bench/compose.yaml';

export const compose = ['podman-compose', '-p', 'bench', '-f', COMPOSE_FILE];

/** Ports of the first `count` gateways; each port is the instance's name too. */
export function portsOf(count) {
  return Array.from({ length: count }, (_, index) => FIRST_PORT + index);
}

export function services(count) {
  return portsOf(count).map((port) => `ib-gateway@${port}.service`);
}

/** Writes the configuration of `count` simulated gateways, with their secrets. */
export async function configure(count) {
  await run(['ibq', 'init', '--force']);
  writeFileSync(
    '/etc/ibq/ibq.toml',
    `[image]
profile = "simulator"
[network]
allow = ["10.0.0.7"]
[defaults]
mode = "paper"
user = "bench"
java_heap = 256
environment = { SIMULATOR_LOGIN_SECONDS = "0.2" }
`,
  );
  rmSync('/etc/ibq/instances', { recursive: true, force: true });
  mkdirSync('/etc/ibq/instances');
  for (const port of portsOf(count)) {
    writeFileSync(`/etc/ibq/instances/${port}.toml`, '');
    const create = ['podman', 'secret', 'create', '--replace', `ibq-${port}-password`, '-'];
    await run(['sh', '-c', 'cat | "$@"', 'sh', ...create], { input: 'any' });
  }
}

/** Back to a host where nothing was ever deployed; images, secrets and the configuration stay. */
export async function clear() {
  const units = ['ib-gateway@*.service', 'ibq-*-network.service'];
  await run(['systemctl', 'stop', ...units, 'ib-gateways.target', 'ibq-host-rules.service'], {
    ok: [0, 5],
  });
  await run(['podman', 'rm', '--all', '--force', '--time', '0']);
  await run(['podman', 'network', 'prune', '--force']);
  await run(['podman', 'volume', 'prune', '--all', '--force'], { ok: [0, 125] });
  rmSync(WANTED, { force: true });
  for (const name of STATIC_UNITS) rmSync(`${UNITS}/${name}`, { force: true });
  for (const path of [QUADLET_LINK, '/etc/ibq/current', '/etc/ibq/generations', '/run/ibq']) {
    rmSync(path, { recursive: true, force: true });
  }
  await run([
    'sh',
    '-c',
    'nft list tables | grep ibq | while read -r line; do nft delete $line; done',
  ]);
  await run(['systemctl', 'daemon-reload']);
  await run(['systemctl', 'reset-failed']);
  await sleep(200);
}

/** Sets what ibq deployed aside. */
export function keepUnits() {
  rmSync(KEPT, { recursive: true, force: true });
  cpSync('/etc/ibq/generations', `${KEPT}/generations`, {
    recursive: true,
    verbatimSymlinks: true,
  });
  for (const name of STATIC_UNITS) cpSync(`${UNITS}/${name}`, `${KEPT}/${name}`);
}

/** Puts them in place as a person would: the same units, rules, links. systemd is told later. */
export function placeUnitsByHand() {
  cpSync(`${KEPT}/generations`, '/etc/ibq/generations', {
    recursive: true,
    verbatimSymlinks: true,
  });
  const [generation] = readdirSync('/etc/ibq/generations').filter((name) => /^\d+$/.test(name));
  symlinkSync(`generations/${generation}`, '/etc/ibq/current');
  mkdirSync('/etc/containers/systemd', { recursive: true });
  symlinkSync('/etc/ibq/current/units', QUADLET_LINK);
  for (const name of STATIC_UNITS) cpSync(`${KEPT}/${name}`, `${UNITS}/${name}`);
  mkdirSync(`${UNITS}/multi-user.target.wants`, { recursive: true });
  symlinkSync(`${UNITS}/ib-gateways.target`, WANTED);
}

/**
 * The same gateways for podman-compose: image, environment, ports, both networks with the same
 * addresses, volumes, secrets, dropped rights. There is no guard in it: compose has no place for one.
 */
export function writeComposeFile(count) {
  const current = '/etc/ibq/current/units';
  const files = readdirSync(current);
  const network = (kind) => {
    const file = files.find((name) => name.startsWith(`ibq-${kind}-`));
    if (file === undefined || !existsSync(`${current}/${file}`))
      throw new Error(`no ${kind} network`);
    const text = readFileSync(`${current}/${file}`, 'utf8');
    return (key) => new RegExp(`^${key}=(.*)$`, 'm').exec(text)?.[1] ?? '';
  };
  const lan = network('lan');
  const publish = network('publish');
  const text = JSON.stringify(
    {
      services: Object.fromEntries(
        portsOf(count).map((port) => [`gateway-${port}`, composeService(current, port)]),
      ),
      networks: {
        publish: { driver: 'bridge', ipam: { config: [{ subnet: publish('Subnet') }] } },
        lan: {
          driver: 'macvlan',
          driver_opts: { parent: lan('Options=parent') },
          ipam: { config: [{ subnet: lan('Subnet'), gateway: lan('Gateway') }] },
        },
      },
      volumes: Object.fromEntries(portsOf(count).map((port) => [`settings-${port}`, {}])),
      secrets: Object.fromEntries(
        portsOf(count).map((port) => [`ibq-${port}-password`, { external: true }]),
      ),
    },
    null,
    2,
  );
  // JSON is YAML.
  writeFileSync(COMPOSE_FILE, text);
}

function composeService(current, port) {
  const unit = readFileSync(`${current}/ib-gateway@${port}.container.d/10-ibq.conf`, 'utf8');
  const all = (key) =>
    [...unit.matchAll(new RegExp(`^${key}=(.*)$`, 'gm'))].map(([, value]) => value);
  const address = all('Network')
    .join(' ')
    .match(/ip=([\d.]+)/)?.[1];
  const [published] = all('PublishPort');
  return {
    image: 'localhost/ibq-simulator:latest',
    environment: all('Environment')
      .filter((text) => !text.startsWith('IBQ_'))
      .map((text) => text.replace('secrets/password', `secrets/ibq-${port}-password`)),
    ports: [published],
    networks: { publish: {}, lan: { ipv4_address: address } },
    volumes: [`settings-${port}:/home/ibgateway/tws_settings`],
    // It knows no other file name for a secret than the secret's own.
    secrets: [{ source: `ibq-${port}-password`, uid: '1000', gid: '1000', mode: '0400' }],
    ulimits: { nofile: 10000 },
    cap_drop: ['ALL'],
    security_opt: ['no-new-privileges'],
    sysctls: { 'net.ipv6.conf.all.disable_ipv6': '1' },
    stop_grace_period: '90s',
  };
}
