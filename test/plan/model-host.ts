/**
 * A host as plans see it: files, what systemd has loaded, what runs. It carries out a plan step by
 * step and refuses, as the real one would, what comes in the wrong order.
 */

import type { Config } from '../../src/config/types.ts';
import type { Cidr, Ipv4 } from '../../src/network/ipv4.ts';
import { assemblePlan, liveGuard, type PlanOptions } from '../../src/plan/assemble.ts';
import { assembleDesired, type Desired, type DesiredInstance } from '../../src/plan/desired.ts';
import type { HostFacts } from '../../src/plan/facts.ts';
import type { Installed, InstalledUnit, Runtime } from '../../src/plan/installed.ts';
import { buildManifest, type Manifest } from '../../src/plan/manifest.ts';
import { instanceService } from '../../src/plan/paths.ts';
import type { Plan, Step } from '../../src/plan/plan.ts';
import { readTemplates } from '../quadlet/sample.ts';

const STATIC_UNITS = [
  { path: '/etc/systemd/system/ib-gateways.target', text: '[Unit]\n' },
  { path: '/etc/systemd/system/ibq-host-rules.service', text: '[Service]\n' },
];

export const DEFAULTS: PlanOptions = {
  noStart: false,
  noWait: false,
  restartChanged: false,
  refusedLogins: [],
  portBlockers: new Map(),
  missingImages: [],
  missingFileSecrets: [],
  surplusFileSecrets: [],
};

const templates = readTemplates();

export function sampleFacts(changes: Partial<HostFacts> = {}): HostFacts {
  return {
    templates,
    userDropIns: { template: [], instances: new Map() },
    libDir: '/usr/local/lib/ibq',
    staticUnits: STATIC_UNITS,
    machineId: '0123456789abcdef0123456789abcdef',
    hostAddresses: ['10.0.0.5' as Ipv4],
    nonlocalBind: false,
    held: new Map(),
    sharing: new Set(),
    attached: new Map(),
    sidecars: new Map(),
    lanNetworks: [],
    seen: [],
    answered: [],
    usedSubnets: [{ subnet: '10.0.0.0/24' as Cidr, kind: 'connected', name: 'eth1' }],
    subnetPools: null,
    interfaces: new Map([['eth1', { up: true }]]),
    ownFiles: new Map(),
    takenIds: [],
    heldIds: new Map(),
    fileKey: 'key of this host',
    configFile: '/etc/ibq/ibq.toml',
    rangeFile: '/etc/ibq/network.toml',
    ...changes,
  };
}

interface TunnelModel {
  definition: string;
  leadsTo: string;
  targets: string[];
}

interface RunningModel {
  definition: string;
  guard: string;
  networks: readonly string[];
}

/** State of one host; every step changes it or throws. */
export class ModelHost {
  manifest: Manifest | null = null;
  files = new Map<string, string | null>();
  links = new Map<string, string | null>();
  generations: number[] = [];
  /** Somebody removed the link to the current one. */
  currentLost = false;
  quadletLinked = false;
  staticUnits = new Map<string, string | null>();
  readonly instances = new Map<string, InstalledUnit>();
  readonly networks = new Map<string, InstalledUnit>();
  readonly running = new Map<string, RunningModel>();
  /** Somebody flushed the rules in their namespaces. */
  readonly unguarded = new Set<string>();
  /** Running ones whose interface on the LAN is gone. */
  readonly lanLost = new Set<string>();
  /** Those that are up. */
  readonly tunnels = new Map<string, TunnelModel>();
  /** Gateways whose units, as loaded, bring up a tunnel. */
  tunnelsWanted = new Set<string>();
  definedNetworks = new Set<string>();
  targetWants: string[] = [];
  targetEnabled = false;
  hostRules: string | null = null;
  shim: string | null = null;
  facts = sampleFacts();
  private last: {
    config: Config;
    facts: HostFacts;
    manifest: Manifest | null;
    desired: Desired;
  } | null = null;

  /** A host on which `config` was deployed, and all of it runs. */
  static deployed(config: Config, facts = sampleFacts()): ModelHost {
    const host = new ModelHost();
    host.facts = facts;
    host.deploy(config);
    return host;
  }

  /** Made anew only when something else is asked for: it hangs on these three alone, and nobody changes them in place. */
  desired(config: Config): Desired {
    const { facts, manifest, last } = this;
    if (last?.config === config && last.facts === facts && last.manifest === manifest) {
      return last.desired;
    }
    const desired = assembleDesired(config, facts, manifest);
    this.last = { config, facts, manifest, desired };
    return desired;
  }

  plan(config: Config, options: Partial<PlanOptions> = {}): Plan {
    return assemblePlan(this.desired(config), this.installed(), { ...DEFAULTS, ...options });
  }

