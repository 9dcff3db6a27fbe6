/** `manifest.json`: what is written is read back; what is broken is refused, naming the key. */

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { SideService } from '../../src/config/types.ts';
import {
  formatManifest,
  type Manifest,
  type ManifestInstance,
  parseManifest,
  sha256,
} from '../../src/plan/manifest.ts';
import { sampleConfig } from '../quadlet/sample.ts';
import { ModelHost } from './model-host.ts';

const INSTANCE: ManifestInstance = {
  definition: '0123456789abcdef',
  mode: 'live',
  profile: 'gnzsnz',
  image: 'ghcr.io/gnzsnz/ib-gateway:stable',
  publish: '127.0.0.1:4001',
  lan: { address: '10.0.0.193', mac: '02:00:00:00:00:01' },
  relayPort: 4003,
  sideServices: [{ service: 'vnc', relayPort: 5900, publish: '127.0.0.1:5901' }],
  commandPorts: [7462],
  tunnel: {
    via: 'host',
    targets: [{ target: 'trader@vps.example.com', listens: ['127.0.0.1:4001'] }],
  },
  idBase: 2_013_265_920,
  inputs: { mode: 'live' },
};

const MANIFEST: Manifest = {
  schemaVersion: 1,
  ibq: '0.1.0',
  generation: 12,
  createdAt: '2025-11-21T07:00:00.000Z',
  configFile: '/etc/ibq/ibq.toml',
  publishSubnet: '10.89.0.0/24',
  instances: { '4001': INSTANCE },
  idBases: { '4001': 2_013_265_920 },
  hostPorts: { '4001': [4001, 4003] },
  addresses: { '4001': { address: '10.0.0.193', mac: '02:00:00:00:00:01' } },
  networks: ['ibq-publish-0fd8daf1'],
  files: { 'guard/4001.nft': sha256('') },
  images: { 'ghcr.io/gnzsnz/ib-gateway:stable': 'sha256:00' },
};

describe('what is written is read back', () => {
  test('a deployed generation', () => {
    const { manifest } = ModelHost.deployed(sampleConfig());
    expect(manifest).not.toBeNull();
    if (manifest) expect(parseManifest(formatManifest(manifest))).toEqual(manifest);
  });

  test('anything', () => {
    const texts = fc.dictionary(fc.string(), fc.string(), { noNullPrototype: true, maxKeys: 3 });
    const nullable = fc.option(fc.string());
    const whole = fc.integer({ min: 1 });
    const address = fc.record({ address: fc.string(), mac: nullable });
    const names = fc.stringMatching(/^[a-z0-9_]{1,5}$/);
    const instances = fc.record({
      definition: fc.string(),
      mode: fc.string(),
      profile: fc.string(),
      image: fc.string(),
      publish: nullable,
      lan: fc.option(address),
      relayPort: whole,
      sideServices: fc.array(
        fc.record({
          service: fc.constantFrom<SideService[]>('paper', 'vnc', 'rdp', 'supervisor'),
          relayPort: whole,
          publish: fc.option(fc.string()),
        }),
      ),
      commandPorts: fc.array(whole),
      tunnel: fc.option(
        fc.record({
          via: fc.constantFrom<('host' | 'image')[]>('host', 'image'),
          targets: fc.array(fc.record({ target: fc.string(), listens: fc.array(fc.string()) })),
        }),
      ),
      idBase: fc.option(whole),
      inputs: texts,
    });
    const manifests: fc.Arbitrary<Manifest> = fc.record({
      schemaVersion: fc.constant(1 as const),
      ibq: fc.string(),
      generation: whole,
      createdAt: fc.string(),
      configFile: fc.option(fc.string()),
      publishSubnet: nullable,
      instances: fc.dictionary(names, instances, { noNullPrototype: true, maxKeys: 3 }),
      addresses: fc.dictionary(names, address, { noNullPrototype: true, maxKeys: 3 }),
      idBases: fc.dictionary(names, whole, { noNullPrototype: true, maxKeys: 3 }),
      hostPorts: fc.dictionary(names, fc.array(whole), { noNullPrototype: true, maxKeys: 3 }),
      networks: fc.array(fc.string(), { maxLength: 3 }),
      files: texts,
      images: texts,
    });
    fc.assert(
      fc.property(manifests, (manifest) => {
        expect(parseManifest(formatManifest(manifest))).toEqual(manifest);
      }),
      { numRuns: 50 },
    );
  });

  test('as lines that a person can read, ended by a newline', () => {
    expect(formatManifest(MANIFEST)).toMatch(/^\{\n {2}"schemaVersion": 1,\n[\s\S]*\n\}\n$/);
  });
});

