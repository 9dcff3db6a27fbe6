import { defineConfig } from 'vitest/config';

// `unit` needs nothing but Node. `host` runs on a booted disposable host (scripts/test starts it
// with IBQ_TEST_HOSTS set) and takes one file at a time: a file owns its host while it runs.
export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'unit',
          include: ['test/**/*.test.ts'],
          exclude: ['test/host/**'],
          // For one that hangs: speed is for the bench, on a machine that may be busy.
          testTimeout: 120_000,
        },
      },
      {
        test: {
          name: 'host',
          include: ['test/host/**/*.test.ts'],
          fileParallelism: false,
          testTimeout: 120_000,
          hookTimeout: 180_000,
        },
      },
    ],
  },
});
