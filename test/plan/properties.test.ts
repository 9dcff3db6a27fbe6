/** What holds for every deploy, whatever was deployed before. The model host refuses a wrong order. */

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Config, Instance, NetworkConfig, Port, Settings } from '../../src/config/types.ts';
import type { Cidr, Ipv4 } from '../../src/network/ipv4.ts';
import type { Plan } from '../../src/plan/plan.ts';
import { sampleConfig, sampleInstance } from '../quadlet/sample.ts';
import { ModelHost } from './model-host.ts';

const RUNS = 60;
const NAMES = ['4001', '4002', '4003', 'a', 'research', 'x_1'];
const { lan } = sampleConfig().network;

const networks = fc.record({
  mode: fc.constantFrom<NetworkConfig['mode']>('dual', 'bridge', 'lan'),
  egress: fc.constantFrom<NetworkConfig['egress']>('host', 'lan'),
  hostAccess: fc.boolean(),
  allowNetworks: fc.constant<string[]>([]),
  routed: fc.constant(null),
  hostServices: fc.constantFrom<Config['network']['hostServices']>([], [5432], 'all'),
  linkLocal: fc.boolean(),
  allow: fc.uniqueArray(fc.constantFrom<Cidr>('10.0.0.7/32' as Cidr, '10.0.0.128/26' as Cidr)),
});

const configs: fc.Arbitrary<Config> = fc
  .record({
    network: networks,
    address: fc.constantFrom('127.0.0.1', '0.0.0.0', '10.0.0.5'),
    instances: fc.uniqueArray(
      fc.record({
        name: fc.constantFrom(...NAMES),
        mode: fc.constantFrom<Instance['mode']>('live', 'paper'),
        memory: fc.constantFrom(null, 1024),
        environment: fc.constantFrom<Record<string, string>>({}, { A: '1' }, { A: '%h $x "y"' }),
        image: fc.constantFrom('localhost/ibq-simulator:latest', 'example.org/ib:1'),
        ssh: fc.record({
          mode: fc.constantFrom<Settings['ssh']['mode']>('no', 'yes', 'both'),
          via: fc.constantFrom<Settings['ssh']['via']>('host', 'host', 'image'),
          targets: fc.constantFrom(['a@one'], ['a@one', 'b@two:2222']),
        }),
      }),
      { selector: ({ name }) => name, maxLength: 5 },
    ),
  })
  .map(({ network, address, instances }) => ({
    network: {
      ...network,
      egress: network.mode === 'dual' ? network.egress : network.mode === 'lan' ? 'lan' : 'host',
      hostAccess: network.hostAccess && network.mode !== 'bridge',
      lan: network.mode === 'bridge' ? null : lan,
    },
    publish: { address: address as Ipv4, subnet: null },
    instances: instances
      .sort((a, b) => (a.name < b.name ? -1 : 1))
      .map(({ name, mode, memory, environment, image, ssh }) => {
        const sample = sampleInstance(name);
        const port = (5000 + NAMES.indexOf(name)) as Port;
        const settings = { ...sample.settings, memory, ssh: { ...sample.settings.ssh, ...ssh } };
        return { ...sample, mode, port, image, environment, settings };
      }),
  }));

const options = fc.record({
  restartChanged: fc.boolean(),
  noStart: fc.boolean(),
  noWait: fc.boolean(),
});

/** Instances that do not run when the second deploy comes. */
const stopped = fc.subarray(NAMES);

const cases = { before: configs, after: configs, options, stopped };
type Case = {
  [K in keyof typeof cases]: (typeof cases)[K] extends fc.Arbitrary<infer T> ? T : never;
};

function deployed({ before, stopped: names }: Case): ModelHost {
  const host = ModelHost.deployed(before);
  for (const name of names) if (host.running.has(name)) host.stop(name);
  return host;
}

function check(property: (sample: Case) => void): void {
  fc.assert(fc.property(fc.record(cases), property), { numRuns: RUNS });
}

/** Which part of a deploy a step belongs to; the parts follow one another. */
const PHASE = {
  'pull-image': 0,
  'write-file-secret': 1,
  'write-generation': 2,
  'write-static': 3,
  stop: 4,
  activate: 5,
  'link-quadlets': 6,
  prune: 7,
  enable: 8,
  reload: 9,
  'remove-file-secrets': 10,
  'load-host-rules': 11,
  'update-guard': 12,
  'make-lan': 13,
  'make-network': 14,
  'load-shim': 15,
  'stop-tunnels': 16,
  'start-tunnels': 17,
  restart: 18,
  'restart-together': 18,
  'remove-network': 19,
  start: 20,
  wait: 21,
} as const;

