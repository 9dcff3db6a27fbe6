/** Tunnels in a plan: they follow their configuration at once, and never touch a gateway. */

import { describe, expect, test } from 'vitest';
import type { Config, Instance, Settings } from '../../src/config/types.ts';
import type { Cidr } from '../../src/network/ipv4.ts';
import { assemblePlan } from '../../src/plan/assemble.ts';
import { describeStep, type Plan } from '../../src/plan/plan.ts';
import { renderPlan } from '../../src/plan/render.ts';
import { sampleConfig } from '../quadlet/sample.ts';
import { tunnelled } from '../ssh/sample.ts';
import { DEFAULTS, ModelHost } from './model-host.ts';

const ONE = { targets: ['a@one'] };
const TWO = { targets: ['a@one', 'b@two'] };

function withTunnel(
  ssh: Partial<Settings['ssh']>,
  changes: Partial<Instance['settings']> = {},
): Config {
  const instance = tunnelled('4001', ssh);
  const settings = { ...instance.settings, ...changes };
  return sampleConfig({ instances: [{ ...instance, settings }] });
}

const NONE = withTunnel({ mode: 'no' });

function told(plan: Plan): { changes: string[]; steps: string[] } {
  return {
    changes: plan.changes.map((it) =>
      ['instance' in it ? it.instance : it.file, it.kind, it.cost, it.because.join(',')].join(' '),
    ),
    steps: plan.steps.map(describeStep).filter((it) => !/generation|reload/.test(it)),
  };
}

describe('a gateway that runs', () => {
  test.each<[string, Config, Config, { changes: string[]; steps: string[] }]>([
    [
      'gets a tunnel',
      NONE,
      withTunnel(ONE),
      {
        changes: [
          '4001 change none ssh.mode,ssh.targets',
          'tunnel/4001 add none ssh.mode,ssh.targets',
        ],
        steps: ['make the tunnels of 4001'],
      },
    ],
    [
      'gets one more target',
      withTunnel(ONE),
      withTunnel(TWO),
      {
        changes: ['tunnel/4001 change connections ssh.targets'],
        steps: ['make the tunnels of 4001'],
      },
    ],
    [
      'loses its tunnel',
      withTunnel(TWO),
      NONE,
      {
        changes: ['tunnel/4001 remove connections ssh.mode,ssh.targets'],
        steps: ['end the tunnels of 4001'],
      },
    ],
    ['keeps it', withTunnel(TWO), withTunnel(TWO), { changes: [], steps: [] }],
    [
      'leaves it to its image',
      withTunnel(ONE),
      withTunnel({ ...ONE, via: 'image' }),
      {
        changes: ['4001 change new-login ssh.via', 'tunnel/4001 remove connections ssh.via'],
        steps: ['end the tunnels of 4001'],
      },
    ],
  ])('%s', (_title, before, after, expected) => {
    expect(told(ModelHost.deployed(before).plan(after))).toEqual(expected);
  });

  test('closes to the network at once in mode yes, without a restart', () => {
    const allow = ['10.0.0.7/32' as Cidr];
    const config = (mode: 'yes' | 'both') => {
      const sample = withTunnel({ ...ONE, mode });
      return { ...sample, network: { ...sample.network, allow } };
    };
    const host = ModelHost.deployed(config('both'));
    expect(host.running.get('4001')?.guard).toContain('10.0.0.7');
    const { steps } = told(host.deploy(config('yes')));
    expect(steps).toEqual(['update the guard of 4001']);
    expect(host.running.get('4001')?.guard).not.toContain('10.0.0.7');
  });
});

describe('a gateway that needs a restart', () => {
  /** Another port on the host: what runs still has the old one. */
  const moved = (ssh: Partial<Settings['ssh']>): Config => {
    const config = withTunnel({ remote_ports: ['4001'], ...ssh });
    const instances = config.instances.map((it) => ({ ...it, port: 4444 as Instance['port'] }));
    return { ...config, instances };
  };
  const before = withTunnel({ ...TWO, remote_ports: ['4001'] });

  test('its tunnel moves together with it', () => {
    const host = ModelHost.deployed(before);
    expect(told(host.deploy(moved(TWO))).steps).toEqual([]);
    expect(host.tunnels.get('4001')?.leadsTo).toBe('127.0.0.1:4001');
    host.deploy(moved(TWO), { restartChanged: true });
    expect(host.tunnels.get('4001')?.leadsTo).toBe('127.0.0.1:4444');
  });

  test('but a machine that is no longer named loses it at once', () => {
    const host = ModelHost.deployed(before);
    expect(told(host.deploy(moved(ONE))).steps).toEqual(['make the tunnels of 4001']);
    expect(host.tunnels.get('4001')?.targets).toEqual(['a@one']);
  });

  test('with --restart-changed it is cut once, not twice', () => {
    const host = ModelHost.deployed(before);
    const memory = withTunnel(ONE, { memory: 2048 });
    expect(told(host.deploy(memory, { restartChanged: true })).steps).toEqual([
      'restart 4001',
      'wait for 4001',
    ]);
    expect(host.tunnels.get('4001')?.targets).toEqual(['a@one']);
  });
});

describe('a tunnel that does not run', () => {
  function stopped(): ModelHost {
    const host = ModelHost.deployed(withTunnel(ONE));
    host.tunnels.delete('4001');
    return host;
  }

  test('is made again, and that is told', () => {
    expect(told(stopped().plan(withTunnel(ONE)))).toEqual({
      changes: ['tunnel/4001 change none not running'],
      steps: ['make the tunnels of 4001'],
    });
  });

  test('stays down with --no-start', () => {
    expect(told(stopped().plan(withTunnel(ONE), { noStart: true }))).toEqual({
      changes: [],
      steps: [],
    });
  });

  test('stays down without its gateway, whose start brings it', () => {
    const host = stopped();
    host.stop('4001');
    expect(told(host.deploy(withTunnel(ONE))).steps).toEqual(['start 4001', 'wait for 4001']);
    expect([...host.tunnels.keys()]).toEqual(['4001']);
  });

  test('is left alone while it is being made', () => {
    const host = stopped();
    const installed = host.installed();
    const being = {
      active: 'activating',
      definition: null,
      leadsTo: null,
      targets: [],
      wanted: true,
    };
    const runtime = installed.runtime && {
      ...installed.runtime,
      tunnels: new Map([['4001', being]]),
    };
    const plan = assemblePlan(host.desired(withTunnel(ONE)), { ...installed, runtime }, DEFAULTS);
    expect(told(plan)).toEqual({ changes: [], steps: [] });
  });
});

test('its gateway’s unit as loaded has to bring it up: a reload that is missing is made up for', () => {
  const host = ModelHost.deployed(withTunnel(ONE));
  host.tunnelsWanted.clear();
  expect(host.plan(withTunnel(ONE)).steps.map(describeStep)).toEqual(['reload systemd']);
});

test('what it cuts is told in words', () => {
  const plan = ModelHost.deployed(withTunnel(ONE)).plan(withTunnel(TWO));
  const text = renderPlan(plan, { style: (_style, it) => it, steps: true, diffs: true });
  expect(text).toContain(
    '~ tunnel/4001: cuts what is connected through it (no login); ssh.targets',
  );
  expect(text).toContain('+TARGET=b@two');
});