  /** @param stopAfter number of steps after which it is killed */
  deploy(config: Config, options: Partial<PlanOptions> = {}, stopAfter = Infinity): Plan {
    const desired = this.desired(config);
    const plan = this.plan(config, options);
    for (const step of plan.steps.slice(0, stopAfter)) this.apply(step, desired);
    return plan;
  }

  /** A deploy under `--root`, and the plan of the one after it. */
  deployFiles(config: Config): { plan: Plan; again: Plan } {
    const offline = (desired: Desired) =>
      assemblePlan(desired, this.installed({ root: true }), DEFAULTS);
    const desired = this.desired(config);
    const plan = offline(desired);
    for (const step of plan.steps) this.apply(step, desired);
    return { plan, again: offline(this.desired(config)) };
  }

  installed({ root = false } = {}): Installed {
    const runtime: Runtime = {
      instances: new Map(this.instances),
      running: new Map(
        [...this.running].map(([name, { definition, guard }]) => [
          name,
          {
            container: `container-of-${name}`,
            pid: 100,
            definition,
            halves: [],
            session: '',
            guard,
          },
        ]),
      ),
      unguarded: new Set(this.unguarded),
      lanLost: new Set(this.lanLost),
      tunnels: new Map(
        [...new Set([...this.instances.keys(), ...this.tunnels.keys()])].map((name) => {
          const none = { definition: null, leadsTo: null, targets: [] };
          const active = this.tunnels.has(name) ? 'active' : 'inactive';
          const wanted = this.tunnelsWanted.has(name);
          return [name, { active, wanted, ...(this.tunnels.get(name) ?? none) }];
        }),
      ),
      networks: new Map(this.networks),
      definedNetworks: [...this.definedNetworks],
      targetWants: [...this.targetWants],
      targetEnabled: this.targetEnabled,
      hostRules: this.hostRules,
      shim: this.shim,
      staticUnitsStale: false,
    };
    return {
      manifest: this.manifest,
      currentLost: this.currentLost,
      files: new Map(this.files),
      links: new Map(this.links),
      generations: [...this.generations],
      quadletLinked: this.quadletLinked,
      staticUnits: new Map(this.staticUnits),
      runtime: root ? null : runtime,
    };
  }

  /** As `systemctl stop` does, or a gateway that ends by itself. */
  stop(name: string, active: 'inactive' | 'failed' = 'inactive'): void {
    this.instances.set(name, { ...this.unit(name), active });
    this.running.delete(name);
    this.tunnels.delete(name);
  }

  apply(step: Step, desired: Desired): void {
    switch (step.kind) {
      case 'pull-image':
      case 'write-file-secret':
      case 'remove-file-secrets':
        return;
      case 'write-generation':
        assert(!this.generations.includes(step.number), 'a generation is written once');
        this.generations.push(step.number);
        return;
      case 'write-static':
        this.staticUnits.set(step.path, textOf(desired.staticUnits, step.path));
        return;
      case 'stop':
        for (const name of step.instances) {
          assert(this.unit(name).load === 'loaded', `${name} has lost its ExecStop`);
          assert(this.running.has(name), `${name} does not run`);
          this.stop(name);
        }
        return;
      case 'activate':
        assert(this.generations.includes(step.number), 'written before it is activated');
        this.currentLost = false;
        this.manifest = buildManifest(desired, {
          ibq: '0.0.0',
          generation: step.number,
          createdAt: '2025-11-21T07:00:00.000Z',
          configFile: null,
          images: {},
        });
        this.files = new Map(desired.files.map(({ path, text }) => [path, text]));
        this.links = new Map(desired.links.map(({ path, target }) => [path, target]));
        return;
      case 'link-quadlets':
        this.quadletLinked = true;
        return;
      case 'prune':
        assert(!step.numbers.includes(this.manifest?.generation ?? 0), 'current one pruned');
        this.generations = this.generations.filter((it) => !step.numbers.includes(it));
        return;
      case 'reload':
        this.reload(desired);
        return;
      case 'enable':
        assert(this.staticUnits.get(`/etc/systemd/system/${step.unit}`), `${step.unit} is no file`);
        this.targetEnabled = true;
        return;
      case 'load-host-rules':
        assert(this.files.has('host.nft'), 'host rules are no file');
        this.hostRules = desired.hostRules;
        return;
      case 'make-network':
        assert(!this.definedNetworks.has(step.name), `${step.name} is there`);
        assert(
          this.networks.get(step.name)?.active === 'active',
          `${step.name} is made by a start`,
        );
        this.definedNetworks.add(step.name);
        return;
      case 'load-shim':
        assert(this.files.has('shim.conf') === (desired.shim !== null), 'before the switch');
        this.shim = desired.shim;
        return;
      case 'stop-tunnels':
        for (const name of step.instances) this.tunnels.delete(name);
        return;
      case 'start-tunnels':
        for (const name of step.instances) {
          assert(this.running.has(name), `${name} does not run: systemd would refuse its tunnel`);
          assert(this.tunnelsWanted.has(name), `nobody wants the tunnel of ${name}: it would stop`);
          this.makeTunnel(find(desired, name));
        }
        return;
      case 'remove-network':
        for (const [name, { networks }] of this.running) {
          assert(!networks.includes(step.name), `${step.name} is removed under ${name}`);
        }
        this.definedNetworks.delete(step.name);
        this.networks.delete(step.name);
        return;
      case 'update-guard': {
        const running = this.running.get(step.instance);
        assert(running, `${step.instance} does not run`);
        running.guard = liveGuard(find(desired, step.instance), {
          container: '',
          pid: 100,
          halves: [],
          session: '',
          ...running,
        });
        this.unguarded.delete(step.instance);
        return;
      }
      case 'make-lan':
        assert(this.running.has(step.instance), `${step.instance} does not run`);
        assert(this.lanLost.delete(step.instance), `${step.instance} has its LAN`);
        return;
      case 'start':
        for (const name of step.instances) {
          assert(!this.running.has(name), `${name} runs already`);
          this.run(find(desired, name));
        }
        return;
      case 'restart':
        assert(this.running.has(step.instance), `${step.instance} does not run`);
        this.run(find(desired, step.instance));
        return;
      case 'restart-together': {
        for (const name of step.instances) this.stop(name);
        for (const name of step.instances) this.run(find(desired, name));
        return;
      }
      case 'wait':
        for (const name of step.instances) assert(this.running.has(name), `${name} never answers`);
    }
  }

