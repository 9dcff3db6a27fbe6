import { describe, expect, test } from 'vitest';
import { parseGeneratorOutput } from '../../src/quadlet/generator-output.ts';

const stdout = `---ibq-lan-1a2b3c4d-network.service---
[Unit]
Description=LAN

---ib-gateway@4001.service---
[Service]
ExecStart=/usr/bin/podman run
`;

// As Podman 5.4.2 and 5.8.6 wrote it.
const stderr = `quadlet-generator[199]: Loading source unit file /etc/ibq/current/units/a.container
quadlet-generator[199]: Loading source drop-in file /etc/ibq/current/units/a.container.d/10-ibq.conf
quadlet-generator[199]: converting "a.container": unsupported key 'Foo' in group 'Container' in /etc/ibq/current/units/a.container
quadlet-generator[199]: Warning: b.container specifies the image "busybox" which not a fully qualified image name.
`;

describe('the generator’s output', () => {
  test('is its services by name', () => {
    const { services } = parseGeneratorOutput(stdout, '');
    expect([...services.keys()]).toEqual([
      'ibq-lan-1a2b3c4d-network.service',
      'ib-gateway@4001.service',
    ]);
    expect(services.get('ib-gateway@4001.service')).toBe(
      '[Service]\nExecStart=/usr/bin/podman run\n',
    );
  });

  test('and what it complains about, not what it tells', () => {
    expect(parseGeneratorOutput('', stderr)).toEqual({
      services: new Map(),
      errors: [
        `converting "a.container": unsupported key 'Foo' in group 'Container' in /etc/ibq/current/units/a.container`,
        'Warning: b.container specifies the image "busybox" which not a fully qualified image name.',
      ],
    });
  });
});
