/** `assemblePlan`: what a deploy does, in which order, and what it never does. */

import { describe, expect, test } from 'vitest';
import type { Config, Instance, Port } from '../../src/config/types.ts';
import type { Cidr, Ipv4 } from '../../src/network/ipv4.ts';
import { assemblePlan, type PlanOptions } from '../../src/plan/assemble.ts';
import { type Change, describeStep, type Plan } from '../../src/plan/plan.ts';
import { sampleConfig, sampleInstance } from '../quadlet/sample.ts';
import { DEFAULTS, ModelHost, sampleFacts } from './model-host.ts';

const CONFIG = sampleConfig();
const [LIVE, PAPER] = CONFIG.instances as [Instance, Instance];
const RESEARCH = sampleInstance('research', { port: 5001 as Port });

function withInstances(...instances: Instance[]): Config {
  return sampleConfig({ instances });
}

/** 4002 with more memory: its definition changes, nothing else does. */
const CHANGED = withInstances(LIVE, { ...PAPER, settings: { ...PAPER.settings, memory: 2048 } });

const ALLOWED = sampleConfig({
  network: { ...CONFIG.network, allow: ['10.0.0.7/32' as Cidr, '10.0.0.9/32' as Cidr] },
});

function steps(plan: Plan): string[] {
  return plan.steps.map(describeStep);
}

/** `change 4002 new-login memory` for each. */
function changes(plan: Plan): string[] {
  return plan.changes.map((change) =>
    [change.kind, subject(change), change.cost, change.because.join(',')].join(' ').trimEnd(),
  );
}

function subject(change: Change): string {
  return 'instance' in change ? change.instance : change.file;
}

/** Under `--root`: nobody asks systemd. */
function offlinePlan(host: ModelHost, config: Config, options: Partial<PlanOptions> = {}): Plan {
  return assemblePlan(host.desired(config), host.installed({ root: true }), {
    ...DEFAULTS,
    ...options,
  });
}

describe('first deploy', () => {
  const FILES = [
    'write and check generation 1',
    'write /etc/systemd/system/ib-gateways.target',
    'write /etc/systemd/system/ibq-host-rules.service',
    'switch to generation 1',
    'link the units into /etc/containers/systemd',
  ];
  const RUNTIME = ['enable ib-gateways.target', 'reload systemd', "load the host's rules"];

  test.each<[string, Partial<PlanOptions>, string[]]>([
    ['', {}, [...FILES, ...RUNTIME, 'start 4001, 4002', 'wait for 4001, 4002']],
    ['--no-wait', { noWait: true }, [...FILES, ...RUNTIME, 'start 4001, 4002']],
    ['--no-start', { noStart: true }, [...FILES, ...RUNTIME]],
    [
      'with an image that is not on the host',
      { missingImages: ['example.org/ib:1'] },
      ['pull example.org/ib:1', ...FILES, ...RUNTIME, 'start 4001, 4002', 'wait for 4001, 4002'],
    ],
  ])('%s', (_title, options, expected) => {
    const plan = new ModelHost().plan(CONFIG, options);
    expect(plan.generation).toEqual({ from: null, to: 1 });
    expect(steps(plan)).toEqual(expected);
  });

  test('its instances are new and start, its files are new and cost nothing', () => {
    const plan = new ModelHost().plan(CONFIG);
    expect(changes(plan).slice(0, 2)).toEqual(['add 4001 start new', 'add 4002 start new']);
    for (const change of plan.changes.slice(2))
      expect(change).toMatchObject({ kind: 'add', cost: 'none' });
    expect(plan.changes[0]?.diff).toContain('+++ units/ib-gateway@4001.container.d/10-ibq.conf');
    expect(plan.drift).toEqual([]);
  });

  test('--no-start costs nothing', () => {
    const plan = new ModelHost().plan(CONFIG, { noStart: true });
    expect(changes(plan).slice(0, 2)).toEqual(['add 4001 none new', 'add 4002 none new']);
  });

  test('--root: the files and nothing else', () => {
    const plan = offlinePlan(new ModelHost(), CONFIG);
    expect(steps(plan)).toEqual(FILES);
    expect(changes(plan)).toContain('add 4001 none new');
  });
});

