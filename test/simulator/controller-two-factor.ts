/** The second factor as ibg-controller takes it (`handle_2fa`): its own code, somebody's phone, or nobody's. */

import { Exit } from './contract.ts';
import type { Controller } from './controller.ts';
import { yesOrNo } from './controller-settings.ts';
import { decodeBase32, oneTimeCode } from './totp.ts';
import { pause } from './waiting.ts';

const DIALOG = "('JDialog', 'Second Factor Authentication', True)";
/** Which factor the account of the stand-in has. */
const METHOD = 'Mobile Authenticator app';

/** `none`: no login came of it, and the API is waited for all the same. */
type Result = 'given' | 'none' | 'halt';

/** Null: a seed, or none at all. */
export function seedProblem(seed: string): string | null {
  if (seed === '') return null;
  if (/^\d{6,8}$/.test(seed.trim())) {
    return `TWOFACTOR_CODE looks like a generated ${seed.trim().length}-digit code. It must be the base32 SECRET from IBKR's Mobile Authenticator enrolment (a long string of letters and the digits 2-7); the controller generates the current code from it.`;
  }
  try {
    decodeBase32(seed);
    return null;
  } catch (reason) {
    const hint =
      seed.includes(' ') && seedProblem(seed.replaceAll(' ', '')) === null
        ? ' Removing the spaces would make it valid.'
        : '';
    return `TWOFACTOR_CODE is not valid base32 (${reason instanceof Error ? reason.message : reason}). It must be the base32 secret from IBKR's Mobile Authenticator enrolment, not a generated code.${hint}`;
  }
}

/** @param refused the login went nowhere: no dialog comes */
export async function secondFactorOf(
  controller: Controller,
  { refused, relogin }: { refused: boolean; relogin: () => Promise<void> },
): Promise<Result> {
  const { env, mode, info, warn, error, container, signal } = controller;
  if (!env.TWOFACTOR_CODE)
    info('No TWOFACTOR_CODE set — will watch for IB Key push dialog if it appears');
  const interval = env.TWOFA_EXIT_INTERVAL ?? '120';
  const seconds = /^\d+$/.test(interval) ? Number(interval) : 120;
  if (!/^\d+$/.test(interval)) warn('TWOFA_EXIT_INTERVAL not an integer; using 120');
  info(`Waiting for 2FA dialog (window title contains 'Second Factor') for up to ${seconds}s`);
  const first = await wait(controller, refused, seconds);
  if (first !== 'none') return first;
  warn(`No 2FA dialog appeared within ${seconds}s`);
  if (yesOrNo(env.RELOGIN_AFTER_TWOFA_TIMEOUT) === true) {
    info('RELOGIN_AFTER_TWOFA_TIMEOUT=yes — in-JVM relogin');
    await relogin();
    info('Relogin triggered, waiting again for 2FA dialog');
    const again = await wait(controller, refused, seconds);
    if (again !== 'none') return again;
    warn("2FA dialog didn't appear in relogin window either");
  }
  const action = (env.TWOFA_TIMEOUT_ACTION ?? 'none').trim().toLowerCase();
  if (action === 'exit') {
    error('TWOFA_TIMEOUT_ACTION=exit — controller exiting');
    error(`ALERT_2FA_FAILED mode=${mode} reason="2FA dialog timeout; TWOFA_TIMEOUT_ACTION=exit"`);
    throw new Exit(3);
  }
  if (action === 'restart') {
    warn('TWOFA_TIMEOUT_ACTION=restart — invoking do_restart_in_place');
    await pause(container.timing.restart, signal);
    return (await controller.restartInPlace()) ? 'none' : Promise.reject(new Exit(4));
  }
  info(`TWOFA_TIMEOUT_ACTION='${action}' — falling through to wait_for_api_port`);
  return 'none';
}

/** Until the factor is given, or so many seconds have passed: then `none`. */
async function wait(controller: Controller, refused: boolean, seconds: number): Promise<Result> {
  const { env, mode, info, warn, error, container, signal } = controller;
  const { behaviour, timing, contract } = container;
  const deadline = Date.now() + seconds * 1000;
  const unanswered = () => behaviour.current.kind === 'no-login';
  if (seconds === 0 && (mode === 'live' || unanswered() || refused)) return 'none';
  if (refused) {
    while (Date.now() < deadline) await pause(Math.min(1, seconds), signal);
    return 'none';
  }
  if (mode === 'paper' && !unanswered()) {
    info(`API port ${contract.ports[mode].api} already open — no 2FA dialog needed`);
    return 'given';
  }
  const seed = env.TWOFACTOR_CODE ?? '';
  if (seed !== '') {
    info(`2FA dialog detected: ${DIALOG}`);
    const wanted = env.TWOFA_DEVICE?.trim() || METHOD;
    if (wanted.toLowerCase() !== METHOD.toLowerCase()) {
      error(
        `ALERT_2FA_FAILED mode=${mode} reason="2FA method mismatch" dialog_prompt='Enter ${METHOD} code' expected='${wanted}'`,
      );
      return 'halt';
    }
    info(`2FA method prompt 'Enter ${METHOD} code' matches '${wanted}'`);
    info('Typing TOTP code into the 2FA dialog');
    const now = Date.now() / 1000;
    const right = env.SIMULATOR_TOTP_SEED ?? seed;
    const taken = !unanswered() && oneTimeCode(seed, now) === oneTimeCode(right, now);
    info('Clicking OK in 2FA dialog');
    info('2FA handled successfully');
    return taken ? 'given' : 'none';
  }
  info(`IB Key 2FA dialog detected: ${DIALOG}`);
  info('Waiting for IB Key mobile approval — approve on your phone via the IB Key app');
  if (!unanswered()) await pause(timing.twoFactor, signal);
  while (unanswered() && Date.now() < deadline) await pause(0.05, signal);
  if (unanswered()) {
    warn('IB Key approval wait timed out');
    return 'none';
  }
  info('2FA dialog dismissed — IB Key approval detected, proceeding');
  return 'given';
}
