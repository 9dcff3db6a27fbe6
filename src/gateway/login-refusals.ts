/**
 * What `scripts/login-guard` looks for in a log, as patterns of the shell's `case`: the one place where they
 * stand. Words of IBC 3.24; images with other words have a row of their own.
 */

/** `said`: a refusal whose words are on the next line; `resumed`: a login by a kept session begins. */
export type RefusalKey = 'refused' | 'said' | 'locked' | 'resumed' | 'fresh' | 'completed';

export const IBC_REFUSALS: readonly (readonly [RefusalKey, string])[] = [
  ['refused', '*IBC: Login failed'],
  ['refused', '*IBC: detected dialog entitled: Unrecognized Username or Password*event=Opened'],
  ['said', '*IBC: Login error message:*'],
  ['locked', '*Too many failed login attempts*'],
  ['resumed', '*IBC: Re-starting session*'],
  ['fresh', '*IBC: Starting session: *'],
  ['completed', '*IBC: Login has completed'],
];
