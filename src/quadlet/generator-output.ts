/** What `podman-system-generator --dryrun` says: the services that come out of a directory of Quadlet files. */

export interface GeneratorOutput {
  /** Text of each service by its file name, `ib-gateway@4001.service`. Flag order is random: don't compare. */
  services: ReadonlyMap<string, string>;
  /** Errors and warnings, one a line, as they name their file. */
  errors: string[];
}

/** @param stdout with a `---NAME.service---` line before each service @param stderr messages, `quadlet-generator[PID]: ` in front */
export function parseGeneratorOutput(stdout: string, stderr: string): GeneratorOutput {
  const services = new Map<string, string>();
  const parts = stdout.split(/^---(\S+\.service)---$/m);
  for (let at = 1; at + 1 < parts.length; at += 2) {
    services.set(parts[at] ?? '', (parts[at + 1] ?? '').replace(/^\n/, ''));
  }
  return {
    services,
    errors: stderr
      .split('\n')
      .map(messageOf)
      .filter((line) => line !== ''),
  };
}

/** With `--dryrun` the generator also tells what it does: those lines are no complaint. */
function messageOf(line: string): string {
  const message = line.replace(/^quadlet-generator\[\d+\]: /, '').trim();
  return /^(Loading source (unit|drop-in) file|Starting quadlet-generator|Output to:|No files parsed)/.test(
    message,
  )
    ? ''
    : message;
}
