/** A plan as people read it. */

import { describe, expect, test } from 'vitest';
import { type Change, describeStep, type Plan, type Step } from '../../src/plan/plan.ts';
import { driftLines, isEmpty, renderPlan } from '../../src/plan/render.ts';
import type { Style } from '../../src/ui/ui.ts';

const EMPTY: Plan = { generation: null, changes: [], steps: [], drift: [], warnings: [] };

const PLAN: Plan = {
  ...EMPTY,
  generation: { from: 1, to: 2 },
  changes: [
    { kind: 'add', instance: '4003', cost: 'start', because: ['new'], diff: '+++ a\n+b' },
    { kind: 'change', instance: '4002', cost: 'new-login', because: ['mode', 'memory'], diff: '' },
    { kind: 'change', instance: '4001', cost: 'none', because: ['network.allow'], diff: '' },
    { kind: 'remove', instance: 'old', cost: 'stop', because: ['no longer configured'], diff: '' },
    { kind: 'change', file: 'host.nft', cost: 'none', because: [], diff: '@@ -1 +1 @@\n-x\n+y' },
  ],
  steps: [
    { kind: 'write-generation', number: 2 },
    { kind: 'stop', instances: ['old'] },
    { kind: 'activate', number: 2 },
    { kind: 'reload' },
    { kind: 'start', instances: ['4003'] },
    { kind: 'wait', instances: ['4003'] },
  ],
};

const plain = (_style: Style, text: string) => text;

describe('renderPlan', () => {
  test('before a deploy: what changes, what it costs and why', () => {
    expect(renderPlan(PLAN, { style: plain, steps: false, diffs: false })).toBe(
      `
1 starts, 1 needs a restart (new login), 1 stops, 1 changes without a restart
generation 1 → 2
  + 4003: starts; new
  ~ 4002: a restart puts it into force (a new login, unless the session can be kept); mode, memory
  ~ 4001: network.allow
  - old: stops; no longer configured
  ~ host.nft`.trimStart(),
    );
  });

  test('detailed: with diffs and steps', () => {
    expect(renderPlan(PLAN, { style: plain, steps: true, diffs: true })).toBe(
      `
1 starts, 1 needs a restart (new login), 1 stops, 1 changes without a restart
generation 1 → 2
  + 4003: starts; new
      +++ a
      +b
  ~ 4002: a restart puts it into force (a new login, unless the session can be kept); mode, memory
  ~ 4001: network.allow
  - old: stops; no longer configured
  ~ host.nft
      @@ -1 +1 @@
      -x
      +y
steps
  1. write and check generation 2
  2. stop old
  3. switch to generation 2
  4. reload systemd
  5. start 4003
  6. wait for 4003`.trimStart(),
    );
  });

  test('the first generation has nothing before it', () => {
    const plan = { ...PLAN, generation: { from: null, to: 1 } };
    expect(renderPlan(plan, { style: plain, steps: false, diffs: false })).toMatch(
      /^first generation: 1\n/m,
    );
  });

  test('steps without a new generation', () => {
    const plan: Plan = { ...EMPTY, steps: [{ kind: 'reload' }] };
    expect(renderPlan(plan, { style: plain, steps: true, diffs: true })).toBe(
      'steps\n  1. reload systemd',
    );
  });

  test('nothing', () => {
    expect(isEmpty(EMPTY)).toBe(true);
    expect(renderPlan(EMPTY, { style: plain, steps: true, diffs: true })).toBe('nothing to do');
  });

  test('what waits for a restart is something', () => {
    const changes = PLAN.changes.filter(({ cost }) => cost === 'new-login');
    expect(isEmpty({ ...EMPTY, changes })).toBe(false);
  });

  test('green is new, yellow changes, red goes', () => {
    const marked = renderPlan(PLAN, {
      style: (style, text) => `<${style}>${text}`,
      steps: true,
      diffs: true,
    });
    expect(marked).toContain('<green>  + 4003');
    expect(marked).toContain('<yellow>  ~ 4002');
    expect(marked).toContain('<red>  - old');
    expect(marked).toContain('<dim>@@ -1 +1 @@');
    expect(marked).toContain('<red>-x');
    expect(marked).toContain('<green>+y');
  });
});

test('driftLines: what is missing, what was edited', () => {
  const files = new Map([['guard/4001.nft', '# mine']]);
  const links = new Map([['units/ib-gateway@4001.container', 'mine.container']]);
  const drift = ['guard/4001.nft', 'units/ib-gateway@4001.container', 'host.nft'];
  expect(driftLines({ ...EMPTY, drift }, { files, links })).toEqual([
    '/etc/ibq/current/guard/4001.nft: was edited by hand',
    '/etc/ibq/current/units/ib-gateway@4001.container: was edited by hand',
    '/etc/ibq/current/host.nft: is missing',
  ]);
});

