/** Files of Podman's storage, in the form of those of a Debian 13 with Podman 5.4.2. */

interface StoredImage {
  id: string;
  digest?: string;
  names?: readonly string[];
}

/** @param containers id of the image by the id of the container */
export function storageOf(
  images: readonly StoredImage[],
  containers: Readonly<Record<string, string>>,
  {
    root = '/var/lib/containers/storage',
    driver = 'overlay',
    list = 'volatile-containers.json',
  }: { root?: string; driver?: string; list?: string } = {},
): Record<string, string> {
  const rows = Object.entries(containers).map(([id, image]) => ({
    id,
    names: ['ib-gateway-4001'],
    image,
    layer: 'd'.repeat(64),
    metadata: JSON.stringify({ 'image-id': image, name: 'ib-gateway-4001' }),
    created: '2026-11-28T03:25:04.645492362Z',
    flags: { MountLabel: '', ProcessLabel: '', Volatile: true },
  }));
  const stored = images.map((image) => ({
    layer: 'e'.repeat(64),
    metadata: '{}',
    created: '2026-11-28T03:21:07.388115271Z',
    ...image,
  }));
  return {
    [`${root}/${driver}-images/images.json`]: JSON.stringify(stored),
    [`${root}/${driver}-containers/${list}`]: JSON.stringify(rows),
  };
}
