/** The page of ibg-controller's health (`/health`, v0.6.2 to v0.12.0): where a gateway stands, without a trace in its log. */

import type { Stage } from './stages.ts';

export interface ControllerHealth {
  version: string;
  mode: 'live' | 'paper';
  /** Of its states by name; an unknown one is that of a later version. */
  state: string;
  alive: boolean;
  apiOpen: boolean;
  /** Null: of versions before v0.12.1, which do not look. */
  relayOpen: boolean | null;
  /** Logins in a row that IBKR left without an answer. */
  unanswered: number;
  /** Seconds it waits before the next login; 0: it does not. */
  backoff: number;
}

/** @param text an answer of HTTP/1.0 or 1.1, 200 and 503 alike @returns null: no such page */
export function readControllerHealth(text: string): ControllerHealth | null {
  const [head = '', ...rest] = text.split('\r\n\r\n');
  if (!/^HTTP\/1\.[01] (?:200|503) /.test(head)) return null;
  let body: unknown;
  try {
    body = JSON.parse(rest.join('\r\n\r\n'));
  } catch {
    return null;
  }
  if (typeof body !== 'object' || body === null) return null;
  const at = new Map(Object.entries(body));
  const mode = at.get('mode');
  const state = at.get('state');
  if ((mode !== 'live' && mode !== 'paper') || typeof state !== 'string') return null;
  const number = (key: string) => {
    const value = at.get(key);
    return typeof value === 'number' && Number.isFinite(value) ? value : 0;
  };
  const relay = at.get('socat_port_open');
  return {
    version: String(at.get('version') ?? ''),
    mode,
    state,
    alive: at.get('jvm_alive') === true,
    apiOpen: at.get('api_port_open') === true,
    relayOpen: typeof relay === 'boolean' ? relay : null,
    unanswered: number('ccp_lockout_streak'),
    backoff: number('ccp_backoff_seconds'),
  };
}

const STATES: Readonly<Record<string, string>> = {
  INIT: 'the controller is starting',
  LAUNCHING: 'the controller starts the gateway',
  AGENT_WAIT: 'the gateway is starting',
  APP_DISCOVERY: 'the gateway is starting',
  LOGIN: 'it logs in',
  POST_LOGIN: 'it logs in',
  TWO_FA: 'it waits for the second factor, or for the end of the login',
  DISCLAIMERS: 'the login is all but complete',
  API_WAIT: 'it waits for the API to open',
  CONFIG: 'it is logged in, and sets what was asked for',
  READY: 'it is logged in',
  COMMAND_SERVER: 'it is logged in',
  MONITORING: 'it is logged in',
  HALTED: 'it has given up, and waits for somebody',
};

/** One clause for people. */
export function describeHealth(health: ControllerHealth): string {
  const { state, alive, apiOpen, relayOpen, unanswered, backoff } = health;
  if (backoff > 0 && unanswered > 0) {
    return `IBKR left ${times(unanswered)} without an answer, and it waits ${Math.round(backoff)} s before the next`;
  }
  if (state === 'MONITORING' && !alive)
    return 'the gateway has ended, and its controller starts it again';
  if (state === 'MONITORING' && !apiOpen) return 'it was logged in, and its API is closed';
  if (state === 'MONITORING' && relayOpen === false)
    return 'it is logged in, and the relay of its image is gone';
  return STATES[state] ?? `its controller is in state ${state}`;
}

/** Stages by the log that say no more than that it is not there. */
const TOLD_LITTLE: ReadonlySet<Stage> = new Set<Stage>([
  'unknown',
  'starting',
  'restarting',
  'logging-in',
  'logged-in',
  'exited',
]);

/** Whether the page knows what the log does not: how long it waits for IBKR, where it stands when the log is silent. */
export function tellsMore(health: ControllerHealth, stage: Stage): boolean {
  const { state, backoff, alive, apiOpen, relayOpen } = health;
  if (backoff > 0) return true;
  if (!TOLD_LITTLE.has(stage)) return false;
  return (
    state === 'HALTED' ||
    state === 'TWO_FA' ||
    (state === 'MONITORING' && !(alive && apiOpen && relayOpen !== false))
  );
}

function times(logins: number): string {
  return logins === 1 ? 'a login' : `${logins} logins`;
}
