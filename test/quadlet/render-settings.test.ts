// biome-ignore-all lint/suspicious/noTemplateCurlyInString: templates of config.ini are the matter here
/** What is done to an instance's files before each start, as files of the generation. */

import { describe, expect, test } from 'vitest';
import type { Instance, Settings } from '../../src/config/types.ts';
import { profileOf } from '../../src/images/index.ts';
import type { Profile } from '../../src/images/profile.ts';
import { renderGeneration } from '../../src/quadlet/render.ts';
import { NO_OWN_FILES, renderSettings } from '../../src/quadlet/render-settings.ts';
import { sampleConfig, sampleInput, sampleInstance } from './sample.ts';

const gnzsnz = profileOf('gnzsnz');
const SETTINGS = '/home/ibgateway/tws_settings';

function instance(settings: Partial<Settings> = {}, changes: Partial<Instance> = {}): Instance {
  const sample = sampleInstance('4001', changes);
  return { ...sample, settings: { ...sample.settings, ...settings } };
}

/** Texts by name, without the heading of `files`. */
function rendered(
  of: Instance,
  { profile = gnzsnz, own = NO_OWN_FILES, network = 'dual' as 'dual' | 'host' } = {},
) {
  const { files, commandPorts } = renderSettings(profile, of, network, own);
  const texts = new Map(
    files.map(({ path, text }) => [path.replace('settings/4001/', ''), text] as const),
  );
  const steps = (texts.get('files') ?? '').split('\n').slice(1, -1);
  return {
    steps: steps.filter((step) => !step.startsWith('user ')),
    ibc: texts.get('config.ini') ?? null,
    jts: texts.get('jts.ini') ?? null,
    commandPorts,
  };
}

describe('gnzsnz', () => {
  test('gets its command server and its time zone, where the image has a place for them', () => {
    expect(rendered(instance())).toEqual({
      steps: [
        'try properties config.ini /home/ibgateway/ibc/config.ini.tmpl',
        'try ini jts.ini /home/ibgateway/Jts/jts.ini.tmpl',
        `try ini jts.ini ${SETTINGS}/ibq/jts.ini`,
      ],
      ibc: 'CommandServerPort=7462\nBindAddress=127.0.0.1\n',
      jts: '[Logon]\nTimeZone=America/New_York\n',
      commandPorts: [7462],
    });
  });

  test('gets the user’s lines for sure, in an order of their own', () => {
    const ibc = { Two: 'a\\b$HOME${X}ü', One: 'yes' };
    const jts = { Own: { b: '2', a: 'x=1' }, Logon: { Locale: 'en' } };
    expect(rendered(instance({ ibc, jts }))).toMatchObject({
      steps: [
        'set properties config.ini /home/ibgateway/ibc/config.ini.tmpl',
        'set ini jts.ini /home/ibgateway/Jts/jts.ini.tmpl',
        `try ini jts.ini ${SETTINGS}/ibq/jts.ini`,
      ],
      // As Java reads it back, and with nothing in it that the image would replace.
      ibc: 'CommandServerPort=7462\nBindAddress=127.0.0.1\nOne=yes\nTwo=a\\\\b\\u0024HOME\\u0024{X}\\u00fc\n',
      jts: '[Logon]\nLocale=en\nTimeZone=America/New_York\n[Own]\na=x=1\nb=2\n',
    });
  });

  test('in mode `both` has a directory and a command port for each half', () => {
    const both = rendered(instance({}, { mode: 'both' }));
    expect(both.steps.slice(2)).toEqual([
      `try ini jts.ini ${SETTINGS}/ibq_live/jts.ini`,
      `try ini jts.ini ${SETTINGS}/ibq_paper/jts.ini`,
    ]);
    expect(both.ibc).toBe('CommandServerPort=1${API_PORT}\nBindAddress=127.0.0.1\n');
    expect(both.commandPorts).toEqual([14_001, 14_002]);
  });

  test('in the host’s network has no command server: every user of the host could use it', () => {
    expect(rendered(instance(), { network: 'host' })).toEqual({
      steps: [
        'try ini jts.ini /home/ibgateway/Jts/jts.ini.tmpl',
        `try ini jts.ini ${SETTINGS}/ibq/jts.ini`,
      ],
      ibc: null,
      jts: '[Logon]\nTimeZone=America/New_York\n',
      commandPorts: [],
    });
  });

  test('with the user’s config.ini gets it as it is, and its jts.ini from ibq: the image makes none', () => {
    const own = { jts: null, ibc: { name: 'ibq-4001-config_ini-1', commandPorts: [7000] } };
    expect(rendered(instance(), { own })).toEqual({
      steps: [
        'put /run/secrets/config_ini /home/ibgateway/ibc/config.ini',
        'try ini jts.ini /home/ibgateway/Jts/jts.ini.tmpl',
        `make /home/ibgateway/Jts/jts.ini.tmpl ${SETTINGS}/ibq/jts.ini`,
        `try ini jts.ini ${SETTINGS}/ibq/jts.ini`,
      ],
      ibc: null,
      jts: '[Logon]\nTimeZone=America/New_York\n',
      commandPorts: [7000],
    });
  });

  test('with the user’s jts.ini takes it, and puts no line into it', () => {
    const own = { jts: { name: 'ibq-4001-jts_ini-1' }, ibc: null };
    const { steps, ...rest } = rendered(instance(), { own });
    expect(steps.slice(1)).toEqual([`take /run/secrets/jts_ini ${SETTINGS}/ibq/jts.ini`]);
    expect(rest.jts).toBeNull();
  });
});