test('nothing changed, all runs: nothing to do', () => {
  const plan = ModelHost.deployed(CONFIG).plan(CONFIG);
  expect(plan).toEqual({ generation: null, changes: [], steps: [], drift: [], warnings: [] });
});

describe('an instance that does not run', () => {
  test.each(['inactive', 'failed'] as const)('%s: is started, and only it', (state) => {
    const host = ModelHost.deployed(CONFIG);
    host.stop('4002', state);
    const plan = host.plan(CONFIG);
    expect(plan.generation).toBeNull();
    expect(changes(plan)).toEqual(['change 4002 start not running']);
    expect(steps(plan)).toEqual(['start 4002', 'wait for 4002']);
  });

  test('--no-start: stays as it is', () => {
    const host = ModelHost.deployed(CONFIG);
    host.stop('4002');
    const plan = host.plan(CONFIG, { noStart: true });
    expect(changes(plan)).toEqual([]);
    expect(steps(plan)).toEqual([]);
  });

  test.each(['activating', 'deactivating', 'reloading'])('%s: is left alone', (active) => {
    const host = ModelHost.deployed(CONFIG);
    host.instances.set('4002', { ...loaded(host, '4002'), active });
    expect(steps(host.plan(CONFIG))).toEqual([]);
  });
});

test('an added instance: only it starts', () => {
  const plan = ModelHost.deployed(CONFIG).plan(withInstances(LIVE, PAPER, RESEARCH));
  expect(plan.generation).toEqual({ from: 1, to: 2 });
  expect(changes(plan)).toEqual(['add research start new']);
  expect(steps(plan)).toEqual([
    'write and check generation 2',
    'switch to generation 2',
    'reload systemd',
    'start research',
    'wait for research',
  ]);
});

describe('a removed instance', () => {
  test('that runs is stopped before the switch: afterwards its unit has no ExecStop', () => {
    const plan = ModelHost.deployed(CONFIG).plan(withInstances(LIVE));
    expect(changes(plan)).toEqual(['remove 4002 stop no longer configured']);
    expect(plan.changes[0]?.diff).toContain('--- units/ib-gateway@4002.container.d/10-ibq.conf');
    expect(plan.changes[0]?.diff).toContain('--- guard/4002.nft');
    expect(steps(plan)).toEqual([
      'write and check generation 2',
      'stop 4002',
      'switch to generation 2',
      'reload systemd',
    ]);
  });

  test('that does not run costs nothing', () => {
    const host = ModelHost.deployed(CONFIG);
    host.stop('4002');
    const plan = host.plan(withInstances(LIVE));
    expect(changes(plan)).toEqual(['remove 4002 none no longer configured']);
    expect(steps(plan)).not.toContain('stop 4002');
  });

  test('and added again under another name: both', () => {
    const plan = ModelHost.deployed(CONFIG).plan(withInstances(LIVE, RESEARCH));
    expect(changes(plan)).toEqual([
      'add research start new',
      'remove 4002 stop no longer configured',
    ]);
  });

  test('the last one: their networks go with them', () => {
    const host = ModelHost.deployed(CONFIG);
    const plan = host.deploy(withInstances());
    expect(changes(plan).slice(0, 2)).toEqual([
      'remove 4001 stop no longer configured',
      'remove 4002 stop no longer configured',
    ]);
    expect(steps(plan).slice(-2)).toEqual([
      expect.stringMatching(/^remove network ibq-lan-/),
      expect.stringMatching(/^remove network ibq-publish-/),
    ]);
    expect([...host.definedNetworks]).toEqual([]);
    expect(host.plan(withInstances()).steps).toEqual([]);
  });
});

