import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import type { Config, Instance } from '../../src/config/types.ts';
import type { Cidr, Ipv4 } from '../../src/network/ipv4.ts';
import { type RenderInput, renderGeneration } from '../../src/quadlet/render.ts';
import { sampleConfig, sampleInput, sampleInstance } from './sample.ts';

const text = (input: RenderInput, path: string) =>
  renderGeneration(input).files.find((file) => file.path === path)?.text;
const definitions = (input: RenderInput) =>
  renderGeneration(input).instances.map((instance) => instance.definition);
const dropIn = 'units/ib-gateway@4001.container.d/10-ibq.conf';

/** The sample with a setting of one instance changed. */
function withSetting(name: string, changes: Partial<Instance['settings']>): RenderInput {
  const instances = sampleConfig().instances.map((instance) =>
    instance.name === name
      ? { ...instance, settings: { ...instance.settings, ...changes } }
      : instance,
  );
  return sampleInput(sampleConfig({ instances }));
}

const settingsOf = (name: string) =>
  ['files', 'config.ini', 'jts.ini'].map((file) => `settings/${name}/${file}`);

describe('a generation', () => {
  test('holds the template, a link, a drop-in, rules and files for each instance, and the networks', () => {
    const { files, links, instances, networks } = renderGeneration(sampleInput());
    const [publish, lan] = networks.map((network) => network.name);
    expect(files.map((file) => file.path)).toEqual([
      'units/ib-gateway@.container',
      dropIn,
      'guard/4001.nft',
      'login/4001',
      ...settingsOf('4001'),
      'units/ib-gateway@4002.container.d/10-ibq.conf',
      'guard/4002.nft',
      'login/4002',
      ...settingsOf('4002'),
      `units/${publish}.network`,
      `units/${lan}.network`,
      'host.nft',
    ]);
    expect(links).toEqual([
      { path: 'units/ib-gateway@4001.container', target: 'ib-gateway@.container' },
      { path: 'units/ib-gateway@4002.container', target: 'ib-gateway@.container' },
    ]);
    expect(instances[0]).toMatchObject({
      name: '4001',
      service: 'ib-gateway@4001.service',
      container: 'ib-gateway-4001',
      networks: [publish, lan],
      relayPort: 4003,
      lan: { address: '10.0.0.192' },
      publish: '127.0.0.1:4001',
      secrets: [{ name: 'ibq-4001-password', key: 'password', required: true }],
      image: 'localhost/ibq-simulator:latest',
    });
  });

  test('gives an instance its image, networks, port, volume, secrets and environment', () => {
    const input = sampleInput();
    const [publish, lan] = renderGeneration(input).networks.map((network) => network.file);
    const mac = input.addresses.get(sampleConfig().instances[0]?.name ?? ('' as never))?.mac;
    const body = text(input, dropIn)
      ?.split('\n')
      .filter(
        (line) =>
          /^[A-Z]/.test(line) && !line.includes('EFINITION') && !line.includes('definition'),
      );
    expect(body).toEqual([
      'Image=localhost/ibq-simulator:latest',
      `Network=${publish}:interface_name=pub0`,
      `Network=${lan}:interface_name=lan0,ip=10.0.0.192,mac=${mac}`,
      'PublishPort=127.0.0.1:4001:4003',
      'UIDMap=0:2013265920:65536',
      'GIDMap=0:2013265920:65536',
      'Volume=ibq-4001-settings:/home/ibgateway/tws_settings:idmap',
      'Secret=ibq-4001-password,type=mount,target=/run/secrets/password,uid=1000,gid=1000,mode=0400',
      'Environment=TRADING_MODE=live',
      'Environment="AUTO_RESTART_TIME=11:59 PM"',
      'Environment=TWS_PASSWORD_FILE=/run/secrets/password',
      'RuntimeDirectory=ibq/mounts',
      'RuntimeDirectoryPreserve=yes',
      'Environment=TMPDIR=/run/ibq/mounts',
      'ExecStartPre=/usr/local/lib/ibq/own-settings %i 2013265920',
      'Annotation=ibq.stop=7462:4001',
      'Annotation=ibq.session=fb8a3efb940bb563',
    ]);
  });

  test('without a user namespace leaves volumes and units as they are', () => {
    const sample = sampleInstance('4001');
    const settings = { ...sample.settings, user_namespace: false, volumes: ['data:/data'] };
    const body = text(sampleInput(sampleConfig({ instances: [{ ...sample, settings }] })), dropIn);
    expect(body).toContain(
      'Volume=ibq-4001-settings:/home/ibgateway/tws_settings\nVolume=data:/data\n',
    );
    expect(body).not.toMatch(/Map=|TMPDIR|idmap|ExecStartPre/);
  });

  test.each([
    ['dual', { networks: 2, published: true, noRoute: true }],
    ['bridge', { networks: 1, published: true, noRoute: false }],
    ['lan', { networks: 1, published: false, noRoute: false }],
  ] as const)('in %s mode has the right networks', (mode, wanted) => {
    const egress = mode === 'lan' ? 'lan' : 'host';
    const config = sampleConfig({ network: { ...sampleConfig().network, mode, egress } });
    const { files, networks, instances } = renderGeneration(sampleInput(config));
    const units = files.map((file) => file.text).join('');
    expect(networks).toHaveLength(wanted.networks);
    expect(units.includes('PublishPort=')).toBe(wanted.published);
    expect(instances[0]?.publish !== null).toBe(wanted.published);
    expect(units.includes('Options=no_default_route=1')).toBe(wanted.noRoute);
  });

  test('with ipvlan gives no MAC and uses l2', () => {
    const { network } = sampleConfig();
    const lan = network.lan && { ...network.lan, driver: 'ipvlan' as const };
    const input = sampleInput(sampleConfig({ network: { ...network, lan } }));
    expect(text(input, dropIn)).toMatch(/interface_name=lan0,ip=10\.0\.0\.192\n/);
    expect(renderGeneration(input).networks[1]?.definition).toContain('Driver=ipvlan\n');
    expect(renderGeneration(input).networks[1]?.definition).toContain('Options=mode=l2\n');
  });

  test.each([
    ['host', [false, true]],
    ['lan', [true, false]],
  ] as const)('with the way out over %s has a default route there alone', (egress, without) => {
    const network = { ...sampleConfig().network, egress };
    const { networks } = renderGeneration(sampleInput(sampleConfig({ network })));
    expect(networks.map(({ kind }) => kind)).toEqual(['publish', 'lan']);
    expect(networks.map((it) => it.definition.includes('no_default_route=1'))).toEqual(without);
  });

  test('gives an instance its names, in one order, and its name servers', () => {
    const hosts = { maindb: '10.0.0.2', 'a.example': '10.0.0.3' };
    const input = withSetting('4001', { hosts, dns: ['10.0.0.1', '10.0.0.2'] as Ipv4[] });
    const lines = text(input, dropIn)?.split('\n') ?? [];
    expect(lines.filter((line) => /^(AddHost|DNS)=/.test(line))).toEqual([
      'AddHost=a.example:10.0.0.3',
      'AddHost=maindb:10.0.0.2',
      'DNS=10.0.0.1',
      'DNS=10.0.0.2',
    ]);
    const turned = { 'a.example': '10.0.0.3', maindb: '10.0.0.2' };
    expect(definitions(withSetting('4001', { hosts: turned }))).toEqual(
      definitions(withSetting('4001', { hosts })),
    );
  });

  describe('with the host among its instances', () => {
    const withAccess = (changes: Partial<Config> = {}, more: Partial<RenderInput> = {}) =>
      sampleInput(
        sampleConfig({ network: { ...sampleConfig().network, hostAccess: true }, ...changes }),
        more,
      );

    test('has what the shim is made of: routes to the range, and to what lies outside it', () => {
      const input = withAccess({}, { held: ['10.0.0.9', '192.168.9.9', '10.0.0.193'] as Ipv4[] });
      expect(text(input, 'shim.conf')).toBe(
        [
          '# ibq: the host among its instances on the LAN. Read by ibq-shim.service.',
          'INTERFACE=eth1',
          'DRIVER=macvlan',
          'MAC=02:00:00:00:00:fe',
          'ADDRESS=10.0.0.223',
          'ROUTES=10.0.0.192/27 10.0.0.9/32',
          '',
        ].join('\n'),
      );
      expect(text(input, 'guard/4001.nft')).toContain(
        'elements = { 10.0.0.9, 10.0.0.192/27, 192.168.9.9 }',
      );
      expect(text(input, 'guard/4001.nft')).toContain('elements = { 10.0.0.223 }');
    });

    test('without one, or without instances, has none', () => {
      expect(text(sampleInput(), 'shim.conf')).toBeUndefined();
      expect(text(withAccess({ instances: [] }), 'shim.conf')).toBeUndefined();
    });
  });

  test('of an instance that sets nothing is byte for byte as it was: another definition is a login', () => {
    expect(text(sampleInput(), dropIn)).toBe(
      readFileSync(new URL('../fixtures/units/instance.conf', import.meta.url), 'utf8'),
    );
  });

  test('says all values that a unit cannot carry, with file and key', () => {
    const instances = [sampleInstance('4001', { environment: { A: 'x\0', B: '\ud800' } })];
    expect(() => renderGeneration(sampleInput(sampleConfig({ instances })))).toThrow(
      '/etc/ibq/instances/4001.toml: environment.A: should be text without NUL characters\n' +
        '/etc/ibq/instances/4001.toml: environment.B: should be valid Unicode, got half a surrogate pair',
    );
  });

  test('refuses an environment that makes a longer line than systemd reads', () => {
    const environment = Object.fromEntries(
      ['A', 'B', 'C'].map((name) => [name, ' '.repeat(90_000)]),
    );
    const instances = [sampleInstance('4001', { environment })];
    expect(() => renderGeneration(sampleInput(sampleConfig({ instances })))).toThrow(
      /4001\.toml: environment: should have at most 983040 bytes, escaped, got 108\d{4} /,
    );
  });

  test('of 1000 instances has files for each', () => {
    const instances = Array.from({ length: 1000 }, (_, at) =>
      sampleInstance(`gw${at}`, { environment: { NOTE: 'a $ % " \\ b' } }),
    );
    const { network } = sampleConfig();
    const config = sampleConfig({ instances, network: { ...network, mode: 'bridge', lan: null } });
    const paths = renderGeneration(sampleInput(config)).files.map(({ path }) => path);
    expect(paths.filter((path) => path.endsWith('/10-ibq.conf'))).toHaveLength(1000);
    expect(paths.filter((path) => path.startsWith('guard/'))).toHaveLength(1000);
  });
});

