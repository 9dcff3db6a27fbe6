#!/bin/bash
# What a user of the host tries on a gateway, given the process id of its first process. Prints a word for each
# thing that works.
pid=$1
proc=/proc/$pid
can() {
  local word=$1
  shift
  if timeout 5 "$@" >/dev/null 2>&1; then echo "$word"; fi
}
can password cat "$proc/root/run/secrets/password"
can config cat "$proc/root/home/ibgateway/ibc/config.ini"
can environment cat "$proc/environ"
can memory bash -c "exec 3<$proc/mem"
can maps cat "$proc/maps"
can handles ls "$proc/fd/"
can directory ls "$proc/root/" "$proc/cwd/"
can settings ls "$proc/root/home/ibgateway/tws_settings"
can write touch "$proc/root/home/ibgateway/tws_settings/mine"
can signal kill -CONT "$pid"
# It stays until it is ended, where it may begin: then strace says so.
timeout 2 strace -qq -p "$pid" -o /dev/null 2>/tmp/strace.$$ </dev/null
grep -q . /tmp/strace.$$ || echo trace
rm -f /tmp/strace.$$
for store in /var/lib/containers /run/containers /run/crun; do
  # Podman's own books, in which nothing of a gateway stands.
  find "$store" -type f -readable ! -name '*.lock' ! -name db.sql ! -name defaultNetworkBackend 2>/dev/null |
    sed 's/.*/store/' | head -n 1
done
