/** docker.io/danklabs/ib-tws as its documents of 2025 describe it: `danklabs` with TWS in it. */

import { danklabs, danklabsVariables } from './danklabs.ts';
import type { ImageTunnel, Profile } from './profile.ts';

const PORTS = {
  api: { live: 7498, paper: 7499 },
  gateway: { live: 7496, paper: 7497 },
  vnc: 5900,
  rdp: null,
  supervisor: 9001,
} as const;
/** Its scripts carry RDP, of a desktop that it has not. */
const tunnel: ImageTunnel = { options: 'blanks', screen: null };

export const danklabsTws: Profile = {
  ...danklabs,
  id: 'danklabs-tws',
  title: 'TWS by DankLab, 2025',
  defaultImage: 'docker.io/danklabs/ib-tws:stable',
  program: 'tws',
  ports: () => PORTS,
  // Its compose file's.
  container: { shm: 2048, seccompUnconfined: true, capabilities: [], readOnly: false },
  ssh: tunnel,
  variables: danklabsVariables(PORTS, tunnel),
  refused: [
    ...danklabs.refused,
    { name: 'SSH_VNC_PORT', key: null, reason: 'is not read by the image of TWS' },
  ],
  notes: {
    ...danklabs.notes,
    defects: [
      ...danklabs.notes.defects,
      'The API of a fresh TWS is off. Tick *Enable ActiveX and Socket Clients* on its screen once; the settings volume keeps it.',
    ],
  },
};
