/** What a service as Podman 5.4 and 5.8 generate it does with the guard; the command is theirs. */

import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { guardProblem, hooksDirOf, replacesStart } from '../../src/quadlet/guard-in-force.ts';

const HOOKS = '/usr/local/lib/ibq/hooks.d';
const service = (global: string, options: string) => `[Unit]
Description=IB gateway %i
[Service]
Environment=PODMAN_SYSTEMD_UNIT=%n
ExecStart=/usr/bin/podman ${global} run --name ib-gateway-%i --replace --rm --cgroups=split --pull never --sdnotify=conmon -d --cap-drop all ${options} localhost/ibq-simulator:latest
ExecStopPost=-/usr/bin/podman --hooks-dir=${HOOKS} rm -v -f -i ib-gateway-%i
`;
const GLOBAL = `--hooks-dir=${HOOKS}`;
const OURS = '--annotation ibq.definition=0a1b --annotation ibq.instance=%i';

describe('the command of an instance', () => {
  test.each<[string, string, string, string | null]>([
    ['as ibq writes it', GLOBAL, OURS, null],
    [
      'with more annotations, one quoted',
      GLOBAL,
      `${OURS} --annotation "ibq.route=10.0.0.1 lan0"`,
      null,
    ],
    ['by its own name', GLOBAL, '--annotation=ibq.instance=4021', null],
    ['one more directory of hooks', `${GLOBAL} --hooks-dir=/srv/hooks`, OURS, null],
    ['GlobalArgs=', '', OURS, `has lost --hooks-dir=${HOOKS} (GlobalArgs=)`],
    [
      'GlobalArgs= with others',
      '--log-level=debug',
      OURS,
      `has lost --hooks-dir=${HOOKS} (GlobalArgs=)`,
    ],
    [
      'another directory of hooks',
      '--hooks-dir=/none',
      OURS,
      `has lost --hooks-dir=${HOOKS} (GlobalArgs=)`,
    ],
    ['Annotation=', GLOBAL, '', 'has lost the annotation ibq.instance (Annotation=)'],
    [
      'an annotation that ends alike',
      GLOBAL,
      '--annotation my.ibq.instance=%i',
      'has lost the annotation ibq.instance (Annotation=)',
    ],
    [
      "another's name by PodmanArgs=",
      GLOBAL,
      `${OURS} --annotation=ibq.instance=4011`,
      'has the annotation ibq.instance of 4011',
    ],
    [
      "another's name, quoted",
      GLOBAL,
      `${OURS} --annotation "ibq.instance=4011"`,
      'has the annotation ibq.instance of 4011',
    ],
    [
      "another's name, all of it quoted",
      GLOBAL,
      `${OURS} "--annotation=ibq.instance=4011"`,
      'has the annotation ibq.instance of 4011',
    ],
  ])('%s', (_title, global, options, problem) => {
    expect(guardProblem('4021', HOOKS, service(global, options))).toBe(problem);
  });
});

test('the shipped template names its directory of hooks', () => {
  const template = readFileSync(
    new URL('../../quadlets/ib-gateway@.container', import.meta.url),
    'utf8',
  );
  expect(hooksDirOf(template.replaceAll('@LIB_DIR@', '/usr/local/lib/ibq'))).toBe(HOOKS);
  expect(hooksDirOf('[Container]\nImage=x\n')).toBeNull();
});

test.each([
  ['[Service]\nExecStart=\n', true],
  ['[Service]\nRestart=no\nExecStart=/usr/bin/podman start x\n', true],
  ['[Service]\nExecStartPre=/bin/true\n', false],
  ['[Unit]\nExecStart=/bin/true\n', false],
])('a drop-in %j replaces the command: %s', (text, replaces) => {
  expect(replacesStart(text)).toBe(replaces);
});