describe('a changed definition', () => {
  test('of a running instance: in force on disk, its login is kept', () => {
    const plan = ModelHost.deployed(CONFIG).plan(CHANGED);
    expect(changes(plan)).toEqual(['change 4002 new-login memory']);
    expect(plan.changes[0]?.diff).toContain('+MemoryMax=2048M');
    expect(steps(plan)).toEqual([
      'write and check generation 2',
      'switch to generation 2',
      'reload systemd',
    ]);
  });

  test('stays reported until the instance is restarted', () => {
    const host = ModelHost.deployed(CONFIG);
    host.deploy(CHANGED);
    const plan = host.plan(CHANGED);
    expect(changes(plan)).toEqual(['change 4002 new-login not restarted since its last change']);
    expect(steps(plan)).toEqual([]);
  });

  test('of an instance that does not run: a start', () => {
    const host = ModelHost.deployed(CONFIG);
    host.stop('4002');
    const plan = host.plan(CHANGED);
    expect(changes(plan)).toEqual(['change 4002 start memory']);
    expect(steps(plan).slice(-2)).toEqual(['start 4002', 'wait for 4002']);
  });

  test('taken back before the restart: nothing is pending', () => {
    const host = ModelHost.deployed(CONFIG);
    host.deploy(CHANGED);
    const plan = host.plan(CONFIG);
    expect(changes(plan)).toEqual(['change 4002 none memory']);
    host.deploy(CONFIG);
    expect(host.plan(CONFIG).changes).toEqual([]);
  });

  test('by the template', () => {
    const host = ModelHost.deployed(CONFIG);
    const { templates } = host.facts;
    const container = templates['ib-gateway@.container'].replace('[Service]', '[Service]\nNice=5');
    host.facts = sampleFacts({ templates: { ...templates, 'ib-gateway@.container': container } });
    expect(changes(host.plan(CONFIG)).slice(0, 2)).toEqual([
      'change 4001 new-login template',
      'change 4002 new-login template',
    ]);
  });

  test("by a comment of the template: no instance's definition", () => {
    const host = ModelHost.deployed(CONFIG);
    const { templates } = host.facts;
    const container = `# read me\n${templates['ib-gateway@.container']}`;
    host.facts = sampleFacts({ templates: { ...templates, 'ib-gateway@.container': container } });
    const plan = host.plan(CONFIG);
    expect(plan.changes.filter(({ cost }) => cost !== 'none')).toEqual([]);
    expect(changes(plan)).toContain('change units/ib-gateway@.container none');
  });

  test("by the user's own drop-in of one instance", () => {
    const host = ModelHost.deployed(CONFIG);
    const path = '/etc/containers/systemd/ib-gateway@4002.container.d/90-local.conf';
    const instances = new Map([['4002', [{ path, text: '[Service]\nNice=5\n' }]]]);
    host.facts = sampleFacts({ userDropIns: { template: [], instances } });
    expect(changes(host.plan(CONFIG))).toEqual(['change 4002 new-login own drop-ins']);
  });
});

describe('--restart-changed', () => {
  test('one by one, each waited for before the next', () => {
    const instances = CHANGED.instances.map((instance) => ({
      ...instance,
      settings: { ...instance.settings, memory: 2048 },
    }));
    const plan = ModelHost.deployed(CONFIG).plan(withInstances(...instances), {
      restartChanged: true,
    });
    expect(steps(plan).slice(-5)).toEqual([
      'reload systemd',
      'restart 4001',
      'wait for 4001',
      'restart 4002',
      'wait for 4002',
    ]);
  });

  test('what did not change keeps its login', () => {
    const plan = ModelHost.deployed(CONFIG).plan(CHANGED, { restartChanged: true });
    expect(steps(plan).filter((step) => step.startsWith('restart'))).toEqual(['restart 4002']);
  });

  test('restarts what an earlier deploy left pending', () => {
    const host = ModelHost.deployed(CONFIG);
    host.deploy(CHANGED);
    expect(steps(host.plan(CHANGED, { restartChanged: true }))).toEqual([
      'restart 4002',
      'wait for 4002',
    ]);
  });

  test('networks go last, when nobody is on them any more', () => {
    const bridged = sampleConfig({
      network: {
        mode: 'bridge',
        egress: 'host',
        hostAccess: false,
        lan: null,
        allow: [],
        allowNetworks: [],
        routed: null,
        hostServices: [],
        linkLocal: false,
      },
    });
    const host = ModelHost.deployed(CONFIG);
    const lan = [...host.definedNetworks].find((name) => name.startsWith('ibq-lan-'));

    const gentle = host.plan(bridged);
    expect(steps(gentle).filter((step) => step.startsWith('remove network'))).toEqual([]);

    const plan = host.plan(bridged, { restartChanged: true });
    expect(steps(plan).slice(-5)).toEqual([
      'restart 4001',
      'wait for 4001',
      'restart 4002',
      'wait for 4002',
      `remove network ${lan}`,
    ]);
  });
});

