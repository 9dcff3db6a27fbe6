/** What this host is, for the line below the tables. */

import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { cpus } from 'node:os';

function word(argv, pattern) {
  const [program, ...rest] = argv;
  return pattern.exec(execFileSync(program, rest, { encoding: 'utf8' }))?.[1] ?? '?';
}

export function machine() {
  const [first] = cpus();
  const memory = /MemTotal:\s+(\d+)/.exec(readFileSync('/proc/meminfo', 'utf8'))?.[1];
  return {
    cpu: first?.model.trim() ?? '?',
    cores: cpus().length,
    memoryGb: Math.round(Number(memory) / 1024 ** 2),
    // The version alone: what a distribution appends says nothing about speed.
    kernel: word(['uname', '-r'], /^([\d.]+)/),
    debian: readFileSync('/etc/debian_version', 'utf8').trim(),
    node: process.versions.node,
    systemd: word(['systemctl', '--version'], /^systemd (\d+)/),
    podman: word(['podman', '--version'], /([\d.]+)\s*$/),
    podmanCompose: word(['podman-compose', '--version'], /podman-compose version ([\d.]+)/),
  };
}
