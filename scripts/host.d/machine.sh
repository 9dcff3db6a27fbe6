#!/bin/bash
# Hosts in virtual machines (QEMU): a kernel of their own, Debian's, with all that hangs on it. Part
# of scripts/host.
# shellcheck disable=SC2154 # parts, cache and states are set there

require_emulator() {
  require_root
  # tar and ssh bring files and commands there.
  require_programs qemu-system-x86_64:qemu-system-x86 qemu-img:qemu-utils ssh:openssh-client
}

# An image is a directory: disk.img, the kernel, and the keys by which host and script know each other.
build_machine() {
  local directory=$1 tree=$1/tree url
  require_programs mkfs.ext4:e2fsprogs ssh-keygen:openssh-client
  url=$(mirror) || exit
  say 'building the virtual machine (half a minute)'
  # Whoever brings ready images here need not bring packages.
  mkdir -p "$directory" "$cache/debs/trixie"
  cp -a --reflink=auto "$(image_of trixie)" "$tree"
  ssh-keygen -q -t ed25519 -N '' -C ibq-test -f "$directory/key"
  # In a mount namespace of its own: what is mounted in the tree ends with it.
  unshare --mount "$parts/machine-image/customise" "$tree" "$url" "$cache/debs/trixie" "$directory/key.pub" \
    >"$directory/log" 2>&1 || { cat "$directory/log" >&2; fail 'customising failed'; }
  mv "$tree"/boot/vmlinuz-* "$directory/vmlinuz"
  echo "ibq-test $(cut -d' ' -f1,2 "$tree/etc/ssh/ssh_host_ed25519_key.pub")" >"$directory/known_hosts"
  # Nothing is left to be done to it after the first mount.
  truncate --size=8G "$directory/disk.img"
  mkfs.ext4 -q -E lazy_itable_init=0,lazy_journal_init=0 -d "$tree" "$directory/disk.img"
  rm -rf "$tree" "$directory/log"
}

# Turns it on: for the first time, or again with the disk as it is.
start_machine() {
  local name=$1 image=$2 data=$3 state=$states/$1 pid port attempt
  [[ -e $data/disk.qcow2 ]] ||
    qemu-img create -q -f qcow2 -F raw -b "$image/disk.img" "$data/disk.qcow2"
  for attempt in 1 2 3 4 5; do
    port=$((20000 + RANDOM % 30000))
    # -cx16: with it QEMU 7.2 makes the guest panic in the slab allocator. What the machine can do in
    # hardware (/dev/kvm) is not used: tests should see the same machine everywhere.
    # The user network carries ssh to the guest and lets nothing out. nvme is in Debian's kernel, so
    # that no initrd is needed.
    if qemu-system-x86_64 -name "ibq-test-$name" -daemonize -pidfile "$state/qemu.pid" \
      -accel tcg -cpu 'qemu64,+ssse3,+sse4.1,+sse4.2,+popcnt,-cx16' -smp 1 -m 2048 \
      -nodefaults -display none -serial "file:$state/log" \
      -kernel "$image/vmlinuz" \
      -append 'root=/dev/nvme0n1 rw console=ttyS0 quiet systemd.show_status=auto net.ifnames=0 mitigations=off audit=0 panic=1' \
      -drive "file=$data/disk.qcow2,if=none,id=disk,cache=unsafe" -device nvme,drive=disk,serial=ibq-test \
      -netdev "user,id=control,restrict=on,hostfwd=tcp:127.0.0.1:$port-:22" \
      -device virtio-net-pci,netdev=control,mac=52:54:00:00:00:01,romfile= \
      -device virtio-rng-pci </dev/null >/dev/null 2>"$state/error" 8>&- 9>&-; then
      break
    fi
    # Somebody has that port; anything else does not get better.
    if [[ $attempt == 5 ]] || ! grep -q 'host forwarding' "$state/error"; then
      fail "QEMU did not start: $(<"$state/error")"
    fi
  done
  pid=$(<"$state/qemu.pid")
  # In a session of its own, whose share of the processors is not the niceness of its processes
  # (sched(7), autogroup): whoever calls this with `nice` means the machine.
  [[ ! -w /proc/$pid/autogroup ]] || nice >"/proc/$pid/autogroup" 2>/dev/null || true
  echo "$pid $(started "$pid")" >"$state/supervisor"
  ssh_config "$image" "$state" "$port" >"$state/ssh_config"
  [[ ! -e $state/owner ]] || watch_owner "$(<"$state/owner")" "$name" "$pid"
}

# Whoever asked for the host is gone without removing it: killed, most likely.
watch_owner() {
  local owner=$1 name=$2 pid=$3
  (
    trap '' INT HUP
    while [[ -e /proc/$owner && $(supervisor "$name") == "$pid" ]]; do sleep 2; done
    [[ -e /proc/$owner || $(supervisor "$name") != "$pid" ]] || kill -KILL "$pid"
  ) </dev/null >/dev/null 2>&1 8>&- 9>&- &
}

# One connection is opened at boot, and all commands go through it.
ssh_config() {
  local image=$1 state=$2 port=$3
  cat <<END
Host host
  HostName 127.0.0.1
  Port $port
  User root
  IdentityFile $image/key
  IdentitiesOnly yes
  HostKeyAlias ibq-test
  UserKnownHostsFile $image/known_hosts
  StrictHostKeyChecking yes
  ControlPath $state/ssh
  BatchMode yes
  ConnectTimeout 10
  LogLevel ERROR
END
}

machine_boot() { run_on "$1" cat /proc/sys/kernel/random/boot_id </dev/null; }

machine_reachable() {
  local name=$1 before=$2 config=$states/$1/ssh_config boot
  if ! ssh -F "$config" -O check host 2>/dev/null; then
    timeout 15 ssh -F "$config" -f -N -M host </dev/null >/dev/null 2>&1 8>&- 9>&- || return 1
  fi
  boot=$(machine_boot "$name" 2>/dev/null) && [[ $boot != "$before" ]] && return 0
  # Still in the boot before: not asked all the time, it has enough to do.
  sleep 0.5
  return 1
}

# A signal to this process ends the connection only, not what runs there.
become_in_machine() {
  local name=$1 words
  shift
  printf -v words '%q ' "$@"
  # A shell stays above the command: how a signal ended it comes back as an exit code.
  exec ssh -F "$states/$name/ssh_config" ${with_terminal:+-t} host "$words; exit \$?"
}

# As pulling the plug does it.
end_machine() {
  local pid
  if pid=$(supervisor "$1"); then
    kill -KILL "$pid" 2>/dev/null || true
    while supervisor "$1" >/dev/null; do sleep 0.05; done
  fi
  rm -f "$states/$1/ssh"
}
