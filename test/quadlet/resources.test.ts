/** What an instance may use of the host, as it stands in its drop-in: a line where a key is set, none otherwise. */

import { describe, expect, test } from 'vitest';
import type { Instance } from '../../src/config/types.ts';
import { profileOf } from '../../src/images/index.ts';
import type { Profile } from '../../src/images/profile.ts';
import { renderGeneration } from '../../src/quadlet/render.ts';
import { getAll, parseUnit } from '../../src/quadlet/unit-file.ts';
import { sampleConfig, sampleInput, sampleInstance } from './sample.ts';

const LEAN = profileOf('simulator');
/** An image that starts as root and shows a desktop. */
const DESKTOP: Profile = {
  ...LEAN,
  container: {
    shm: 1024,
    seccompUnconfined: true,
    capabilities: ['CAP_CHOWN', 'CAP_SETUID'],
    readOnly: true,
  },
};

function generation(settings: Partial<Instance['settings']>, profile: Profile = LEAN) {
  const instance = sampleInstance('4001');
  const instances = [
    { ...instance, settings: { ...instance.settings, ...settings } },
    sampleInstance('4002'),
  ];
  return renderGeneration(sampleInput(sampleConfig({ instances }), { profileFor: () => profile }));
}

/** Assignments of 4001's drop-in that stand in none of an instance that sets nothing. */
function added(settings: Partial<Instance['settings']>, profile: Profile = LEAN): string[] {
  const lines = (changes: Partial<Instance['settings']>, of: Profile) =>
    (fileOf(generation(changes, of)) ?? '')
      .split('\n')
      .filter((line) => /^[A-Z]/.test(line) && !line.includes('DEFINITION'));
  const before = lines({}, LEAN);
  return lines(settings, profile).filter(
    (line) => !before.includes(line) && !line.includes('ibq.definition'),
  );
}

function fileOf({ files }: ReturnType<typeof renderGeneration>, name = '4001') {
  return files.find(({ path }) => path === `units/ib-gateway@${name}.container.d/10-ibq.conf`)
    ?.text;
}

describe('a key', () => {
  test.each<[string, Partial<Instance['settings']>, string[]]>([
    ['memory', { memory: 1500 }, ['MemoryMax=1500M']],
    ['cpus', { cpus: 1.5 }, ['CPUQuota=150%']],
    ['cpus, a third of one', { cpus: 0.33333 }, ['CPUQuota=33.33%']],
    ['cpus, as floating point has it', { cpus: 0.29 }, ['CPUQuota=29%']],
    ['shm_size', { shm_size: 256 }, ['ShmSize=256m']],
    [
      'stop_timeout: systemd waits longer than Podman',
      { stop_timeout: 300 },
      ['StopTimeout=300', 'TimeoutStopSec=330', 'Annotation=ibq.stop_timeout=300'],
    ],
    [
      'stop_timeout, as the template has it: set is set',
      { stop_timeout: 90 },
      ['StopTimeout=90', 'TimeoutStopSec=120', 'Annotation=ibq.stop_timeout=90'],
    ],
    ['read_only', { read_only: true }, ['ReadOnly=true']],
    [
      'volumes',
      { volumes: ['/srv/scripts:/scripts:ro', 'data:/data', '/srv/100%$x:/x'] },
      [
        'Volume=/srv/scripts:/scripts:ro,idmap',
        'Volume=data:/data:idmap',
        'Volume=/srv/100%%$$x:/x:idmap',
      ],
    ],
    [
      'volumes whose owners the user has thought of',
      { volumes: ['a:/a:U', 'b:/b:O', 'c:/c:ro,idmap=uids=0-1-1'] },
      ['Volume=a:/a:U', 'Volume=b:/b:O', 'Volume=c:/c:ro,idmap=uids=0-1-1'],
    ],
  ])('%s', (_title, settings, wanted) => {
    expect(added(settings)).toEqual(wanted);
  });

  test('all limits of the unit stand in one section', () => {
    const unit = parseUnit(fileOf(generation({ memory: 2048, cpus: 2, stop_timeout: 60 })) ?? '');
    expect(getAll(unit, 'Service', 'MemoryMax')).toEqual(['2048M']);
    expect(getAll(unit, 'Service', 'CPUQuota')).toEqual(['200%']);
    expect(getAll(unit, 'Service', 'TimeoutStopSec')).toEqual(['90']);
    expect(getAll(unit, 'Container', 'StopTimeout')).toEqual(['60']);
  });

  test('changes the definition of its instance and of no other', () => {
    const definitions = (settings: Partial<Instance['settings']>) =>
      generation(settings).instances.map(({ definition }) => definition);
    const [own, other] = definitions({});
    for (const settings of [
      { cpus: 1 },
      { shm_size: 64 },
      { stop_timeout: 90 },
      { read_only: true },
    ]) {
      const [changed, same] = definitions(settings);
      expect([changed === own, same === other]).toEqual([false, true]);
    }
  });
});