describe('other images', () => {
  const { files } = gnzsnz;
  if (files === null) throw new Error('gnzsnz has files');

  test('of which nothing is known get nothing', () => {
    const custom: Profile = { ...gnzsnz, files: null };
    expect(renderSettings(custom, instance(), 'dual')).toEqual({ files: [], commandPorts: [] });
  });

  test('that bring their jts.ini along have lines put into it for sure', () => {
    const profile: Profile = { ...gnzsnz, files: { ...files, jtsTemplate: null } };
    expect(rendered(instance({ jts: { Own: { a: '1' } } }), { profile }).steps.slice(1)).toEqual([
      `set ini jts.ini ${SETTINGS}/ibq/jts.ini`,
    ]);
  });

  test('whose command server is the user’s to turn on', () => {
    const profile: Profile = { ...gnzsnz, files: { ...files, commandServer: () => null } };
    expect(rendered(instance(), { profile }).commandPorts).toEqual([]);
    const ibc = { CommandServerPort: '7500' };
    expect(rendered(instance({ ibc }), { profile }).commandPorts).toEqual([7500]);
  });

  test('name their user, where he is known: the image may start as another', () => {
    const first = (profile: Profile) =>
      renderSettings(profile, instance({ uid: 1007, gid: 1008 }), 'dual').files[0]?.text.split(
        '\n',
      )[1];
    expect(first(gnzsnz)).toBe('user 1000 1000');
    expect(first(profileOf('gnzsnz-tws'))).toBe('user 1007 1008');
    expect(first(profileOf('danklabs'))).toMatch(/^(?:set|try) /);
  });
});

describe('the definition', () => {
  const definition = (settings: Partial<Settings>, own = NO_OWN_FILES) => {
    const config = sampleConfig({ instances: [instance(settings)] });
    const ownFiles = new Map([['4001', own]]);
    return renderGeneration(sampleInput(config, { ownFiles })).instances[0]?.definition;
  };

  test('is another with another line, and with another file', () => {
    const all = [
      definition({}),
      definition({ ibc: { A: '1' } }),
      definition({ ibc: { A: '2' } }),
      definition({ jts: { A: { a: '1' } } }),
      definition({}, { jts: { name: 'ibq-4001-jts_ini-1' }, ibc: null }),
      definition({}, { jts: { name: 'ibq-4001-jts_ini-2' }, ibc: null }),
    ];
    expect(new Set(all).size).toBe(all.length);
  });

  test('is the same with lines in another order', () => {
    expect(definition({ ibc: { A: '1', B: '2' } })).toBe(definition({ ibc: { B: '2', A: '1' } }));
  });
});
