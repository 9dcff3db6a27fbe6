/** `ibq import compose` */

import { statSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { stringify } from 'yaml';
import { type ImportComposeOptions, importCompose } from '../../src/commands/import-compose.ts';
import { loadHostConfig } from '../../src/host/config-files.ts';
import { misfits } from '../schema/validate.ts';
import { type Sandbox, sandbox } from '../support/sandbox.ts';

// The lock takes a process each time: where hundreds of files are imported, each in a tree of its own, it is left out.
const lock = vi.hoisted(() => ({ isLeftOut: false }));
vi.mock('../../src/host/lock.ts', async (importOriginal) => {
  const { withLock } = await importOriginal<typeof import('../../src/host/lock.ts')>();
  const mocked: typeof withLock = (host, command, action) =>
    lock.isLeftOut ? action() : withLock(host, command, action);
  return { withLock: mocked };
});

const FILE = '/srv/ib/docker-compose.yml';
const PAPER = `services:
  gw:
    image: ghcr.io/gnzsnz/ib-gateway:stable
    environment: { TWS_USERID: "\${WHO}", TWS_PASSWORD: "\${PASS}", READ_ONLY_API: "no" }
    ports: ["127.0.0.1:4002:4004"]
  db: { image: "postgres:16" }
volumes: { data: }
`;
const TREE = { [FILE]: PAPER, '/srv/ib/.env': 'WHO=me\nPASS=geheim\n' };
const OPTIONS = { dryRun: false, json: false };

/** What a file becomes: the texts of all instances, what was said, and the values of secrets, which only keys show. */
async function run(
  compose: string | Record<string, string>,
  options: Partial<ImportComposeOptions> = {},
  given: string | string[] = FILE,
) {
  const box = sandbox(typeof compose === 'string' ? { [FILE]: compose } : compose);
  const rc = await importCompose(box.context, given, { ...OPTIONS, ...options });
  return { ...box, rc, said: box.notes.join('\n'), files: instancesOf(box) };
}

function instancesOf({ context, read }: Sandbox): Record<string, string> {
  const names = context.host.files.list('/etc/ibq/instances');
  return Object.fromEntries(names.map((name) => [name, read(`/etc/ibq/instances/${name}`) ?? '']));
}

/** Why it was refused; that nothing was written is looked at. */
async function refused(
  compose: string | Record<string, string>,
  options: Partial<ImportComposeOptions> = {},
): Promise<string> {
  const box = sandbox(typeof compose === 'string' ? { [FILE]: compose } : compose);
  const before = instancesOf(box);
  const main = box.read('/etc/ibq/ibq.toml');
  const outcome = importCompose(box.context, FILE, { ...OPTIONS, ...options });
  const error = await outcome.then(
    () => null,
    (it: unknown) => it,
  );
  if (!(error instanceof Error))
    throw new Error(`was imported: ${JSON.stringify(instancesOf(box))}`);
  expect(instancesOf(box)).toEqual(before);
  expect(box.read('/etc/ibq/ibq.toml')).toBe(main);
  return error.message;
}

/** A service of gnzsnz's, with more lines. */
const gw = (more = '', environment = 'TWS_USERID: me') =>
  `services:\n  gw:\n    image: ghcr.io/gnzsnz/ib-gateway:stable\n    environment: { ${environment} }\n${more.replace(/^(?=.)/gm, '    ')}\n`;
const PORT = 'ports: ["127.0.0.1:4002:4004"]\n';

describe('a file of one gateway', () => {
  test('becomes an instance, named by its port', async () => {
    const { context, read, notes, root } = sandbox(TREE);
    expect(await importCompose(context, FILE, OPTIONS)).toBe(0);
    expect(read('/etc/ibq/instances/4002.toml')?.split('\n').slice(1)).toEqual([
      'mode = "paper"',
      'user = "me"',
      'read_only_api = false',
      '',
      '[image]',
      'profile = "gnzsnz"',
      'reference = "ghcr.io/gnzsnz/ib-gateway:stable"',
      '',
    ]);
    expect(statSync(join(root, '/etc/ibq/instances/4002.toml')).mode & 0o777).toBe(0o640);
    expect(notes).toEqual([
      'wrote /etc/ibq/instances/4002.toml',
      'not carried over, or to be looked at:',
      '  db: postgres:16 is no gateway that ibq knows; if it is one: --service db --profile custom (docs/images/custom.md)',
      expect.stringMatching(
        /^ {2}programs that found the gateway as "gw": on this host it is at 127\.0\.0\.1:4002, in a joined network of Podman it is ib-gateway-4002/,
      ),
      'next:',
      '  sudo ibq secret set 4002 password',
      '  end the old containers (two logins of one user end each other), then: sudo ibq deploy',
    ]);
    expect(read('/etc/ibq/ibq.toml')).toBeNull();
  });

  test('a dry run shows it and writes nothing; no password is shown', async () => {
    const { context, read, notes, out } = sandbox(TREE);
    await importCompose(context, FILE, { ...OPTIONS, dryRun: true });
    expect(out.join('\n')).toContain('# /etc/ibq/instances/4002.toml\n');
    expect([...out, ...notes].join('\n')).not.toContain('geheim');
    expect(read('/etc/ibq/instances/4002.toml')).toBeNull();
  });

  test('as JSON, with the names of the secrets alone', async () => {
    const { context, json } = sandbox(TREE);
    await importCompose(context, FILE, { ...OPTIONS, json: true });
    expect(misfits('import-compose', { schemaVersion: 1, ...json[0] })).toEqual([]);
    expect(json[0]).toMatchObject({
      instances: [{ name: '4002', service: 'gw', profile: 'gnzsnz', secrets: ['password'] }],
      others: [{ service: 'db' }],
      written: true,
    });
    expect(JSON.stringify(json)).not.toContain('geheim');
  });

  test('a name that is taken gives way to the service’s', async () => {
    const { files } = await run({
      ...TREE,
      '/etc/ibq/instances/4002.toml': 'port = 5002\nuser = "x"\n',
    });
    expect(files['gw.toml']).toContain('port = 4002\n');
  });
});

describe('network_mode host', () => {
  const text = PAPER.replace('    ports: ["127.0.0.1:4002:4004"]', '    network_mode: host');

  test('is the host’s affair: ibq.toml is written where there is none', async () => {
    const { read, said } = await run({ ...TREE, [FILE]: text });
    expect(read('/etc/ibq/ibq.toml')).toContain('mode = "host"');
    expect(said).toContain(
      'gw (4002): network_mode host: the API was open on every address of the host',
    );
  });

  test('is told where there is one', async () => {
    const { read, notes } = await run({ ...TREE, [FILE]: text, '/etc/ibq/ibq.toml': '# mine\n' });
    expect(read('/etc/ibq/ibq.toml')).toBe('# mine\n');
    expect(notes).toContain('  network_mode host: set network.mode = "host" in /etc/ibq/ibq.toml');
  });
});

describe('is refused, and nothing written', () => {
  test.each<[string, Record<string, string>, Partial<ImportComposeOptions>, string]>([
    ['no file', {}, {}, '/srv/ib/docker-compose.yml: should be a Compose file, is not there'],
    ['not YAML', { [FILE]: 'a: [' }, {}, '/srv/ib/docker-compose.yml: should be YAML: '],
    [
      'no gateway',
      { [FILE]: 'services: { db: { image: postgres } }' },
      {},
      'has no gateway that ibq knows (services: db)',
    ],
    ['another service', TREE, { service: 'web' }, 'has no service "web" (services: gw, db)'],
    ['another profile', TREE, { profile: 'mine' }, '--profile: should be one of gnzsnz, '],
    ['no such variables', TREE, { variables: '/none' }, '/none: should be a file of variables'],
    [
      'a port that another instance has',
      { ...TREE, '/etc/ibq/instances/own.toml': 'port = 4002\nuser = "x"\n' },
      {},
      'services.gw.ports: port 4002 is that of instance own already',
    ],
    [
      'a directory without a Compose file',
      { '/srv/ib/docker-compose.yml/x': '' },
      {},
      '/srv/ib/docker-compose.yml: should hold a Compose file (compose.yaml, compose.yml, ',
    ],
    [
      'a tag without a value',
      { [FILE]: `services: { gw: { image: "ghcr.io/gnzsnz/ib-gateway:\${TAG}" } }` },
      {},
      'services.gw.image: ghcr.io/gnzsnz/ib-gateway: should have a tag behind its ":"',
    ],
    [
      'today’s image of DankLab on a bridge',
      {
        [FILE]:
          'services: { gw: { image: danklabs/ib-gateway, environment: { IB_USER: me, VNC_PORT: 5900 } } }',
      },
      {},
      'services.gw: image.profile: images of profile danklabs-host need network.mode = "host", got "bridge"',
    ],
    ['no network', { [FILE]: gw('network_mode: none') }, {}, 'a gateway needs a network to log in'],
    [
      'a broken line of .env',
      { [FILE]: gw(), '/srv/ib/.env': 'A=1\nB="geheim' },
      {},
      '/srv/ib/docker-compose.yml: .env: line 2: should end with ", as it begins; nothing was written',
    ],
  ])('%s', async (_title, files, options, message) => {
    expect(await refused(files, options)).toContain(message);
  });

  test('foreign text is printed without what a terminal acts on', async () => {
    const message = await refused({ [FILE]: 'services: { "a\\e[2Jb": { image: "x\\e]0;y\\a" } }' });
    expect(message).toContain('a\\u{1b}[2Jb');
    expect(message.replaceAll('\n', '')).not.toMatch(/\p{Cc}/u);
    const { notes } = await run({
      [FILE]: `${gw(PORT)}  "x\\e[2J": { image: y }\n`,
    });
    expect(notes.join('')).not.toMatch(/\p{Cc}/u);
  });
});

describe('an image is known by its name', () => {
  const OWN =
    'services: { gw: { build: ./my-gateway, environment: { TWS_USERID: me }, ports: ["127.0.0.1:4002:4004"] } }';

  test('a build is never somebody else’s image', async () => {
    expect(await refused(OWN)).toContain(
      'gw: builds its own image (/srv/ib/my-gateway), and has the variable TWS_USERID of profile gnzsnz; if it is such an image: --service gw --profile gnzsnz',
    );
    const { files, said } = await run(OWN, { service: 'gw', profile: 'gnzsnz' });
    expect(files['4002.toml']).toContain('reference = "localhost/ib-gw:latest"');
    expect(said).toContain('sudo podman build -t localhost/ib-gw:latest /srv/ib/my-gateway');
  });

  test.each([
    'services: { gw: { build: ., environment: { IB_ACCOUNT: me, IB_PASSWORD: pw }, ports: ["4002:4002"] } }',
    'services: { gw: { image: "ghcr.io/unusualalpha/ib-gateway:latest", environment: { TWS_USERID: me, TRADING_MODE: live }, ports: ["4001:4001"] } }',
    'services: { gw: { image: heshiming/ibga, environment: { IB_PASSWORD: p, IB_LOGINTYPE: Live Trading } } }',
    'services: { gw: { image: "rylorin/ib-gateway-docker:0.6", environment: { IB_PASSWORD: p } } }',
    'services: { gw: { image: "ghcr.io/gnzsnz/tws-webtop:stable", environment: { TWS_USERID: me, PASSWD: x } } }',
  ])('%s is asked for', async (text) => {
    expect(await refused(text)).toMatch(/--service gw --profile (?:custom|gnzsnz|danklabs)/);
  });

  test('a bot that has the user’s name is no gateway', async () => {
    const { files, said } = await run(`services:
  strategy: { image: "example/strategy:1", environment: { TWS_USERID: me, TRADING_MODE: live }, ports: ["8000:8000"] }
  gw: { image: "ghcr.io/gnzsnz/ib-gateway:stable", environment: { TWS_USERID: me, TRADING_MODE: live }, ports: ["127.0.0.1:7001:4003"] }
`);
    expect(Object.keys(files)).toEqual(['7001.toml']);
    expect(said).toContain(
      'strategy: example/strategy:1 is no gateway that ibq knows, and has the variable TWS_USERID',
    );
  });

  test('--service of what ibq does not know says the way on; --profile without it is for one alone', async () => {
    const text =
      'services: { gw: { image: "ghcr.io/extrange/ibkr:stable" }, db: { image: "postgres:7" } }';
    expect(await refused(text, { service: 'gw' })).toContain(
      'gw: ghcr.io/extrange/ibkr:stable is extrange/ibkr, a gateway that ibq has no profile for; --service gw --profile custom drafts it (docs/images/custom.md)',
    );
    const { files } = await run(text, { profile: 'custom' });
    expect(Object.keys(files)).toEqual(['4004.toml']);
    const two = 'services: { a: { image: "x/a" }, db: { image: "postgres:7" } }';
    expect(await refused(two, { profile: 'gnzsnz' })).toContain(
      'name the service that it is for with --service (a, db)',
    );
  });

  test('a helper of the same image is no gateway', async () => {
    const { files, said } = await run(`services:
  fix-perms: { image: "ghcr.io/gnzsnz/ib-gateway:stable", user: root, entrypoint: ["chown", "1000", "/s"], restart: "no" }
  gw: { image: "ghcr.io/gnzsnz/ib-gateway:stable", environment: { TWS_USERID: me } }
`);
    expect(Object.keys(files)).toEqual(['4002.toml']);
    expect(said).toContain(
      'fix-perms: has its own entrypoint and no user: it is a helper, and no gateway',
    );
  });
});

describe('profile custom drafts any other gateway', () => {
  test('extrange/ibkr', async () => {
    const { files, said } = await run(
      'services: { gw: { image: "ghcr.io/extrange/ibkr:stable", environment: { USERNAME: me, PASSWORD: geheim, IBC_TradingMode: live, IBC_ReadOnlyApi: "no", TWS_SETTINGS_PATH: /settings, TOTP: JBSWY3DPEHPK3PXP }, ports: ["127.0.0.1:8888:8888", "6080:6080"], devices: ["/dev/dri/card0"], tmpfs: /run, user: "1000", command: [a, "b c"] } }',
      { service: 'gw', profile: 'custom' },
    );
    expect(files['8888.toml']?.split('\n').slice(1)).toEqual([
      'mode = "live"',
      'user = "me"',
      'read_only_api = false',
      'environment = { TWS_SETTINGS_PATH = "/settings" }',
      'secrets = { TOTP = "totp" }',
      '',
      '[custom]',
      'live_port = 8888',
      'paper_port = 8888',
      'settings_path = "/settings"',
      'user = "1000"',
      'command = ["a", "b c"]',
      'tmpfs = ["/run"]',
      'devices = ["/dev/dri/card0"]',
      'variables = { mode = "IBC_TradingMode", user = "USERNAME", password = "PASSWORD", read_only_api = "IBC_ReadOnlyApi" }',
      '',
      '[image]',
      'profile = "custom"',
      'reference = "ghcr.io/extrange/ibkr:stable"',
      '',
    ]);
    expect(said).toContain('port 6080:6080: is neither the API nor VNC of the image');
  });

  test.each<[string, string, string[]]>([
    [
      'UnusualAlpha',
      '{ image: "ghcr.io/unusualalpha/ib-gateway:1", environment: { TWS_USERID: me, TWS_PASSWORD: x, TRADING_MODE: live, VNC_SERVER_PASSWORD: abc }, ports: ["127.0.0.1:4001:4001", "127.0.0.1:4002:4002", "127.0.0.1:5900:5900"] }',
      [
        'mode = "live"',
        'live_port = 4001',
        'vnc_port = 5900',
        'port = 5900',
        'password = "TWS_PASSWORD"',
        'vnc_password = "VNC_SERVER_PASSWORD"',
      ],
    ],
    [
      'manhinhang',
      '{ image: "manhinhang/ib-gateway-docker", environment: { IB_ACCOUNT: me, IB_PASSWORD: pw, TRADING_MODE: paper }, ports: ["4002:4002"] }',
      ['user = "me"', 'paper_port = 4002', 'user = "IB_ACCOUNT"', 'password = "IB_PASSWORD"'],
    ],
    [
      'ibga',
      '{ image: heshiming/ibga, environment: { IB_USERNAME: me, IB_PASSWORD: pw, IB_LOGINTYPE: Live Trading, TOTP_KEY: x }, ports: ["4000:4000"] }',
      [
        'live_port = 4000',
        'environment = { IB_LOGINTYPE = "Live Trading" }',
        'secrets = { TOTP_KEY = "totp_key" }',
      ],
    ],
    [
      'a build',
      '{ build: ., environment: { TWS_USERID: me, TWS_PASSWORD_FILE: /run/secrets/p }, ports: ["4001:4003"] }',
      [
        'reference = "localhost/ib-gw:latest"',
        'password_as = "file"',
        'password = "TWS_PASSWORD_FILE"',
      ],
    ],
  ])('%s', async (_title, service, lines) => {
    const { files, said } = await run(`services: { gw: ${service} }`, {
      profile: 'custom',
      service: 'gw',
    });
    const [text = ''] = Object.values(files);
    for (const line of lines) expect(text).toContain(line);
    expect(text + said).not.toContain('pw"');
  });
});

describe('one value that can’t be had beside others is listed, and the rest imported', () => {
  test.each<[string, string, string]>([
    [
      '',
      'TWS_USERID: me, TRADING_MODE: paper, TWS_USERID_PAPER: x',
      'TWS_USERID_PAPER: paper_user has no effect in mode "paper"',
    ],
    [
      '',
      'TWS_USERID: me, TRADING_MODE: live, TWS_USERID_PAPER: x',
      'TWS_USERID_PAPER: paper_user has no effect in mode "live"',
    ],
    [
      '',
      'TWS_USERID: me, JAVA_OPTS: "-Dx=y"',
      'JAVA_OPTS: java_options has no effect on images of profile gnzsnz',
    ],
    ['read_only: true', 'TWS_USERID: me', 'read_only: read_only should be false'],
    [
      '',
      'TWS_USERID: me, SSH_TUNNEL: "yes"',
      'SSH_TUNNEL: ssh.mode should name the machine that gets the API',
    ],
    ['', 'TWS_USERID: me, my.prop: x', 'my.prop: should be a name of letters, digits and "_"'],
    ['volumes: ["./a b:/data"]', 'TWS_USERID: me', 'volume /srv/ib/a b:/data: is not there'],
    [
      'volumes: ["My Vol:/d"]',
      'TWS_USERID: me',
      'volume My Vol:/d: should be a path or the name of a volume',
    ],
    [
      'extra_hosts: { "bad host": 1.2.3.4 }',
      'TWS_USERID: me',
      'extra_hosts bad host:1.2.3.4: should be a host name',
    ],
    [
      'extra_hosts: ["me:host-gateway", "db:10.0.0.2"]',
      'TWS_USERID: me',
      'extra_hosts me:host-gateway: should be an IPv4 address',
    ],
    ['networks: ["back.end"]', 'TWS_USERID: me', 'network back.end: is not joined'],
    ['dns: ["10.0.0.1", "::1"]', 'TWS_USERID: me', 'dns ::1: dns should be an IPv4 address'],
    [
      'volumes: ["a:/a", "b:/a/"]',
      'TWS_USERID: me',
      'volume b:/a/: volumes should have a path of its own',
    ],
    [
      'volumes: ["./secrets:/run/secrets:ro"]',
      'TWS_USERID: me',
      "volume /srv/ib/secrets:/run/secrets:ro: secrets are Podman's",
    ],
    [
      'volumes: ["ib_data:/home/ibgateway"]',
      'TWS_USERID: me',
      'volume ib_data:/home/ibgateway: volumes should have another path: /home/ibgateway would hide',
    ],
    [
      'volumes: ["/:/host"]',
      'TWS_USERID: me',
      'volume /:/host: would hand the gateway all of the host',
    ],
    [
      'volumes: ["/etc/shadow:/x"]',
      'TWS_USERID: me',
      'volume /etc/shadow:/x: would hand the gateway settings of the host',
    ],
    [
      'volumes: ["/var/lib/containers/storage:/x"]',
      'TWS_USERID: me',
      'would hand the gateway the store of all containers',
    ],
    [
      'volumes: ["/var/run/docker.sock:/var/run/docker.sock"]',
      'TWS_USERID: me',
      'would hand the gateway the control of the host',
    ],
    [
      'volumes: ["./config.ini:/home/ibgateway/ibc/config.ini"]',
      'TWS_USERID: me',
      'lies there without CUSTOM_CONFIG=yes',
    ],
    ['ports: ["4002:4004/udp"]', 'TWS_USERID: me', 'ports: 4002:4004/udp: is not TCP'],
    [
      'deploy: { replicas: 2, resources: { limits: { memory: 2g, pids: 5 } } }',
      'TWS_USERID: me',
      'deploy.replicas: has no counterpart',
    ],
    [
      'deploy: { resources: { limits: { memory: 2g, pids: 5 } } }',
      'TWS_USERID: me',
      'deploy.resources.limits.pids: has no counterpart',
    ],
    [
      'mem_limit: 2g\ndeploy: { resources: { limits: { memory: 1g } } }',
      'TWS_USERID: me',
      'mem_limit: is not that of deploy.resources.limits.memory, which was taken',
    ],
    [
      'restart: "no"',
      'TWS_USERID: me',
      'restart: no: is restart = "no": started again after no end of its own',
    ],
    ['profiles: [live]', 'TWS_USERID: me', 'profiles: an instance starts with the host'],
    [
      'cap_add: [NET_ADMIN]',
      'TWS_USERID: me',
      'cap_add: known images get the capabilities that they need',
    ],
  ])('%s {%s}: %s', async (more, environment, listed) => {
    const { files, said, context } = await run(gw(more, environment));
    expect(Object.keys(files)).toHaveLength(1);
    expect(said).toContain(listed);
    expect(() => loadHostConfig(context.host.files, '/etc/ibq/ibq.toml', {})).not.toThrow();
  });

  test('the settings of TWS are settings', async () => {
    const { files, said } = await run(
      'services: { tws: { image: "ghcr.io/gnzsnz/tws-rdesktop:stable", environment: { TWS_USERID: me, PASSWD: rdp }, ports: ["127.0.0.1:7497:7499"], volumes: ["./config:/config"] } }',
    );
    expect(files['7497.toml']).not.toContain('volumes');
    expect(said).toContain('copy /srv/ib/config into its directory ibq');
  });

  test('today’s image of DankLab, as its documents have it, has the image’s own port', async () => {
    const { files } = await run(
      'services: { gw: { image: danklabs/ib-gateway, network_mode: host, environment: { IB_USER: me, TRADING_MODE: live, VNC_PORT: 5900, VNC_PWD: abc } } }',
    );
    expect(files['4001.toml']).toContain('profile = "danklabs-host"');
  });

  test('a file of the user’s name makes it a secret', async () => {
    const { files, said } = await run(
      'services: { gw: { image: danklabs/ib-gateway, network_mode: host, environment: { IB_USER_FILE: /run/secrets/u, OVERRIDE_TWS_API_PORT: 4011 } } }',
    );
    expect(files['4011.toml']).toContain('user_secret = true');
    expect(said).toContain(
      'IB_USER_FILE=/run/secrets/u: is a file in the container; sudo ibq secret set 4011 user --file FILE',
    );
  });

  test('mode both beside a config.ini of one’s own is refused by the name of the volume', async () => {
    const files = {
      [FILE]: gw(
        'volumes: ["./config.ini:/home/ibgateway/ibc/config.ini"]',
        'TRADING_MODE: both, CUSTOM_CONFIG: "yes", TWS_USERID: me',
      ),
      '/srv/ib/config.ini': 'IbLoginId=me\n',
    };
    expect(await refused(files)).toContain(
      'services.gw: volume /srv/ib/config.ini:/home/ibgateway/ibc/config.ini: should be left out in mode "both"',
    );
  });

  test('a password that nothing reads is told', async () => {
    const { said, files } = await run({
      [FILE]: gw(
        'volumes: ["./config.ini:/home/ibgateway/ibc/config.ini"]',
        'CUSTOM_CONFIG: "yes", TWS_USERID: me, TWS_PASSWORD: geheim',
      ),
      '/srv/ib/config.ini': 'IbLoginId=me\n',
    });
    expect(files['4002.toml']).toContain('ibc = "/srv/ib/config.ini"');
    expect(said).toContain('TWS_PASSWORD: nothing reads the password as it is configured now');
  });
});

describe('other services never stop a gateway', () => {
  test.each([
    `db: { image: postgres, environment: { POSTGRES_PASSWORD: "\${DB_PASSWORD:?set it}" } }`,
    'bot: { image: example/bot, env_file: bot.env }',
    `web: { image: web, ports: ["\${WEB_PORT}:80"] }`,
    'web: { image: web, ports: ["::1:8080:80"] }',
    'web: { image: web, environment: [{ A: { B: 1 } }] }',
    `web: { image: web, environment: { A: "\${ANTHROPIC_API_KEY}" } }`,
    'web: { build: ., volumes: [{ type: tmpfs }] }',
  ])('%s', async (other) => {
    const { files, said } = await run(`${gw(PORT)}  ${other}\n`);
    expect(Object.keys(files)).toEqual(['4002.toml']);
    expect(said).not.toContain('ANTHROPIC_API_KEY');
  });

  test('a variable that the gateway itself demands does', async () => {
    expect(await refused(gw('', `TWS_USERID: "\${WHO:?name it}"`))).toBe(
      '/srv/ib/docker-compose.yml: services.gw.environment.TWS_USERID: variable WHO should be set: name it\nnothing was written',
    );
  });
});

describe('secrets never stand in a file', () => {
  const BOT =
    'TWS_USERID=me\nBOT_API_KEY=k-secret\nDB_PASS=p-secret\nDB_PWD=w-secret\nDATABASE_URL=postgres://u:dbsecret@db/x\nPIN=1234\nSLACK_WEBHOOK=https://hooks.example/secret\nVNC_PASS=vsecret\nIBKR_CREDENTIALS=u:secret\nPRIVATE_KEY=pk-secret\nBOT_MODE=fast\n';

  test('what an env_file has for other programs stays there', async () => {
    const { files, said } = await run({
      [FILE]: gw(`env_file: .env\n${PORT}`, ''),
      '/srv/ib/.env': BOT,
    });
    const text = files['4002.toml'] ?? '';
    expect(text).toContain('user = "me"');
    expect(text).not.toMatch(/secret|1234|fast/);
    for (const name of ['BOT_API_KEY', 'PIN', 'SLACK_WEBHOOK', 'BOT_MODE']) {
      expect(said).toContain(`${name}: stands in an env_file, and the image does not know it`);
    }
    expect(said).not.toMatch(/k-secret|dbsecret|hooks\.example/);
  });

  test('in environment they become secrets of one’s own', async () => {
    const { files, notes } = await run(
      gw(
        PORT,
        'TWS_USERID: me, TWS_PASSWORD: geheim, DB_PASS: p1, COPY: geheim, NOTIFY: "https://u:x1@h/", LANG: C',
      ),
    );
    const text = files['4002.toml'] ?? '';
    expect(text).toContain('environment = { LANG = "C" }');
    expect(text).toContain('secrets = { DB_PASS = "db_pass", COPY = "copy", NOTIFY = "notify" }');
    expect(text + notes.join('')).not.toMatch(/geheim|p1|x1@/);
    expect(notes).toContain('  sudo ibq secret set 4002 db_pass');
  });

  test('those of Compose are read from their files, mounted ones too', async () => {
    const secret = (environment: string, more: string) =>
      `${gw(`${PORT}${more}`, environment)}secrets: { tws: { file: ./secrets/tws.txt } }\n`;
    for (const text of [
      secret('TWS_USERID: me, TWS_PASSWORD_FILE: /run/secrets/tws', 'secrets: [tws]\n'),
      secret(
        'TWS_USERID: me, TWS_PASSWORD_FILE: /run/secrets/x',
        'secrets: [{ source: tws, target: x }]\n',
      ),
      secret(
        'TWS_USERID: me, TWS_PASSWORD_FILE: /run/secrets/tws.txt',
        'volumes: ["./secrets:/run/secrets:ro"]\n',
      ),
    ]) {
      const box = sandbox({ [FILE]: text, '/srv/ib/secrets/tws.txt': 'geheim\n' });
      await importCompose(box.context, FILE, { ...OPTIONS, json: true });
      expect(box.json[0]).toMatchObject({ instances: [{ secrets: ['password'], left: [] }] });
      expect(JSON.stringify(box.json)).not.toContain('geheim');
    }
    const { said } = await run(
      secret('TWS_USERID: me, TWS_PASSWORD_FILE: /run/secrets/tws', 'secrets: [tws]\n'),
    );
    expect(said).toContain('sudo ibq secret set 4002 password --file /srv/ib/secrets/tws.txt');
  });

  test('one that nobody has a value of here is told of by its variable alone', async () => {
    const { said } = await run(
      `${gw(`${PORT}secrets: [{ source: tws, target: /run/secrets/x }]\n`, 'TWS_USERID: me, TWS_PASSWORD_FILE: /run/secrets/x')}secrets: { tws: { environment: NOT_SET } }\n`,
    );
    expect(said).toContain('TWS_PASSWORD_FILE=/run/secrets/x: is a file in the container');
    expect(said).not.toContain('no variable of the image names it');
  });

  test('a seed in a file becomes one too', async () => {
    const { files } = await run({
      [FILE]: `${gw(`${PORT}secrets: [seed]\n`, 'TWS_USERID: me, TWOFACTOR_CODE_FILE: /run/secrets/seed')}secrets: { seed: { file: ./seed } }\n`,
      '/srv/ib/seed': 'JBSWY3DPEHPK3PXP\n',
    });
    expect(files['4002.toml']).toContain('secrets = { TWOFACTOR_CODE_FILE = "twofactor_code" }');
  });

  test('configs with the gateway’s own files are custom_config', async () => {
    const { files } = await run({
      [FILE]: `${gw(`${PORT}configs: [{ source: jts, target: /home/ibgateway/Jts/jts.ini }]\n`)}configs: { jts: { file: ./jts.ini } }\n`,
      '/srv/ib/jts.ini': '[Logon]\n',
    });
    expect(files['4002.toml']).toContain('jts = "/srv/ib/jts.ini"');
  });
});

describe('networks', () => {
  const LAN = `services:
  gw:
    image: ghcr.io/gnzsnz/ib-gateway:stable
    environment: { TWS_USERID: me }
    networks: { lan: { ipv4_address: 192.168.1.77 } }
networks:
  lan: { driver: macvlan, driver_opts: { parent: eth0 }, ipam: { config: [{ subnet: 192.168.1.0/24, gateway: 192.168.1.254 }] } }
`;

  test('an address on a macvlan is one of ibq’s own', async () => {
    const { files, read, said, context } = await run(LAN);
    expect(files['4002.toml']).toContain('address = "192.168.1.77"');
    expect(read('/etc/ibq/ibq.toml')?.split('\n').slice(1, 7)).toEqual([
      '[network]',
      'mode = "lan"',
      'interface = "eth0"',
      'subnet = "192.168.1.0/24"',
      'gateway = "192.168.1.254"',
      'range = "192.168.1.64/28"',
    ]);
    expect(said).toContain('network.allow in /etc/ibq/ibq.toml names nobody yet');
    expect(loadHostConfig(context.host.files, '/etc/ibq/ibq.toml', {}).config.network.mode).toBe(
      'lan',
    );
  });

  test('an ibq.toml that is there is told what it needs', async () => {
    const { files, read, said } = await run({ [FILE]: LAN, '/etc/ibq/ibq.toml': '# mine\n' });
    expect(read('/etc/ibq/ibq.toml')).toBe('# mine\n');
    expect(files['4002.toml']).not.toContain('address');
    expect(said).toContain(
      'for addresses on the LAN /etc/ibq/ibq.toml needs: [network]; mode = "lan"; interface = "eth0"',
    );
    expect(said).toContain(
      'ipv4_address 192.168.1.77: address should be left out in mode "bridge"',
    );
  });

  test('another container’s network is network.via, or nothing', async () => {
    const text = gw('network_mode: "service:gluetun"');
    expect(await refused(text)).toContain('write /etc/containers/systemd/gluetun.container');
    const { files } = await run({
      [FILE]: text,
      '/etc/containers/systemd/gluetun.container': '[Container]\nImage=x\n',
    });
    expect(files['4002.toml']).toContain('via = "gluetun.container"');
  });

  test('an API that is not published stays so', async () => {
    const { files, said } = await run(gw('', 'TWS_USERID: me, VNC_SERVER_PASSWORD: abc'));
    expect(files['4002.toml']).toContain('[network]\npublish = false');
    expect(said).toContain('the API is not published, and stays so');
  });

  test('a bridge of Docker is told with all its names', async () => {
    const { files, said } = await run(
      `${gw(`${PORT}networks: { proxy: { aliases: [ib] } }\n`)}networks: { proxy: { external: { name: front }, internal: true } }\n`,
    );
    expect(files['4002.toml']).not.toContain('join');
    expect(said).toContain('network proxy (internal): is not joined');
    expect(said).toContain(
      'knew the gateway as gw, ib; when they run in Podman, network.join = ["front.network"]',
    );
  });
});

describe('ports', () => {
  test.each([
    // Where it is, and not where the file had it.
    [
      'ports: ["[::1]:4002:4004", "4004"]',
      'port 4004: one address and port alone: it is published as 127.0.0.1:4002:4004',
    ],
    [
      'ports: ["127.0.0.1:4002:4004", "192.168.1.10:4002:4004"]',
      'port 192.168.1.10:4002:4004: one address and port alone: it is published as 127.0.0.1:4002:4004',
    ],
    ['ports: ["4002:4004"]', 'was open on every address of the host; ibq publishes on 127.0.0.1'],
  ])('%s: %s', async (ports, listed) => {
    expect((await run(gw(ports))).said).toContain(listed);
  });

  test('of screens have a way of their own', async () => {
    const { said } = await run(
      gw(`ports: ["127.0.0.1:4002:4004", "5900:5900"]`, 'TWS_USERID: me, VNC_SERVER_PASSWORD: abc'),
    );
    expect(said).toContain(
      'port 5900:5900: was open on every address of the host; ibq publishes screens on 127.0.0.1: "ibq vnc 4002" tells',
    );
  });

  test('where publish.address is that of the file, nothing is told', async () => {
    const main = '[publish]\naddress = "192.168.1.10"\n[network]\nallow = ["192.168.1.5"]\n';
    const { said } = await run({
      [FILE]: gw('ports: ["192.168.1.10:4002:4004"]'),
      '/etc/ibq/ibq.toml': main,
    });
    expect(said).not.toContain('was open');
  });

  test('that clash are given out anew, and told', async () => {
    const service = (name: string, user: string, more: string) =>
      `  ${name}: { image: "ghcr.io/gnzsnz/ib-gateway:stable", environment: { TWS_USERID: ${user}, VNC_SERVER_PASSWORD: abc }, ${more} }\n`;
    const { files, said } = await run(
      `services:\n${service('a', 'u1', 'ports: ["127.0.0.1:4002:4004"]')}${service('b', 'u2', 'ports: ["127.0.0.1:4002:4004", "127.0.0.1:5902:5900"]')}`,
    );
    expect(Object.keys(files)).toEqual(['4002.toml', '4012.toml']);
    expect(said).toContain('port 4002: is that of service a too: 4012 is given instead');
    expect(files['4002.toml']).toContain('[vnc]\nenabled = true\nport = 5912');
    expect(files['4012.toml']).toContain('[vnc]\nenabled = true\nport = 5902');
  });

  test('of two that publish none don’t clash', async () => {
    const two = (name: string) =>
      `  ${name}: { image: "ghcr.io/gnzsnz/ib-gateway:stable", environment: { TWS_USERID: ${name} } }\n`;
    const { files } = await run(`services:\n${two('a')}${two('b')}`);
    expect(Object.keys(files)).toEqual(['4002.toml', 'b.toml']);
  });

  test('of mode both are told where paper had none', async () => {
    const { said } = await run(
      gw('ports: ["127.0.0.1:4001:4003"]', 'TWS_USERID: me, TRADING_MODE: both'),
    );
    expect(said).toContain('the paper API was not published, and is now too: at 4002');
  });
});

test('a second import says what is there already', async () => {
  const box = sandbox(TREE);
  await importCompose(box.context, FILE, OPTIONS);
  const first = instancesOf(box);
  box.notes.length = 0;
  expect(await importCompose(box.context, FILE, OPTIONS)).toBe(0);
  expect(instancesOf(box)).toEqual(first);
  expect(box.notes).toContain(
    '  gw: is there already: /etc/ibq/instances/4002.toml has its port, user and mode',
  );
  expect(box.notes.at(-1)).toBe('nothing was written: all of it is there already');
});

test('what [defaults] say never makes a paper gateway a live one that trades', async () => {
  const main = '[defaults]\nmode = "live"\nread_only_api = false\n';
  const { context } = await run({ [FILE]: gw(PORT), '/etc/ibq/ibq.toml': main });
  const [instance] = loadHostConfig(context.host.files, '/etc/ibq/ibq.toml', {}).config.instances;
  expect(instance).toMatchObject({ mode: 'paper', settings: { read_only_api: true } });
});

describe('the files of a project', () => {
  const LIVE = 'services: { gw: { environment: { TRADING_MODE: live } } }';

  test('an override beside the file is read, as Compose does', async () => {
    const files = { [FILE]: gw(PORT), '/srv/ib/docker-compose.override.yml': LIVE };
    expect(Object.values((await run(files)).files)[0]).toContain('mode = "live"');
    expect(Object.values((await run(files, {}, '/srv/ib')).files)[0]).toContain('mode = "live"');
  });

  test('several are laid over one another, and then no override is', async () => {
    const files = {
      '/srv/ib/a.yml': gw(PORT),
      '/srv/ib/b.yml': LIVE,
      '/srv/ib/docker-compose.override.yml': 'x',
    };
    const { files: made } = await run(files, {}, ['/srv/ib/a.yml', '/srv/ib/b.yml']);
    expect(Object.values(made)[0]).toContain('mode = "live"');
    const again = await run(files, { file: ['/srv/ib/b.yml'] }, ['/srv/ib/a.yml']);
    expect(again.files).toEqual(made);
  });

  test('a variable that the upper one resets is gone', async () => {
    const reset =
      'services: { gw: { environment: { TIME_ZONE: !reset null, READ_ONLY_API: "no" } } }';
    const files = {
      '/srv/ib/a.yml': gw(PORT, 'TWS_USERID: me, TIME_ZONE: Asia/Tokyo'),
      '/srv/ib/b.yml': reset,
    };
    const { files: made, said } = await run(files, {}, ['/srv/ib/a.yml', '/srv/ib/b.yml']);
    expect(made['4002.toml']).toContain('read_only_api = false');
    expect(made['4002.toml']).not.toContain('time_zone');
    expect(said).not.toContain('TIME_ZONE');
  });

  test('standard input is one', async () => {
    const box = sandbox();
    const ui = { ...box.context.ui, readHidden: async () => gw(PORT) };
    await importCompose({ ...box.context, ui }, '-', OPTIONS);
    expect(Object.keys(instancesOf(box))).toEqual(['4002.toml']);
  });

  test('without .env, who has variables is told of it', async () => {
    const { said } = await run(gw(PORT, `TWS_USERID: "\${WHO}"`));
    expect(said).toContain(`\${WHO}: has no value, and was taken as empty`);
    expect(said).toContain('no .env is beside the file; --variables names another');
  });

  test('the home is that of the one who called sudo', async () => {
    const box = sandbox(
      {
        [FILE]: gw(`${PORT}volumes: ["~/scripts:/s"]\n`),
        '/etc/passwd': 'me:x:1000:1000::/home/me:/bin/sh\n',
        '/home/me/scripts/x': '',
      },
      { SUDO_USER: 'me', HOME: '/root' },
    );
    await importCompose(box.context, FILE, OPTIONS);
    expect(box.read('/etc/ibq/instances/4002.toml')).toContain('volumes = ["/home/me/scripts:/s"]');
  });

  test('100 000 variables', async () => {
    const names = Array.from({ length: 100_000 }, (_, n) => `V${n}`);
    const lines = names.map((name) => `${name}=x`).join('\n');
    const { said } = await run({ [FILE]: gw(`${PORT}env_file: big\n`), '/srv/ib/big': lines });
    expect(said).toContain('and 99600 more of this kind');
    const listed = names.map((name) => `      ${name}: x\n`).join('');
    const own = `services:\n  gw:\n    image: ghcr.io/gnzsnz/ib-gateway:stable\n    environment:\n${listed}`;
    expect((await run(own)).said).toContain('V0: is one of 100000 variables');
  });

  test('a file that is far too large is refused at once', async () => {
    const message = await refused({ [FILE]: `#${'x'.repeat(5_000_000)}` });
    expect(message).toContain('should be shorter than 4194304 bytes');
  });
});

/** Keys of a service with values, and what each has to leave: a trace in the file or in the list. */
const PARTS: Readonly<Record<string, fc.Arbitrary<unknown>>> = {
  mem_limit: fc.constantFrom('2g', '512m', 'none'),
  cpus: fc.constantFrom('1.5', 'many'),
  shm_size: fc.constantFrom('1gb', 'x'),
  stop_grace_period: fc.constantFrom('90s', 'never'),
  dns: fc.constantFrom('10.0.0.1', ['10.0.0.1', 'x']),
  extra_hosts: fc.constantFrom(['db:10.0.0.2'], { x: 'host-gateway' }),
  restart: fc.constantFrom('no', 'always', 'on-failure:3', 'maybe'),
  read_only: fc.boolean(),
  privileged: fc.constant(true),
  pid: fc.constant('host'),
  container_name: fc.constant('x'),
  healthcheck: fc.constant({ test: ['NONE'] }),
  depends_on: fc.constant(['db']),
  labels: fc.constant({ a: 'b' }),
  deploy: fc.constantFrom({ replicas: 3 }, { resources: { limits: { memory: '1g' } } }),
  volumes: fc.constantFrom(['data:/d'], ['/:/x'], ['./none:/n'], ['/anonymous'], ['a b:/c']),
  networks: fc.constantFrom(['x'], { x: { aliases: ['y'], priority: 1 } }),
  secrets: fc.constant(['s']),
  configs: fc.constant(['c']),
  cap_add: fc.constant(['NET_ADMIN']),
  devices: fc.constant(['/dev/dri']),
  tmpfs: fc.constant('/run'),
  user: fc.constant('1000'),
  ulimits: fc.constant({ nofile: 1 }),
  made_up: fc.constant('x'),
};
const environment = fc.dictionary(
  fc.constantFrom(
    'TRADING_MODE',
    'READ_ONLY_API',
    'TWS_USERID_PAPER',
    'JAVA_OPTS',
    'TIME_ZONE',
    'SSH_TUNNEL',
    'CUSTOM_CONFIG',
    'LANG',
    'DB_PASS',
    'bad.name',
    'AUTO_RESTART_TIME',
    'TWOFA_TIMEOUT_ACTION',
  ),
  fc.constantFrom('live', 'paper', 'both', 'yes', 'no', 'Asia/Tokyo', '11:55 PM', 'x'),
);

test('of any file, what is imported and what is listed are all of it, and it loads', async () => {
  lock.isLeftOut = true;
  onTestFinished(() => {
    lock.isLeftOut = false;
  });
  await fc.assert(
    fc.asyncProperty(
      fc
        .uniqueArray(fc.constantFrom(...Object.keys(PARTS)), { maxLength: 6 })
        .chain((keys) =>
          fc.record(Object.fromEntries(keys.map((key) => [key, PARTS[key] ?? fc.constant(null)]))),
        ),
      environment,
      async (parts, variables) => {
        const service = {
          image: 'ghcr.io/gnzsnz/ib-gateway:stable',
          environment: { TWS_USERID: 'me', ...variables },
          ports: ['127.0.0.1:4001:4003', '127.0.0.1:4002:4004'],
          ...parts,
        };
        const outcome = async (of: object) => {
          const box = sandbox({ [FILE]: stringify({ services: { gw: of } }) });
          await importCompose(box.context, FILE, OPTIONS);
          loadHostConfig(box.context.host.files, '/etc/ibq/ibq.toml', {});
          return [...Object.values(instancesOf(box)), ...box.notes].join('\n');
        };
        const whole = await outcome(service);
        for (const key of Object.keys(parts)) {
          const { [key as keyof typeof service]: _, ...without } = service;
          if (key === 'read_only' && !(parts as Record<string, unknown>)[key]) continue;
          expect(await outcome(without), key).not.toBe(whole);
        }
        for (const [name, value] of Object.entries(variables)) {
          const { [name]: _, ...rest } = { TWS_USERID: 'me', ...variables } as Record<
            string,
            string
          >;
          // What is written always says the same without it.
          const same = ['TRADING_MODE paper', 'READ_ONLY_API yes'].includes(`${name} ${value}`);
          if (!same) expect(await outcome({ ...service, environment: rest }), name).not.toBe(whole);
        }
      },
    ),
    { numRuns: 40 },
  );
});
