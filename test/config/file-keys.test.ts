/** Lines and files that reach the gateway past ibq's own keys: which are refused, and why. */

import { describe, expect, test } from 'vitest';
import { loadConfig } from '../../src/config/load.ts';
import { ConfigError, formatProblem } from '../../src/errors.ts';

const FILE = '/etc/ibq/instances/4001.toml';

function load(text: string, main: string | null = null) {
  return loadConfig({
    main: main === null ? null : { path: '/etc/ibq/ibq.toml', text: main },
    pin: null,
    instances: [{ path: FILE, text: `user = "me"\n${text}` }],
  });
}

function problems(text: string, main: string | null = null): string[] {
  try {
    load(text, main);
    return [];
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return error.problems.map((problem) => formatProblem(problem).replace(`${FILE}: `, ''));
  }
}

describe('lines of config.ini', () => {
  test.each<[string, RegExp]>([
    ['IbPassword = "x"', /^ibc\.IbPassword: is a secret .*"sudo ibq secret set NAME password"$/],
    ['ibpassword = "x"', /^ibc\.ibpassword: is a secret /],
    ['FIXPassword = "x"', /^ibc\.FIXPassword: is a secret, and ibq has no place for this one/],
    ['ProxyPassword = "x"', /^ibc\.ProxyPassword: should not stand in a file: it is a secret/],
    ['IbLoginId = "x"', /^ibc\.IbLoginId: is set by ibq; use the key "user" instead$/],
    ['ReadOnlyApi = true', /use the key "read_only_api" instead$/],
    ['TradingMode = "live"', /use the key "mode" instead$/],
    ['AutoRestartTime = "11:55 PM"', /use the key "auto_restart_time" instead$/],
    ['BypassOrderPrecautions = true', /use the key "bypass_warning" instead$/],
    ['CommandServerPort = 0', /^ibc\.CommandServerPort: is set by ibq, for "ibq restart --soft"$/],
    ['BindAddress = ""', /is set by ibq, for "ibq restart --soft"$/],
    ['OverrideTwsApiPort = 4001', /would take the API away from the port that is published$/],
    ['IbDir = "/tmp"', /would take the settings out of the volume/],
    ['minimizemainwindow = true', /should be written MinimizeMainWindow: IBC minds capitals$/],
    ['MinimizeMainWindow = " yes"', /should not begin or end with a blank/],
  ])('%s is refused', (line, message) => {
    expect(problems(`ibc = { ${line} }`)).toEqual([expect.stringMatching(message)]);
  });

  test('others are taken, booleans as IBC reads them', () => {
    const { config, warnings } = load(
      'read_only_api = true\nibc = { MinimizeMainWindow = true, ReadOnlyLogin = "no" }',
    );
    expect(config.instances[0]?.settings.ibc).toEqual({
      MinimizeMainWindow: 'yes',
      ReadOnlyLogin: 'no',
    });
    expect(warnings).toEqual([]);
  });

  test('one that IBC does not know is taken, with a warning', () => {
    expect(load('read_only_api = true\nibc = { MinimiseMainWindow = "yes" }').warnings).toEqual([
      `${FILE}: ibc.MinimiseMainWindow: is not known of IBC 3.24; did you mean "MinimizeMainWindow"?`,
    ]);
  });

  test('are refused in [defaults] for the same reasons, once', () => {
    expect(problems('', '[defaults]\nibc = { IbPassword = "x" }')).toEqual([
      expect.stringMatching(/^\/etc\/ibq\/ibq\.toml: defaults\.ibc\.IbPassword: is a secret/),
    ]);
  });
});

describe('lines of jts.ini', () => {
  test.each<[string, RegExp]>([
    [
      'Logon = { TimeZone = "UTC" }',
      /^jts\.Logon\.TimeZone: is set by ibq; use the key "time_zone" instead$/,
    ],
    [
      'Logon = { Locale = "de" }',
      /^jts\.Logon\.Locale: should be "en": IBC puts it back at each start$/,
    ],
    ['IBGateway = { LocalServerPort = 4009 }', /would take the API away/],
    // biome-ignore lint/suspicious/noTemplateCurlyInString: what the image would replace
    ['Logon = { Proxy = "a${HOME}b" }', /should be without "\$" before a name/],
    ['Logon = { Proxy = "a " }', /should not begin or end with a blank/],
  ])('%s is refused', (section, message) => {
    expect(problems(`[jts]\n${section}`)).toEqual([expect.stringMatching(message)]);
  });

  test('others are taken, and those of [defaults] added to', () => {
    const { config } = load(
      '[jts.Logon]\nLocale = "en"\n[jts.IBGateway]\nWriteDebug = true',
      '[defaults.jts.Logon]\ny = "2"',
    );
    expect(config.instances[0]?.settings.jts).toEqual({
      Logon: { y: '2', Locale: 'en' },
      IBGateway: { WriteDebug: 'true' },
    });
  });
});

describe('files of one’s own', () => {
  const OWN = '[custom_config]\nibc = "/srv/config.ini"\njts = "/srv/jts.ini"\n';

  test('leave no place for lines', () => {
    const lines = 'ibc = { MinimizeMainWindow = true }\njts = { Logon = { Locale = "en" } }\n';
    expect(problems(lines + OWN)).toEqual([
      'ibc.MinimizeMainWindow: should be left out here; write it into /srv/config.ini',
      'jts.Logon.Locale: should be left out here; write it into /srv/jts.ini',
    ]);
    expect(problems(OWN, '[defaults]\nibc = { MinimizeMainWindow = true }')).toEqual([]);
  });

  test('say what IBC reads: keys of the instance that say it too have no effect', () => {
    expect(load(`read_only_api = false\n${OWN}`).warnings).toEqual([
      `${FILE}: user: has no effect beside custom_config.ibc: /srv/config.ini says it`,
      `${FILE}: read_only_api: has no effect beside custom_config.ibc: /srv/config.ini says it`,
    ]);
  });
});

test('the settings of another instance can’t be mounted', () => {
  expect(problems('volumes = ["ibq-4002-settings:/other"]')).toEqual([
    'volumes.0: should not be the settings of an instance: they belong to that one alone',
  ]);
});
