/** xrdp as far as its door: it confirms a connection request (X.224 in TPKT, MS-RDPBCGR 2.2.1). */

import type { Container } from './container.ts';
import { reason } from './files.ts';
import { listen } from './listen.ts';

/** Connection confirm with the security that xrdp chooses, TLS. */
const CONFIRM = Buffer.from([3, 0, 0, 19, 14, 0xd0, 0, 0, 0x12, 0x34, 0, 2, 0, 8, 0, 1, 0, 0, 0]);

export async function startRdp({ contract, port, bind, log, services }: Container): Promise<void> {
  try {
    const listener = await listen(port(contract.screen.port), bind, (socket) => {
      socket.on('end', () => socket.end());
      socket.once('data', (request) => {
        const isRequest = request[0] === 3 && request[5] === 0xe0;
        if (isRequest) socket.write(CONFIRM);
        else socket.destroy();
      });
    });
    services.set('rdp', listener);
  } catch (error) {
    log(`[ERROR] trans_listen_address failed: ${reason(error)}`);
  }
}
