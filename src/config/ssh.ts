/** `[ssh]`: what a tunnel can't be, and two that want the same port of one machine. */

import { profileFor } from '../images/index.ts';
import { describeListen, findClashes } from '../ssh/clash.ts';
import { isLoopback, type Listen, listensOf, listenText } from '../ssh/listens.ts';
import { optionProblem } from '../ssh/options.ts';
import { complain, type Layer, lookup, placeOf } from './layer.ts';
import type { Report } from './report.ts';
import { show } from './text.ts';
import type { Instance, NetworkConfig } from './types.ts';

/**
 * @param layersOf of an instance: its own, then `[defaults]`
 * @param risks `open-api`: a target may listen beyond its loopback
 */
export function checkTunnels(
  instances: readonly Instance[],
  network: NetworkConfig,
  layersOf: (instance: Instance) => readonly Layer[],
  risks: readonly unknown[],
  report: Report,
): void {
  for (const instance of instances) {
    const layers = layersOf(instance);
    if (instance.settings.ssh.mode === 'no') warnIdle(instance, layers, report);
    else checkTunnel(instance, network, layers, risks, report);
  }
  checkClashes(instances, layersOf, report);
}

/** Keys of a tunnel that is not made. Those of `[defaults]` may be there for others. */
function warnIdle({ settings }: Instance, [own]: readonly Layer[], report: Report): void {
  const set = own && lookup('ssh.targets', [own]);
  if (!set || settings.ssh.targets.length === 0) return;
  report.warn({ ...placeOf(set), message: 'no tunnel is made: ssh.mode is "no"' });
}

function checkTunnel(
  instance: Instance,
  network: NetworkConfig,
  layers: readonly Layer[],
  risks: readonly unknown[],
  report: Report,
): void {
  const { settings, name, file } = instance;
  const { ssh } = settings;
  const blame: Blame = (id, message) => {
    const set = lookup(id, layers);
    if (set) complain(set, message, report);
    else report.problem({ file, key: id, message });
  };
  for (const [index, option] of ssh.options.entries()) {
    const problem = optionProblem(option, name);
    const set = lookup('ssh.options', layers);
    const place = set ? placeOf(set) : { file, key: 'ssh.options' };
    if (problem) report.problem({ ...place, key: `${place.key}.${index}`, message: problem });
  }
  if (ssh.bastion !== null && ssh.proxy_command !== null) {
    blame('ssh.proxy_command', 'should not stand beside ssh.bastion: a connection has one way');
  }
  const proxy = ssh.proxy_command === null ? null : proxyProblem(ssh.proxy_command);
  if (proxy !== null) blame('ssh.proxy_command', proxy);
  // What an image can do of it, its profile says.
  if (ssh.via === 'host') checkHeld(instance, network, layers, blame, report);
  checkListens(instance, risks, blame);
}

/** The user of a tunnel is `ibq_NAME`, and systemd takes 31 characters (UT_NAMESIZE of utmp(5)). */
const LONGEST_NAME = 27;

type Blame = (id: string, message: string) => void;

function checkHeld(
  { name, settings }: Instance,
  network: NetworkConfig,
  layers: readonly Layer[],
  blame: Blame,
  report: Report,
): void {
  const { ssh } = settings;
  if (name.length > LONGEST_NAME) {
    const message = `should be "no" for an instance whose name is longer than ${LONGEST_NAME} characters: the tunnel's own user is named after it`;
    blame('ssh.mode', message);
  }
  if (ssh.targets.length === 0) {
    blame(
      'ssh.targets',
      'should name the machine that gets the API, such as ["trader@vps.example.com"]',
    );
  }
  const twice = ssh.targets.find((target, index) => ssh.targets.indexOf(target) !== index);
  if (twice !== undefined)
    blame('ssh.targets', `should name each machine once, got ${show(twice)} twice`);
  const ports = ssh.remote_ports.length;
  if (ports > 1 && ports !== ssh.targets.length) {
    const message = `should be one for all targets, or one for each of the ${ssh.targets.length}, got ${ports}`;
    blame('ssh.remote_ports', message);
  }
  for (const screen of ['vnc', 'rdp'] as const) {
    const set = lookup(`ssh.${screen}_port`, layers);
    // Of [defaults] it is meant for those that have one.
    if (set?.origin === 'instance' && !settings[screen].enabled) {
      report.warn({ ...placeOf(set), message: `nothing is carried: ${screen}.enabled is false` });
    }
  }
  if (network.mode === 'lan' && !network.hostAccess) {
    blame(
      'ssh.mode',
      'needs network.host_access = true in network mode "lan", where this host does not reach its own instances',
    );
  }
}

function checkListens(instance: Instance, risks: readonly unknown[], blame: Blame): void {
  const told = new Set<string>();
  const once = (message: string) => {
    if (!told.has(message)) blame('ssh.remote_ports', message);
    told.add(message);
  };
  for (const { listens } of listensOf(instance, profileFor(instance))) {
    for (const listen of listens) {
      if (listen.port > 65_535) {
        once(`should leave room for the paper API, whose port follows, got ${listen.port - 1}`);
      }
      if (!isLoopback(listen.address) && !risks.includes('open-api')) {
        once(openProblem(listen));
      }
    }
  }
}

/** The guard is here, not there: nobody can be kept out on another machine. */
function openProblem(listen: Listen): string {
  const { port } = listen;
  return (
    `should be on the target's loopback, such as "${port}", got ${show(listenText(listen))}: whoever reaches ` +
    'that can trade, and ibq can close nothing there; if you know that nobody else does, set ' +
    'publish.accept_risk = "open-api"'
  );
}

/** Tokens of ssh_config(5): with another one ssh does not start. */
function proxyProblem(command: string): string | null {
  if (/^(?:\S*\/)?ssh\s/.test(command)) {
    return 'should not be ssh, which would have neither the key nor the pinned host keys of the tunnel; write ssh.bastion = "user@host" instead';
  }
  const unknown = /%(?![hnpr%]).?/.exec(command.replaceAll('%%', ''))?.[0];
  return unknown === undefined
    ? null
    : `should have no other tokens than %h, %p, %r, %n and %%, got ${show(unknown)}`;
}

function checkClashes(
  instances: readonly Instance[],
  layersOf: (instance: Instance) => readonly Layer[],
  report: Report,
): void {
  const claimants = instances.map((instance) => {
    const { bastion, proxy_command: proxy } = instance.settings.ssh;
    const targets = listensOf(instance, profileFor(instance));
    return { instance: instance.name as string, way: bastion ?? proxy ?? '', targets };
  });
  for (const { instance, index, listen, other } of findClashes(claimants)) {
    const found = instances.find(({ name }) => name === instance);
    if (found === undefined) continue;
    const key = keyOf(found, listen);
    const set = lookup(key, layersOf(found));
    const place = set ? placeOf(set) : { file: found.file, key };
    const target = found.settings.ssh.targets[index];
    const whose = other === instance ? 'wanted twice' : `that of instance ${other} too`;
    const message =
      key === 'ssh.via'
        ? `should be "host": the image's own client always listens at ${describeListen(listen)}, on ${target} ${whose}`
        : `should be another for ${target}: ${describeListen(listen)} there is ${whose}`;
    report.problem({ ...place, message });
  }
}

function keyOf({ settings }: Instance, { service }: Listen): string {
  if (service === 'vnc' || service === 'rdp') return `ssh.${service}_port`;
  return settings.ssh.via === 'image' ? 'ssh.via' : 'ssh.remote_ports';
}
