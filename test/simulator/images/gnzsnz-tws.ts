/** gnzsnz's TWS: s6-overlay, xrdp, start_session.sh by root and run_tws.sh by the user abc. */

import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import type { Container } from '../container.ts';
import { Exit } from '../contract.ts';
import { reason } from '../files.ts';
import { startRdp } from '../rdp.ts';
import type { Boot } from '../simulator.ts';
import { untilAborted } from '../waiting.ts';
import { startModes, waitForIbc } from './gnzsnz.ts';
import { fileEnv, runScripts, setJavaHeap, unsetEnv } from './gnzsnz-common.ts';
import { type SshState, setupSsh } from './gnzsnz-ssh.ts';

export function bootGnzsnzTws(container: Container): Boot {
  const { contract, env, log, locate, identity, running, timing, ended } = container;
  const terminated = new AbortController();
  const stopping = AbortSignal.any([terminated.signal, ended]);
  // Kept over the tries: processes of an earlier one are still there.
  let ssh: SshState | undefined;

  async function run(): Promise<number> {
    if (!identity.firstProcess) {
      log('s6-overlay-suexec: fatal: can only run as pid 1');
      return 100;
    }
    if (!identity.root) {
      const why = "has insecure and/or unworkable permissions, and we're lacking the privileges";
      log(
        `/package/admin/s6-overlay/libexec/preinit: fatal: /run belongs to uid 0, ${why} to fix it.`,
      );
      return 100;
    }
    addUser();
    await startRdp(container);
    log('Connection to localhost (127.0.0.1) 3389 port [tcp/*] succeeded!');
    log('[ls.io-init] done.');
    const first = { ...env };
    while (!stopping.aborted) {
      await startSession().catch((error: unknown) => {
        if (!(error instanceof Exit)) throw error;
      });
      for (const { gateway } of running) {
        gateway?.terminate();
        await gateway?.exited;
      }
      identity.unbecome();
      // s6 starts the service again, a second later, with the container's own environment.
      for (const name of Object.keys(env)) delete env[name];
      Object.assign(env, first);
      await untilAborted(stopping, timing.restart / 2);
    }
    return contract.container.stop.status;
  }

  /** init-adduser of the base image. */
  function addUser(): void {
    log('───────────────────────────────────────');
    log('GID/UID');
    log('───────────────────────────────────────');
    modifyUser();
    log(`User UID:    ${user().uid}`);
    log(`User GID:    ${user().gid}`);
    log('───────────────────────────────────────');
    giveAway(env.HOME ?? '');
  }

  /** `usermod -o -u … abc`: programs that ask who they are find a name. */
  function modifyUser(): void {
    const { uid, gid } = user();
    const passwd = locate('/etc/passwd');
    if (!existsSync(passwd)) return;
    const text = readFileSync(passwd, 'utf8');
    writeFileSync(passwd, text.replace(/^abc:x:\d+:\d+:/m, `abc:x:${uid}:${gid}:`));
  }

  function user(): { uid: number; gid: number } {
    return { uid: Number(env.PUID || 911), gid: Number(env.PGID || 911) };
  }

  /** `chown -R abc:abc`; `false`: the kernel did not let it. */
  function giveAway(path: string): boolean {
    const { uid, gid } = user();
    try {
      identity.own(locate(path), uid, gid);
      return true;
    } catch (error) {
      log(`chown: changing ownership of '${path}': ${reason(error)}`);
      return false;
    }
  }

  /** start_session.sh. */
  async function startSession(): Promise<void> {
    log('*'.repeat(73));
    log('.> Launching IBC/TWS service');
    log('*'.repeat(73));
    fileEnv(container, 'PASSWD');
    log('.> Setting user password');
    unsetEnv(env, 'PASSWD');
    if (env.TZ) {
      log(`.> Setting timezone to: ${env.TZ}`);
      writeFileSync(locate('/etc/timezone'), `${env.TZ}\n`);
    }
    await runScripts(container, env.START_SCRIPTS);
    log('.> Openning Xrdp session');
    log('.> Xrdp started on DISPLAY=:10');
    env.DISPLAY = ':10';
    log(`.> Setting permissions for ${env.TWS_PATH} and ${env.IBC_PATH}`);
    for (const path of ['/opt', env.TWS_PATH ?? '', env.IBC_PATH ?? '']) {
      if (!giveAway(path)) throw new Exit(1);
    }
    const { uid, gid } = user();
    try {
      identity.become(uid, gid);
    } catch (error) {
      log(`sudo: unable to change to runas gid: ${reason(error)}`);
      throw new Exit(1);
    }
    await runTws();
  }

  /** run_tws.sh. */
  async function runTws(): Promise<void> {
    const { uid, gid } = user();
    log('*'.repeat(73));
    log('.> Starting IBC/TWS');
    log('*'.repeat(73));
    log('.> Running as user');
    log(`uid=${uid}(abc) gid=${gid}(abc)`);
    await runScripts(container, env.X_SCRIPTS);
    ssh = await setupSsh(container, ssh);
    setJavaHeap(container);
    await startModes(container, ssh);
    await runScripts(container, env.IBC_SCRIPTS);
    const status = await waitForIbc(container);
    log('.> ************************** End run_tws.sh ******************************** <.');
    throw new Exit(status);
  }

  return {
    run,
    terminate() {
      if (terminated.signal.aborted) return;
      terminated.abort();
      for (const { gateway } of running) gateway?.terminate();
    },
  };
}
