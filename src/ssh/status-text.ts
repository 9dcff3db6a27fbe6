/** What `LIB/tunnel` tells systemd of its targets (`STATUS=`, sd_notify(3)). */

export interface TargetStatus {
  target: string;
  state: 'connecting' | 'up' | 'down';
  /** ISO 8601, UTC: since when it is so. */
  since: string;
  /** Why it is down, in ssh's words; empty otherwise. */
  why: string;
}

const ENTRY =
  /^(\S+@\S+): (connecting|up|down) since (\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ)(?:: (.*))?$/;

/** @param text `trader@vps.example.com: up since 2026-…Z; other@…: down since …: Connection refused` */
export function parseStatusText(text: string): TargetStatus[] {
  return text.split('; ').flatMap((entry): TargetStatus[] => {
    const [, target, state, since, why = ''] = ENTRY.exec(entry) ?? [];
    if (target === undefined || since === undefined) return [];
    return [{ target, state: state as TargetStatus['state'], since, why }];
  });
}
