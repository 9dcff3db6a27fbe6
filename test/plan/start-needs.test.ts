/** What a start needs: the same of what is wanted and of what is deployed; the order of restarts. */

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { assembleDesired } from '../../src/plan/desired.ts';
import { buildManifest } from '../../src/plan/manifest.ts';
import { needsOfDeployed, needsOfDesired, restartGroups } from '../../src/plan/start-needs.ts';
import { sampleConfig, sampleInstance } from '../quadlet/sample.ts';
import { sampleFacts } from './model-host.ts';

describe('of an instance', () => {
  const sample = sampleInstance('4001');
  const config = {
    ...sampleConfig(),
    instances: [
      {
        ...sample,
        settings: { ...sample.settings, volumes: ['/srv/a b%c$d:/data:ro', 'named:/other'] },
      },
    ],
  };
  const desired = assembleDesired(config, sampleFacts(), null);
  const manifest = buildManifest(desired, {
    ibq: '0.0.0',
    generation: 1,
    createdAt: '',
    configFile: null,
    images: {},
  });
  const [instance] = desired.instances;
  const deployed = manifest.instances['4001'];
  const dropIn = desired.files.find(({ path }) => path.endsWith('4001.container.d/10-ibq.conf'));
  if (!instance || !deployed || !dropIn) throw new Error('the sample has one instance');

  test('as it is wanted', () => {
    expect(needsOfDesired(instance)).toMatchObject({
      name: '4001',
      image: sample.image,
      hostPaths: ['/srv/a b%c$d'],
      networks: [
        expect.stringMatching(/^ibq-publish-[0-9a-f]+$/),
        expect.stringMatching(/^ibq-lan-[0-9a-f]+$/),
      ],
      ports: [{ title: 'port', publish: '127.0.0.1:4002' }],
      parent: 'eth1',
    });
  });

  test('as it is deployed: the same, read back from its unit', () => {
    expect(needsOfDeployed('4001', deployed, dropIn.text)).toEqual(needsOfDesired(instance));
  });

  test('files of the user come back with a deploy, keys by their own commands', () => {
    const lines =
      '[Container]\nSecret=ibq-4001-config_ini-0123456789abcdef,type=mount\nSecret=ibq-4001-ssh_key,type=mount\nSecret=ibq-4001-paper_password,type=env\n';
    expect(needsOfDeployed('4001', deployed, lines).secrets).toEqual([
      { name: 'ibq-4001-config_ini-0123456789abcdef', key: 'config_ini', mend: 'sudo ibq deploy' },
      { name: 'ibq-4001-ssh_key', key: 'ssh_key', mend: 'sudo ibq tunnel key 4001' },
      {
        name: 'ibq-4001-paper_password',
        key: 'paper_password',
        mend: 'sudo ibq secret set 4001 paper_password',
      },
    ]);
  });

  test('networks: those that it joins by name; the host, another container and the user’s units are none', () => {
    const lines =
      '[Container]\nNetwork=web:interface_name=net0\nNetwork=host\nNetwork=vpn.container\nNetwork=trader.network\n';
    expect(needsOfDeployed('4001', deployed, lines).networks).toEqual(['web']);
  });
});

describe('the order of restarts', () => {
  const blockers = (of: Record<string, string[]>) =>
    new Map(Object.entries(of).map(([name, others]) => [name, new Set(others)]));

  test.each<[string, string[], Record<string, string[]>, string[][]]>([
    ['nobody in the way', ['a', 'b'], {}, [['a'], ['b']]],
    [
      'a chain: who has the port goes first',
      ['a', 'b', 'c'],
      { a: ['b'], b: ['c'] },
      [['c'], ['b'], ['a']],
    ],
    ['two that swap', ['a', 'b'], { a: ['b'], b: ['a'] }, [['a', 'b']]],
    [
      'three in a circle, one behind it',
      ['d', 'a', 'b', 'c'],
      { a: ['b'], b: ['c'], c: ['a'], d: ['a'] },
      [['a', 'b', 'c'], ['d']],
    ],
    ['one that is not restarted', ['a'], { a: ['x'] }, [['a']]],
  ])('%s', (_title, names, of, groups) => {
    expect(restartGroups(names, blockers(of))).toEqual(groups);
  });

  test('has each once, and finds each port free', () => {
    const names = ['a', 'b', 'c', 'd', 'e'];
    const graphs = fc.dictionary(
      fc.constantFrom(...names),
      fc.uniqueArray(fc.constantFrom(...names)),
    );
    fc.assert(
      fc.property(graphs, (of) => {
        const groups = restartGroups(names, blockers(of));
        expect(groups.flat().sort()).toEqual(names);
        const done: string[] = [];
        for (const group of groups) {
          for (const name of group) {
            const waits = (of[name] ?? []).filter((it) => it !== name && !group.includes(it));
            expect(done).toEqual(expect.arrayContaining(group.length === 1 ? waits : []));
          }
          done.push(...group);
        }
      }),
    );
  });
});
