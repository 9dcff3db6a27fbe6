import {
  cpSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { networkDetect } from '../../src/commands/network-detect.ts';
import type { Context } from '../../src/context.ts';
import { ExitCode } from '../../src/errors.ts';
import { openHost } from '../../src/host/open.ts';
import type { Ui } from '../../src/ui/ui.ts';
import { expectedOf, hostNames, hostPath } from '../network/hosts.ts';

let root = '';
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'ibq-detect-'));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

/** Runs the command on a copy of a fixture (or on what is there already). */
async function detect(
  host: string | null,
  options: { json?: boolean; write?: boolean; terminal?: boolean } = {},
  env: Context['env'] = {},
) {
  if (host !== null) cpSync(hostPath(host), root, { recursive: true, verbatimSymlinks: true });
  const out: string[] = [];
  const err: string[] = [];
  const unused = () => {
    throw new Error('not asked for');
  };
  const ui: Ui = {
    terminal: options.terminal ?? false,
    columns: null,
    interactive: false,
    print: (text) => void out.push(text),
    clear: () => {},
    json: (value) => void out.push(JSON.stringify({ schemaVersion: 1, ...value })),
    note: (text) => void err.push(text),
    tell: (text) => void err.push(text),
    warn: (text) => void err.push(`ibq: warning: ${text}`),
    style: (_style, text) => text,
    confirm: unused,
    choose: unused,
    readHidden: unused,
  };
  const context: Context = {
    host: openHost({ root, verbose: () => {} }),
    ui,
    configFile: '/etc/ibq/ibq.toml',
    version: '0.0.0',
    env,
  };
  const { json = false, write = false } = options;
  const exitCode = await networkDetect(context, { json, write });
  return { exitCode, out: out.join('\n'), err: err.join('\n') };
}

const pinFile = () => join(root, 'etc/ibq/network.toml');

describe('--json', () => {
  test.each(hostNames())('%s', async (name) => {
    const { exitCode, out } = await detect(name, { json: true });
    const expected = expectedOf(name);
    expect(JSON.parse(out)).toEqual({ schemaVersion: 1, ...expected });
    expect(exitCode).toBe(expected.selected ? ExitCode.done : ExitCode.missingPart);
  });

  test('prints warnings in the object only', async () => {
    const { err } = await detect('vmware', { json: true });
    expect(err).toBe('');
  });
});

describe('for people', () => {
  test('what was selected and why, every candidate, the next step', async () => {
    const { out, err } = await detect('public-and-private', { terminal: true });
    expect(out).toBe(`interface  eth1 (the first with a private subnet)
subnet     10.0.0.0/24
address    10.0.0.5
gateway    10.0.0.1 (assumed: no route names one)
driver     macvlan
mode       dual
range      10.0.0.192/27 (keep it outside the DHCP range)

INTERFACE  SUBNET          VERDICT
lo         -               the loopback interface leads nowhere; no directly connected IPv4 subnet
eth0       203.0.113.0/24  its subnet is not private (10/8, 172.16/12, 192.168/16)
eth1       10.0.0.0/24     selected`);
    expect(err).toBe('nothing is pinned yet; to pin this: sudo ibq network detect --write');
  });

  test('plain rows in a pipe', async () => {
    const { out } = await detect('plain-server');
    expect(out.split('\n')).toContain('eth0\t192.168.1.0/24\tselected');
  });

  test('many veths are one row on a terminal', async () => {
    const { out } = await detect('hundred-veths', { terminal: true });
    expect(out).toContain('veth… (100)');
    expect(out.split('\n').length).toBeLessThan(20);
  });

  test('overrides in force are shown, and kept in the line to run', async () => {
    const { out, err } = await detect('several-private-nics', {}, { NETWORK_INTERFACE: 'eth1' });
    expect(out).toContain('NETWORK_INTERFACE\teth1 (set in the environment)');
    expect(err).toContain('sudo NETWORK_INTERFACE=eth1 ibq network detect --write');
  });

  test('an empty variable counts as not set', async () => {
    const { out } = await detect('several-private-nics', {}, { NETWORK_INTERFACE: '' });
    expect(out).toContain('interface\teth0 (the first with a private subnet)');
  });

  test('nothing usable: exit 69 and every reason', async () => {
    const { exitCode, out } = await detect('no-private-network');
    expect(exitCode).toBe(ExitCode.missingPart);
    expect(out).toContain('none: no interface can carry a LAN');
    expect(out).toContain('eth1\t100.64.3.0/24\tnot-private');
  });
});

