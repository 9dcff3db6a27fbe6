/** Accidents of everyday life, tried on booted hosts. */

import { type Row, reported } from './rows.ts';

const seen = (id: string, input: string, file: string, title: string): Row => ({
  id: `tries ${id}`,
  input,
  seen: [file, title],
});
const noFault = (id: string, input: string, why: string): Row => ({
  id: `tries ${id}`,
  input,
  noFault: why,
});

reported('configuration, networks, causes', [
  seen(
    'F5',
    'instances/ is gone: deploy on a terminal',
    'commands/deploy-root.test.ts',
    'instances/ is absent',
  ),
  seen('F5', 'ibq.toml is gone', 'commands/deploy-root.test.ts', 'ibq.toml is gone'),
  seen(
    'F5',
    'a gateway that left the configuration is stopped',
    'host/deploy.test.ts',
    'a removed instance: only it stops, and its files go',
  ),
  seen(
    'F6',
    'a route that covers the installed bridge',
    'network/publish-network.test.ts',
    'an installed bridge',
  ),
  seen(
    'F6',
    '10.89.0.77/16 on a second network card',
    'network/publish-network.test.ts',
    'an installed bridge',
  ),
  seen(
    'F7',
    'restarting without the line of Podman',
    'gateway/instance-state.test.ts',
    'is the first problem of a unit that is %s',
  ),
  seen(
    'F7',
    'a banner as the end of a tunnel',
    'tunnel-script.test.ts',
    'a banner before it was up',
  ),
  seen('F7', 'a read-only /etc', 'host-parts/files.test.ts', 'read-only'),
  seen(
    'F7',
    'conmon’s <nwarn> as the last words',
    'gateway/instance-state.test.ts',
    'is the last of its lines: %j',
  ),
]);

reported('the ten of the first table', [
  seen(
    '1.5',
    '0/1 and 128/1',
    'network/publish-network.test.ts',
    'is more specific than a tunnel that takes all there is in two halves',
  ),
  seen(
    '1.6',
    'exit:0',
    'host/situations.test.ts',
    'a gateway that logged off at its time has ended, and says so',
  ),
  seen('1.7', 'stuck', 'gateway/log-events.test.ts', 'it was answered, and nothing came of it'),
  seen(
    '1.8',
    'hung, 300 log lines later',
    'host/second-factor.test.ts',
    '300 calls of status add no line to the log of one that waits, and no connection at its relay',
  ),
  seen('1.10', 'a banner, killed', 'tunnel-script.test.ts', 'a banner before it was up'),
]);

reported('what people type', [
  seen(
    'A1',
    'the line that root runs',
    'typed-line.test.ts',
    'the line that root runs is the one that was typed',
  ),
  seen(
    'A5',
    'a lock of root’s',
    'host-parts/lock.test.ts',
    'a lock of somebody else ends with 77 and lets nobody wait',
  ),
  seen(
    'B30',
    'status -q, wait -q, deploy -q',
    'ui/terminal.test.ts',
    '-q silences progress, not warnings',
  ),
  noFault(
    'restart --all',
    'three requests for a second factor within a second',
    'restarts keep the session since, so nobody is asked; where a session can’t be kept, restart says so first',
  ),
  seen(
    'restart --all',
    'restarts keep their sessions',
    'host/stop.test.ts',
    'twelve restarts: each session is kept, nobody logs in',
  ),
]);

reported('status --watch', [
  seen(
    '--watch',
    'a blank screen while one hangs',
    'commands/status.test.ts',
    '--watch clears the screen when it has something to show',
  ),
]);
