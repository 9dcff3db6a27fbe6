/** jts.ini as ibg-controller leaves it before a gateway starts (`ensure_jts_ini`). */

import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { Exit } from './contract.ts';
import type { Controller } from './controller.ts';

/** @param settings directory of the container */
export function ensureControllerJts(controller: Controller, settings: string): void {
  const { env, mode, container, info, warn } = controller;
  const server = (mode === 'paper' && env.TWS_SERVER_PAPER) || env.TWS_SERVER || '';
  for (const name of ['TWS_SERVER', 'TWS_SERVER_PAPER'])
    if (env[name] && !/^[A-Za-z0-9._-]+$/.test(env[name])) {
      container.log(`ValueError: ${name}='${env[name]}' is not a valid hostname`);
      throw new Exit(1);
    }
  const path = `${settings}/jts.ini`;
  const file = container.locate(path);
  mkdirSync(container.locate(settings), { recursive: true });
  const zone = env.TIME_ZONE ?? 'Etc/UTC';
  if (server !== '') {
    const before = existsSync(file) ? 'True' : 'False';
    info(`Writing jts.ini for server ${server} (overwriting=${before})`);
    writeFileSync(
      file,
      `[IBGateway]\nWriteDebug=false\nTrustedIPs=127.0.0.1\nApiOnly=true\nLocalServerPort=4000\n\n` +
        `[Logon]\nTimeZone=${zone}\nLocale=en\ndisplayedproxymsg=1\nUseSSL=true\ns3store=true\nuseRemoteSettings=false\n` +
        `SupportsSSL=${server}:4000,true,20260101,false\n\n[Communication]\nPeer=${server}:4001\nRegion=usr\n`,
    );
    info(`Wrote ${path}`);
    return;
  }
  if (existsSync(file)) {
    info(`Existing jts.ini at ${path} — leaving in place`);
    return;
  }
  warn('TWS_SERVER not set — writing minimal jts.ini, Gateway will use defaults');
  writeFileSync(
    file,
    `[IBGateway]\nWriteDebug=false\nTrustedIPs=127.0.0.1\nApiOnly=true\n\n[Logon]\nTimeZone=${zone}\nLocale=en\ndisplayedproxymsg=1\nUseSSL=true\ns3store=true\n`,
  );
}
