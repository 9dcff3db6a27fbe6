import { defineConfig } from 'vitest/config';

// `unit` needs nothing but Node. `host` and `vm` run on booted disposable hosts, containers and a
// virtual machine, a host for each file. `scripts/test` runs many of them side by side, each in a Vitest
// of its own; within one it is one file at a time.
const inMachines = 'test/host/**/*vm.test.ts';

export default defineConfig({
  test: {
    // For a worker that hangs at its end, not for a machine that is busy.
    teardownTimeout: 120_000,
    projects: [
      {
        test: {
          name: 'unit',
          include: ['test/**/*.test.ts'],
          exclude: ['test/host/**'],
          // To load all modules anew for each of the files costs more than the tests. No module of ibq keeps anything of
          // one call that another would answer by.
          isolate: false,
          setupFiles: ['test/support/own-modules.ts'],
          // For one that hangs: speed is for the bench, on a machine that may be busy.
          testTimeout: 600_000,
          hookTimeout: 600_000,
        },
      },
      {
        test: {
          name: 'host',
          include: ['test/host/**/*.test.ts'],
          exclude: [inMachines],
          fileParallelism: false,
          // For one that hangs: other hosts run beside it, and take their share of the processors.
          testTimeout: 1_800_000,
          hookTimeout: 1_800_000,
        },
      },
      {
        test: {
          name: 'vm',
          include: [inMachines],
          fileParallelism: false,
          testTimeout: 1_800_000,
          hookTimeout: 1_800_000,
        },
      },
    ],
  },
});