describe('who is allowed', () => {
  test('reaches running instances at once, and costs nobody a login', () => {
    const plan = ModelHost.deployed(CONFIG).plan(ALLOWED);
    expect(changes(plan)).toEqual([
      'change 4001 none network.allow',
      'change 4002 none network.allow',
    ]);
    expect(steps(plan)).toEqual([
      'write and check generation 2',
      'switch to generation 2',
      'reload systemd',
      'update the guard of 4001',
      'update the guard of 4002',
    ]);
  });

  test('reaches an instance that waits for its restart too', () => {
    const host = ModelHost.deployed(CONFIG);
    host.deploy(CHANGED);
    host.deploy({ ...CHANGED, network: ALLOWED.network });
    expect(host.running.get('4002')?.guard).toContain('elements = { 10.0.0.7, 10.0.0.9 }');
    expect(host.plan({ ...CHANGED, network: ALLOWED.network }).steps).toEqual([]);
  });

  test('is no step for an instance that does not run: it starts with the new rules', () => {
    const host = ModelHost.deployed(CONFIG);
    host.stop('4002');
    expect(steps(host.plan(ALLOWED))).not.toContain('update the guard of 4002');
  });
});

describe('the host among its instances', () => {
  const access = sampleConfig({ network: { ...CONFIG.network, hostAccess: true } });
  const load = "set up the host's address among the instances";

  test('is turned on and off without a restart: rules, then its interface', () => {
    const host = ModelHost.deployed(CONFIG);
    expect(steps(host.plan(access))).toEqual([
      'write and check generation 2',
      'switch to generation 2',
      'reload systemd',
      'update the guard of 4001',
      'update the guard of 4002',
      load,
    ]);
    expect(changes(host.plan(access))).toEqual([
      'change 4001 none network.host_access',
      'change 4002 none network.host_access',
      'add shim.conf none',
    ]);
    host.deploy(access);
    expect(host.plan(access).steps).toEqual([]);
    host.deploy(CONFIG);
    expect(host.shim).toBeNull();
    expect(host.plan(CONFIG).steps).toEqual([]);
  });

  test('is set up again when it was lost, and nothing else happens', () => {
    const host = ModelHost.deployed(access);
    host.shim = null;
    expect(steps(host.plan(access))).toEqual([load]);
  });

  test('reaches an instance that waits for its restart too', () => {
    const host = ModelHost.deployed(CONFIG);
    host.deploy({ ...CHANGED, network: access.network });
    expect(host.running.get('4002')?.guard).toContain('elements = { 10.0.0.223 }');
  });
});

test('an address outside the range changes the rules of the others, and that is said', () => {
  const chosen = { ...PAPER.settings, address: '10.0.0.100' as Ipv4 };
  const plan = ModelHost.deployed(CONFIG).plan(withInstances(LIVE, { ...PAPER, settings: chosen }));
  expect(changes(plan).slice(0, 2)).toEqual([
    'change 4001 none addresses of other instances',
    'change 4002 new-login address',
  ]);
});

test('a guard that was flushed is loaded again, and nothing else happens', () => {
  const host = ModelHost.deployed(CONFIG);
  host.unguarded.add('4002');
  expect(steps(host.plan(CONFIG))).toEqual(['update the guard of 4002']);
  host.deploy(CONFIG);
  expect(host.plan(CONFIG).steps).toEqual([]);
});

describe('an instance that runs, and its guard wrote nothing down', () => {
  const host = ModelHost.deployed(CONFIG);
  host.running.delete('4002');

  test('counts as changed, and says why', () => {
    const plan = host.plan(CONFIG);
    expect(plan.steps).toEqual([]);
    expect(changes(plan)).toEqual([
      'change 4002 new-login nothing shows that its guard was loaded',
    ]);
  });

  test('--restart-changed starts it again, with its guard', () => {
    expect(steps(host.plan(CONFIG, { restartChanged: true }))).toContain('restart 4002');
  });

  test('one that is just starting has not written it yet', () => {
    const starting = ModelHost.deployed(CONFIG);
    const unit = starting.instances.get('4002');
    if (unit) starting.instances.set('4002', { ...unit, active: 'activating' });
    starting.running.delete('4002');
    expect(changes(starting.plan(CONFIG, { restartChanged: true }))).toEqual([]);
  });
});

