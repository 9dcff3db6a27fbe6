// biome-ignore-all lint/suspicious/noTemplateCurlyInString: templates of config.ini are the matter here
/** Files of the user's in the place of the image's: what is checked, and what they are kept as. */

import { describe, expect, test } from 'vitest';
import type { Config, Settings } from '../../src/config/types.ts';
import { ConfigError } from '../../src/errors.ts';
import { profileOf } from '../../src/images/index.ts';
import type { Profile } from '../../src/images/profile.ts';
import { assemblePlan } from '../../src/plan/assemble.ts';
import { FILE_SECRET, type OwnFile, ownFilesOf } from '../../src/plan/own-files.ts';
import { sampleConfig, sampleInstance } from '../quadlet/sample.ts';
import { DEFAULTS, ModelHost, sampleFacts } from './model-host.ts';

const IBC = '/etc/ibq/files/config.ini';
const JTS = '/etc/ibq/files/jts.ini';
const CONFIG_INI = 'IbLoginId=me\nIbPassword=geheim\nTradingMode=paper\n';
const JTS_INI = '[Logon]\nLocale=en\n';

function config(own: Settings['custom_config']): Config {
  const instance = sampleInstance('4002');
  return sampleConfig({
    instances: [{ ...instance, settings: { ...instance.settings, custom_config: own } }],
  });
}

const text = (content: string): OwnFile => ({ kind: 'text', text: content, forAll: false });

function own(
  files: Readonly<Record<string, OwnFile>>,
  { key = 'key', profile = profileOf('gnzsnz') } = {},
) {
  const named = config({
    jts: JTS in files ? JTS : null,
    ibc: IBC in files ? IBC : null,
  });
  return ownFilesOf(named, new Map(Object.entries(files)), key, () => profile).get('4002');
}

function problemOf(files: Readonly<Record<string, OwnFile>>, profile?: Profile): string {
  try {
    own(files, profile ? { profile } : {});
  } catch (error) {
    if (error instanceof ConfigError) return error.message;
    throw error;
  }
  return '';
}

