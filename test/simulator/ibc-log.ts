/** Lines as IBC writes them. */

/** Takes a line of the container's output. */
type Output = { log: (line: string) => void };

export function say({ log }: Output, message: string): void {
  for (const line of `${stamp()} IBC: ${message}`.split('\n')) log(line);
}

export function complain(output: Output, message: string): void {
  output.log('!'.repeat(79));
  say(output, message);
  output.log('!'.repeat(79));
}

/** Time as IBC writes it, local. */
export function stamp(): string {
  const now = new Date();
  const local = new Date(now.getTime() - now.getTimezoneOffset() * 60_000).toISOString();
  return `${local.slice(0, 10)} ${local.slice(11, 19)}:${local.slice(20, 23)}`;
}

type Window = 'frame' | 'dialog';

/** A window of the gateway has come up, as IBC's TwsListener sees it. */
export function opened(log: (message: string) => void, window: Window, title: string): void {
  detected(log, window, title, ['Activated', 'Focused', 'Opened']);
}

export function closed(log: (message: string) => void, window: Window, title: string): void {
  detected(log, window, title, ['Lost focus', 'Deactivated', 'Closed']);
}

/** It is there still, behind another. */
export function behind(log: (message: string) => void, window: Window, title: string): void {
  detected(log, window, title, ['Lost focus', 'Deactivated']);
}

function detected(
  log: (message: string) => void,
  window: Window,
  title: string,
  events: readonly string[],
): void {
  for (const event of events) log(`detected ${window} entitled: ${title}; event=${event}`);
}