describe('host rules', () => {
  const open = sampleConfig({
    publish: { address: '10.0.0.5' as Config['publish']['address'], subnet: null },
  });

  test('are loaded again when they changed', () => {
    expect(steps(ModelHost.deployed(CONFIG).plan(open))).toContain("load the host's rules");
  });

  test('are loaded again when they were lost', () => {
    const host = ModelHost.deployed(CONFIG);
    host.hostRules = null;
    expect(steps(host.plan(CONFIG))).toEqual(["load the host's rules"]);
  });
});

describe('drift', () => {
  const path = 'units/ib-gateway@4002.container.d/10-ibq.conf';

  test.each([
    ['edited', '[Container]\nImage=other\n'],
    ['removed', null],
  ])('a generated file that somebody %s is named, and replaced by a new generation', (_, text) => {
    const host = ModelHost.deployed(CONFIG);
    host.files.set(path, text);
    const plan = host.plan(CONFIG);
    expect(plan.drift).toEqual([path]);
    expect(plan.generation).toEqual({ from: 1, to: 2 });
    expect(steps(plan)).toEqual([
      'write and check generation 2',
      'switch to generation 2',
      'reload systemd',
    ]);
  });

  test('the plan shows what would be lost', () => {
    const host = ModelHost.deployed(CONFIG);
    host.files.set(path, '[Container]\nImage=other\n');
    const [change] = host.plan(CONFIG).changes;
    expect(change).toMatchObject({ kind: 'change', instance: '4002', cost: 'none' });
    expect(change?.diff).toContain('-Image=other');
  });

  test.each([
    ['removed', null],
    ['turned', 'mine.container'],
  ])('the link of an instance that somebody %s: without it there is no unit', (_, target) => {
    const host = ModelHost.deployed(CONFIG);
    host.links.set('units/ib-gateway@4002.container', target);
    const plan = host.deploy(CONFIG);
    expect(plan.drift).toEqual(['units/ib-gateway@4002.container']);
    expect(plan.generation).toEqual({ from: 1, to: 2 });
    expect(host.plan(CONFIG)).toMatchObject({ drift: [], steps: [] });
  });

  test('a shared file', () => {
    const host = ModelHost.deployed(CONFIG);
    host.files.set('units/ib-gateway@.container', '# mine\n');
    const plan = host.plan(CONFIG);
    expect(plan.drift).toEqual(['units/ib-gateway@.container']);
    expect(changes(plan)).toEqual(['change units/ib-gateway@.container none']);
  });
});

