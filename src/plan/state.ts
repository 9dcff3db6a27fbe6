/** What a unit's state means for a plan. */

import type { DesiredInstance } from './desired.ts';
import type { Runtime } from './installed.ts';

/** Runs by another definition than the wanted one, or by one that nobody knows. */
export function isOutdated(
  { name, definition }: Pick<DesiredInstance, 'name' | 'definition'>,
  runtime: Runtime | null,
): boolean {
  const running = runtime?.running.get(name);
  if (running === undefined) return isUnrecorded(runtime, name);
  return isActive(runtime, name) && running.definition !== definition;
}

/** It runs, and its guard wrote nothing down: it was started without, or somebody removed what it wrote. */
export function isUnrecorded(runtime: Runtime | null, name: string): boolean {
  return runtime?.instances.get(name)?.active === 'active' && !runtime.running.has(name);
}

/** Nothing of it runs and systemd will not try again by itself. */
export function isStopped(runtime: Runtime | null, name: string): boolean {
  return hasStopped(runtime?.instances.get(name)?.active);
}

/** Has a process, or is about to: a start would do nothing. */
export function isActive(runtime: Runtime | null, name: string): boolean {
  return !isStopped(runtime, name) && runtime?.instances.get(name)?.active !== 'auto-restart';
}

/** @param active of a unit; undefined where systemd has none */
export function hasStopped(active: string | undefined): boolean {
  return ['inactive', 'failed'].includes(active ?? 'inactive');
}