  private reload({ instances, networks }: Desired): void {
    assert(this.quadletLinked, 'the units are not linked');
    for (const [name, unit] of this.instances) {
      if (unit.active === 'inactive') this.instances.delete(name);
      else this.instances.set(name, { ...unit, load: 'not-found', definition: null });
    }
    for (const { name, definition } of instances) {
      const active = this.instances.get(name)?.active ?? 'inactive';
      this.instances.set(name, { load: 'loaded', active, definition });
    }
    for (const [name, unit] of this.networks) {
      this.networks.set(name, { ...unit, load: 'not-found' });
    }
    for (const { name } of networks) {
      const active = this.networks.get(name)?.active ?? 'inactive';
      this.networks.set(name, { load: 'loaded', active, definition: null });
    }
    this.targetWants = instances.map(({ name }) => instanceService(name));
    const wanted = instances.filter(({ tunnel }) => tunnel?.via === 'host');
    this.tunnelsWanted = new Set(wanted.map(({ name }) => name));
    // StopWhenUnneeded=
    for (const name of this.tunnels.keys()) {
      if (!this.tunnelsWanted.has(name)) this.tunnels.delete(name);
    }
  }

  private makeTunnel({ name, tunnel }: DesiredInstance): void {
    assert(tunnel !== null && this.files.has(`tunnel/${name}/settings`), `${name} has no tunnel`);
    const { definition, leadsTo, targets } = tunnel;
    this.tunnels.set(name, { definition, leadsTo, targets: targets.map(({ target }) => target) });
  }

  private run(instance: DesiredInstance): void {
    const { name, definition, guard, networks } = instance;
    const unit = this.unit(name);
    assert(unit.load === 'loaded' && unit.definition === definition, `${name} is not loaded`);
    this.instances.set(name, { ...unit, active: 'active' });
    this.running.set(name, { definition, guard, networks });
    if (this.tunnelsWanted.has(name)) this.makeTunnel(instance);
    for (const network of networks) {
      assert(this.networks.get(network)?.load === 'loaded', `${network} is not loaded`);
      // The unit makes it when it starts, and does nothing where it is active.
      if (this.networks.get(network)?.active !== 'active') this.definedNetworks.add(network);
      assert(this.definedNetworks.has(network), `Podman has no network ${network}`);
      this.networks.set(network, { load: 'loaded', active: 'active', definition: null });
    }
  }

  private unit(name: string): InstalledUnit {
    return this.instances.get(name) ?? { load: 'not-found', active: 'inactive', definition: null };
  }
}

function find(desired: Desired, name: string): DesiredInstance {
  const instance = desired.instances.find((wanted) => wanted.name === name);
  assert(instance, `${name} is not wanted`);
  return instance;
}

function textOf(files: readonly { path: string; text: string }[], path: string): string {
  const file = files.find((candidate) => candidate.path === path);
  assert(file, `${path} is not wanted`);
  return file.text;
}

function assert(condition: unknown, message: string): asserts condition {
  if (!condition) throw new Error(`model host: ${message}`);
}
