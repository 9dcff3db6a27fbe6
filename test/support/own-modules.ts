/**
 * Before each file of the unit tests, which share a process and the modules that it has loaded: one that mocks modules
 * gets its own, and leaves none of them to the next.
 */

import { readFileSync } from 'node:fs';
import { afterAll, expect, vi } from 'vitest';

const { testPath = '' } = expect.getState();
if (/\bvi\.(?:mock|doMock)\(/.test(readFileSync(testPath, 'utf8'))) {
  vi.resetModules();
  afterAll(() => void vi.resetModules());
}
