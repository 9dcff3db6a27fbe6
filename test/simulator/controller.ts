/**
 * One gateway under ibg-controller (gateway_controller.py, v0.12.0): its states in their order, what it says of
 * them, and how it ends. What stands between its checks of the log of the gateway (25 s each) is left out.
 */

import { mkdirSync } from 'node:fs';
import { ApiSocket } from './api-socket.ts';
import type { Container, Log, Variables } from './container.ts';
import { accountsOf } from './container.ts';
import { Exit, type Mode } from './contract.ts';
import { startControllerCommands } from './controller-commands.ts';
import { ensureControllerJts } from './controller-jts.ts';
import { startControllerPage } from './controller-page.ts';
import { configureApi, tellIgnored } from './controller-settings.ts';
import { secondFactorOf, seedProblem } from './controller-two-factor.ts';
import type { Gateway } from './gateway.ts';
import type { Listener } from './listen.ts';
import { deferred, pause } from './waiting.ts';

type ControllerState =
  | 'INIT'
  | 'LAUNCHING'
  | 'AGENT_WAIT'
  | 'APP_DISCOVERY'
  | 'LOGIN'
  | 'POST_LOGIN'
  | 'TWO_FA'
  | 'DISCLAIMERS'
  | 'API_WAIT'
  | 'CONFIG'
  | 'READY'
  | 'COMMAND_SERVER'
  | 'MONITORING'
  | 'HALTED';

/** What its parts share. */
export interface Controller {
  container: Container;
  mode: Mode;
  /** Of the process: the container's as it was when it started. */
  env: Variables;
  info: Log;
  warn: Log;
  error: Log;
  /** Ends what it waits for. */
  signal: AbortSignal;
  api: ApiSocket;
  state: () => ControllerState;
  /** The gateway runs; logged in or not. */
  alive: () => boolean;
  lockouts: () => number;
  lastLogin: () => number | null;
  /** The window of the gateway is closed: a logout. */
  terminate: () => void;
  /** Another gateway, with a login of its own. */
  restartInPlace: () => Promise<boolean>;
}

export interface ControllerGateway extends Gateway {
  /** Resolves when the readiness file is there; never where the controller ends without it. */
  ready: Promise<void>;
  /** Port of the page of its health. */
  page: () => Listener | null;
}

/** Logins that IBKR leaves unanswered before it gives up. */
const TRIES = 8;
/** From here on it is an alert. */
const PERSISTENT = 3;

