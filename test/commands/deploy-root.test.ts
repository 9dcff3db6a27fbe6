/** `ibq plan` and `ibq deploy` with `--root`: a tree of files, and nothing but files. */

import { lstatSync, readdirSync, readFileSync, readlinkSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { type DeployOptions, deploy } from '../../src/commands/deploy.ts';
import { plan } from '../../src/commands/plan.ts';
import type { Context } from '../../src/context.ts';
import { parseManifest } from '../../src/plan/manifest.ts';
import { fakeUi } from '../support/fake-ui.ts';
import { type Sandbox, sandbox } from '../support/sandbox.ts';

const OPTIONS: DeployOptions = {
  dryRun: false,
  yes: false,
  start: true,
  wait: true,
  timeoutSeconds: 1,
  restartChanged: false,
  retryLogin: false,
  replaceDrift: false,
  risksAccepted: [],
};

const FILES = {
  '/etc/machine-id': '0123456789abcdef0123456789abcdef\n',
  '/etc/ibq/ibq.toml': '[image]\nprofile = "simulator"\n',
  '/etc/ibq/network.toml':
    '[network]\ninterface = "eth1"\nsubnet = "10.0.0.0/24"\ngateway = "10.0.0.1"\nrange = "10.0.0.192/27"\n',
  '/etc/ibq/instances/4001.toml': 'mode = "live"\nuser = "u"\nread_only_api = true\n',
  '/etc/ibq/instances/4002.toml': 'user = "u"\nread_only_api = true\n',
};

const SIMULATED = 'user = "u"\nread_only_api = true\n[image]\nprofile = "simulator"\n';

/** A host with a public and a private network. */
function host(files: Record<string, string> = FILES): Sandbox {
  return sandbox(files, {}, 'public-and-private');
}

function deployWith({ context }: Sandbox, options: Partial<DeployOptions> = {}): Promise<number> {
  return deploy(context, { ...OPTIONS, ...options });
}

/** Name → kind, mode, time and content of all in the tree. */
function snapshot(root: string): Record<string, string> {
  const entries = readdirSync(root, { recursive: true, encoding: 'utf8' }).sort();
  // What is below the link is listed by its own name too.
  const own = entries.filter((name) => !name.startsWith('etc/ibq/current/'));
  return Object.fromEntries(
    own.map((name) => {
      const path = join(root, name);
      const stat = lstatSync(path);
      const content = stat.isSymbolicLink()
        ? `-> ${readlinkSync(path)}`
        : stat.isFile()
          ? readFileSync(path, 'utf8')
          : '';
      return [name, `${stat.mode.toString(8)} ${stat.mtimeMs} ${content}`];
    }),
  );
}

/** Without the lock, which names whoever had it last. */
function withoutLock(tree: Record<string, string>): Record<string, string> {
  const entries = Object.entries(tree).filter(([name]) => !/^run(\/|$)/.test(name));
  return Object.fromEntries(entries);
}

function newNames(before: Record<string, string>, after: Record<string, string>): string[] {
  return Object.keys(after).filter((name) => !(name in before));
}

describe('the first deploy', () => {
  test('writes a generation, switches to it, and links it for Quadlet', async () => {
    const sand = host();
    const before = snapshot(sand.root);
    expect(await deployWith(sand)).toBe(0);
    const after = withoutLock(snapshot(sand.root));
    const generation = 'etc/ibq/generations/1';
    const hashed = (name: string) => name.replace(/-[0-9a-f]{8}\.network$/, '-HASH.network');
    expect(newNames(before, after).map(hashed)).toEqual([
      'etc/containers',
      'etc/containers/systemd',
      'etc/containers/systemd/ibq',
      'etc/ibq/current',
      'etc/ibq/generations',
      generation,
      `${generation}/guard`,
      `${generation}/guard/4001.nft`,
      `${generation}/guard/4002.nft`,
      `${generation}/host.nft`,
      `${generation}/login`,
      `${generation}/login/4001`,
      `${generation}/login/4002`,
      `${generation}/manifest.json`,
      `${generation}/settings`,
      ...['4001', '4002'].flatMap((name) => [
        `${generation}/settings/${name}`,
        `${generation}/settings/${name}/config.ini`,
        `${generation}/settings/${name}/files`,
        `${generation}/settings/${name}/jts.ini`,
      ]),
      `${generation}/units`,
      `${generation}/units/ib-gateway@.container`,
      `${generation}/units/ib-gateway@4001.container`,
      `${generation}/units/ib-gateway@4001.container.d`,
      `${generation}/units/ib-gateway@4001.container.d/10-ibq.conf`,
      `${generation}/units/ib-gateway@4002.container`,
      `${generation}/units/ib-gateway@4002.container.d`,
      `${generation}/units/ib-gateway@4002.container.d/10-ibq.conf`,
      `${generation}/units/ibq-lan-HASH.network`,
      `${generation}/units/ibq-publish-HASH.network`,
      'etc/systemd',
      'etc/systemd/system',
      'etc/systemd/system/ib-gateways.slice',
      'etc/systemd/system/ib-gateways.target',
      'etc/systemd/system/ibq-host-rules.service',
      'etc/systemd/system/ibq-login-guard@.service',
      'etc/systemd/system/ibq-shim.service',
      'etc/systemd/system/ibq-tunnel@.service',
    ]);
    expect(readlinkSync(join(sand.root, 'etc/ibq/current'))).toBe('generations/1');
    expect(readlinkSync(join(sand.root, 'etc/containers/systemd/ibq'))).toBe(
      '/etc/ibq/current/units',
    );
    const unit = join(sand.root, generation, 'units/ib-gateway@4001.container');
    expect(readlinkSync(unit)).toBe('ib-gateway@.container');
    expect(sand.notes.at(-1)).toBe('wrote generation 1');
    expect(sand.out).toEqual([]);
  });

  test('its manifest can be read back', async () => {
    const sand = host();
    await deployWith(sand);
    const manifest = parseManifest(sand.read('/etc/ibq/current/manifest.json') ?? '');
    expect(manifest).toMatchObject({ ibq: '0.0.0', generation: 1, publishSubnet: '10.89.0.0/24' });
    expect(manifest.instances).toMatchObject({
      '4001': { mode: 'live', publish: '127.0.0.1:4001', relayPort: 4003 },
      '4002': { mode: 'paper', publish: '127.0.0.1:4002', relayPort: 4004 },
    });
  });

  test('asks before it gives out LAN addresses; without a terminal it names the ways', async () => {
    const { '/etc/ibq/network.toml': _, ...files } = FILES;
    const sand = host(files);
    const { ui } = fakeUi({
      confirm: async (question, { flag }) => {
        throw new Error(`${question} ${flag}`);
      },
    });
    await expect(deploy({ ...sand.context, ui }, OPTIONS)).rejects.toThrow(
      'Give each gateway a LAN address of its own, from 10.0.0.192/27 on eth1? Check first that your DHCP server does not hand these out. -y, or pin it with "sudo ibq network detect --write", or set network.mode = "bridge"',
    );
    expect(sand.read('/etc/ibq/network.toml')).toBeNull();
    expect(sand.read('/etc/ibq/current/manifest.json')).toBeNull();
  });

  test.each([
    ['yes', true, /^10\.0\.0\.19\d$/],
    ['no', false, null],
  ])('the answer is %s', async (_title, answer, address) => {
    const { '/etc/ibq/network.toml': _, ...files } = FILES;
    const sand = host(files);
    const { ui } = fakeUi({ confirm: async () => answer });
    expect(await deploy({ ...sand.context, ui }, OPTIONS)).toBe(0);
    const { instances } = parseManifest(sand.read('/etc/ibq/current/manifest.json') ?? '');
    const lan = instances['4001']?.lan ?? null;
    if (address === null) expect(lan).toBeNull();
    else expect(lan?.address).toMatch(address);
    expect(sand.read('/etc/ibq/network.toml')).toContain(answer ? 'range = ' : 'mode = "bridge"');
    // Whatever was answered, nobody is asked again.
    const asked = fakeUi({ confirm: async () => Promise.reject(new Error('asked again')) });
    expect(await deploy({ ...sand.context, ui: asked.ui }, OPTIONS)).toBe(0);
  });

  test('without an instance says how to make one, and writes nothing', async () => {
    const sand = host({ '/etc/ibq/ibq.toml': '' });
    const before = snapshot(sand.root);
    expect(await deployWith(sand)).toBe(0);
    expect(sand.notes).toEqual([
      'no instance is configured yet: sudo ibq instance add 4002 --mode paper --user NAME',
    ]);
    expect(newNames(before, withoutLock(snapshot(sand.root)))).toEqual([]);
  });

  test('of a broken configuration writes nothing', async () => {
    const sand = host({ ...FILES, '/etc/ibq/instances/4003.toml': 'mode = "x"\nport = "y"\n' });
    const before = withoutLock(snapshot(sand.root));
    await expect(deployWith(sand)).rejects.toMatchObject({ exitCode: 78 });
    expect(withoutLock(snapshot(sand.root))).toEqual(before);
  });
});

describe('the second deploy', () => {
  test('without a change writes nothing: names, contents, modes and times stay', async () => {
    const sand = host();
    await deployWith(sand);
    const before = withoutLock(snapshot(sand.root));
    expect(await deployWith(sand)).toBe(0);
    expect(withoutLock(snapshot(sand.root))).toEqual(before);
    expect(sand.notes.at(-1)).toBe('nothing to do');
  });

  test('with a change writes the next generation and leaves the first as it was', async () => {
    const sand = host();
    await deployWith(sand);
    const before = snapshot(join(sand.root, 'etc/ibq/generations/1'));
    sand.write('/etc/ibq/instances/4002.toml', 'user = "u"\nread_only_api = true\nmemory = 2048\n');
    expect(await deployWith(sand)).toBe(0);
    expect(readlinkSync(join(sand.root, 'etc/ibq/current'))).toBe('generations/2');
    expect(snapshot(join(sand.root, 'etc/ibq/generations/1'))).toEqual(before);
    const dropIn = 'units/ib-gateway@4002.container.d/10-ibq.conf';
    expect(sand.read(`/etc/ibq/current/${dropIn}`)).toContain('MemoryMax=2048M');
    expect(sand.notes.at(-1)).toBe('wrote generation 2');
  });

  test('an instance keeps its address when one before it comes', async () => {
    const sand = host();
    await deployWith(sand);
    const lan = () =>
      parseManifest(sand.read('/etc/ibq/current/manifest.json') ?? '').instances['4002']?.lan;
    const before = lan();
    sand.write('/etc/ibq/instances/4000.toml', 'user = "u"\nread_only_api = true\n');
    await deployWith(sand);
    expect(lan()).toEqual(before);
  });

  test('after a file was edited by hand is refused, and says what to do', async () => {
    const sand = host();
    await deployWith(sand);
    const path = '/etc/ibq/generations/1/guard/4001.nft';
    sand.write(path, '# mine\n');
    await expect(deployWith(sand)).rejects.toMatchObject({
      exitCode: 1,
      message: expect.stringMatching(
        /^\/etc\/ibq\/current\/guard\/4001\.nft: was edited by hand\nnothing was changed; .*"sudo ibq deploy --replace-drift"/,
      ),
    });
    expect(sand.read(path)).toBe('# mine\n');
    expect(await deployWith(sand, { replaceDrift: true })).toBe(0);
    expect(sand.read('/etc/ibq/current/guard/4001.nft')).toContain('table inet ibq');
  });

  test('after one that was killed while it wrote', async () => {
    const sand = host();
    sand.write('/etc/ibq/generations/.staging/units/half.container', '[Container]\n');
    expect(await deployWith(sand)).toBe(0);
    expect(sand.read('/etc/ibq/generations/.staging/units/half.container')).toBeNull();
    expect(sand.read('/etc/ibq/current/units/half.container')).toBeNull();
  });

  test('on a broken manifest says which, and the way out', async () => {
    const sand = host();
    await deployWith(sand);
    sand.write('/etc/ibq/generations/1/manifest.json', '{');
    await expect(deployWith(sand)).rejects.toThrow(
      /^\/etc\/ibq\/current\/manifest\.json: should be JSON \(.*\); no generation in \/etc\/ibq\/generations is whole: sudo rm \/etc\/ibq\/current && sudo ibq deploy \(then every instance wants a restart, a new login\)$/,
    );
  });

  test('on a broken manifest names the newest whole generation', async () => {
    const sand = host();
    await deployWith(sand);
    sand.write('/etc/ibq/instances/4009.toml', 'mode = "paper"\nuser = "v"\nport = 4009\n');
    await deployWith(sand);
    sand.write('/etc/ibq/generations/2/manifest.json', '{');
    await expect(deployWith(sand)).rejects.toThrow(
      /; generation 1 is the newest whole one: sudo ln -sfn generations\/1 \/etc\/ibq\/current && sudo ibq deploy$/,
    );
  });

  test('goes on from the newest whole generation where current is gone, and makes it again', async () => {
    const sand = host();
    await deployWith(sand);
    const before = sand.read('/etc/ibq/generations/1/manifest.json');
    rmSync(join(sand.root, 'etc/ibq/current'));
    await deployWith(sand);
    expect(readlinkSync(join(sand.root, 'etc/ibq/current'))).toBe('generations/1');
    expect(sand.read('/etc/ibq/current/manifest.json')).toBe(before);
  });
});

describe('a configuration that is gone is no wish to remove everything', () => {
  const there = (at: Sandbox, path: string) => join(at.root, path);
  test.each<[string, (at: Sandbox) => void, RegExp]>([
    [
      'instances/ is absent',
      (at) => rmSync(there(at, 'etc/ibq/instances'), { recursive: true }),
      /^\/etc\/ibq\/instances: is not there, while 4001, 4002 are deployed; bring it back, or/,
    ],
    [
      'instances/ is a link to a disk that is not mounted',
      (at) => {
        rmSync(there(at, 'etc/ibq/instances'), { recursive: true });
        symlinkSync('/mnt/config/instances', there(at, 'etc/ibq/instances'));
      },
      /^\/etc\/ibq\/instances: is a link to \/mnt\/config\/instances, which is not there; bring that back/,
    ],
    [
      'ibq.toml is a link that leads nowhere',
      (at) => {
        rmSync(there(at, 'etc/ibq/ibq.toml'));
        symlinkSync('gone.toml', there(at, 'etc/ibq/ibq.toml'));
      },
      /^\/etc\/ibq\/ibq.toml: is a link to gone.toml, which is not there/,
    ],
    [
      'ibq.toml is gone',
      (at) => rmSync(there(at, 'etc/ibq/ibq.toml')),
      /^\/etc\/ibq\/ibq.toml: was there at the last deploy, is gone; bring it back/,
    ],
  ])('%s: 78, and nothing changes', async (_title, lose, message) => {
    const at = host();
    await deployWith(at);
    lose(at);
    const before = generationsOf(at.root);
    const refused = { exitCode: 78, message: expect.stringMatching(message) };
    await expect(deployWith(at, { yes: true })).rejects.toMatchObject(refused);
    expect(generationsOf(at.root)).toEqual(before);
  });

  test('an empty instances/ is one', async () => {
    const at = host();
    await deployWith(at);
    for (const name of ['4001', '4002']) rmSync(there(at, `etc/ibq/instances/${name}.toml`));
    expect(await deployWith(at)).toBe(0);
    expect(generationsOf(at.root)).toEqual(['1', '2']);
  });

  test('without ibq.toml from the start there is nothing to miss', async () => {
    const { '/etc/ibq/ibq.toml': _, ...files } = FILES;
    const at = host({ ...files, '/etc/ibq/instances/4001.toml': SIMULATED });
    rmSync(there(at, 'etc/ibq/instances/4002.toml'));
    expect(await deployWith(at)).toBe(0);
    expect(await deployWith(at)).toBe(0);
  });

  function generationsOf(root: string): string[] {
    return readdirSync(join(root, 'etc/ibq/generations')).sort();
  }
});

test('--dry-run shows the plan and writes nothing, not even a lock', async () => {
  const sand = host();
  const before = snapshot(sand.root);
  expect(await deployWith(sand, { dryRun: true })).toBe(0);
  expect(snapshot(sand.root)).toEqual(before);
  expect(sand.out.join('\n')).toContain('first generation: 1');
  expect(sand.out.join('\n')).toContain('write and check generation 1');
});

describe('plan', () => {
  const planning = (
    context: Context,
    options: { json?: boolean; diff?: boolean; detailed?: boolean } = {},
  ) =>
    plan(context, {
      json: options.json === true,
      diff: options.diff === true,
      detailedExitCode: options.detailed === true,
      risksAccepted: [],
    });

  test('changes nothing', async () => {
    const sand = host();
    const before = snapshot(sand.root);
    await planning(sand.context);
    expect(snapshot(sand.root)).toEqual(before);
  });

  test('for people: totals, a line a change, steps; how to see diffs', async () => {
    const sand = host();
    expect(await planning(sand.context)).toBe(0);
    const text = sand.out.join('\n');
    expect(text).toMatch(
      /^2 are added and not started\nfirst generation: 1\n {2}\+ 4001: new\n {2}\+ 4002: new\n/,
    );
    expect(text).not.toContain('+++');
    expect(sand.notes.at(-1)).toBe('the lines that change: ibq plan --diff');
  });

  test('with --diff: below each change its lines', async () => {
    const sand = host();
    expect(await planning(sand.context, { diff: true })).toBe(0);
    const text = sand.out.join('\n');
    expect(text).toMatch(
      /^2 are added and not started\nfirst generation: 1\n {2}\+ 4001: new\n {6}--- \/dev\/null\n/,
    );
    expect(text).toContain('\n  + 4002: new\n');
    expect(text).toContain('\nsteps\n  1. write and check generation 1\n');
    expect(text).not.toContain('. reload systemd');
  });

  test('as JSON', async () => {
    const sand = host();
    expect(await planning(sand.context, { json: true })).toBe(0);
    expect(sand.out).toEqual([]);
    expect(sand.json).toHaveLength(1);
    const [document] = sand.json as [Record<string, unknown[]>];
    expect(Object.keys(document).sort()).toEqual([
      'changes',
      'drift',
      'generation',
      'steps',
      'warnings',
    ]);
    expect(document.generation).toEqual({ from: null, to: 1 });
    expect(document.changes?.[0]).toEqual({
      kind: 'add',
      instance: '4001',
      cost: 'none',
      because: ['new'],
      diff: expect.stringContaining('+++ units/ib-gateway@4001.container.d/10-ibq.conf'),
    });
    for (const change of document.changes ?? []) {
      expect(change).toMatchObject({
        kind: expect.stringMatching(/^(add|change|remove)$/),
        cost: expect.stringMatching(/^(none|start|new-login|stop)$/),
        because: expect.any(Array),
        diff: expect.any(String),
      });
    }
    for (const step of document.steps ?? []) {
      expect(step).toHaveProperty('kind', expect.stringMatching(/^[a-z]+(-[a-z]+)*$/));
    }
  });

  test('--detailed-exitcode: 2 when something is pending, 0 when nothing is', async () => {
    const sand = host();
    expect(await planning(sand.context, { detailed: true })).toBe(2);
    await deployWith(sand);
    expect(await planning(sand.context, { detailed: true })).toBe(0);
    expect(sand.out.at(-1)).toBe('nothing to do');
  });

  test('names what was edited by hand', async () => {
    const sand = host();
    await deployWith(sand);
    sand.write('/etc/ibq/generations/1/guard/4001.nft', '# mine\n');
    await planning(sand.context);
    expect(sand.warnings).toEqual(['/etc/ibq/current/guard/4001.nft: was edited by hand']);
  });

  test('of a network that is not pinned says what deploy will ask', async () => {
    const { '/etc/ibq/network.toml': _, ...files } = FILES;
    const sand = host(files);
    await planning(sand.context, { json: true });
    const [document] = sand.json as [{ warnings: string[] }];
    expect(document.warnings).toEqual([
      'the network is not pinned; deploy will ask: Give each gateway a LAN address of its own, from 10.0.0.192/27 on eth1? Check first that your DHCP server does not hand these out.',
    ]);
  });
});
