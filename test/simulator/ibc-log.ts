/** Lines as IBC writes them. */

/** Takes a line of the container's output. */
type Output = { log: (line: string) => void };

export function say({ log }: Output, message: string): void {
  log(`${stamp()} IBC: ${message}`);
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
