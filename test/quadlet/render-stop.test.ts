import { expect, test } from 'vitest';
import type { Instance, NetworkMode } from '../../src/config/types.ts';
import { profileFor } from '../../src/images/index.ts';
import { NO_OWN_FILES } from '../../src/quadlet/render-settings.ts';
import { stopLines } from '../../src/quadlet/render-stop.ts';
import { sampleInstance } from './sample.ts';

/** Keys of the annotations, with the value of `ibq.stop`. */
function told(changes: Partial<Instance>, commandPorts: number[], network: NetworkMode = 'dual') {
  const instance = sampleInstance('4001', changes);
  const profile = profileFor(instance);
  const lines = stopLines({ profile, instance, network, ownFiles: NO_OWN_FILES, commandPorts });
  return lines
    .split('\n')
    .filter(Boolean)
    .map((line) => line.replace(/^Annotation="?/, '').replace(/"$/, ''))
    .map((text) => (text.startsWith('ibq.stop=') ? text : text.split('=')[0]));
}

test.each<[string, ReturnType<typeof told>, string[]]>([
  [
    'IBC: its command server and the API of the gateway; the session outlives the container',
    told({ profile: 'gnzsnz', mode: 'live' }, [7462]),
    ['ibq.stop=7462:4001', 'ibq.session'],
  ],
  [
    'both: two of each',
    told({ profile: 'gnzsnz', mode: 'both' }, [7462, 7463]),
    ['ibq.stop=7462:4001 7463:4002', 'ibq.session'],
  ],
  ['no command server: nothing', told({ profile: 'danklabs', mode: 'paper' }, []), []],
  [
    'a controller in the place of IBC has its own, and keeps no session',
    told({ profile: 'ibg-controller', mode: 'both' }, []),
    ['ibq.stop=7462:4001 7463:4002'],
  ],
  [
    'and none of it in the host’s network',
    told({ profile: 'ibg-controller', mode: 'live' }, [], 'host'),
    [],
  ],
])('%s', (_title, lines, expected) => {
  expect(lines).toEqual(expected);
});
