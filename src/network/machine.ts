/** Whose machine this is, from its DMI data, and what that means for a second MAC address. */

import type { Machine } from './facts.ts';

/** Clouds that drop MAC addresses and IP addresses they did not assign; their names for messages. */
export function cloudOf(machine: Machine): string | null {
  const vendor = machine.sysVendor ?? '';
  const product = machine.productName ?? '';
  const tag = machine.chassisAssetTag;
  if (/^Microsoft Corporation/.test(vendor)) {
    // Azure and Hyper-V differ in nothing else; without the tag the safe answer is Azure.
    return tag === AZURE_TAG || (tag === null && product !== '' && /Virtual/.test(product))
      ? 'Microsoft Azure'
      : null;
  }
  // Older instances of EC2 have "Xen" as their vendor and a BIOS version such as 4.11.amazon.
  const bios = `${machine.biosVendor ?? ''} ${machine.biosVersion ?? ''}`;
  if (/^Amazon/.test(vendor) || /amazon/i.test(bios)) return 'Amazon EC2';
  if (tag === 'OracleCloud.com') return 'Oracle Cloud';
  return CLOUDS.find(([pattern]) => pattern.test(vendor) || pattern.test(product))?.[1] ?? null;
}

const AZURE_TAG = '7783-7084-3265-9085-8269-3286-77';

const CLOUDS: [RegExp, string][] = [
  [/^Google( Compute Engine)?$/, 'Google Cloud'],
  [/^DigitalOcean/, 'DigitalOcean'],
  [/^Hetzner/, 'Hetzner Cloud'],
  [/^Vultr/, 'Vultr'],
  [/^(Linode|Akamai)/, 'Akamai (Linode)'],
  [/^Alibaba Cloud/, 'Alibaba Cloud'],
  [/^Tencent Cloud/, 'Tencent Cloud'],
  [/^Scaleway/, 'Scaleway'],
  [/^UpCloud/, 'UpCloud'],
  [/^Exoscale/, 'Exoscale'],
  [/^OpenStack/, 'OpenStack'],
  // Names as cloud-init looks for them (tools/ds-identify).
  [/^(3DS )?Outscale/i, 'Outscale'],
  [/^Apache Software Foundation|^CloudStack/, 'CloudStack'],
  [/^(Brightbox|BrightBox)/, 'Brightbox'],
  [/^CloudCIX/, 'CloudCIX'],
  [/^CloudSigma/, 'CloudSigma'],
  [/^(e24cloud|E24)/i, 'e24cloud'],
  [/^(Huawei Cloud|HuaweiCloud)/, 'Huawei Cloud'],
  [/^(IBM:)?IBM Cloud/, 'IBM Cloud'],
  [/^(Joyent|SmartDC)/, 'SmartDC'],
  [/^NWCS/, 'NWCS'],
  [/^(Yandex|yandex)/, 'Yandex Cloud'],
  [/^ZStack/, 'ZStack'],
];

/** What a hypervisor needs before a second MAC address gets through, `null` for real machines. */
export function hypervisorWarning(machine: Machine): string | null {
  const vendor = machine.sysVendor ?? '';
  const product = machine.productName ?? '';
  if (/^VMware/.test(vendor)) {
    return 'this is a VMware machine: its port group must accept promiscuous mode and forged transmits, or instances get no answer on the LAN';
  }
  if (/^Microsoft Corporation/.test(vendor) && /Virtual/.test(product)) {
    return 'this is a Hyper-V machine: MAC address spoofing must be enabled on its network adapter, or instances get no answer on the LAN';
  }
  if (/^innotek/.test(vendor) || product === 'VirtualBox') {
    return 'this is a VirtualBox machine: its adapter must be bridged with promiscuous mode "Allow All", or instances get no answer on the LAN';
  }
  if (/^QEMU/.test(vendor) || /^(KVM|Standard PC)/.test(product)) {
    return 'this is a KVM machine (Proxmox, libvirt): where its host filters MAC or IP addresses, allow those of the instances, or they get no answer on the LAN';
  }
  return null;
}
