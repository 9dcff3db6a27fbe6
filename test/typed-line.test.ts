import { describe, expect, test } from 'vitest';
import { sudoLine, withScope } from '../src/typed-line.ts';

describe('the line that root runs is the one that was typed', () => {
  test.each<[string[], Record<string, string>, string]>([
    [['deploy', '--dry-run'], {}, 'sudo ibq deploy --dry-run'],
    [
      ['--config', '/srv/test/ibq.toml', 'deploy'],
      {},
      'sudo ibq --config /srv/test/ibq.toml deploy',
    ],
    [
      ['instance', 'add', '4001', '--mode', 'live', '--user', 'u', '--set', 'read_only_api=false'],
      {},
      'sudo ibq instance add 4001 --mode live --user u --set read_only_api=false',
    ],
    [
      ['exec', '4001', '--', 'sh', '-c', 'cd /tmp; rm -rf x'],
      {},
      "sudo ibq exec 4001 -- sh -c 'cd /tmp; rm -rf x'",
    ],
    [
      ['network', 'detect', '--write'],
      { NETWORK_INTERFACE: 'eth1', NETWORK_SUBNET: '', PATH: '/bin' },
      'sudo NETWORK_INTERFACE=eth1 ibq network detect --write',
    ],
    [['plan'], { NETWORK_GATEWAY: 'a b' }, "sudo NETWORK_GATEWAY='a b' ibq plan"],
  ])('%j', (args, env, line) => {
    expect(sudoLine(args, env)).toBe(line);
  });
});

describe('commands in a message keep the scope of the typed one', () => {
  const verbs = ['deploy', 'secret', 'logs'];
  test.each([
    ['run "sudo ibq deploy"', 'run "sudo ibq --config /srv/ibq.toml deploy"'],
    [
      'next: sudo ibq secret set 4001 password',
      'next: sudo ibq --config /srv/ibq.toml secret set 4001 password',
    ],
    ['more: ibq logs 4001', 'more: ibq --config /srv/ibq.toml logs 4001'],
    ['another ibq is at work; ibqlogs', 'another ibq is at work; ibqlogs'],
  ])('%s', (text, expected) => {
    expect(withScope(text, { config: '/srv/ibq.toml', root: null }, verbs)).toBe(expected);
  });

  test('both options, quoted; neither: nothing changes', () => {
    expect(withScope('ibq deploy', { config: 'a $b', root: '/x' }, verbs)).toBe(
      "ibq --root /x --config 'a $b' deploy",
    );
    expect(withScope('ibq deploy', { config: null, root: null }, verbs)).toBe('ibq deploy');
  });
});
