/** What a user's own drop-in does to what ibq promises: closed ports, no surprises. Pure. */

import { assignments, parseUnit } from '../quadlet/unit-file.ts';
import { type Finding, fail, warn } from './check.ts';
import type { DropInFacts } from './facts.ts';

/** Options of `podman run` that open what the guard closes, or leave it out. */
const OPENING = /(^|\s)--(net|network|privileged|hooks-dir|cap-add|annotation|pod|publish)\b/;
/** With one of these the gateway's process could change its own guard. */
const STRONG_CAPABILITY = /\b(all|(cap_)?(net_admin|sys_admin|sys_ptrace|sys_module))\b/i;

export function judgeDropIn({ path, unit, text }: DropInFacts): Finding[] {
  const mend = `correct or remove ${path}, then: sudo ibq deploy --restart-changed`;
  const ofService = unit.endsWith('.service');
  if (!path.endsWith('.conf')) {
    return [warn(`${path} is not read: its name should end with .conf`, `rename ${path}`)];
  }
  if (text === null)
    return [fail(`${path} can't be read`, `make ${path} a file that root can read`)];
  const findings: Finding[] = [];
  for (const [section, key, value] of assignments(parseUnit(text))) {
    if (key === undefined || value === undefined) continue;
    if (section !== (ofService ? 'Service' : 'Container')) continue;
    const found = ofService ? judgeServiceLine(key, value) : judgeLine(key, value);
    if (found) findings.push({ ...found, detail: `${path}: ${found.detail}`, mend });
  }
  return findings;
}

function judgeServiceLine(key: string, value: string): Omit<Finding, 'mend'> | null {
  if (key !== 'ExecStart') return null;
  return {
    result: 'fail',
    detail: `ExecStart=${value} takes the place of the command that loads the guard`,
  };
}

function judgeLine(key: string, value: string): Omit<Finding, 'mend'> | null {
  const line = `${key}=${value}`;
  const bad = (why: string) => ({ result: 'fail' as const, detail: `${line} ${why}` });
  const doubtful = (why: string) => ({ result: 'warn' as const, detail: `${line} ${why}` });
  switch (key) {
    case 'Network':
      if (value === '') return bad("takes away the networks that the instance's port needs");
      return /^(host|ns:|container:|pasta|slirp4netns|none)/.test(value) ||
        value.endsWith('.container')
        ? bad('takes the instance out of the network that its guard closes: it will not start')
        : doubtful('adds a network on which the guard lets nobody in');
    case 'GlobalArgs':
    case 'Annotation':
      if (value === '') return bad('takes the guard away: all its ports would be open');
      return /hooks-dir|ibq\.instance/.test(value) ? bad('replaces the guard') : null;
    case 'PodmanArgs':
      return OPENING.test(value) ? bad('may open what the guard closes') : null;
    case 'AddCapability':
      return STRONG_CAPABILITY.test(value) ? bad('lets the gateway change its own guard') : null;
    case 'PublishPort':
      return value === ''
        ? bad("takes away the instance's own port")
        : doubtful("publishes a port that the guard keeps closed (only the API's own is let in)");
    case 'ContainerName':
      return bad('should stay ib-gateway-%i, by which ibq finds the container');
    case 'AutoUpdate':
      return doubtful('restarts a gateway when a new image is out: a new login, at night');
    default:
      return null;
  }
}
