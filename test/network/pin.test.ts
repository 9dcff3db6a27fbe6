import { expect, test } from 'vitest';
import { loadConfig } from '../../src/config/load.ts';
import {
  type NetworkPin,
  parsePin,
  pinChanges,
  pinOf,
  renderPin,
  valuesOf,
} from '../../src/network/pin.ts';
import { detectHost, hostNames, NO_OVERRIDES } from './hosts.ts';

const NOON = Date.UTC(2025, 10, 21, 12);

function pinOfHost(name: string, overrides = NO_OVERRIDES): NetworkPin | null {
  const { selected } = detectHost(name, overrides);
  return selected && pinOf(selected, overrides, NOON);
}

test.each(hostNames())('what is pinned for %s reads back as it was', (name) => {
  const pin = pinOfHost(name);
  if (pin) expect(parsePin(renderPin(pin))).toEqual(valuesOf(pin));
});

test.each(hostNames())('what is pinned for %s is a valid configuration', (name) => {
  const pin = pinOfHost(name);
  if (!pin) return;
  const { config } = loadConfig({
    main: null,
    pin: { path: '/etc/ibq/network.toml', text: renderPin(pin) },
    instances: [],
  });
  const { driver, interface: parent, subnet, gateway, range } = pin;
  const lan = { driver, interface: parent, subnet, gateway, range };
  expect(config.network).toMatchObject({
    mode: pin.mode,
    lan: pin.mode === 'dual' ? lan : null,
  });
});

test('the file says where each value is from', () => {
  const pin = pinOfHost('public-and-private');
  expect(
    pin && renderPin(pin),
  ).toBe(`# The network of this host, written by "ibq network detect --write" on 2025-11-21. This file decides,
# not what a later detection finds; that command replaces the whole of it. To set something
# else, write it under [network] in ibq.toml, which wins over this file.
[network]
# detected: the first interface with a private subnet
interface = "eth1"
# each instance has a MAC address of its own
driver = "macvlan"
# detected: connected to the interface
subnet = "10.0.0.0/24"
# assumed: no route names one, so the first address of the subnet
gateway = "10.0.0.1"
# addresses ibq may give out: keep them outside the DHCP range of this network
range = "10.0.0.192/27"
`);
});

test('overrides are noted as the source', () => {
  const overrides = {
    NETWORK_INTERFACE: 'eth1',
    NETWORK_SUBNET: '10.1.0.0/24',
    NETWORK_GATEWAY: '10.1.0.9',
  };
  const pin = pinOfHost('several-private-nics', overrides);
  const text = pin ? renderPin(pin) : '';
  expect(text).toContain('# from NETWORK_INTERFACE\ninterface = "eth1"');
  expect(text).toContain('# from NETWORK_SUBNET\nsubnet = "10.1.0.0/24"');
  expect(text).toContain('# from NETWORK_GATEWAY\ngateway = "10.1.0.9"');
});

test('in a cloud the mode is pinned too', () => {
  const pin = pinOfHost('ec2');
  expect(pin && renderPin(pin)).toContain('mode = "bridge"\n');
});

test('without a free range none is pinned', () => {
  const pin = pinOfHost('small-subnet');
  const text = pin ? renderPin(pin) : '';
  expect(text).toContain('\n# range =\n');
  expect(parsePin(text)).toMatchObject({ range: null, mode: 'bridge' });
});

test('an interface name that needs quoting survives', () => {
  const pin = pinOfHost('plain-server');
  if (!pin) throw new Error('nothing selected');
  const odd = { ...pin, interface: 'a"b\\c.@\u007f' };
  expect(parsePin(renderPin(odd)).interface).toBe(odd.interface);
});

test('changes name each key that differs', () => {
  const pin = pinOfHost('plain-server');
  if (!pin) throw new Error('nothing selected');
  const values = valuesOf(pin);
  expect(pinChanges(values, values)).toEqual([]);
  expect(pinChanges(values, { ...values, gateway: '192.168.1.2', mode: 'bridge' })).toEqual([
    'mode: (not set) -> bridge',
    'gateway: 192.168.1.1 -> 192.168.1.2',
  ]);
});

test('a file without the table pins nothing', () => {
  expect(Object.values(parsePin('network = 3\n'))).toEqual([null, null, null, null, null, null]);
});
