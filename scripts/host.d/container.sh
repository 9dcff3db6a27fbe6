#!/bin/bash
# Hosts in containers made by systemd-nspawn: the machine's kernel, all else of the host's own. Part
# of scripts/host.
# shellcheck disable=SC2154 # parts, cache and states are set there

require_namespaces() {
  require_root
  unshare --mount --net --pid --fork --uts --ipc --cgroup true 2>/dev/null ||
    fail 'this machine does not let root make namespaces (a container without privileges?)' 69
  unshare --mount mount -t cgroup2 cgroup2 /sys/fs/cgroup 2>/dev/null ||
    fail 'this machine does not let root mount cgroup2 (a kernel without it, or a container?)' 69
  unshare --mount bash -c 'mount -t tmpfs tmpfs /run && cd /run && mkdir lower upper work root &&
    mount -t overlay -o lowerdir=lower,upperdir=upper,workdir=work overlay root' 2>/dev/null ||
    fail 'this machine does not let root mount overlayfs (try: modprobe overlay)' 69
  require_programs systemd-nspawn:systemd-container
}

start_container() {
  local name=$1 image=$2 data=$3 state=$states/$1 cgroup pid
  mkdir "$data/upper" "$data/work" "$data/root" "$data/containers"
  cgroup=ibq-test-$name-$RANDOM$RANDOM
  echo "$cgroup" >"$state/cgroup"
  # A session of its own: an interrupt typed at the terminal must not end the host.
  setsid unshare --mount --propagation slave \
    "$parts/supervise" "$name" "$image" "$data" "$cgroup" "${IBQ_OWNER-}" \
    </dev/null >"$state/log" 2>&1 9>&- &
  pid=$!
  echo "$pid $(started "$pid")" >"$state/supervisor"
}

# Process id of the host's systemd; fails where it is not up (yet).
container_leader() {
  local supervisor cgroup pid
  supervisor=$(supervisor "$1") || return 1
  cgroup=/proc/$supervisor/root/sys/fs/cgroup/$(<"$states/$1/cgroup")/host/payload/init.scope
  while IFS= read -r pid; do
    if grep -qsE '^NSpid:.*[[:space:]]1$' "/proc/$pid/status"; then
      echo "$pid"
      return 0
    fi
  done < <(cat "$cgroup/cgroup.procs" 2>/dev/null)
  return 1
}

container_reachable() {
  local name=$1 before=$2 pid
  pid=$(container_leader "$name") && [[ $pid != "$before" && -S /proc/$pid/root/run/systemd/private ]]
}

# Puts before `words` what enters the container. A signal to that process reaches what runs there.
enter_container() {
  local name=$1 pid cgroup
  pid=$(leader "$name")
  cgroup=/proc/$pid/root/sys/fs/cgroup/exec
  mkdir -p "$cgroup"
  # Into the host's cgroups too, or Podman there would meet a cgroup that its host can't see.
  # shellcheck disable=SC2016 # expands in that shell
  words=(bash -c 'echo $$ >"$0" && exec "$@"' "$cgroup/cgroup.procs"
    nsenter --target "$pid" --mount --uts --ipc --net --pid --cgroup --root --wd "${words[@]}")
}

end_container() {
  local name=$1 state=$states/$1 pid
  # First of all, so that nothing is started again.
  if pid=$(supervisor "$name"); then kill -KILL "$pid" 2>/dev/null || true; fi
  [[ ! -s $state/cgroup ]] || end_cgroup "$(<"$state/cgroup")" ||
    fail "host $name does not end (see: ps -e -o pid,cgroup,args)"
}

# Ends every process of a host, also what a killed supervisor left behind, and nothing else.
end_cgroup() {
  # shellcheck disable=SC2016 # expands in the inner shell
  unshare --mount bash -c '
    mount -t cgroup2 cgroup2 /sys/fs/cgroup && cd /sys/fs/cgroup || exit 1
    [[ -d $1 ]] || exit 0
    echo 1 >"$1/cgroup.kill"
    for ((i = 0; i < 600; i++)); do
      # Somebody else may be ending it too.
      [[ -d $1 ]] || exit 0
      if grep -qsx "populated 0" "$1/cgroup.events" &&
        find "$1" -depth -type d -exec rmdir {} \; 2>/dev/null && [[ ! -d $1 ]]; then
        exit 0
      fi
      sleep 0.05
    done
    exit 1' end-cgroup "$1"
}
