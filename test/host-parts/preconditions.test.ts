/** What keeps a plan from being carried out: a port that is taken, a directory that is not there. */

import { describe, expect, test } from 'vitest';
import type { InstanceName } from '../../src/config/types.ts';
import {
  type PortsInUse,
  requireHostPaths,
  requirePortsFree,
} from '../../src/host/preconditions.ts';
import type { ManifestInstance } from '../../src/plan/manifest.ts';
import { sandbox } from '../support/sandbox.ts';

/** 4001 with VNC: what is wanted, and what a manifest has of it. */
const wanted = {
  name: '4001' as InstanceName,
  inputs: {},
  relayPort: 4003,
  publish: '127.0.0.1:4001',
  sideServices: [{ service: 'vnc' as const, relayPort: 5900, publish: '127.0.0.1:5901' }],
  lan: null,
};
const deployed: ManifestInstance = {
  ...wanted,
  definition: 'd',
  mode: 'live',
  profile: 'simulator',
  image: 'localhost/x',
  sideServices: [],
  commandPorts: [],
  tunnel: null,
  idBase: null,
};

/** A host on which somebody listens on a port of 127.0.0.1. @param unit empty: no unit */
function host(port: number, unit = '') {
  const hex = port.toString(16).toUpperCase().padStart(4, '0');
  const { context } = sandbox({
    '/proc/net/tcp': `  sl  local_address rem_address   st\n   0: 0100007F:${hex} 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 77 1\n`,
    '/proc/7/comm': 'python3\n',
    '/proc/7/cgroup': `0::/system.slice/${unit}\n`,
  });
  context.host.files.makeDirectory('/proc/7/fd');
  context.host.files.symlink('socket:[77]', '/proc/7/fd/3');
  return context.host;
}

const nothing: PortsInUse = {
  starting: [],
  running: new Set(),
  freed: new Set(),
  manifest: null,
};
const starts: PortsInUse = { ...nothing, starting: ['4001'] };
const runs: PortsInUse = {
  ...nothing,
  running: new Set(['4001']),
  manifest: { instances: { '4001': deployed } },
};

describe('a port that is taken', () => {
  test.each<[string, number, string, PortsInUse, RegExp]>([
    ['of the API', 4001, '', starts, /^instance 4001: its port 127\.0\.0\.1:4001 is taken by/],
    ['of its screen', 5901, '', starts, /^instance 4001: its VNC port 127\.0\.0\.1:5901 is taken/],
    ['by another gateway', 4001, 'ib-gateway@4002.service', starts, /its port 127\.0\.0\.1:4001/],
    [
      'new to one that runs: it would not come back from its restart',
      5901,
      'vncserver.service',
      runs,
      /its VNC port 127\.0\.0\.1:5901 is taken .*nothing was changed$/s,
    ],
  ])('%s', (_title, port, unit, inUse, message) => {
    expect(() => requirePortsFree(host(port, unit), [wanted], inUse)).toThrow(message);
  });

  test.each<[string, number, string, PortsInUse]>([
    ['by the gateway itself, which runs', 4001, 'ib-gateway@4001.service', runs],
    ['by another gateway, until that one moves', 5901, 'ib-gateway@4002.service', runs],
    ['of an instance that neither runs nor starts', 4001, '', nothing],
    ['by one that is stopped first', 4001, '', { ...starts, freed: new Set(['127.0.0.1:4001']) }],
    ['nobody wants', 4444, '', starts],
  ])('is no obstacle: %s', (_title, port, unit, inUse) => {
    expect(() => requirePortsFree(host(port, unit), [wanted], inUse)).not.toThrow();
  });

  test('in the network of another container that one publishes', () => {
    const inside = { ...wanted, inputs: { 'network.via': 'wireguard.container' } };
    expect(() => requirePortsFree(host(4001), [inside], starts)).not.toThrow();
  });
});

describe('volumes of the host', () => {
  const mounts = (...hostPaths: string[]) => [{ name: '4001' as InstanceName, hostPaths }];

  test('that are there', () => {
    const { context } = sandbox({ '/srv/scripts/x': '' });
    expect(() => requireHostPaths(context.host, mounts('/srv/scripts'))).not.toThrow();
  });

  test('that are not: 78, each with what makes it', () => {
    const { context } = sandbox();
    const refusal = () => requireHostPaths(context.host, mounts('/srv/a', '/srv/b'));
    expect(refusal).toThrow(
      'instance 4001: /srv/a, which its volumes name, is not there; make it ("sudo mkdir -p /srv/a"), or correct volumes\n',
    );
    expect(refusal).toThrow(/\/srv\/b.*\nnothing was changed$/s);
    expect(refusal).toThrow(expect.objectContaining({ exitCode: 78 }));
  });
});
