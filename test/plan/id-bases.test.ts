/** Which numbers of the host an instance's users get. */

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  type IdBasesInput,
  parseAccounts,
  parseIdBase,
  parseSubordinate,
  planIdBases,
} from '../../src/plan/id-bases.ts';
import { FIRST_ID, IDS_PER_INSTANCE, LAST_ID } from '../../src/quadlet/user-namespace.ts';

const block = (index: number) => FIRST_ID + index * IDS_PER_INSTANCE;
const plan = (changes: Partial<IdBasesInput>) =>
  Object.fromEntries(
    planIdBases({ instances: [], previous: new Map(), held: new Map(), taken: [], ...changes }),
  );

describe('instances', () => {
  test('get the lowest blocks in the order of their names', () => {
    expect(plan({ instances: ['b', 'a'] })).toEqual({ a: block(0), b: block(1) });
  });

  test('keep what they have, whatever comes before them', () => {
    const previous = new Map([['b', block(0)]]);
    expect(plan({ instances: ['a', 'b'], previous })).toEqual({ a: block(1), b: block(0) });
  });

  test('never get what somebody else has', () => {
    const taken = [
      { first: block(0) + 7, last: block(0) + 7 },
      { first: block(1), last: block(3) },
    ];
    expect(plan({ instances: ['a'], taken })).toEqual({ a: block(4) });
  });

  test('that run have what the kernel says: a manifest may be lost, or from another time', () => {
    const held = new Map([
      ['b', block(0)],
      ['gone', block(1)],
    ]);
    const previous = new Map([['b', block(5)]]);
    expect(plan({ instances: ['a', 'b'], held, previous })).toEqual({ a: block(2), b: block(0) });
  });

  test('beyond the last block get none', () => {
    const taken = [{ first: block(1), last: LAST_ID }];
    expect(plan({ instances: ['a', 'b'], taken })).toEqual({ a: block(0) });
  });

  test('all fit below the range of foreign images, and no two are alike', () => {
    const names = Array.from({ length: 2046 }, (_, at) => `gw${at}`);
    const bases = Object.values(plan({ instances: names }));
    expect(new Set(bases).size).toBe(2046);
    expect(Math.max(...bases) + IDS_PER_INSTANCE - 1).toBe(LAST_ID);
  });

  test('come out the same the next time, others or not', () => {
    const name = fc.stringMatching(/^[a-z0-9]{1,3}$/);
    const names = fc.uniqueArray(name, { maxLength: 8 });
    fc.assert(
      fc.property(names, names, (first, more) => {
        const before = plan({ instances: first });
        const all = [...new Set([...first, ...more])];
        const after = plan({ instances: all, previous: new Map(Object.entries(before)) });
        expect(after).toMatchObject(before);
        expect(new Set(Object.values(after)).size).toBe(all.length);
      }),
    );
  });
});

test('files say what is taken', () => {
  expect(
    parseSubordinate('# x:1:2\ntrader:100000:65536\n1000:300000:10\nbad:x:1\nnone:5:0\n'),
  ).toEqual([
    { first: 100_000, last: 165_535 },
    { first: 300_000, last: 300_009 },
  ]);
  expect(parseAccounts('root:x:0:0:root:/root:/bin/sh\ntrader:x:1000:\n+::::::\n')).toEqual([
    { first: 0, last: 0 },
    { first: 1000, last: 1000 },
  ]);
});

test.each<[string, number | null]>([
  ['         0 2013265920      65536\n', 2_013_265_920],
  ['         0          0 4294967295\n', null],
  ['         0       1000          1\n         1     100000      65536\n', null],
  ['', null],
])('a map of the kernel: %j', (text, base) => {
  expect(parseIdBase(text)).toBe(base);
});