export function startController(container: Container, mode: Mode): ControllerGateway {
  const { behaviour, timing, contract, locate, bind } = container;
  const env = { ...container.env };
  const settings = env.TWS_SETTINGS_PATH || env.TWS_PATH || '';
  const signalled = new AbortController();
  const says = (level: string) => (message: string) =>
    container.log(`${clock()} [${level}] [${mode}] ${message}`);
  const [info, warn, error] = [says('INFO'), says('WARNING'), says('ERROR')];
  const user = (mode === 'paper' && env.TWS_USERID_PAPER) || env.TWS_USERID || '';
  const password = (mode === 'paper' && env.TWS_PASSWORD_PAPER) || env.TWS_PASSWORD || '';
  let state: ControllerState = 'INIT';
  let alive = false;
  let lockouts = 0;
  let lastLogin: number | null = null;
  let page: Listener | null = null;
  let commands: Listener | null = null;
  const failed = deferred<unknown>();
  let markReady: () => void = () => undefined;
  const ready = new Promise<void>((resolve) => {
    markReady = resolve;
  });
  mkdirSync(locate(settings), { recursive: true });
  const api = new ApiSocket({
    port: (kept) => (container.port(1) === 0 ? 0 : (kept ?? contract.ports[mode].api)),
    host: bind,
    product: contract.product,
    accounts: accountsOf(user, mode, env.SIMULATOR_ACCOUNTS),
    behaviour,
    linkUp: () => behaviour.current.kind !== 'link-down',
    directory: locate(settings),
    user,
    log: container.log,
  });
  const controller: Controller = {
    container,
    mode,
    env,
    info,
    warn,
    error,
    signal: AbortSignal.any([signalled.signal, container.ended]),
    api,
    state: () => state,
    alive: () => alive,
    lockouts: () => lockouts,
    lastLogin: () => lastLogin,
    terminate: () => signalled.abort(),
    restartInPlace,
  };
  const { signal } = controller;

  function enter(next: ControllerState): void {
    state = next;
    info(`[STATE: ${next}]`);
  }

  async function main(): Promise<never> {
    info(
      `ibg-controller v${CONTROLLER_VERSION} starting (mode=${mode}, gateway=unknown, product=gateway)`,
    );
    if (user === '' || password === '') {
      error('TWS_USERID and TWS_PASSWORD must be set');
      throw new Exit(2);
    }
    const problem = seedProblem(env.TWOFACTOR_CODE ?? '');
    if (problem !== null) {
      error(
        `ALERT_2FA_FAILED mode=${mode} reason="TWOFACTOR_CODE is not a base32 secret" remediation="${problem}"`,
      );
      throw new Exit(2);
    }
    tellIgnored(controller);
    page = await startControllerPage(controller);
    enter('LAUNCHING');
    await launch();
    enter('AGENT_WAIT');
    info('Input agent is up');
    info('Gateway JVM PID (from agent): 66');
    enter('APP_DISCOVERY');
    info("App registered: 'IBKR Gateway' (pid=66)");
    enter('LOGIN');
    await clickLogIn();
    if (env.CONTROLLER_TEST_MODE === '1') {
      info('CONTROLLER_TEST_MODE=1 — waiting 5s for Gateway response then dumping window state');
      throw new Exit(0);
    }
    await answered();
    enter('POST_LOGIN');
    const refused = postLogin();
    enter('TWO_FA');
    await factor(refused);
    enter('DISCLAIMERS');
    info('No disclaimer dialogs found');
    enter('API_WAIT');
    await waitForApi();
    enter('CONFIG');
    configureApi(controller);
    enter('READY');
    info(`Readiness signal: /tmp/gateway_ready_${mode}`);
    markReady();
    enter('COMMAND_SERVER');
    commands = await startControllerCommands(controller);
    enter('MONITORING');
    info('Login complete. Entering monitor loop.');
    return monitor();
  }

  async function launch(): Promise<void> {
    if (/^(?:yes|true|1|on)$/i.test(env.TWS_COLD_RESTART ?? ''))
      info('TWS_COLD_RESTART=yes — skipping warm state application');
    ensureControllerJts(controller, settings);
    alive = true;
    info(`Gateway PID: 66 (JVM console -> /tmp/jvm_console_${mode}.log)`);
  }

  async function clickLogIn(): Promise<void> {
    info('Waiting for login dialog (JPasswordField in showing Window)');
    info('Login dialog detected');
    info(`Trading mode set to ${mode === 'paper' ? 'Paper' : 'Live'} Trading via agent`);
    info('Log In clicked successfully');
    const { current } = behaviour;
    if (current.kind === 'exit') throw new Exit(current.status);
    await pause((current.kind === 'slow-login' ? current.seconds : timing.login) / 2, signal);
  }

  /** IBKR's silence to a login: it waits, ever longer, and clicks again. */
  async function answered(): Promise<void> {
    for (let tries = 0; behaviour.current.kind === 'lock-out'; tries++) {
      lockouts++;
      warn(
        "CCP LOCKOUT DETECTED — IBKR's auth server silently dropped the auth request (no NS_AUTH_START before Timeout)",
      );
      if (lockouts >= PERSISTENT) {
        error(
          `ALERT_CCP_PERSISTENT consecutive_lockouts=${lockouts} mode=${mode} suggested_action="log into IBKR Mobile as this username to force-log-out the held TWS/Gateway slot; IBKR Client Portal (web) does NOT kick the slot"`,
        );
      }
      warn(
        `CCP backoff: waiting ${Math.min(60 * 2 ** tries, 600)}s before next auth attempt (exponential backoff to let IBKR's rate limiter clear)`,
      );
      await pause(timing.restart, signal);
      if (tries + 1 > TRIES) {
        error(
          `ALERT_CCP_PERSISTENT_HALT mode=${mode} reason="${TRIES} in-JVM relogins exhausted in main CCP pre-loop" remediation="log into IBKR Mobile as this username to force-log-out the held TWS/Gateway slot, then restart the container"`,
        );
        throw new Exit(1);
      }
      info(`Retrying auth in-JVM after CCP backoff (attempt ${tries + 1}/${TRIES})`);
      await clickLogIn();
    }
    lockouts = 0;
  }

  /** `true`: the login went nowhere, and what comes next waits in vain. */
  function postLogin(): boolean {
    info('Inspecting post-login dialogs');
    // Under another name too: ibq refuses a PASSWORD in `environment`.
    const expected = env.SIMULATOR_EXPECTED_PASSWORD ?? env.SIMULATOR_LOGIN_WORD;
    if (
      behaviour.current.kind === 'wrong-password' ||
      (expected !== undefined && expected !== password)
    ) {
      info('Recognized: credential-rejection dialog');
      error(
        `ALERT_LOGIN_FAILED mode=${mode} reason="bad-credentials" suggested_action="Gateway surfaced a credential-rejection modal; verify TWS_USERID / TWS_PASSWORD (or _PAPER variants) and update env if password was rotated in IBKR Account Settings"`,
      );
      info("Dismissed credential-rejection dialog via 'OK'");
      return true;
    }
    if (behaviour.current.kind !== 'existing-session') {
      info('No modal dialogs after login');
      return false;
    }
    info('Recognized: existing-session-detected dialog');
    const action = (env.EXISTING_SESSION_DETECTED_ACTION ?? 'primary').toLowerCase();
    info(`existing-session dialog: action=${action}`);
    if (action === 'manual') {
      info('action=manual — leaving dialog for user');
      return true;
    }
    const button = action === 'secondary' ? 'Cancel' : 'Continue Login';
    info(`Clicking existing-session button '${button}' in 'Existing session' window`);
    return action === 'secondary';
  }

  async function factor(refused: boolean): Promise<void> {
    const result = await secondFactorOf(controller, { refused, relogin: clickLogIn });
    if (result === 'halt') await halt();
    if (result === 'given') {
      await pause(timing.login / 2, signal);
      await api.open();
      lastLogin = Date.now();
    }
  }

  /** Nobody but a person can mend it: no more logins. */
  async function halt(): Promise<never> {
    const reason =
      '2FA needs a change only an operator can make; see the ALERT_2FA_FAILED line above';
    error(
      `ALERT_2FA_MANUAL_WINDOW mode=${mode} timeout_seconds=300 remediation="finish the login over VNC (port 5900) within 300s and the controller picks the session up; after that it halts and makes no further attempts"`,
    );
    await pause(300 * (timing.restart / 2), signal);
    enter('HALTED');
    error(`ALERT_HALTED mode=${mode} state=HALTED reason="${reason}"`);
    error(`HALTED: ${reason}`);
    for (;;) await pause(300, signal);
  }

  async function waitForApi(): Promise<void> {
    const port = contract.ports[mode].api;
    info(`Probing API port ${port} for readiness (up to 180s)`);
    const deadline = Date.now() + 180_000;
    while (api.port === null) {
      if (Date.now() > deadline) {
        error(
          `ALERT_LOGIN_FAILED mode=${mode} reason="post-auth-no-progress" suggested_action="IBKR answered the auth handshake but the login never completed"`,
        );
        throw new Exit(1);
      }
      await pause(0.1, signal);
    }
    info(`API port ${port} accepting connections after 0s`);
  }

  async function restartInPlace(): Promise<boolean> {
    info('RESTART: terminating Gateway PID 66');
    await logOut();
    await pause(timing.restart, signal);
    await launch();
    await clickLogIn();
    await answered();
    await factor(postLogin());
    if (api.port === null) return false;
    configureApi(controller);
    info('RESTART: Gateway re-launched successfully');
    return true;
  }

  async function logOut(): Promise<void> {
    await api.close();
    alive = false;
    info(
      `ALERT_CLEAN_LOGOUT mode=${mode} pid=66 status=succeeded reason="JVM exited cleanly within 15s of WINDOW_CLOSING"`,
    );
  }

  async function monitor(): Promise<never> {
    let linkDown = behaviour.current.kind === 'link-down';
    const stop = behaviour.listen((next) => {
      if ((next.kind === 'link-down') === linkDown) return;
      linkDown = !linkDown;
      api.tellLink(!linkDown);
    });
    try {
      for (;;) {
        const { current } = behaviour;
        if (current.kind === 'exit') throw new Exit(current.status);
        if (current.kind === 'gateway-down') {
          await api.close();
          alive = false;
          error('Gateway JVM exited with code 1');
          warn('Recovery: JVM exited with code 1. Trying fast in-place restart first.');
          while (behaviour.current.kind === 'gateway-down') await behaviour.changed(signal);
          await logInAnew();
          continue;
        }
        await behaviour.changed(signal);
      }
    } finally {
      stop();
    }
  }

  async function logInAnew(): Promise<void> {
    await launch();
    await clickLogIn();
    await answered();
    await factor(postLogin());
    info('Recovery: fast restart succeeded');
  }

  /** The process has ended, and the controller starts another. */
  async function lose(said: string, why: string): Promise<void> {
    await api.close();
    alive = false;
    container.log(
      `${clock()} [${said.startsWith('Gateway JVM exited with') ? 'ERROR' : 'INFO'}] [${mode}] ${said}`,
    );
    warn(`Recovery: ${why}. Trying fast in-place restart first.`);
    await pause(timing.restart, signal);
    await logInAnew();
  }

  /** Its own daily restart: the session goes on, and the controller takes the new process over. */
  async function adopt(): Promise<void> {
    await api.close();
    await pause(timing.restart, signal);
    await api.open();
    info(
      `ALERT_AUTO_RESTART mode=${mode} status=adopted detected_via=restarter_log old_pid=66 new_pid=67 elapsed_seconds=3 reason="API port ${contract.ports[mode].api} open — session preserved across Gateway's auto-restart, no login and no second factor required"`,
    );
  }

  /** What a signal does, by where it meets the login (`shutdown`). */
  async function shutDown(): Promise<number> {
    info('Received signal 15 (SIGTERM), shutting down Gateway');
    if (!alive) {
      info(
        `ALERT_CLEAN_LOGOUT mode=${mode} pid=none status=safe_no_session reason="no Gateway JVM present (state=${state})"`,
      );
    } else if (['LAUNCHING', 'AGENT_WAIT', 'APP_DISCOVERY', 'LOGIN'].includes(state)) {
      info(
        `ALERT_CLEAN_LOGOUT mode=${mode} pid=66 status=safe_no_session reason="state=${state}; no CCP slot held, SIGTERM is safe"`,
      );
    } else if (state === 'TWO_FA') {
      info(
        `ALERT_CLEAN_LOGOUT mode=${mode} pid=66 status=cancelled_pending_2fa reason="2FA dialog closed; JVM exited cleanly within 15s"`,
      );
    } else await logOut();
    alive = false;
    info(
      `ALERT_SHUTDOWN mode=${mode} signal=SIGTERM graceful=true reason="controller received SIGTERM; Gateway JVM exited via clean UI logout (WINDOW_CLOSING); no SIGTERM needed"`,
    );
    return 0;
  }

  // What goes wrong beside it ends it as well.
  const broken = failed.promise.then((reason) => Promise.reject(reason));
  const exited = Promise.race([main(), broken])
    .catch((reason: unknown) => {
      if (signal.aborted) return container.ended.aborted ? 137 : shutDown();
      if (reason instanceof Exit) return reason.status;
      throw reason;
    })
    .finally(async () => {
      await api.close();
      await commands?.close();
      await page?.close();
      page = null;
      commands = null;
    });

  return {
    exited,
    ready,
    page: () => page,
    apiPort: () => api.port,
    keptPort: () => api.keptPort,
    commandPort: () => commands?.port ?? null,
    sessions: () => api.sessions,
    terminate: () => signalled.abort(),
    byClock(what) {
      const done =
        what === 'restart'
          ? adopt()
          : lose('Gateway JVM exited cleanly (code 0). Recovering.', 'JVM exited cleanly (code 0)');
      done.catch(failed.resolve);
    },
    endJava() {
      lose('Gateway JVM exited with code 137', 'JVM exited with code 137').catch(failed.resolve);
    },
  };
}

export const CONTROLLER_VERSION = '0.12.0';

function clock(): string {
  return new Date().toISOString().slice(11, 19);
}