describe('a deploy that was killed', () => {
  const cases: [string, Config, Partial<PlanOptions>][] = [
    ['first deploy', CONFIG, {}],
    ['one added', withInstances(LIVE, PAPER, RESEARCH), {}],
    ['one removed', withInstances(LIVE), {}],
    ['one changed', CHANGED, {}],
    ['one changed, restarted', CHANGED, { restartChanged: true }],
    [
      'another mode',
      sampleConfig({
        network: {
          mode: 'bridge',
          egress: 'host',
          hostAccess: false,
          lan: null,
          allow: [],
          allowNetworks: [],
          routed: null,
          hostServices: [],
          linkLocal: false,
        },
      }),
      {},
    ],
    ['allow', ALLOWED, {}],
  ];
  test.each(cases)('%s: after each step the next one finishes it', (title, config, options) => {
    const start = () => (title === 'first deploy' ? new ModelHost() : ModelHost.deployed(CONFIG));
    const count = start().plan(config, options).steps.length;
    for (let killedAfter = 0; killedAfter <= count; killedAfter++) {
      const host = start();
      host.deploy(config, options, killedAfter);
      const ran = new Map(host.running);
      host.deploy(config);
      for (const [name, was] of ran) {
        if (config.instances.some((instance) => instance.name === name)) {
          expect(host.running.get(name)?.definition, `${name} after ${killedAfter}`).toBe(
            was.definition,
          );
        }
      }
      expect([...host.running.keys()].sort()).toEqual(config.instances.map(({ name }) => name));
      expect(host.plan(config).steps, `after ${killedAfter}`).toEqual([]);
    }
  });

  test('after the switch and before the reload: the reload is what is left', () => {
    const host = ModelHost.deployed(CONFIG);
    host.deploy(CHANGED, {}, 2);
    const plan = host.plan(CHANGED);
    expect(plan.generation).toBeNull();
    expect(steps(plan)).toEqual(['reload systemd']);
  });

  test('a removed unit that the target still wants would come back: reload', () => {
    const host = ModelHost.deployed(CONFIG);
    host.deploy(withInstances(LIVE), {}, 3);
    expect(host.targetWants).toContain('ib-gateway@4002.service');
    expect(steps(host.plan(withInstances(LIVE)))).toEqual(['reload systemd']);
  });

  test('a removed instance that was started in between is stopped, while its unit is loaded', () => {
    const host = ModelHost.deployed(CONFIG);
    host.deploy(withInstances(LIVE), {}, 3);
    host.instances.set('4002', { ...loaded(host, '4002'), active: 'active' });
    expect(steps(host.plan(withInstances(LIVE)))).toEqual(['stop 4002', 'reload systemd']);
  });

  test.each([
    ['is still defined', (host: ModelHost) => host.definedNetworks.add('ibq-lan-0badf00d')],
    [
      'still has its unit active',
      (host: ModelHost) =>
        host.networks.set('ibq-lan-0badf00d', {
          load: 'not-found',
          active: 'active',
          definition: null,
        }),
    ],
  ])('a network of no instance that %s is removed', (_title, leave) => {
    const host = ModelHost.deployed(CONFIG);
    leave(host);
    expect(steps(host.plan(CONFIG))).toEqual(['remove network ibq-lan-0badf00d']);
  });

  test('a generation that was written and never switched to is not reused', () => {
    const host = ModelHost.deployed(CONFIG);
    host.deploy(CHANGED, {}, 1);
    expect(host.plan(CHANGED).generation).toEqual({ from: 1, to: 3 });
  });
});

describe('old generations', () => {
  test('twenty beside the current one are kept', () => {
    const host = ModelHost.deployed(CONFIG);
    host.generations = Array.from({ length: 23 }, (_, index) => index + 1);
    host.manifest = host.manifest && { ...host.manifest, generation: 23 };
    const plan = host.plan(CONFIG);
    expect(plan.steps).toEqual([{ kind: 'prune', numbers: [1, 2] }]);
  });

  test('go with the deploy that makes them old, not with the next one', () => {
    const host = ModelHost.deployed(CONFIG);
    host.generations = Array.from({ length: 21 }, (_, index) => index + 1);
    host.manifest = host.manifest && { ...host.manifest, generation: 21 };
    expect(host.deploy(CHANGED).steps).toContainEqual({ kind: 'prune', numbers: [1] });
    expect(host.plan(CHANGED).steps).toEqual([]);
  });

  test('never the current one, however old it is', () => {
    const host = ModelHost.deployed(CONFIG);
    host.generations = Array.from({ length: 23 }, (_, index) => index + 1);
    expect(host.plan(CONFIG).steps).toEqual([{ kind: 'prune', numbers: [2, 3] }]);
  });
});

describe('--root', () => {
  test('no step needs systemd, Podman or the network', () => {
    const host = ModelHost.deployed(CONFIG);
    const plan = offlinePlan(host, withInstances(LIVE, RESEARCH));
    expect(steps(plan)).toEqual(['write and check generation 2', 'switch to generation 2']);
    expect(plan.changes.map(({ cost }) => cost)).toEqual(['none', 'none']);
  });

  test('a stopped instance is none of its business', () => {
    const host = ModelHost.deployed(CONFIG);
    host.stop('4002');
    expect(offlinePlan(host, CONFIG).steps).toEqual([]);
  });
});