describe('broken', () => {
  test.each([
    ['', 'should be JSON'],
    ['{', 'should be JSON'],
    ['null', 'should be an object'],
    ['[]', 'should be an object'],
    ['{}', 'schemaVersion should be 1, got undefined'],
    ['{"schemaVersion": 2}', 'schemaVersion should be 1, got 2'],
  ])('%j: %s', (text, message) => {
    expect(() => parseManifest(text)).toThrow(message);
  });

  test.each<[string, object, string]>([
    ['ibq', { ibq: 1 }, 'ibq should be text'],
    ['no generation', { generation: undefined }, 'generation should be a whole number from 1'],
    ['generation 0', { generation: 0 }, 'generation should be a whole number from 1'],
    ['half a generation', { generation: 1.5 }, 'generation should be a whole number from 1'],
    ['createdAt', { createdAt: null }, 'createdAt should be text'],
    ['configFile', { configFile: 1 }, 'configFile should be text'],
    ['no publishSubnet', { publishSubnet: undefined }, 'publishSubnet should be text'],
    ['instances', { instances: [] }, 'instances should be an object'],
    ['networks', { networks: {} }, 'networks should be a list of names'],
    ['a network', { networks: [1] }, 'networks should be a list of names'],
    ['files', { files: null }, 'files should be an object'],
    ['a file', { files: { 'host.nft': 1 } }, 'files.host.nft should be text'],
    ['an image', { images: { 'a:1': null } }, 'images.a:1 should be text'],
  ])('%s', (_title, change, message) => {
    expect(() => parseManifest(JSON.stringify({ ...MANIFEST, ...change }))).toThrow(message);
  });

  test.each<[string, object | null, string]>([
    ['null', null, 'instances.4001 should be an object'],
    ['no definition', { definition: undefined }, 'instances.4001.definition should be text'],
    ['a mode', { mode: 1 }, 'instances.4001.mode should be text'],
    ['no publish', { publish: undefined }, 'instances.4001.publish should be text'],
    ['no lan', { lan: undefined }, 'instances.4001.lan should be an object'],
    ['an address', { lan: { mac: null } }, 'instances.4001.lan.address should be text'],
    ['a mac', { lan: { address: '10.0.0.1' } }, 'instances.4001.lan.mac should be text'],
    [
      'a service',
      { sideServices: [{ service: 'x', relayPort: 1, publish: null }] },
      'instances.4001.sideServices.service should be one of paper, vnc, rdp, supervisor',
    ],
    [
      'a tunnel',
      { tunnel: { via: 'x', targets: [] } },
      'instances.4001.tunnel.via should be host or image',
    ],
    [
      'a place of a tunnel',
      { tunnel: { via: 'host', targets: [{ target: 'a@b', listens: [1] }] } },
      'instances.4001.tunnel.targets.listens should be a list of text',
    ],
    ['a port', { relayPort: '4003' }, 'instances.4001.relayPort should be a whole number from 1'],
    ['an input', { inputs: { mode: 1 } }, 'instances.4001.inputs.mode should be text'],
  ])('an instance: %s', (_title, change, message) => {
    const instances = { '4001': change && { ...INSTANCE, ...change } };
    expect(() => parseManifest(JSON.stringify({ ...MANIFEST, instances }))).toThrow(message);
  });
});
