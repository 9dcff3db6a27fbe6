/** The times of config.ini, in the formats that IBC reads each of them in. */

import { Exit } from './contract.ts';
import type { IbcSettings } from './ibc-settings.ts';

/** `hh:mm AM` as Java reads it: two digits of a twelve-hour clock, capitals. */
export function isTwelveHourTime(text: string): boolean {
  return /^(0[1-9]|1[0-2]):[0-5]\d (AM|PM)$/.test(text);
}

/**
 * When `ClosedownAt` or `ColdRestartTime` ends the gateway, as IBC logs it, whichever comes first;
 * `null`: never. Throws `Exit` 81 for what is no time. It is not acted upon here.
 */
export function describeShutdown(settings: IbcSettings, program: string, now: Date): string | null {
  const shutdown = shutdownTime(settings.text('ClosedownAt'), now);
  const cold = coldRestartTime(settings.text('ColdRestartTime'), now);
  const isCold = cold !== null && (shutdown === null || cold < shutdown);
  const time = isCold ? cold : shutdown;
  if (time === null) return null;
  const two = (value: number) => String(value).padStart(2, '0');
  const day = `${time.getFullYear()}/${two(time.getMonth() + 1)}/${two(time.getDate())}`;
  const clock = `${two(time.getHours())}:${two(time.getMinutes())}`;
  return `${program} will be ${isCold ? 'cold restarted' : 'shut down'} at ${day} ${clock}`;
}

const DAYS = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'];

function shutdownTime(text: string, now: Date): Date | null {
  if (text === '') return null;
  const [, day, hours, minutes] = /^(?:([A-Za-z]{3,9})\s+)?(\d+):(\d+)/.exec(text) ?? [];
  const weekday = day === undefined ? now.getDay() : DAYS.indexOf(day.slice(0, 3).toLowerCase());
  if (hours === undefined || weekday < 0) {
    const wanted = 'format should be: <[day ]hh:mm>   eg 22:00 or Friday 22:00';
    throw new Exit(81, `Invalid ClosedownAt setting: '${text}'; ${wanted}`);
  }
  return next(now, weekday, Number(hours), Number(minutes), day === undefined ? 1 : 7);
}

/** Java's lenient `HH:mm`: any numbers will do, `25:00` is the next day. */
function coldRestartTime(text: string, now: Date): Date | null {
  if (text === '') return null;
  const [, hours, minutes] = /^(\d+):(\d+)/.exec(text) ?? [];
  if (hours === undefined) {
    const wanted = 'format should be: <hh:mm>   eg 13:00';
    throw new Exit(81, `Invalid ColdRestartTime setting: '${text}'; ${wanted}`);
  }
  return next(now, 0, Number(hours), Number(minutes), 7);
}

function next(now: Date, weekday: number, hours: number, minutes: number, step: number): Date {
  const time = new Date(now);
  time.setHours(hours % 24, minutes % 60, 0, 0);
  time.setDate(time.getDate() + ((weekday + 7 - time.getDay()) % 7));
  if (time <= now) time.setDate(time.getDate() + step);
  return time;
}

/**
 * When `SaveTwsSettingsAt` saves, `hh:mm` each: a list of times, or `Every N [mins|hours] [from [to]]`.
 * Throws with what is wrong; IBC only logs that.
 */
export function saveTimes(setting: string): string[] {
  const words = setting.split(/ +/).filter((word) => word !== '');
  if (words[0]?.toLowerCase() !== 'every') return words.map((word) => clock(minutesOf(word)));
  const number = words[1] ?? '';
  if (!/^[+-]?\d+$/.test(number)) {
    throw new Error(`interval is '${number}' but should be an integer`);
  }
  const unit = words[2]?.toLowerCase();
  const rest = words.slice(unit === 'mins' || unit === 'hours' ? 3 : 2);
  const interval = Number(number) * (unit === 'hours' ? 60 : 1);
  if (interval < 1 || interval > 1439) {
    throw new Error('the saving interval must be between 1 and 1439 minutes');
  }
  const start = minutesOf(rest[0] ?? '00:00');
  let end = minutesOf(rest[1] ?? '24:00');
  if (end <= start) end += 24 * 60;
  const times: string[] = [];
  for (let time = start; time < end; time += interval) times.push(clock(time));
  return [...times, clock(end)];
}

function minutesOf(text: string): number {
  const [, hours, minutes] = /^(\d+):(\d+)/.exec(text) ?? [];
  if (hours === undefined) throw new Error(`value '${text}' should be in hh:mm format`);
  return (Number(hours) * 60 + Number(minutes)) % (24 * 60);
}

function clock(minutes: number): string {
  const of = (value: number) => String(value).padStart(2, '0');
  return `${of(Math.floor(minutes / 60) % 24)}:${of(minutes % 60)}`;
}