describe('a config.ini', () => {
  test('is kept as it is, under a name that tells of its text', () => {
    const first = own({ [IBC]: text(CONFIG_INI) })?.ibc;
    expect(first).toMatchObject({ path: IBC, text: CONFIG_INI, instance: '4002' });
    expect(first?.name).toMatch(FILE_SECRET);
    expect(own({ [IBC]: text(CONFIG_INI) })?.ibc?.name).toBe(first?.name);
    expect(own({ [IBC]: text(`${CONFIG_INI}#\n`) })?.ibc?.name).not.toBe(first?.name);
    // Without the host's key nobody can try passwords on the name.
    expect(own({ [IBC]: text(CONFIG_INI) }, { key: 'other' })?.ibc?.name).not.toBe(first?.name);
  });

  test.each<[string, string, RegExp]>([
    [
      'another mode',
      'IbLoginId=me\nTradingMode=live\n',
      /should have TradingMode=paper, .* is live/,
    ],
    ['no mode, which is live', 'IbLoginId=me\n', /should have TradingMode=paper, .* is live/],
    ['no user', 'TradingMode=paper\n', /should have the user as IbLoginId/],
    ['what IBC would read wrong', `${CONFIG_INI}X=ü\n`, /line 4 should be ASCII/],
    ['a jts.ini', JTS_INI, /should be IBC's config\.ini, lines of Name=value without sections/],
  ])('with %s is refused', (_, content, message) => {
    expect(problemOf({ [IBC]: text(content) })).toMatch(message);
  });

  test.each([
    ['CommandServerPort=7000\n', [7000]],
    ['CommandServerPort=0\n', []],
    ['', []],
  ])('says where its command server is: %j', (line, ports) => {
    expect(own({ [IBC]: text(CONFIG_INI + line) })?.ibc?.commandPorts).toEqual(ports);
  });

  test('for an image that puts variables in has none of them, and reads the same', () => {
    const { files } = profileOf('gnzsnz');
    if (files === null) throw new Error('gnzsnz has files');
    const profile: Profile = {
      ...profileOf('gnzsnz'),
      files: { ...files, own: { ...files.own, rendered: true } },
    };
    const content = `${CONFIG_INI}A=\${X}\nB=\\\\\${X}\nC=\\\${X}\n`;
    expect(own({ [IBC]: text(content) }, { profile })?.ibc?.text).toBe(
      `${CONFIG_INI}A=\\u0024{X}\nB=\\\\\\u0024{X}\nC=\\u0024{X}\n`,
    );
    expect(problemOf({ [JTS]: text('[A]\nx=${X}\n') }, profile)).toMatch(
      /should be without "\$\{"/,
    );
  });
});

describe('a jts.ini', () => {
  test('is kept as it is', () => {
    expect(own({ [JTS]: text(JTS_INI) })).toMatchObject({ jts: { text: JTS_INI }, ibc: null });
  });

  test.each(['IbLoginId=me\n', '# nothing\n'])('that is none is refused: %j', (content) => {
    expect(problemOf({ [JTS]: text(content) })).toMatch(/should be the gateway's jts\.ini/);
  });
});

test('all that is wrong is told at once, with file and key', () => {
  const missing: OwnFile = { kind: 'unfit', why: 'should be a file, is not there' };
  expect(problemOf({ [JTS]: missing, [IBC]: text('TradingMode=live') })).toBe(
    [
      `/etc/ibq/instances/4002.toml: custom_config.jts: ${JTS}: should be a file, is not there; nothing was changed`,
      `/etc/ibq/instances/4002.toml: custom_config.ibc: ${IBC}: should have TradingMode=paper, as the instance has, is live: its port would lead nowhere, and it would trade there; nothing was changed`,
    ].join('\n'),
  );
});

describe('in a plan', () => {
  const facts = (content: string) => sampleFacts({ ownFiles: new Map([[IBC, text(content)]]) });
  const CONFIG = config({ jts: null, ibc: IBC });

  test('another text is a change of its key, and a secret before the switch', () => {
    const host = ModelHost.deployed(CONFIG, facts(CONFIG_INI));
    host.facts = facts(`${CONFIG_INI}MinimizeMainWindow=yes\n`);
    const desired = host.desired(CONFIG);
    const name = desired.fileSecrets[0]?.name ?? '';
    const plan = assemblePlan(desired, host.installed(), {
      ...DEFAULTS,
      missingFileSecrets: [name],
      surplusFileSecrets: ['ibq-4002-config_ini-0123456789abcdef'],
    });
    expect(plan.changes).toMatchObject([
      { instance: '4002', cost: 'new-login', because: ['custom_config.ibc'] },
    ]);
    expect(plan.steps).toEqual([
      { kind: 'write-file-secret', name, instance: '4002', path: IBC },
      { kind: 'write-generation', number: 2 },
      { kind: 'activate', number: 2 },
      { kind: 'reload' },
      { kind: 'remove-file-secrets', names: ['ibq-4002-config_ini-0123456789abcdef'] },
    ]);
  });

  test('no file of the generation and no plan has a word of it', () => {
    const host = ModelHost.deployed(CONFIG, facts(CONFIG_INI));
    const { files } = host.desired(CONFIG);
    expect(files.filter((file) => file.text.includes('geheim'))).toEqual([]);
    expect(JSON.stringify(host.manifest)).not.toContain('geheim');
    const fresh = new ModelHost();
    fresh.facts = facts(CONFIG_INI);
    const name = fresh.desired(CONFIG).fileSecrets.map((secret) => secret.name);
    const plan = fresh.plan(CONFIG, { missingFileSecrets: name });
    expect(plan.steps[0]?.kind).toBe('write-file-secret');
    expect(JSON.stringify(plan)).not.toContain('geheim');
  });
});

test('lines are inputs by their names', () => {
  const instance = sampleInstance('4002');
  const settings = { ...instance.settings, ibc: { A: '1' }, jts: { S: { b: '2' } } };
  const before = sampleConfig({ instances: [instance] });
  const after = sampleConfig({ instances: [{ ...instance, settings }] });
  const plan = ModelHost.deployed(before).plan(after);
  expect(plan.changes[0]?.because).toEqual(['ibc.A', 'jts.S.b']);
  expect(plan.changes[0]?.diff).toContain('+A=1');
});
