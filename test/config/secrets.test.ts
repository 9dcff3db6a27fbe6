/** `secrets` of an instance, what is taken for one, and volumes that hand over too much. */

import { describe, expect, test } from 'vitest';
import { loadConfig } from '../../src/config/load.ts';
import { looksSecret } from '../../src/config/secret-like.ts';
import { volumeRisk } from '../../src/config/volume-risk.ts';
import { ConfigError } from '../../src/errors.ts';
import { profileFor } from '../../src/images/index.ts';
import { secretsFor } from '../../src/images/profile.ts';

const FILE = '/etc/ibq/instances/4002.toml';

function load(text: string, main = '') {
  try {
    const { config, warnings } = loadConfig({
      main: { path: '/etc/ibq/ibq.toml', text: main },
      pin: null,
      instances: [{ path: FILE, text: `user = "me"\nread_only_api = true\n${text}` }],
    });
    return { instance: config.instances[0], warnings, problems: [] };
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return { instance: undefined, warnings: [], problems: error.message.split('\n') };
  }
}

describe('secrets of the user’s own', () => {
  test('are wanted beside those of the image; a name that ends in _FILE is given a file', () => {
    const { instance } = load('secrets = { TWOFACTOR_CODE_FILE = "totp", API_KEY = "api_key" }');
    if (!instance) throw new Error('no instance');
    const secrets = secretsFor(profileFor(instance), instance);
    expect(secrets.map(({ key, as }) => [key, as])).toEqual([
      ['password', { kind: 'file', variable: 'TWS_PASSWORD_FILE' }],
      ['totp', { kind: 'file', variable: 'TWOFACTOR_CODE_FILE' }],
      ['api_key', { kind: 'environment', variable: 'API_KEY' }],
    ]);
  });

  test('of [defaults] are those of each instance', () => {
    const { instance } = load('secrets = { B = "b" }', '[defaults]\nsecrets = { A = "a" }\n');
    expect(instance?.settings.secrets).toEqual({ A: 'a', B: 'b' });
  });

  test.each([
    [
      'TWS_PASSWORD = "x"',
      'is a secret by itself: leave it out, and run "sudo ibq secret set 4002 password"',
    ],
    ['TRADING_MODE = "x"', 'is set by ibq; use the key "mode" instead'],
    ['A = "a b"', 'should be a KEY of a-z, 0-9 and "_" such as "totp", got "a b"'],
    ['A = "password"', 'should have a KEY of its own, password is another secret of the instance'],
    ['A = "ssh_key"', 'should have a KEY of its own, ssh_key is another secret of the instance'],
  ])('%s is refused', (entry, message) => {
    const [variable = ''] = entry.split(' ');
    expect(load(`secrets = { ${entry} }`).problems).toEqual([
      `${FILE}: secrets.${variable}: ${message}`,
    ]);
  });

  test('two variables have a KEY each', () => {
    expect(load('secrets = { A = "x", B = "x" }').problems).toHaveLength(2);
  });

  test('are refused in environment', () => {
    const text = 'environment = { TOTP = "x" }\nsecrets = { TOTP = "totp" }';
    expect(load(text).problems).toEqual([
      `${FILE}: environment.TOTP: should not stand in a file; run "sudo ibq secret set 4002 totp"`,
    ]);
  });
});

test('what looks like a secret in environment is warned about', () => {
  const { warnings } = load('environment = { SLACK_WEBHOOK = "https://x", LANG = "C.UTF-8" }');
  expect(warnings).toEqual([
    `${FILE}: environment.SLACK_WEBHOOK: looks like a secret, and stands in a file and a unit; secrets = { SLACK_WEBHOOK = "slack_webhook" } keeps it in Podman`,
  ]);
});

