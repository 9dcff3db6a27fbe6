#!/bin/sh
# Installs ibq for all users of this host, or removes it.
#
#   scripts/install.sh [--uninstall [--force]]
#
# PREFIX    where it goes            (default /usr/local)
# DESTDIR   a tree to install into   (default none: this host)
# IBQ_NODE  the Node.js that runs it (default the `node` found on PATH); 20.18 or newer
set -eu
# Root runs what lies there: nobody else may write it, and all may read it.
umask 022

prefix=${PREFIX:-/usr/local}
destdir=${DESTDIR:-}
lib=$prefix/lib/ibq
bin=$prefix/bin/ibq
man=$prefix/share/man/man1
share=$prefix/share/ibq
source=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)

fail() {
  echo "install.sh: $1" >&2
  exit "${2:-1}"
}

case $prefix in
  /*) ;;
  *) fail "PREFIX should be an absolute path, got $prefix" 64 ;;
esac
case $prefix in
  *[!A-Za-z0-9/._-]*) fail "PREFIX may hold letters, digits, / . _ and - only (it is written into units), got $prefix" 64 ;;
esac

uninstall() {
  if [ -e "$destdir/etc/ibq/current" ] && [ "${1:-}" != --force ]; then
    fail "gateways are deployed: their units load the guard from $lib and would not start again.
  Remove the instances and deploy first (ibq instance remove NAME; ibq deploy), or pass --uninstall --force"
  fi
  rm -rf -- "$destdir$lib" "$destdir$share"
  rm -f -- "$destdir$bin" "$destdir$man/ibq.1"
  echo "removed $destdir$lib and $destdir$bin; /etc/ibq is left as it is"
}

# A Node.js that belongs to one user goes with that user, and root must not run what a user can change.
find_node() {
  node=${IBQ_NODE:-$(command -v node || true)}
  [ -n "$node" ] || fail "needs Node.js 20.18 or newer; install it (Debian 13: apt install nodejs), or name it in IBQ_NODE" 69
  case $node in
    /*) ;;
    *) fail "IBQ_NODE should be an absolute path, got $node" 64 ;;
  esac
  # Links inside a tree to install into lead out of it: they are followed on this host only.
  real=$node
  [ -n "$destdir" ] || real=$(readlink -f -- "$node" || echo "$node")
  for path in "$node" "$real"; do
    case $path in
      /home/* | /root/* | "${HOME:-/nonexistent}"/*)
        fail "$path lies under a home directory; install Node.js for the whole host (Debian 13: apt install nodejs), or name another in IBQ_NODE" ;;
    esac
  done
  [ -x "$destdir$node" ] || [ -L "$destdir$node" ] || fail "IBQ_NODE: $destdir$node is not there or can't be run" 69
  # A tree to install into may be of another machine: its Node.js is looked at only where it runs.
  if [ -z "$destdir" ]; then
    "$node" -e 'const [a, b] = process.versions.node.split(".").map(Number); process.exit(a > 20 || (a === 20 && b >= 18) ? 0 : 1)' ||
      fail "$node is $("$node" --version 2>/dev/null || echo broken); ibq needs Node.js 20.18 or newer" 69
  fi
}

# Whole or not at all: copied beside, then renamed.
put() {
  mode=$1 from=$2 to=$destdir$3
  mkdir -p -- "$(dirname -- "$to")"
  cp -- "$from" "$to.new"
  chmod "$mode" "$to.new"
  mv -f -- "$to.new" "$to"
}

install_ibq() {
  find_node
  if [ ! -f "$source/dist/ibq.cjs" ]; then
    command -v npm >/dev/null || fail "ibq is not built and npm is missing; run 'npm ci && npm run build' first" 69
    # No script of a package runs as root; the build needs none.
    (cd "$source" && npm ci --ignore-scripts --no-fund --no-audit && npm run build)
  fi
  work=$(mktemp -d)
  trap 'rm -rf -- "$work"' EXIT

  { echo "#!$node --"; tail -n +2 "$source/dist/ibq.cjs"; } >"$work/ibq.cjs"
  sed "s|@LIB_DIR@|$lib|g" "$source/scripts/ibq-guard.json.in" >"$work/ibq-guard.json"

  # An older install.sh left them as root's umask had them.
  mkdir -p -- "$destdir$lib/hooks.d" "$destdir$lib/quadlets" "$destdir$lib/parts"
  chmod 0755 "$destdir$lib" "$destdir$lib/hooks.d" "$destdir$lib/quadlets" "$destdir$lib/parts"

  put 0755 "$source/scripts/guard" "$lib/guard"
  put 0755 "$source/scripts/settings" "$lib/settings"
  put 0755 "$source/scripts/own-settings" "$lib/own-settings"
  put 0755 "$source/scripts/stop" "$lib/stop"
  put 0755 "$source/scripts/login-guard" "$lib/login-guard"
  put 0755 "$source/scripts/shim" "$lib/shim"
  put 0755 "$source/scripts/tunnel" "$lib/tunnel"
  put 0644 "$work/ibq-guard.json" "$lib/hooks.d/ibq-guard.json"
  for file in "$source"/quadlets/*; do
    put 0644 "$file" "$lib/quadlets/$(basename "$file")"
  done
  # For editors: what may stand in each file of the configuration.
  for file in "$source"/docs/schema/*.json; do
    [ ! -f "$file" ] || put 0644 "$file" "$share/schema/$(basename "$file")"
  done
  put 0644 "$source/LICENSE" "$lib/LICENSE"
  put 0644 "$source/docs/man/ibq.1" "$man/ibq.1"
  for file in "$source"/dist/parts/*.cjs; do
    put 0644 "$file" "$lib/parts/$(basename "$file")"
  done
  put 0755 "$work/ibq.cjs" "$lib/ibq.cjs"
  mkdir -p -- "$destdir$(dirname "$bin")"
  ln -sfn -- "$lib/ibq.cjs" "$destdir$bin"

  echo "installed ibq in $destdir$lib, run by $node"
  if [ -z "$destdir" ]; then
    compile
    tell_next
  fi
}

# What V8 makes of the program is kept: it halves what ibq adds to Node's own start, and nothing else. A tree to
# install into may be of another machine: whoever packs it runs this on the host, after each upgrade of Node too.
compile() {
  "$node" "$lib/parts/compile.cjs" || echo "ibq works, and starts more slowly; to try again: $node $lib/parts/compile.cjs"
}

# Where sudo looks is its own setting: Fedora's, and Debian's after 13, leaves /usr/local/bin out.
tell_next() {
  if ! command -v sudo >/dev/null; then
    echo "next: ibq init"
    return
  fi
  searched=$(sudo -V 2>/dev/null | sed -n "s/^Value to override user's \$PATH with: //p")
  case ":$searched:" in
    :: | *":$(dirname "$bin"):"*) echo "next: sudo ibq init" ;;
    *)
      echo "sudo looks for programs in $searched only: install with PREFIX=/usr, or type sudo $bin"
      echo "next: sudo $bin init"
      ;;
  esac
}

case ${1:-} in
  --uninstall) uninstall "${2:-}" ;;
  '') install_ibq ;;
  *)
    sed -n '2,9s/^# \{0,1\}//p' "$0"
    [ "$1" = --help ] || exit 64
    ;;
esac
