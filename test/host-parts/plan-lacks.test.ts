/** What would stop a deploy half-way: a mask, ports of others, a parent that is down. */

import { describe, expect, test } from 'vitest';
import { findPlanLacks } from '../../src/host/plan-lacks.ts';
import { assemblePlan } from '../../src/plan/assemble.ts';
import { needsOfDesired } from '../../src/plan/start-needs.ts';
import { DEFAULTS, ModelHost } from '../plan/model-host.ts';
import { sampleConfig } from '../quadlet/sample.ts';
import { sandbox } from '../support/sandbox.ts';

const CONFIG = sampleConfig();

/** @param prepare what is different of a host on which all of it runs */
function lacks(prepare: (host: ModelHost) => void, files: Record<string, string> = {}) {
  const model = ModelHost.deployed(CONFIG);
  prepare(model);
  const desired = model.desired(CONFIG);
  const installed = model.installed();
  const plan = assemblePlan(desired, installed, DEFAULTS);
  const { context } = sandbox(files, {}, 'plain-server');
  const needs = desired.instances.map(needsOfDesired);
  const found = findPlanLacks(context.host, { needs, plan, installed }).lacks;
  // This machine's own parts are for preconditions.test.ts.
  return found
    .map(({ text }) => text)
    .filter((text) => !/^this host lacks|should be a program/.test(text));
}

describe('is told', () => {
  test('a unit that is masked, of one that runs as well', () => {
    const masked = lacks((host) => {
      const unit = host.instances.get('4001');
      if (unit) host.instances.set('4001', { ...unit, load: 'masked' });
    });
    expect(masked).toEqual([
      'ib-gateway@4001.service is masked: nothing can start it; run "sudo systemctl unmask ib-gateway@4001.service"',
    ]);
  });

  test('an interface that is gone, of one that starts', () => {
    const gone = lacks((host) => host.stop('4001'));
    expect(gone).toEqual([
      expect.stringMatching(/^interface eth1, which carries the LAN of the instances, is gone/),
    ]);
  });
});

test('nothing, where nothing is started: who may get in can be changed all the same', () => {
  expect(lacks((host) => host.unguarded.add('4001'))).toEqual([]);
});