describe('a deploy from any configuration to any other', () => {
  test('has its steps in order, each at most once but restarts and their waits', () => {
    check((sample) => {
      const plan = deployed(sample).plan(sample.after, sample.options);
      const phases = plan.steps.flatMap((step, index) => {
        const ofRestart = step.kind === 'wait' && plan.steps[index - 1]?.kind.startsWith('restart');
        return ofRestart ? [] : [PHASE[step.kind]];
      });
      expect(phases).toEqual([...phases].sort((a, b) => a - b));
      const once = ['write-generation', 'activate', 'reload', 'start', 'start-tunnels'] as const;
      for (const kind of once) {
        expect(count(plan, kind)).toBeLessThanOrEqual(1);
      }
    });
  });

  test('reloads exactly once when files switch', () => {
    check((sample) => {
      const plan = deployed(sample).plan(sample.after, sample.options);
      if (plan.generation !== null) expect(count(plan, 'reload')).toBe(1);
      expect(count(plan, 'activate')).toBe(plan.generation === null ? 0 : 1);
    });
  });

  test('has a new generation exactly when a file changes', () => {
    check((sample) => {
      const host = deployed(sample);
      const before = new Map(host.files);
      const plan = host.deploy(sample.after, sample.options);
      expect(plan.generation !== null).toBe(!sameEntries(before, host.files));
    });
  });

  test('can be carried out, and the next one finds nothing to do', () => {
    check((sample) => {
      const host = deployed(sample);
      host.deploy(sample.after, sample.options);
      expect(host.plan(sample.after, sample.options).steps).toEqual([]);
      expect(host.plan(sample.after, sample.options).generation).toBeNull();
    });
  });

  test('with --restart-changed leaves nothing pending and no network behind', () => {
    check((sample) => {
      const host = deployed(sample);
      host.deploy(sample.after, { restartChanged: true });
      const plan = host.plan(sample.after);
      expect(plan).toMatchObject({ generation: null, changes: [], steps: [] });
      const used = new Set([...host.running.values()].flatMap((it) => it.networks));
      expect([...host.definedNetworks].sort()).toEqual([...used].sort());
    });
  });

  test('without it logs nobody out who is still configured', () => {
    check((sample) => {
      const host = deployed(sample);
      const before = new Map([...host.running].map(([name, { definition }]) => [name, definition]));
      host.deploy(sample.after, { ...sample.options, restartChanged: false });
      for (const { name } of sample.after.instances) {
        const definition = before.get(name);
        if (definition !== undefined) expect(host.running.get(name)?.definition).toBe(definition);
      }
    });
  });

  test('never touches an instance that runs and does not change', () => {
    check((sample) => {
      const host = deployed(sample);
      const plan = host.plan(sample.after, sample.options);
      const wanted = new Map(host.desired(sample.after).instances.map((it) => [it.name, it]));
      const touched = new Set(
        plan.steps.flatMap((step) => {
          if (step.kind === 'start' || step.kind === 'stop') return step.instances;
          return step.kind === 'restart' || step.kind === 'update-guard' ? [step.instance] : [];
        }),
      );
      for (const [name, running] of host.running) {
        const instance = [...wanted.values()].find((it) => it.name === name);
        if (instance?.definition === running.definition && instance.guard === running.guard) {
          expect(touched).not.toContain(name);
        }
      }
    });
  });

  test('tells of each step that stops or restarts an instance, and of no other cost', () => {
    check((sample) => {
      const plan = deployed(sample).plan(sample.after, sample.options);
      const costing = (cost: string) =>
        plan.changes.flatMap((it) => ('instance' in it && it.cost === cost ? [it.instance] : []));
      const doing = (kind: string) =>
        plan.steps.flatMap((it) => {
          if (it.kind !== kind) return [];
          return 'instances' in it ? it.instances : 'instance' in it ? [it.instance] : [];
        });
      expect(costing('stop').sort()).toEqual(doing('stop').sort());
      expect(costing('start').sort()).toEqual(doing('start').sort());
      if (sample.options.restartChanged) {
        expect(costing('new-login').sort()).toEqual(doing('restart').sort());
      } else expect(doing('restart')).toEqual([]);
    });
  });

  test('brings back networks and the link to current that somebody removed, and logs nobody out', () => {
    check((sample) => {
      const host = deployed(sample);
      // Podman keeps those that a container uses.
      const used = new Set([...host.running.values()].flatMap(({ networks }) => networks));
      for (const name of host.definedNetworks) {
        if (!used.has(name)) host.definedNetworks.delete(name);
      }
      host.currentLost = host.manifest !== null;
      const ran = new Map([...host.running].map(([name, { definition }]) => [name, definition]));
      const plan = host.deploy(sample.before);
      expect(plan.generation).toBeNull();
      for (const [name, definition] of ran) {
        expect(host.running.get(name)?.definition).toBe(definition);
      }
      expect(host.currentLost).toBe(false);
      expect(host.plan(sample.before).steps).toEqual([]);
    });
  });

  test('has the tunnels that are asked for, of gateways that run, and no other', () => {
    check((sample) => {
      const host = deployed(sample);
      host.deploy(sample.after);
      const wanted = sample.after.instances.filter(({ settings: { ssh } }) => isHeldHere(ssh));
      expect([...host.tunnels.keys()].sort()).toEqual(wanted.map(({ name }) => name));
    });
  });

  test('cuts a tunnel only where its definition changes, and tells of each', () => {
    check((sample) => {
      const host = deployed(sample);
      const before = new Map(host.tunnels);
      const desired = new Map(host.desired(sample.after).instances.map((it) => [it.name, it]));
      const plan = host.plan(sample.after, sample.options);
      const cut = plan.steps.flatMap((step) =>
        step.kind === 'start-tunnels' || step.kind === 'stop-tunnels' ? step.instances : [],
      );
      const told = plan.changes.flatMap((it) =>
        'file' in it && it.cost === 'connections' ? [it.file.replace('tunnel/', '')] : [],
      );
      expect(told.sort()).toEqual(cut.filter((name) => before.has(name)).sort());
      for (const name of told) {
        const tunnel = desired.get(name as Instance['name'])?.tunnel;
        expect(tunnel?.definition).not.toBe(before.get(name)?.definition);
      }
    });
  });

  test('keeps the LAN address and MAC of an instance that had one', () => {
    check((sample) => {
      const host = ModelHost.deployed(sample.before);
      const before = host.manifest?.instances ?? {};
      host.deploy(sample.after);
      for (const [name, { lan: now }] of Object.entries(host.manifest?.instances ?? {})) {
        const old = before[name]?.lan;
        if (old && now) expect(now).toEqual(old);
      }
    });
  });

  test('under --root writes files only, and the next one none', () => {
    check((sample) => {
      const host = new ModelHost();
      for (const config of [sample.before, sample.after]) {
        const { plan, again } = host.deployFiles(config);
        for (const { kind } of plan.steps) {
          expect(['write-generation', 'write-static', 'activate', 'link-quadlets']).toContain(kind);
        }
        expect(again).toMatchObject({ generation: null, changes: [], steps: [] });
      }
    });
  });

  // The model takes its text from the code under test; here its sets are read as the kernel would.
  test('whoever runs lets in who is allowed now, and knows the host and its siblings', () => {
    check((sample) => {
      const host = deployed(sample);
      host.deploy(sample.after, { ...sample.options, noStart: false });
      const { allow, hostAccess } = sample.after.network;
      for (const { name, settings } of sample.after.instances) {
        const guard = host.running.get(name)?.guard;
        if (guard === undefined) continue;
        // By a tunnel alone: no client is let in.
        const clients = settings.ssh.mode === 'yes' ? [] : allow.map(withoutLength).sort();
        expect(elementsOf(guard, 'allow'), name).toEqual(clients);
        expect(elementsOf(guard, 'shim'), name).toHaveLength(hostAccess ? 1 : 0);
        if (lan !== null && sample.after.network.lan !== null) {
          expect(elementsOf(guard, 'siblings'), name).toContain(lan.range);
        }
      }
    });
  });

  test('killed after any step is finished by the next, and nothing that ran is stopped', () => {
    fc.assert(
      fc.property(fc.record(cases), fc.nat(), (sample, at) => {
        const host = deployed(sample);
        const total = host.plan(sample.after, sample.options).steps.length;
        host.deploy(sample.after, sample.options, total === 0 ? 0 : at % total);
        const ran = new Map([...host.running].map(([name, { definition }]) => [name, definition]));
        host.deploy(sample.after);
        for (const { name } of sample.after.instances) {
          const definition = ran.get(name);
          if (definition !== undefined) expect(host.running.get(name)?.definition).toBe(definition);
        }
        expect([...host.running.keys()].sort()).toEqual(
          sample.after.instances.map(({ name }) => name),
        );
        const tunnelled = sample.after.instances.filter(({ settings: { ssh } }) => isHeldHere(ssh));
        expect([...host.tunnels.keys()].sort()).toEqual(tunnelled.map(({ name }) => name));
        expect(host.plan(sample.after).steps).toEqual([]);
      }),
      { numRuns: RUNS },
    );
  });
});

function isHeldHere({ mode, via }: Settings['ssh']): boolean {
  return mode !== 'no' && via === 'host';
}

/** Elements of a set, out of the text that `nft -f` reads. */
function elementsOf(guard: string, set: string): string[] {
  const body = new RegExp(`set ${set} \\{([^}]*)`).exec(guard)?.[1];
  if (body === undefined) throw new Error(`no set ${set} in:\n${guard}`);
  const listed = /elements = \{(.*)/.exec(body)?.[1] ?? '';
  return listed
    .split(',')
    .map((it) => it.trim())
    .filter(Boolean)
    .sort();
}

function withoutLength(cidr: Cidr): string {
  return cidr.replace(/\/32$/, '');
}

function count(plan: Plan, kind: string): number {
  return plan.steps.filter((step) => step.kind === kind).length;
}

function sameEntries<K, V>(a: ReadonlyMap<K, V>, b: ReadonlyMap<K, V>): boolean {
  return a.size === b.size && [...a].every(([key, value]) => b.get(key) === value);
}
