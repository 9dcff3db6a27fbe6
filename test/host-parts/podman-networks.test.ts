/** Where Podman keeps its networks: containers.conf(5), network_config_dir. */

import { describe, expect, test } from 'vitest';
import {
  allPodmanSubnets,
  listPodmanNetworks,
  readSubnetPools,
} from '../../src/host/podman-networks.ts';
import { sandbox } from '../support/sandbox.ts';

const SHIPPED = '/usr/share/containers/containers.conf';
const MAIN = '/etc/containers/containers.conf';
const DROP_IN = (name: string) => `/etc/containers/containers.conf.d/${name}`;
const says = (directory: string) => `[network]\nnetwork_config_dir = "${directory}"\n`;

const everywhere = Object.fromEntries(
  ['/etc/containers/networks', '/one', '/two'].map((path) => [`${path}/home.json`, '{}']),
);

describe('the directory of networks', () => {
  test.each<[string, Record<string, string>, string]>([
    ['is the usual one where nothing is said', {}, '/etc/containers/networks'],
    ['is what the shipped file says', { [SHIPPED]: says('/one') }, '/one'],
    ['is what /etc says', { [SHIPPED]: says('/one'), [MAIN]: says('/two') }, '/two'],
    ['is what a drop-in says', { [MAIN]: says('/one'), [DROP_IN('a.conf')]: says('/two') }, '/two'],
    [
      'is what the last drop-in says',
      { [DROP_IN('9.conf')]: says('/two'), [DROP_IN('10.conf')]: says('/one') },
      '/two',
    ],
    [
      'is what Podman 6 reads for root alone',
      { [MAIN]: says('/one'), '/etc/containers/containers.rootful.conf.d/10.conf': says('/two') },
      '/two',
    ],
    [
      'is what Podman 6 reads of the distribution, unless /etc says more',
      {
        '/usr/share/containers/containers.conf.d/a.conf': says('/two'),
        '/usr/share/containers/containers.rootful.conf.d/a.conf': says('/one'),
      },
      '/one',
    ],
    [
      'is what /etc says, whatever drop-ins the distribution has',
      { '/usr/share/containers/containers.conf.d/a.conf': says('/two'), [MAIN]: says('/one') },
      '/one',
    ],
    ['is not what another sort of file says', { [DROP_IN('a.conf.off')]: says('/one') }, 'usual'],
    ['is not what a comment says', { [MAIN]: `# ${says('/one').replace('\n', '\n#')}` }, 'usual'],
    ['is not what another table says', { [MAIN]: says('/one').replace('network', 'x') }, 'usual'],
    ['is the usual one where it is set to nothing', { [MAIN]: says('') }, 'usual'],
    ['is the usual one where the file is no TOML', { [MAIN]: `${says('/one')}[` }, 'usual'],
    [
      'is what an earlier file says where a later one speaks of other things',
      { [MAIN]: says('/one'), [DROP_IN('a.conf')]: '[containers]\npids_limit = 0\n' },
      '/one',
    ],
  ])('%s', (_, files, directory) => {
    const { context } = sandbox({ ...everywhere, ...files });
    const expected = directory === 'usual' ? '/etc/containers/networks' : directory;
    expect(listPodmanNetworks(context.host.files)).toEqual([
      { name: 'home', path: `${expected}/home.json` },
    ]);
  });

  test('has networks in files of JSON, and other files', () => {
    const { context } = sandbox({ '/etc/containers/networks/netavark.lock': '' });
    expect(listPodmanNetworks(context.host.files)).toEqual([]);
  });
});

describe('the pools of new networks', () => {
  const pools = (text: string) => ({ [MAIN]: `[network]\ndefault_subnet_pools = ${text}\n` });
  test.each<[string, Record<string, string>, unknown]>([
    ['are nobody’s where nothing is said', {}, null],
    [
      'are those of containers.conf',
      pools('[{"base" = "10.200.0.0/16", "size" = 26}, {"base" = "10.201.0.0/24", "size" = 24}]'),
      [
        { base: '10.200.0.0/16', size: 26 },
        { base: '10.201.0.0/24', size: 24 },
      ],
    ],
    [
      'are not those that make no sense: IPv6, no size',
      pools('[{"base" = "fd00::/8", "size" = 64}, {"base" = "10.1.0.0/16"}]'),
      [],
    ],
    ['are nobody’s where it is no list', pools('"10.0.0.0/8"'), null],
  ])('%s', (_title, files, expected) => {
    expect(readSubnetPools(sandbox(files).context.host.files)).toEqual(expected);
  });
});

test('each subnet has the name of its network, and of no other whose name begins so', () => {
  const network = (subnet: string) => JSON.stringify({ subnets: [{ subnet }] });
  const { context } = sandbox({
    '/etc/containers/networks/i.json': network('10.1.0.0/24'),
    '/etc/containers/networks/ibq-publish-1.json': network('10.89.0.0/24'),
  });
  expect(allPodmanSubnets(context.host.files)).toEqual([
    { subnet: '10.1.0.0/24', kind: 'podman', name: 'i' },
    { subnet: '10.89.0.0/24', kind: 'podman', name: 'ibq-publish-1' },
  ]);
});
