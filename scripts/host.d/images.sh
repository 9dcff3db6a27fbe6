#!/bin/bash
# Images of the hosts, built once and cached by what goes into them. Part of scripts/host.
# shellcheck disable=SC2154 # here, parts and cache are set there

require_root() {
  [[ $(uname -s) == Linux ]] || fail 'needs Linux' 69
  [[ $(id -u) == 0 ]] || fail "needs root: sudo $here/host …" 69
}

# Installs the Debian package of each PROGRAM:PACKAGE that is not there.
require_programs() {
  missing_programs "$@" >/dev/null || return 0
  command -v apt-get >/dev/null || fail "please install: $(missing_programs "$@")" 69
  mkdir -p "$cache"
  # Two images are built side by side on a new machine: one of them installs, the other finds it done.
  exec 7>"$cache/apt.lock"
  flock 7
  if missing_programs "$@" >/dev/null; then install_packages "$(missing_programs "$@")"; fi
  exec 7>&-
}

# Packages of the programs that are not there, on one line; fails where none is missing.
missing_programs() {
  local program missing=()
  for program in "$@"; do
    command -v "${program%:*}" >/dev/null || missing+=("${program#*:}")
  done
  [[ ${#missing[@]} -gt 0 ]] && echo "${missing[*]}"
}

install_packages() {
  local packages apt
  read -ra packages <<<"$1"
  # Another apt or dpkg may be at work on this machine: it is waited for.
  apt=(env DEBIAN_FRONTEND=noninteractive apt-get -q -y -o DPkg::Lock::Timeout=600)
  say "installing ${packages[*]}"
  "${apt[@]}" install --no-install-recommends "${packages[@]}" >/dev/null 2>&1 7>&- ||
    { "${apt[@]}" update && "${apt[@]}" install --no-install-recommends "${packages[@]}"; } >&2 7>&- ||
    fail "could not install: ${packages[*]}" 69
}

# A name that changes with everything that goes into the image.
image_of() {
  local suite=$1 sources=(packages customise image)
  case $suite in
    trixie | forky) ;;
    # Debian 13 as in the container, and what a machine has more.
    vm) sources+=(machine-image) suite=trixie ;;
    *) fail "suite: should be trixie, forky or vm, was $suite" 64 ;;
  esac
  echo "$cache/images/$1-$(cd "$parts" && {
    echo "$suite"
    find "${sources[@]}" -type f | LC_ALL=C sort | while IFS= read -r file; do
      stat -c '%n %a' "$file"
      cat "$file"
    done
  } | sha256sum | cut -c1-12)"
}

build() {
  local suite=$1 image unfinished started=$SECONDS
  image=$(image_of "$suite")
  [[ ! -d $image ]] || return 0
  require_root
  [[ $suite != vm ]] || build trixie
  mkdir -p "$cache/images"
  # One build of a suite at a time; whoever waited finds it done.
  exec 8>"$cache/images/$suite.lock"
  flock 8
  if [[ -d $image ]]; then
    exec 8>&-
    return 0
  fi
  unfinished=$cache/images/.building-$suite
  rm -rf "$unfinished"
  if [[ $suite == vm ]]; then build_machine "$unfinished"; else build_tree "$suite" "$unfinished"; fi
  mv "$unfinished" "$image"
  drop_old_images "$suite" "$image"
  exec 8>&-
  say "built $image in $((SECONDS - started)) s"
}

build_tree() {
  local suite=$1 tree=$2
  require_programs debootstrap:debootstrap
  say "building Debian $suite (about a minute)"
  debootstrap_tree "$suite" "$tree" 2>&1 | progress ||
    fail "could not build Debian $suite from $(mirror) (another mirror: IBQ_MIRROR=…)"
  say 'customising'
  "$parts/customise" "$tree" >"$tree.log" 2>&1 || { cat "$tree.log" >&2; fail 'customising failed'; }
  rm -f "$tree.log"
}

debootstrap_tree() {
  local suite=$1 tree=$2 script=/usr/share/debootstrap/scripts packages url
  url=$(mirror) || exit
  mkdir -p "$cache/debs/$suite"
  # An older debootstrap knows no script for a newer suite; sid's is the same for all of them.
  if [[ -e $script/$suite ]]; then script=$script/$suite; else script=$script/sid; fi
  packages=$(paste -sd, "$parts/packages")
  debootstrap --variant=minbase --cache-dir="$cache/debs/$suite" --include="$packages" \
    "$suite" "$tree" "$url" "$script"
}

mirror() {
  local found=${IBQ_MIRROR-}
  if [[ -z $found ]]; then
    found=$(cat /etc/apt/sources.list /etc/apt/sources.list.d/*.{list,sources} 2>/dev/null |
      grep -vE '^ *#' | grep -oE 'https?://[^ ]+/debian/?( |$)' | head -n1) || true
  fi
  [[ -n $found ]] || fail 'no Debian mirror in /etc/apt; name one in IBQ_MIRROR' 69
  echo "$found"
}

# Shows a dot now and then instead of debootstrap's thousand lines; its last words when it fails.
progress() {
  local line count=0 last=()
  while IFS= read -r line; do
    last+=("$line")
    ((${#last[@]} <= 10)) || last=("${last[@]:1}")
    count=$((count + 1))
    ((count % 40)) || printf . >&2
    [[ $line != E:* ]] || printf '\n%s' "${last[@]}" >&2
  done
  echo >&2
}

drop_old_images() {
  local suite=$1 image=$2 old
  for old in "$cache/images/$suite-"*; do
    [[ $old == "$image" ]] && continue
    # A host that still runs on it needs it.
    grep -qsxF "$old" "$cache"/hosts/*/base || rm -rf "$old"
  done
}
