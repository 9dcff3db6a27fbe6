/** What is said of files and settings before a plan is carried out. */

import { expect, test } from 'vitest';
import type { Instance } from '../../src/config/types.ts';
import { settingsWarnings } from '../../src/plan/settings-warnings.ts';
import { sampleConfig, sampleInstance } from '../quadlet/sample.ts';
import { ModelHost } from './model-host.ts';

const of = (instance: Instance) => sampleConfig({ instances: [instance] });
const instance = sampleInstance('4002');

test('nothing of an instance that stays as it is, or is new', () => {
  const { manifest } = ModelHost.deployed(of(instance));
  expect(settingsWarnings(of(instance), { ownFiles: new Map() }, manifest)).toEqual([]);
  expect(settingsWarnings(of(sampleInstance('new')), { ownFiles: new Map() }, manifest)).toEqual(
    [],
  );
});

test('a file with a password that everybody may read', () => {
  const path = '/etc/ibq/files/config.ini';
  const own = { ...instance.settings, custom_config: { jts: null, ibc: path } };
  const config = of({ ...instance, settings: own });
  const warnings = (forAll: boolean) =>
    settingsWarnings(
      config,
      { ownFiles: new Map([[path, { kind: 'text', text: '', forAll }]]) },
      null,
    );
  expect(warnings(false)).toEqual([]);
  expect(warnings(true)).toEqual([
    `${path} holds a password and every user may read it; run "sudo chmod 600 ${path}"`,
  ]);
});

test('settings that belong to another user than the image’s', () => {
  const { manifest } = ModelHost.deployed(of(instance));
  const before = manifest?.instances['4002'];
  if (!manifest || !before) throw new Error('4002 is deployed');
  // An image whose user nobody knew.
  const old = { ...manifest, instances: { '4002': { ...before, profile: 'forgotten' } } };
  expect(settingsWarnings(of(instance), { ownFiles: new Map() }, old)).toEqual([
    expect.stringMatching(
      /^4002 will run as 1000:1000, and its settings belong to the user of another image: it can't save them, and each start is a full login; with it stopped, run "sudo chown -R 1000:1000 .* ibq-4002-settings\)"$/,
    ),
  ]);
});

test('another user: the password in store is the former one’s', () => {
  const instance = { ...sampleInstance('4001'), user: 'new' };
  const before = ModelHost.deployed(of(sampleInstance('4001'))).manifest;
  const { user } = before?.instances['4001']?.inputs ?? {};
  expect(settingsWarnings(of(instance), { ownFiles: new Map() }, before)).toEqual([
    `4001: user was ${user}, is new: the password in store is the former one's, unless you have set it anew: sudo ibq secret set 4001 password`,
  ]);
});
