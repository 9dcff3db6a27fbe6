/** Where Podman keeps its networks: containers.conf(5), network_config_dir. */

import { describe, expect, test } from 'vitest';
import { listPodmanNetworks } from '../../src/host/podman-networks.ts';
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