describe('a setting that no file of the instance shows', () => {
  const lan = (port: number, address: string) =>
    sampleConfig({
      network: { ...CONFIG.network, mode: 'lan' },
      publish: { address: address as Config['publish']['address'], subnet: null },
      instances: [{ ...LIVE, port: port as Port }],
    });
  test.each([
    ['port, which mode lan does not publish', lan(4009, '127.0.0.1')],
    ['publish.address, which mode lan does not use', lan(4001, '127.0.0.2')],
  ])('%s: is no change', (_title, config) => {
    const host = ModelHost.deployed(lan(4001, '127.0.0.1'));
    expect(host.plan(config).changes).toEqual([]);
  });
});

function loaded(host: ModelHost, name: string) {
  const unit = host.instances.get(name);
  if (!unit) throw new Error(`${name} is not loaded`);
  return unit;
}

describe('keys that an older ibq did not know', () => {
  /** As that one wrote the manifest. */
  function deployedWithout(...keys: string[]): ModelHost {
    const host = ModelHost.deployed(CONFIG);
    for (const { inputs } of Object.values(host.manifest?.instances ?? {})) {
      for (const key of keys) delete (inputs as Record<string, string>)[key];
    }
    return host;
  }

  test('are no reason where nobody sets them', () => {
    const [change] = changes(deployedWithout('login_attempts', 'restart').plan(CHANGED));
    expect(change).toBe('change 4002 new-login memory');
  });

  test('are one where they are set', () => {
    const config = withInstances(LIVE, {
      ...PAPER,
      settings: { ...PAPER.settings, memory: 2048, login_attempts: 3 },
    });
    const [change] = changes(deployedWithout('login_attempts', 'restart').plan(config));
    expect(change).toBe('change 4002 new-login login_attempts,memory');
  });

  test('are one where they change a container all the same', () => {
    const [change] = changes(deployedWithout('user_namespace').plan(CHANGED));
    expect(change).toBe('change 4002 new-login memory,user_namespace');
  });
});

describe('what somebody took away', () => {
  const deployed = () => ModelHost.deployed(CONFIG);

  test('a network that no container uses any more is made again before the starts', () => {
    const host = deployed();
    for (const name of [...host.running.keys()]) host.stop(name);
    host.definedNetworks.clear();
    expect(steps(host.plan(CONFIG))).toEqual([
      expect.stringMatching(/^make network ibq-publish-[0-9a-f]+ again$/),
      expect.stringMatching(/^make network ibq-lan-[0-9a-f]+ again$/),
      'start 4001, 4002',
      'wait for 4001, 4002',
    ]);
  });

  test('a network whose unit is down is made by the start itself', () => {
    const host = deployed();
    for (const name of [...host.running.keys()]) host.stop(name);
    host.definedNetworks.clear();
    for (const [name, unit] of host.networks)
      host.networks.set(name, { ...unit, active: 'inactive' });
    expect(steps(host.plan(CONFIG))).toEqual(['start 4001, 4002', 'wait for 4001, 4002']);
  });

  test('the link to the current generation, and nothing is restarted for it', () => {
    const host = deployed();
    host.currentLost = true;
    expect(steps(host.plan(CONFIG))).toEqual(['switch to generation 1', 'reload systemd']);
  });

  test('the interface on the LAN, of one that runs as it is wanted', () => {
    const host = deployed();
    host.lanLost.add('4001').add('4002');
    expect(steps(host.plan(CONFIG))).toEqual([
      'make the LAN interface of 4001 again',
      'make the LAN interface of 4002 again',
    ]);
    // A restart, which it needs anyway, makes it.
    expect(steps(host.plan(CHANGED))).not.toContain('make the LAN interface of 4002 again');
  });
});

test('two that take over each other’s ports are restarted together, the others one by one', () => {
  const host = ModelHost.deployed(withInstances(LIVE, PAPER, RESEARCH));
  const changed = [LIVE, PAPER, RESEARCH].map((it) => ({
    ...it,
    settings: { ...it.settings, memory: 2048 },
  }));
  const portBlockers = new Map([
    ['4001', new Set(['4002'])],
    ['4002', new Set(['4001'])],
  ]);
  const plan = host.deploy(withInstances(...changed), { restartChanged: true, portBlockers });
  expect(steps(plan).slice(-4)).toEqual([
    'restart research',
    'wait for research',
    "restart 4001, 4002 together: they take over each other's ports",
    'wait for 4001, 4002',
  ]);
});
