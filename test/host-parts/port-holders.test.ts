/** Ports that are taken: by a stranger, by a gateway that keeps it, by one that moves away in time. */

import { describe, expect, test } from 'vitest';
import { blockersOf, portLacks, readPortHoldings } from '../../src/host/port-holders.ts';
import { sandbox } from '../support/sandbox.ts';

const needs = (name: string, ...ports: number[]) => ({
  name,
  ports: ports.map((port, index) => ({
    title: index === 0 ? 'port' : 'VNC port',
    publish: `127.0.0.1:${port}`,
  })),
});

/** A host on which somebody listens on ports of 127.0.0.1. @param units by port; empty: no unit */
function host(units: Readonly<Record<number, string>>) {
  const { context } = sandbox();
  const { files } = context.host;
  const lines = Object.entries(units).map(([port, unit], index) => {
    const hex = Number(port).toString(16).toUpperCase().padStart(4, '0');
    const pid = index + 7;
    files.makeDirectory(`/proc/${pid}/fd`);
    files.symlink(`socket:[${port}]`, `/proc/${pid}/fd/3`);
    files.writeText(`/proc/${pid}/comm`, 'python3\n');
    files.writeText(`/proc/${pid}/cgroup`, `0::/system.slice/${unit}\n`);
    return `   ${index}: 0100007F:${hex} 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 ${port} 1\n`;
  });
  files.makeDirectory('/proc/net');
  files.writeText('/proc/net/tcp', `  sl  local_address rem_address   st\n${lines.join('')}`);
  return context.host;
}

const gateway = (name: string) => `ib-gateway@${name}.service`;
const mend = (names: readonly string[]) => `mend ${names.join(' ')}`;
const told = (
  units: Record<number, string>,
  wanted: ReturnType<typeof needs>[],
  { restarting = [] as string[], waiting = [] as string[] } = {},
) =>
  portLacks(readPortHoldings(host(units), wanted), {
    restarting: new Set(restarting),
    waiting: new Set(waiting),
    needs: wanted,
    mend,
  }).map(({ text }) => text);

describe('is told', () => {
  test('a stranger, of the API and of the screen', () => {
    expect(told({ 4001: '', 5901: 'vncserver.service' }, [needs('4001', 4001, 5901)])).toEqual([
      'instance 4001: its port 127.0.0.1:4001 is taken by python3 (pid 7); stop that, or set another port',
      'instance 4001: its VNC port 127.0.0.1:5901 is taken by python3 (pid 8) of vncserver.service; stop that, or set another port',
    ]);
  });

  test('a stranger, of one that runs and would not come back from its restart', () => {
    expect(told({ 5901: '' }, [needs('4001', 5901)], { waiting: ['4001'] })).toHaveLength(1);
  });

  test('another gateway that stays where it is', () => {
    expect(told({ 4001: gateway('4002') }, [needs('4001', 4001)])).toEqual([
      'instance 4001: its port 127.0.0.1:4001 is taken by instance 4002 until that is restarted (python3 (pid 7) of ib-gateway@4002.service); to restart both: mend 4001 4002',
    ]);
  });

  test('another one that is restarted, and comes up there again', () => {
    const wanted = [needs('4001', 4001), needs('4002', 4001)];
    expect(told({ 4001: gateway('4002') }, wanted, { restarting: ['4001', '4002'] })).toHaveLength(
      1,
    );
  });
});

describe('is no obstacle', () => {
  test.each<[string, Record<number, string>, Parameters<typeof told>[2]]>([
    ['the gateway itself', { 4001: gateway('4001') }, {}],
    ['nobody', { 4444: '' }, {}],
    [
      'another one, for one that waits for its restart',
      { 4001: gateway('4002') },
      { waiting: ['4001'] },
    ],
    ['another one that moves away', { 4001: gateway('4002') }, { restarting: ['4002'] }],
  ])('%s', (_title, units, moves) => {
    expect(told(units, [needs('4001', 4001), needs('4002', 4002)], moves)).toEqual([]);
  });
});

test('two that swap their ports wait for each other, where both are restarted', () => {
  const units = { 4001: gateway('a'), 4002: gateway('b') };
  const holdings = readPortHoldings(host(units), [needs('a', 4002), needs('b', 4001)]);
  expect(blockersOf(holdings, new Set(['a', 'b']))).toEqual(
    new Map([
      ['a', new Set(['b'])],
      ['b', new Set(['a'])],
    ]),
  );
  expect(blockersOf(holdings, new Set(['a']))).toEqual(new Map());
});
