/** A tunnel in a generation: what leads where, what stays closed, and what is no part of a definition. */

import { describe, expect, test } from 'vitest';
import type { Config, Instance, Port, Settings } from '../../src/config/types.ts';
import type { Cidr, Ipv4 } from '../../src/network/ipv4.ts';
import { renderGeneration } from '../../src/quadlet/render.ts';
import { tunnelled, withScreen } from '../ssh/sample.ts';
import { sampleConfig, sampleInput } from './sample.ts';

const ALLOW = ['10.0.0.7/32' as Cidr];

function generation(
  instance: Instance,
  network: Partial<Config['network']> = {},
  address = '127.0.0.1',
) {
  const sample = sampleConfig({
    instances: [instance],
    publish: { address: address as Ipv4, subnet: null },
  });
  const config = { ...sample, network: { ...sample.network, allow: ALLOW, ...network } };
  const { files, instances } = renderGeneration(sampleInput(config));
  const text = (path: string) => files.find((file) => file.path === path)?.text ?? '';
  return { files: files.map(({ path }) => path), text, instance: instances[0] };
}

test('its files, and a line by which the gateway brings it up', () => {
  const { files, text } = generation(tunnelled('4001'));
  const dropIn = 'units/ib-gateway@4001.container.d/11-ibq-tunnel.conf';
  expect(files).toEqual(
    expect.arrayContaining(['tunnel/4001/settings', 'tunnel/4001/ssh_config', dropIn]),
  );
  expect(text(dropIn)).toBe(
    '# The SSH tunnels start with the gateway and end with it.\n[Unit]\nWants=ibq-tunnel@4001.service\n',
  );
});

test.each<[string, Partial<Settings['ssh']>]>([
  ['mode no', { mode: 'no' }],
  ['the image holds it', { via: 'image' }],
])('%s: none of them', (_title, ssh) => {
  const { files } = generation(tunnelled('4001', ssh));
  expect(files.filter((path) => /tunnel/.test(path))).toEqual([]);
});

test('a tunnel is no part of the gateway’s definition: it costs no login', () => {
  const definitions = (['no', 'yes', 'both'] as const).map(
    (mode) => generation(tunnelled('4001', { mode })).instance?.definition,
  );
  expect(new Set(definitions).size).toBe(1);
});

describe('leads to where this host reaches the API', () => {
  test.each<[string, Partial<Config['network']>, string, string]>([
    ['published on loopback', {}, '127.0.0.1', '127.0.0.1:4001'],
    ['published on all addresses', {}, '0.0.0.0', '127.0.0.1:4001'],
    ['published on one address', {}, '10.0.0.5', '10.0.0.5:4001'],
    ['mode bridge', { mode: 'bridge' }, '127.0.0.1', '127.0.0.1:4001'],
    ['mode lan: by the shim', { mode: 'lan', hostAccess: true }, '127.0.0.1', '10.0.0.192:4004'],
  ])('%s', (_title, network, address, to) => {
    const { instance, text } = generation(tunnelled('4001'), network, address);
    expect(instance?.tunnel?.leadsTo).toBe(to);
    expect(text('tunnel/4001/ssh_config')).toContain(`RemoteForward 127.0.0.1:4001 ${to}\n`);
  });

  test('and its screen, where that is carried', () => {
    const { instance } = generation(withScreen(tunnelled('4001', { vnc_port: 15_900 })));
    expect(instance?.tunnel?.leadsTo).toBe('127.0.0.1:4001 127.0.0.1:5901');
    expect(instance?.tunnel?.targets).toEqual([
      { target: 'trader@vps.example.com', listens: ['127.0.0.1:4001', '127.0.0.1:15900'] },
    ]);
  });
});

describe('mode yes: the only way in beside the host itself', () => {
  const yes = tunnelled('4001', { mode: 'yes' });

  test.each(['0.0.0.0', '10.0.0.5'])(
    'published on loopback, whatever publish.address is: %s',
    (address) => {
      const { instance, text } = generation(yes, {}, address);
      expect(instance?.publish).toBe('127.0.0.1:4001');
      expect(text('units/ib-gateway@4001.container.d/10-ibq.conf')).toContain(
        'PublishPort=127.0.0.1:4001:4004\n',
      );
    },
  );

  test.each(['dual', 'bridge', 'lan'] as const)(
    'mode %s: no client of the network is allowed',
    (mode) => {
      const guard = generation(yes, { mode, hostAccess: mode === 'lan' }, '127.0.0.1').text(
        'guard/4001.nft',
      );
      expect(guard).toMatch(/set allow \{\n\t\ttype ipv4_addr; flags interval;\n\t\}/);
      expect(guard).not.toContain('10.0.0.7');
    },
  );

  test('another instance is open as it was', () => {
    const open = tunnelled('4002', { mode: 'both' }, { port: 4002 as Port });
    expect(generation(open).text('guard/4002.nft')).toContain('elements = { 10.0.0.7 }');
  });
});