describe('a pin decides', () => {
  test('the same as detected', async () => {
    const { err } = await detect('after-deploy');
    expect(err).toContain('pinned in /etc/ibq/network.toml, the same as detected now');
  });

  test('another than detected', async () => {
    await detect('several-private-nics', { write: true });
    const { err } = await detect(null, {}, { NETWORK_INTERFACE: 'eth2' });
    expect(err).toContain('interface: eth0 -> eth2');
    expect(err).toContain('to pin what is detected now: sudo NETWORK_INTERFACE=eth2 ibq');
  });

  test('its interface is gone', async () => {
    await detect('after-deploy');
    writeFileSync(pinFile(), '[network]\ninterface = "eth7"\n');
    const { err } = await detect(null);
    expect(err).toContain(
      'network.toml: network.interface: should be an interface of this host, eth7 is gone',
    );
  });

  test('it is no TOML: said with its line', async () => {
    await detect('after-deploy');
    writeFileSync(pinFile(), '[network]\ninterface = \n');
    const { err, exitCode } = await detect(null);
    expect(err).toContain(
      '/etc/ibq/network.toml:2: should be TOML: a value is missing after the "="\n  2 | interface',
    );
    expect(err).not.toContain('nothing is pinned');
    expect(err).toContain('what /etc/ibq/network.toml pins cannot be read; mend it, or');
    expect(exitCode).toBe(ExitCode.done);
  });

  test('it is no TOML, and is replaced: a copy is kept', async () => {
    await detect('after-deploy');
    writeFileSync(pinFile(), '[network]\ninterface = \n');
    const { err } = await detect(null, { write: true });
    expect(err).toContain('moved /etc/ibq/network.toml to /etc/ibq/network.toml.old');
    expect(readFileSync(`${pinFile()}.old`, 'utf8')).toBe('[network]\ninterface = \n');
  });
});

describe('--write', () => {
  test('writes the file, once', async () => {
    const first = await detect('public-and-private', { write: true });
    expect(first.exitCode).toBe(ExitCode.done);
    expect(first.err).toBe('wrote /etc/ibq/network.toml');
    expect(statSync(pinFile()).mode & 0o777).toBe(0o644);
    expect(statSync(join(root, 'etc/ibq')).mode & 0o777).toBe(0o755);
    expect(readFileSync(pinFile(), 'utf8')).toContain('interface = "eth1"');

    const before = statSync(pinFile()).ino;
    const second = await detect(null, { write: true });
    expect(second.err).toBe('/etc/ibq/network.toml says so already; nothing was written');
    expect(statSync(pinFile()).ino).toBe(before);
    expect(readdirSync(join(root, 'etc/ibq'))).toEqual(['network.toml']);
  });

  test('replaces what differs, and says what', async () => {
    await detect('several-private-nics', { write: true });
    const { err } = await detect(null, { write: true }, { NETWORK_GATEWAY: '10.0.0.254' });
    expect(err).toContain('replaced /etc/ibq/network.toml:\n  gateway: 10.0.0.1 -> 10.0.0.254');
    expect(readFileSync(pinFile(), 'utf8')).toContain('gateway = "10.0.0.254"');
  });

  test('writes nothing where nothing is usable', async () => {
    const { exitCode, err } = await detect('link-down', { write: true });
    expect(exitCode).toBe(ExitCode.missingPart);
    expect(err).toContain('nothing was written');
    expect(readdirSync(root).sort()).not.toContain('etc');
  });

  test('writes nothing with a bad override', async () => {
    const failed = detect('plain-server', { write: true }, { NETWORK_SUBNET: '192.168.1.10/24' });
    await expect(failed).rejects.toMatchObject({ exitCode: ExitCode.badConfiguration });
    expect(readdirSync(root)).not.toContain('etc');
  });

  test('the file is what the next detection reads its range from', async () => {
    await detect('plain-server', { write: true });
    const text = readFileSync(pinFile(), 'utf8');
    writeFileSync(pinFile(), text.replace('192.168.1.192/27', '192.168.1.64/27'));
    const { out } = await detect(null, { json: true });
    expect(JSON.parse(out).selected.range).toBe('192.168.1.64/27');
  });
});

test('a host without /proc/net at all is told about, not crashed on', async () => {
  const { exitCode, out } = await detect(null, { json: true });
  expect(exitCode).toBe(ExitCode.missingPart);
  expect(JSON.parse(out).warnings).toContain('/proc/net/route: not there');
});