describe('an image', () => {
  test('gets what it needs', () => {
    expect(added({}, DESKTOP)).toEqual([
      'ShmSize=1024m',
      'SeccompProfile=unconfined',
      'AddCapability=CAP_CHOWN',
      'AddCapability=CAP_SETUID',
    ]);
  });

  test('a size that is set wins over what it needs', () => {
    expect(added({ shm_size: 2048 }, DESKTOP)).toContain('ShmSize=2048m');
  });
});

test('restart is the unit’s, where it is another than the template’s', () => {
  expect(added({ restart: 'always' })).toContain('Restart=always');
  expect(added({ restart: 'no' })).toContain('Restart=no');
  expect(added({ restart: 'on-failure' })).toEqual([]);
});

test('an image of one’s own gets what is asked for it, and the words of its command as they are', () => {
  const asked = {
    user: '1000:1001',
    command: ['/run.sh', 'two words', '$HOME 100%'],
    tmpfs: ['/run:size=64m'],
    devices: ['/dev/dri/renderD128'],
  };
  expect(added({}, { ...LEAN, container: { ...LEAN.container, asked } })).toEqual([
    'User=1000',
    'Group=1001',
    'Tmpfs=/run:size=64m',
    'AddDevice=/dev/dri/renderD128',
    'Exec=/run.sh "two words" "$$HOME 100%%"',
  ]);
});

describe('volumes', () => {
  test('paths of the host are told, each once: they have to be there', () => {
    const volumes = ['/srv/a:/a', 'named:/b', '/srv/a:/c:ro', '/etc/ibq/x.jar:/d'];
    expect(generation({ volumes }).instances[0]?.hostPaths).toEqual(['/srv/a', '/etc/ibq/x.jar']);
  });

  test.each([
    [
      ['data:/home/ibgateway/tws_settings'],
      'volumes.0: should have a path of its own, /home/ibgateway/tws_settings is that of the settings of the instance',
    ],
    [
      ['a:/data', 'b:/data/'],
      'volumes.1: should have a path of its own, /data is that of volumes.0',
    ],
    [
      ['/srv/s:/run/secrets:ro'],
      'volumes.0: should have another path: secrets of the instance are mounted below /run/secrets',
    ],
    [
      ['data:/home/ibgateway'],
      'volumes.0: should have another path: /home/ibgateway would hide the settings in /home/ibgateway/tws_settings',
    ],
    [
      ['data:/home/ibgateway/Jts/'],
      "volumes.0: should have another path: /home/ibgateway/Jts would hide the image's own /home/ibgateway/Jts/jts.ini.tmpl",
    ],
  ])('%j: two on one path, or one that hides, are refused', (volumes, message) => {
    expect(() => generation({ volumes })).toThrow(`/etc/ibq/instances/4001.toml: ${message}`);
  });
});
