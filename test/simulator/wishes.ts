/** What a gateway's behaviour asks of IBKR: the part of it that is not the gateway's own doing. */

import type { Behaviour } from './behaviour.ts';
import type { IbcSettings } from './ibc-settings.ts';
import type { Policy } from './ibkr/protocol.ts';
import type { Timing } from './login.ts';

export interface WishOptions {
  behaviour: Behaviour;
  settings: IbcSettings;
  timing: Timing;
  /** `null`: every password is right. */
  expectedPassword: string | null;
  lockOutAfter: number;
}

export function wishOf(options: WishOptions): Partial<Policy> {
  const { behaviour, settings, timing, expectedPassword, lockOutAfter } = options;
  const timeout = settings.integer('SecondFactorAuthenticationTimeout', 180);
  return {
    ...(expectedPassword === null ? {} : { password: expectedPassword }),
    lockOutAfter,
    secondFactorSeconds: timing.twoFactor,
    secondFactorTimeoutSeconds: timing.twoFactorTimeout ?? timeout,
    ...OF_BEHAVIOUR[behaviour.kind],
  };
}

const OF_BEHAVIOUR: Readonly<Partial<Record<Behaviour['kind'], Partial<Policy>>>> = {
  'no-login': { secondFactor: 'never', secondFactorForPaper: true },
  'two-factor-refused': { secondFactor: 'refused', secondFactorForPaper: true },
  'login-stalls': { completes: false, secondFactorForPaper: true },
  'several-devices': { devices: ['IB Key', 'Mobile Authenticator'], secondFactorForPaper: true },
  'lock-out': { lockedOut: true },
  'wrong-password': { refuse: true, refusal: 'login-failed' },
  'unrecognized-password': { refuse: true, refusal: 'unrecognized' },
  'login-error': { refuse: true, refusal: 'login-error' },
  unreachable: { reachable: false },
  'existing-session': { existingSession: 'yields' },
  'existing-primary': { existingSession: 'insists' },
  'token-refused': { tokens: 'refused' },
  'link-down': { link: 'down' },
};