describe('the definition of an instance', () => {
  const before = definitions(sampleInput());
  const withTemplate = (change: (text: string) => string): RenderInput => {
    const input = sampleInput();
    const templates = { ...input.templates };
    templates['ib-gateway@.container'] = change(templates['ib-gateway@.container']);
    return { ...input, templates };
  };
  const own = (name: string, text: string) =>
    sampleInput(sampleConfig(), {
      userDropIns: {
        template: [],
        instances: new Map([[name, [{ path: `/etc/${name}.container.d/50-own.conf`, text }]]]),
      },
    });
  const shared = (text: string) =>
    sampleInput(sampleConfig(), {
      userDropIns: { template: [{ path: '/etc/50-own.conf', text }], instances: new Map() },
    });
  const network = sampleConfig().network;

  test.each<[string, RenderInput, boolean, boolean]>([
    ['nothing', sampleInput(), false, false],
    [
      'the template',
      withTemplate((t) => t.replace('StopTimeout=90', 'StopTimeout=91')),
      true,
      true,
    ],
    ['a comment in the template', withTemplate((t) => `# mine\n${t}`), false, false],
    ['a drop-in for one', own('4001', '[Container]\nShmSize=1g\n'), true, false],
    ['a drop-in for all', shared('[Container]\nShmSize=1g\n'), true, true],
    [
      'the environment of one',
      sampleInput(
        sampleConfig({
          instances: sampleConfig().instances.map((instance) =>
            instance.name === '4002' ? { ...instance, environment: { A: '1' } } : instance,
          ),
        }),
      ),
      false,
      true,
    ],
    [
      'the list of allowed clients',
      sampleInput(sampleConfig({ network: { ...network, allow: [] } })),
      false,
      false,
    ],
    [
      'the bridge',
      sampleInput(sampleConfig(), { publishSubnet: '10.89.1.0/24' as Cidr }),
      true,
      true,
    ],
    [
      'the gateway of the LAN',
      sampleInput(
        sampleConfig({
          network: {
            ...network,
            lan: network.lan && { ...network.lan, gateway: '10.0.0.2' as Ipv4 },
          },
        }),
      ),
      true,
      true,
    ],
    [
      'the way out',
      sampleInput(sampleConfig({ network: { ...network, egress: 'lan' } })),
      true,
      true,
    ],
    [
      'the host among its instances',
      sampleInput(sampleConfig({ network: { ...network, hostAccess: true } })),
      false,
      false,
    ],
    [
      'the chosen address of one',
      withSetting('4002', { address: '10.0.0.100' as Ipv4 }),
      false,
      true,
    ],
    ['the names of one', withSetting('4001', { hosts: { maindb: '10.0.0.2' } }), true, false],
    ['the name servers of one', withSetting('4001', { dns: ['10.0.0.1' as Ipv4] }), true, false],
    [
      'addresses that others still have',
      sampleInput(sampleConfig(), { held: ['10.0.0.9' as Ipv4] }),
      false,
      false,
    ],
  ])('follows %s', (_, input, first, second) => {
    const after = definitions(input);
    expect([after[0] !== before[0], after[1] !== before[1]]).toEqual([first, second]);
  });

  test('stands in label, annotation and unit', () => {
    const body = text(sampleInput(), dropIn);
    expect(body).toContain(`\nLabel=ibq.definition=${before[0]}\n`);
    expect(body).toContain(`\nAnnotation=ibq.definition=${before[0]}\n`);
    expect(body).toContain(`\nEnvironment=IBQ_DEFINITION=${before[0]}\n`);
  });
});

describe('a template of the user’s', () => {
  test.each([
    ['without the guard', 'Annotation=ibq.instance=%i', 'should have Annotation=ibq.instance=%i'],
    [
      'without the hooks',
      'GlobalArgs=--hooks-dir=@LIB_DIR@/hooks.d',
      'should have GlobalArgs=--hooks-dir=',
    ],
    ['without the assertion', 'AssertPathExists=/etc/ibq', 'should have AssertPathExists='],
  ])('%s is refused', (_, line, message) => {
    const input = sampleInput();
    const templates = { ...input.templates };
    templates['ib-gateway@.container'] = templates['ib-gateway@.container'].replace(line, '#');
    expect(() => renderGeneration({ ...input, templates })).toThrow(message);
  });

  test('with a placeholder that is none is refused', () => {
    const input = sampleInput();
    const templates = { ...input.templates };
    templates['ibq-lan.network'] += 'DNS=@RESOLVER@\n';
    expect(() => renderGeneration({ ...input, templates })).toThrow(
      'ibq-lan.network: should not contain @RESOLVER@',
    );
  });
});