/** One of each kind: a kind that is added to the code is missed here at compile time. */
const SAID: { [Kind in Step['kind']]: [Extract<Step, { kind: Kind }>, string] } = {
  'pull-image': [{ kind: 'pull-image', reference: 'a/b:1' }, 'pull a/b:1'],
  'write-generation': [{ kind: 'write-generation', number: 3 }, 'write and check generation 3'],
  'write-static': [
    { kind: 'write-static', path: '/etc/systemd/system/x' },
    'write /etc/systemd/system/x',
  ],
  stop: [{ kind: 'stop', instances: ['a', 'b'] }, 'stop a, b'],
  activate: [{ kind: 'activate', number: 3 }, 'switch to generation 3'],
  'link-quadlets': [{ kind: 'link-quadlets' }, 'link the units into /etc/containers/systemd'],
  reload: [{ kind: 'reload' }, 'reload systemd'],
  enable: [{ kind: 'enable', unit: 'x.target' }, 'enable x.target'],
  prune: [{ kind: 'prune', numbers: [1, 2] }, 'remove old generations 1, 2'],
  'load-host-rules': [{ kind: 'load-host-rules' }, "load the host's rules"],
  'make-network': [{ kind: 'make-network', name: 'n' }, 'make network n again'],
  'load-shim': [{ kind: 'load-shim' }, "set up the host's address among the instances"],
  'remove-network': [{ kind: 'remove-network', name: 'n' }, 'remove network n'],
  'update-guard': [{ kind: 'update-guard', instance: 'a' }, 'update the guard of a'],
  'make-lan': [{ kind: 'make-lan', instance: 'a' }, 'make the LAN interface of a again'],
  start: [{ kind: 'start', instances: ['a'] }, 'start a'],
  restart: [{ kind: 'restart', instance: 'a' }, 'restart a'],
  'restart-together': [
    { kind: 'restart-together', instances: ['a', 'b'] },
    "restart a, b together: they take over each other's ports",
  ],
  wait: [{ kind: 'wait', instances: ['a'] }, 'wait for a'],
  'write-file-secret': [
    {
      kind: 'write-file-secret',
      name: 'ibq-4001-config_ini-0123',
      instance: '4001',
      path: '/etc/ibq/files/config.ini',
    },
    'keep /etc/ibq/files/config.ini of 4001 as a secret',
  ],
  'remove-file-secrets': [{ kind: 'remove-file-secrets', names: ['a', 'b'] }, 'forget 2 old files'],
  'stop-tunnels': [{ kind: 'stop-tunnels', instances: ['a', 'b'] }, 'end the tunnels of a, b'],
  'start-tunnels': [{ kind: 'start-tunnels', instances: ['a'] }, 'make the tunnels of a'],
};

test.each<[Step, string]>(Object.values(SAID))('step %j', (step, text) => {
  expect(describeStep(step)).toBe(text);
});

test('one old file is no plural', () => {
  expect(describeStep({ kind: 'remove-file-secrets', names: ['a'] })).toBe('forget 1 old file');
});

test.each([
  [
    30,
    '1 starts, 1 needs a restart (new login), 1 stops, 1 changes without a restart, 27 untouched',
  ],
  [3, '1 starts, 1 needs a restart (new login), 1 stops, 1 changes without a restart'],
])('totals come first: of %d instances', (instances, totals) => {
  const [first] = renderPlan(PLAN, { style: plain, steps: true, diffs: true, instances }).split(
    '\n',
  );
  expect(first).toBe(totals);
});

test("ibq's own marks of a definition are in no diff for people", () => {
  const diff = `--- a
+++ a
@@ -1,3 +1,3 @@
 [Container]
-Label=ibq.definition=aaaa
-Annotation=ibq.definition=aaaa
+Label=ibq.definition=bbbb
+Annotation=ibq.definition=bbbb
@@ -9,2 +9,2 @@
 [Service]
-Environment=IBQ_DEFINITION=aaaa
-MemoryMax=1G
+Environment=IBQ_DEFINITION=bbbb
+MemoryMax=2G
--- b
+++ b
@@ -1 +1 @@
-Environment=IBQ_DEFINITION=aaaa
+Environment=IBQ_DEFINITION=bbbb
--- /dev/null
+++ c
+Label=ibq.definition=bbbb
+User=x`;
  const change = {
    kind: 'change',
    instance: '4001',
    cost: 'none',
    because: ['memory'],
    diff,
  } satisfies Change;
  const text = renderPlan(
    { ...EMPTY, changes: [change] },
    { style: plain, steps: true, diffs: true },
  );
  expect(text).toBe(
    `
1 changes without a restart
  ~ 4001: memory
      --- a
      +++ a
      @@ -9,2 +9,2 @@
       [Service]
      -MemoryMax=1G
      +MemoryMax=2G
      --- /dev/null
      +++ c
      +User=x`.trimStart(),
  );
});