test.each<[string, string]>([
  ['BOT_API_KEY', 'k'],
  ['DB_PASS', 'p'],
  ['DB_PWD', 'w'],
  ['PIN', '1234'],
  ['SLACK_WEBHOOK', 'x'],
  ['VNC_PASS', 'v'],
  ['IBKR_CREDENTIALS', 'u:x'],
  ['PRIVATE_KEY', 'pk'],
  ['TVWB_UNIQUE_KEY', 'x'],
  ['TOTP_KEY', 'x'],
  ['TWS_TOTP_SECRET', 'x'],
  ['TWOFACTOR_CODE', 'x'],
  ['apiKey', 'x'],
  ['SENTRY_DSN', 'x'],
  ['BASIC_AUTH', 'x'],
  ['DBPASSWORD2', 'x'],
  ['DATABASE_URL', 'postgres://u:dbsecret@db/x'],
  ['PROXY', 'http://token@proxy:3128'],
  ['NOTIFY', 'https://discord.com/api/webhooks/1/x'],
  ['NOTIFY', 'https://hooks.slack.com/services/x'],
  ['NOTIFY', 'https://example.com/?token=abc'],
  ['SETTING', 'JBSWY3DPEHPK3PXP'],
  ['SETTING', 'd41d8cd98f00b204e9800998ecf8427e'],
])('%s=%s looks like a secret', (name, value) => {
  expect(looksSecret(name, value)).toBe(true);
});

test.each<[string, string]>([
  ['PWD', '/home/me'],
  ['BYPASS_WARNING', 'yes'],
  ['AUTHOR', 'me'],
  ['LANG', 'C.UTF-8'],
  ['KEYBOARD', 'de'],
  ['SPINNER', 'on'],
  ['URL', 'https://example.com/path?page=1'],
  ['IBC_TradingMode', 'live'],
  ['GATEWAY_OR_TWS', 'gateway'],
  ['SIMULATOR_LOGIN', 'needs-2fa'],
  ['START_SCRIPTS', '/home/ibgateway/scripts/a/long/path/of/more/than/32'],
])('%s=%s does not', (name, value) => {
  expect(looksSecret(name, value)).toBe(false);
});

test.each([
  ...[
    '/',
    '/etc',
    '/etc/shadow',
    '/etc/../etc/shadow',
    '/var/lib/containers/storage/volumes',
    '/root',
  ],
  ...[
    '/var/run/docker.sock',
    '/run/podman/podman.sock',
    '/home/me/.ssh',
    '/proc',
    '/etc/ibq/',
    '/home',
  ],
])('%s is a risk as a volume, and warned about', (source) => {
  expect(volumeRisk(source)).not.toBeNull();
  expect(load(`volumes = ["${source}:/x"]`).warnings).toEqual([
    `${FILE}: volumes.0: hands the gateway ${volumeRisk(source)}; a directory of its own is safer`,
  ]);
});

test.each(['/srv/scripts', '/etc/localtime', '/home/me/ib', 'data', '/opt/ib/x'])(
  '%s is none',
  (source) => {
    expect(volumeRisk(source)).toBeNull();
  },
);

describe('network.publish = false', () => {
  test('frees the port for others', () => {
    const other = {
      path: '/etc/ibq/instances/b.toml',
      text: 'port = 4002\nuser = "x"\n[network]\npublish = false\n',
    };
    const own = { path: FILE, text: 'user = "me"\n' };
    expect(() => loadConfig({ main: null, pin: null, instances: [own, other] })).not.toThrow();
  });

  test.each([
    [
      '[network]\nmode = "host"\n',
      '',
      'should be true in mode "host": the gateway listens on the host itself',
    ],
    ['', 'via = "w.container"', 'should be left out beside network.via: w.container publishes'],
    [
      '',
      '[ssh]\nmode = "both"\ntargets = ["a@b"]',
      'should be true beside a tunnel that this host holds: it begins at the published port',
    ],
  ])('is refused where it can’t be', (main, more, message) => {
    const { problems } = load(`[network]\npublish = false\n${more}\n`, main);
    expect(problems).toContain(`${FILE}: network.publish: ${message}`);
  });
});
