/** The plan: what would change, what it costs, and the steps that do it. Data only. */

/** What a change does to a gateway: nothing, a first start, a login lost, an end; to a tunnel: what is connected through it is cut. */
export type Cost = 'none' | 'start' | 'new-login' | 'stop' | 'connections';

interface ChangeBase {
  kind: 'add' | 'change' | 'remove';
  cost: Cost;
  /** Configuration keys (or reasons in words) that it comes from. */
  because: string[];
  /** Unified diff of what is on disk and what is wanted; empty where no file changes. */
  diff: string;
}
export type Change = ChangeBase & ({ instance: string } | { file: string });

export type Step =
  | { kind: 'pull-image'; reference: string }
  /** Keeps a file of the user's as a Podman secret; the plan has its name, never its text. */
  | { kind: 'write-file-secret'; name: string; instance: string; path: string }
  /** Written beside the others, checked with the real generator, then renamed to its number. */
  | { kind: 'write-generation'; number: number }
  | { kind: 'write-static'; path: string }
  | { kind: 'stop'; instances: string[] }
  /** The switch: one rename. */
  | { kind: 'activate'; number: number }
  | { kind: 'link-quadlets' }
  /** One daemon-reload, and a look at what systemd made of it. */
  | { kind: 'reload' }
  | { kind: 'enable'; unit: string }
  /** Old generations beyond those kept for a way back. */
  | { kind: 'prune'; numbers: number[] }
  /** Files of the user's that no generation on disk names. */
  | { kind: 'remove-file-secrets'; names: string[] }
  | { kind: 'load-host-rules' }
  /** Makes a network again that somebody removed while its unit says that it is there. */
  | { kind: 'make-network'; name: string }
  /** Makes, changes or removes the host's interface among its instances. */
  | { kind: 'load-shim' }
  | { kind: 'stop-tunnels'; instances: string[] }
  /** Of gateways that run: makes them, or makes them anew. */
  | { kind: 'start-tunnels'; instances: string[] }
  | { kind: 'remove-network'; name: string }
  | { kind: 'update-guard'; instance: string }
  /** Its interface on the LAN went away with the one that carried it; neither container nor login is touched. */
  | { kind: 'make-lan'; instance: string }
  | { kind: 'start'; instances: string[] }
  | { kind: 'restart'; instance: string }
  /** Those that take over each other's ports: all are stopped, then all are started. */
  | { kind: 'restart-together'; instances: string[] }
  | { kind: 'wait'; instances: string[] };

export interface Plan {
  /** `from` null: nothing is deployed yet. The whole null: no new generation. */
  generation: { from: number | null; to: number } | null;
  changes: Change[];
  steps: Step[];
  /** Files of the current generation that somebody edited: they would be replaced. */
  drift: string[];
  warnings: string[];
}

/** The gateways that a step restarts. */
export function restartedBy(step: Step): readonly string[] {
  if (step.kind === 'restart') return [step.instance];
  return step.kind === 'restart-together' ? step.instances : [];
}

/** What a step does, for progress and for `stopped after 3 of 7`. */
export function describeStep(step: Step): string {
  switch (step.kind) {
    case 'pull-image':
      return `pull ${step.reference}`;
    case 'write-file-secret':
      return `keep ${step.path} of ${step.instance} as a secret`;
    case 'write-generation':
      return `write and check generation ${step.number}`;
    case 'write-static':
      return `write ${step.path}`;
    case 'stop':
      return `stop ${step.instances.join(', ')}`;
    case 'activate':
      return `switch to generation ${step.number}`;
    case 'link-quadlets':
      return 'link the units into /etc/containers/systemd';
    case 'reload':
      return 'reload systemd';
    case 'enable':
      return `enable ${step.unit}`;
    case 'prune':
      return `remove old generations ${step.numbers.join(', ')}`;
    case 'remove-file-secrets':
      return `forget ${step.names.length} old file${step.names.length === 1 ? '' : 's'}`;
    case 'load-host-rules':
      return "load the host's rules";
    case 'make-network':
      return `make network ${step.name} again`;
    case 'load-shim':
      return "set up the host's address among the instances";
    case 'stop-tunnels':
      return `end the tunnels of ${step.instances.join(', ')}`;
    case 'start-tunnels':
      return `make the tunnels of ${step.instances.join(', ')}`;
    case 'remove-network':
      return `remove network ${step.name}`;
    case 'update-guard':
      return `update the guard of ${step.instance}`;
    case 'make-lan':
      return `make the LAN interface of ${step.instance} again`;
    case 'start':
      return `start ${step.instances.join(', ')}`;
    case 'restart':
      return `restart ${step.instance}`;
    case 'restart-together':
      return `restart ${step.instances.join(', ')} together: they take over each other's ports`;
    case 'wait':
      return `wait for ${step.instances.join(', ')}`;
  }
}
