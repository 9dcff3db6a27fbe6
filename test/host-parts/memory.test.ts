/** When the heaps of all gateways are more than the host has. */

import { expect, test, vi } from 'vitest';
import type { Instance } from '../../src/config/types.ts';
import { memoryWarning } from '../../src/host/memory.ts';
import { sampleInstance } from '../quadlet/sample.ts';

vi.mock('systeminformation', () => ({
  default: { mem: async () => ({ total: 4096 * 1024 ** 2 }) },
}));

function gateway(name: string, mode: Instance['mode'], heap: number): Instance {
  const sample = sampleInstance(name);
  return { ...sample, mode, settings: { ...sample.settings, java_heap: heap } };
}

test.each<[string, Instance[], RegExp | null]>([
  ['one that fits', [gateway('a', 'live', 4096)], null],
  [
    'two that do not',
    [gateway('a', 'live', 4096), gateway('b', 'paper', 768)],
    /^2 gateways may take 4864 MB .* this host has 4096 MB/,
  ],
  ['both: two heaps', [gateway('a', 'both', 2048)], null],
  ['both: two heaps, too large', [gateway('a', 'both', 2049)], /^2 gateways may take 4098 MB/],
])('%s', async (_title, instances, warning) => {
  const said = await memoryWarning(instances);
  if (warning === null) expect(said).toBeNull();
  else expect(said).toMatch(warning);
});
