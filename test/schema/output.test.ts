/** The schemas of docs/schema/output describe what the commands print, and nothing more. */

import { readdirSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { instanceList } from '../../src/commands/instance-list.ts';
import { instanceShow } from '../../src/commands/instance-show.ts';
import { networkDetect } from '../../src/commands/network-detect.ts';
import { plan } from '../../src/commands/plan.ts';
import { judgeInstance, LAN_LOST, UNGUARDED } from '../../src/gateway/instance-state.ts';
import { type ProbeState, probeApi } from '../../src/gateway/probe.ts';
import { STAGES, type Stage } from '../../src/gateway/stages.ts';
import { CROWDED } from '../../src/host/crowded.ts';
import { PROFILE_IDS } from '../../src/images/index.ts';
import { reasons } from '../../src/network/interface-kind.ts';
import type { Change, Step } from '../../src/plan/plan.ts';
import { hostNames } from '../network/hosts.ts';
import { sandbox } from '../support/sandbox.ts';
import { misfits, OUTPUTS, readSchema } from './validate.ts';

const FILES = {
  '/etc/ibq/ibq.toml':
    '[network]\nallow = ["10.0.0.7"]\n[defaults]\nuser = "shared"\nenvironment = { A = "1" }\n',
  '/etc/ibq/network.toml':
    '[network]\ninterface = "eth1"\nsubnet = "10.0.0.0/24"\ngateway = "10.0.0.1"\nrange = "10.0.0.192/27"\n',
  '/etc/ibq/instances/4001.toml': 'mode = "live"\nread_only_api = true\nmemory = 2048\n',
  '/etc/ibq/instances/research.toml': 'port = 5001\n[image]\nprofile = "simulator"\n',
  '/etc/machine-id': '0123456789abcdef0123456789abcdef\n',
};

test('there is a schema for each output, and no other', () => {
  const files = readdirSync(new URL('../../docs/schema/output/', import.meta.url)).sort();
  expect(files).toEqual(OUTPUTS.map((output) => `${output}.schema.json`));
});

test.each(OUTPUTS)('%s: every object is closed, every value described', (output) => {
  const schema = readSchema(output);
  expect(looseObjects(schema)).toEqual([]);
  expect(undescribed(schema)).toEqual([]);
});

describe('network detect', () => {
  test.each([...hostNames(), null])('%s', async (name) => {
    const { context, json } = sandbox({}, {}, name);
    await networkDetect(context, { json: true, write: false });
    expect(misfits('network-detect', printed(json))).toEqual([]);
  });

  test('with overrides', async () => {
    const env = { NETWORK_INTERFACE: 'eth1', NETWORK_GATEWAY: '10.0.0.9' };
    const { context, json } = sandbox({}, env, 'public-and-private');
    await networkDetect(context, { json: true, write: false });
    expect(misfits('network-detect', printed(json))).toEqual([]);
  });
});

describe('instance', () => {
  test('list', async () => {
    const { context, json } = sandbox(FILES);
    await instanceList(context, { json: true });
    expect(misfits('instance-list', printed(json))).toEqual([]);
  });

  test('list of none', async () => {
    const { context, json } = sandbox();
    await instanceList(context, { json: true });
    expect(misfits('instance-list', printed(json))).toEqual([]);
  });

  test.each(['4001', 'research'])('show %s', async (name) => {
    const { context, json } = sandbox(FILES, { NETWORK_GATEWAY: '10.0.0.9' });
    await instanceShow(context, name, { json: true });
    expect(misfits('instance-show', printed(json))).toEqual([]);
  });
});

describe('plan', () => {
  test.each(['dual', 'bridge', 'lan'])('first deploy in mode %s', async (mode) => {
    const main = `[network]\nmode = "${mode}"\n`;
    const { context, json } = sandbox({ ...FILES, '/etc/ibq/ibq.toml': main });
    await plan(context, { json: true, diff: false, detailedExitCode: false, risksAccepted: [] });
    expect(misfits('plan', printed(json))).toEqual([]);
  });

  test('every kind of step and of change', () => {
    const changes: Change[] = [
      { kind: 'add', instance: '4001', cost: 'start', because: ['new'], diff: '+a' },
      { kind: 'change', instance: '4002', cost: 'new-login', because: ['mode'], diff: '' },
      { kind: 'remove', instance: '4003', cost: 'stop', because: [], diff: '' },
      { kind: 'change', file: 'host.nft', cost: 'none', because: [], diff: '' },
      {
        kind: 'change',
        file: 'tunnel/4001',
        cost: 'connections',
        because: ['ssh.targets'],
        diff: '',
      },
    ];
    const steps = Object.values(STEPS);
    const whole = {
      schemaVersion: 1,
      generation: { from: 3, to: 4 },
      changes,
      steps,
      drift: ['host.nft'],
      warnings: ['x'],
    };
    expect(misfits('plan', whole)).toEqual([]);
    expect(misfits('plan', { ...whole, steps: [{ kind: 'nonsense' }] })).not.toEqual([]);
    expect(misfits('plan', { ...whole, more: 1 })).not.toEqual([]);
  });
});

test('probe of a port where nothing listens', async () => {
  const result = await probeApi({ host: '127.0.0.1', port: 1 });
  const more = { problems: [], services: [] };
  const printed = { schemaVersion: 1, target: '127.0.0.1:1', ...result, ...more };
  expect(misfits('probe', printed)).toEqual([]);
});

describe('closed lists are those of the code', () => {
  test('reasons of a candidate', () => {
    expect(enumsOf('network-detect')).toContainEqual(Object.keys(reasons).sort());
  });

  test('profiles', () => {
    expect(enumsOf('status')).toContainEqual([...PROFILE_IDS].sort());
    expect(enumsOf('instance-list')).toContainEqual([...PROFILE_IDS].sort());
  });

  test('states of a probe', () => {
    const states = Object.keys(STATES).sort();
    expect(enumsOf('probe')).toContainEqual(states);
    expect(enumsOf('status')).toContainEqual([...states, 'unchecked'].sort());
  });

  test('every word of a verdict', () => {
    // The host's own findings (src/host/observe.ts).
    const words = new Set<string>(['port lost', 'login refused', UNGUARDED, CROWDED, LAN_LOST]);
    for (const [active, sub] of UNITS) {
      for (const stage of Object.keys(STAGES) as Stage[]) {
        for (const state of [null, ...(Object.keys(STATES) as ProbeState[])]) {
          words.add(
            judgeInstance({
              name: '4001',
              unit: { active, sub, result: 'success' },
              probe: state === null ? null : { ...PROBED, state },
              stage: { stage, since: null, detail: '', attempts: 0 },
            }).word,
          );
        }
      }
    }
    expect(enumsOf('status')).toContainEqual([...words].sort());
  });
});

/** One of each kind: a kind that is added to the code is missed here at compile time. */
const STEPS: { [Kind in Step['kind']]: Extract<Step, { kind: Kind }> } = {
  'pull-image': { kind: 'pull-image', reference: 'localhost/x:1' },
  'write-file-secret': {
    kind: 'write-file-secret',
    name: 'ibq-4001-config_ini-0123456789abcdef',
    instance: '4001',
    path: '/etc/ibq/files/config.ini',
  },
  'write-generation': { kind: 'write-generation', number: 1 },
  'write-static': { kind: 'write-static', path: '/etc/systemd/system/ib-gateways.target' },
  stop: { kind: 'stop', instances: ['4001'] },
  activate: { kind: 'activate', number: 1 },
  'link-quadlets': { kind: 'link-quadlets' },
  reload: { kind: 'reload' },
  enable: { kind: 'enable', unit: 'ib-gateways.target' },
  prune: { kind: 'prune', numbers: [1, 2] },
  'remove-file-secrets': {
    kind: 'remove-file-secrets',
    names: ['ibq-4001-config_ini-0123456789abcdef'],
  },
  'load-host-rules': { kind: 'load-host-rules' },
  'make-network': { kind: 'make-network', name: 'ibq-lan-01234567' },
  'load-shim': { kind: 'load-shim' },
  'stop-tunnels': { kind: 'stop-tunnels', instances: ['4001'] },
  'start-tunnels': { kind: 'start-tunnels', instances: ['4001'] },
  'remove-network': { kind: 'remove-network', name: 'ibq-lan-01234567' },
  'update-guard': { kind: 'update-guard', instance: '4001' },
  'make-lan': { kind: 'make-lan', instance: '4001' },
  start: { kind: 'start', instances: ['4001'] },
  restart: { kind: 'restart', instance: '4001' },
  'restart-together': { kind: 'restart-together', instances: ['4001', '4002'] },
  wait: { kind: 'wait', instances: ['4001'] },
};

const STATES: Record<ProbeState, true> = {
  refused: true,
  closed: true,
  silent: true,
  handshake: true,
  'logged-in': true,
  'link-down': true,
  'id-in-use': true,
};

const UNITS = [
  ['active', 'running'],
  ['activating', 'start'],
  ['activating', 'auto-restart'],
  ['deactivating', 'stop'],
  ['failed', 'failed'],
  ['inactive', 'dead'],
] as const;

const PROBED = {
  serverVersion: null,
  connectionTime: null,
  accounts: [],
  nextValidId: null,
  timings: { connectMs: null, handshakeMs: null, loginMs: null },
  detail: '',
};

/** What the terminal's Ui makes of the one object a command gives it. */
function printed(objects: readonly object[]): string {
  expect(objects).toHaveLength(1);
  return JSON.stringify({ schemaVersion: 1, ...objects[0] });
}

type Node = Record<string, unknown>;

/** Every object below a schema, with its path. */
function walk(node: unknown, path = ''): [string, Node][] {
  if (typeof node !== 'object' || node === null) return [];
  const below = Object.entries(node).flatMap(([key, value]) => walk(value, `${path}/${key}`));
  return Array.isArray(node) ? below : [[path, node as Node], ...below];
}

function looseObjects(schema: object): string[] {
  return walk(schema)
    .filter(([, node]) => node.type === 'object' && node.additionalProperties !== false)
    .map(([path]) => path);
}

function undescribed(schema: object): string[] {
  return walk(schema)
    .filter(([path, node]) => /\/properties\/[^/]+$/.test(path) && !node.description)
    .map(([path]) => path);
}

function enumsOf(output: (typeof OUTPUTS)[number]): string[][] {
  return walk(readSchema(output)).flatMap(([, node]) =>
    Array.isArray(node.enum) ? [node.enum.map(String).sort()] : [],
  );
}
