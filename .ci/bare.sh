#!/usr/bin/env bash
# The README's commands on bare Debian systems: git, make and Python from the package mirror, and nothing else.
#
#   .ci/bare.sh [--worktree] [12|13 …] [case …]   all cases on both releases, or those named
#   .ci/bare.sh [--worktree] --suite [12|13 …]    `make test` once, as an ordinary user
#
# What is tried is the last commit; with --worktree the files as they are now. The systems and the downloaded packages are kept
# in $PRELUDE_BARE (/var/tmp/prelude-bare), the log of each case in its logs/. A case works on a layer of its own over the system,
# among processes of its own and, unless the table says "host", in a network of its own where nothing but itself can be reached:
# there pip takes the packages from a folder. When a case ends, everything it started ends with it.
set -euo pipefail
umask 022
export LC_ALL=C
self=$(realpath "$0")

# case                stands on  network  what it is
table='
       demo            venv       host     make demo, from the package index
       check           played     lo       make check
       no-venv         base       lo       without python3-venv
       root-home       base       host     as root, below its home
       root-srv        base       host     as root, in /srv
       spaces          venv       lo       a path with spaces, an apostrophe and an umlaut
       long            venv       lo       a path of more than 150 letters
       umask           venv       lo       umask 077
       locale          venv       lo       a locale that was never generated
       two-users       played     lo       two people, two checkouts, two ports
       root-then-user  venv       lo       root first, then the user in one checkout
       port            venv       lo       the port is taken
       offline         played     lo       again, without a network
       int             venv       lo       first run cut off with Ctrl+C, several times
       kill            venv       lo       first run killed, several times
       end             played     lo       Ctrl+C and kill -9 leave nothing behind
       fresh           played     lo       demo-fresh beside a running demo
       _venv           base       host     the package python3-venv
       _wheels         venv       host     the pinned packages, kept for the cases without a network
       _suite          venv       lo       make test'
declare -A suites=([12]=bookworm [13]=trixie)
cache=$(realpath -m "${PRELUDE_BARE:-/var/tmp/prelude-bare}")

# ---------------------------------------------------------------- inside: a case, as root beside the bare system at $root

inside() { # release case network
  mount -t overlay overlay -o "lowerdir=$lower,upperdir=$dir/upper,workdir=$dir/over" "$root"
  mount -t proc proc "$root/proc"
  mount -t sysfs -o ro sysfs "$root/sys"
  mount -t devpts -o newinstance,gid=5,mode=620,ptmxmode=666 devpts "$root/dev/pts"
  mkdir -p "$root/dev/shm" && mount -t tmpfs -o mode=1777 tmpfs "$root/dev/shm"
  mount -t tmpfs -o mode=755 tmpfs "$root/run" && mkdir -m 1777 "$root/run/lock"
  if [ "$1" -ge 13 ]; then mount -t tmpfs -o mode=1777 tmpfs "$root/tmp"; fi
  mount --bind "$given" "$root/mnt"
  mount --bind "$wheels" "$root/mnt/wheels"
  variables=(PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8 TERM=dumb)
  local name
  for name in PIP_INDEX_URL PIP_DEFAULT_TIMEOUT npm_config_registry http_proxy https_proxy no_proxy; do
    if [ "${!name-}" ]; then variables+=("$name=${!name}"); fi
  done
  for name in PIP_CERT SSL_CERT_FILE REQUESTS_CA_BUNDLE NODE_EXTRA_CA_CERTS; do
    if [ -r "${!name-}" ]; then cp "${!name}" "$given/$name.pem" && variables+=("$name=/mnt/$name.pem"); fi
  done
  if [ "$3" = lo ]; then
    variables+=(PIP_FIND_LINKS=/mnt/wheels PIP_NO_INDEX=1)
    chroot "$root" python3 -c 'import fcntl, socket, struct
fcntl.ioctl(socket.socket(), 0x8914, struct.pack("16sh", b"lo", 0x49))  # SIOCSIFFLAGS: up and running'
  fi
  at=/home/ann/prelude mask=022 mark=0 job='' port=8000
  if [ "$3" = host ]; then  # where others have theirs
    port=$(chroot "$root" python3 -c 'import socket; s = socket.socket(); s.bind(("", 0)); print(s.getsockname()[1])')
  fi
  "case_${2//-/_}"
  unwanted || true
  if grep -q '^-- ' "$log"; then exit 1; fi
}

unwanted() { grep -niE 'traceback|deprecat|debconf|not created successfully' "$log" | sed 's/^/-- nobody should see line /;5q' | grep .; }
fault() { unwanted || true; echo "-- $*"; exit 1; }
said() { tail -c "+$((mark + 1))" "$log"; }   # by the last command
into() { # who: $enter is how to run a command line as she would, in her checkout
  mark=$(stat -c %s "$log")
  enter=(env -i --default-signal=INT,QUIT "${variables[@]}" "USER=$1" "LOGNAME=$1" "HOME=$(chroot "$root" sh -c "echo ~$1")"
    "AT=$at" chroot "--userspec=$1" "$root" sh -c)
}
as() { # who command …
  echo "\$ $*  # in $at"
  into "$1" && shift
  timeout --foreground "${limit:-900}" "${enter[@]}" "umask $mask; cd \"\$AT\" && exec $*"
}
start() { # who command …: at a terminal of her own; its process group is $job
  echo "\$ $* &  # in $at"
  into "$1" && shift
  setsid "${enter[@]}" "umask $mask; cd \"\$AT\" && exec $*" &
  job=$!
  within 2 kill -0 -- "-$job" 2>/dev/null || true
}
clone() { # who path
  at=$2
  into "$1"
  "${enter[@]}" "umask $mask; cd && git -c init.defaultBranch=main clone -q /mnt/prelude.bundle \"\$AT\""
}
running() { # program: the processes of this case that run it
  local each exe
  for each in /proc/[0-9]*; do
    exe=$(readlink "$each/exe") || continue
    if [[ ${exe##*/} == $1* ]]; then echo "${each#/proc/}"; fi
  done
}
within() { # seconds command …
  local until=$((SECONDS + $1))
  until "${@:2}"; do
    [ $SECONDS -lt $until ] || return 1
    sleep 0.1
  done
}
answers() { # port: a page of ours, in a browser's way
  chroot "$root" python3 -c 'import sys, urllib.request
try: sys.exit(b"Prelude" not in urllib.request.urlopen(sys.argv[1], timeout=20).read())
except OSError: sys.exit(1)' "http://localhost:$1/"
}
ended() { [ -z "$job" ] || ! kill -0 -- "-$job" 2>/dev/null; }
page() { # port
  within 600 eval "ended || answers $1" && ! ended || fault "no page at port $1"
  within 10 eval "said | grep -q http://localhost:$1" || fault "the address was not said"
}
nobody() { ended && [ -z "$(running postgres)$(running python)" ]; }
tidy() { # nothing runs any more, and nothing of it lies about
  within 20 nobody || fault "still running: $(for id in $(running postgres) $(running python); do tr '\0' ' ' <"/proc/$id/cmdline"; done)"
  local left; left=$(cd "$root" && find tmp var/tmp dev/shm run/user -mindepth 1 -maxdepth 1 2>/dev/null) || true
  [ -z "$left" ] || echo "-- left behind: "$left
}
ctrl_c() { kill -INT -- "-$job" && tidy; }
events() { # of the log, as the command says it
  as ann .venv/bin/python -m market verify log >&2
  said | grep -o '[0-9,]* events' | head -1
}
refused() { # what, then who command …: it must be one line with that word, apart from what make adds
  local word=$1; shift
  if as "$@"; then fault "not refused"; fi
  [ "$(said | grep -vc '^make')" = 1 ] || fault "not one line"
  said | grep -q -- "$word" || fault "the line does not say: $word"
}
works() { start ann make demo; page 8000; ctrl_c; }
works_or_says() { # who: whether it works; where not, one line must say why
  start "$1" make demo PORT="$port"
  within 900 eval "ended || answers $port" || fault "no page"
  if ! ended; then return; fi
  [ "$(said | grep -vc '^make')" = 1 ] || fault "neither a page nor one line"
  return 1
}
whole() { # the story is all there
  start ann make demo
  page 8000
  local now; now=$(events)
  [ "$now" = "$(cat "$played/events")" ] || fault "$now instead of $(cat "$played/events")"
  ctrl_c
}

case__venv() {
  export DEBIAN_FRONTEND=noninteractive
  chroot "$root" sh -c 'apt-get -qq update && apt-get -qqy --no-install-recommends install python3-venv' >/dev/null 2>&1
}
case__wheels() {
  clone ann "$at"
  as ann python3 -m venv .venv
  for lock in requirements.lock requirements-dev.lock; do
    as ann .venv/bin/python -m pip -q --disable-pip-version-check download --no-deps --require-hashes -r $lock -d /mnt/wheels
  done
}
case__suite() { clone ann "$at"; limit=5000 as ann make test; within 20 nobody || fault "something runs on"; }
case_demo() {
  clone ann "$at"
  start ann make demo PORT="$port"
  page "$port"
  events >"$dir/events"
  ctrl_c
}
case_check() { as ann make check; tidy; }
case_no_venv() { clone ann "$at"; refused python3-venv ann make demo; [ ! -e "$root$at/.venv" ] || fault ".venv was begun"; }
everything() { # mode, owner and place of all there is outside the checkout, its caches and what apt itself keeps
  chroot "$root" sh -c 'find / /run /tmp /dev/shm -xdev \( -path "$0" -o -path ~root/.cache -o -path /var/cache -o -path /var/log \
    -o -path /var/lib/apt -o -path /var/lib/dpkg -o -path /mnt -o -path /proc -o -path /sys \) -prune \
    -o -printf "%m %u %g %p\n"; cat /etc/passwd' "$at" | sort -u
}
as_root() { # path
  clone root "$1"
  everything >"$dir/before"
  if works_or_says root; then
    everything | comm -23 "$dir/before" - >"$dir/changed"
    [ ! -s "$dir/changed" ] || fault "changed while it runs: $(head -5 "$dir/changed")"
    ctrl_c
  fi
  everything | comm -23 "$dir/before" - >"$dir/changed"
  [ ! -s "$dir/changed" ] || fault "changed: $(head -5 "$dir/changed")"
  everything | comm -13 "$dir/before" - | grep -vE ' (/usr|/etc|/var/lib)/' >"$dir/new" || true
  [ ! -s "$dir/new" ] || fault "new: $(head -5 "$dir/new")"
}
case_root_home() { as_root "$(chroot "$root" sh -c 'echo ~root')/prelude"; }
case_root_srv() { as_root /srv/prelude; }
case_spaces() { clone ann "/home/ann/Ann's früher Versuch/pre lude"; works; }
case_long() { clone ann "/home/ann/$(printf 'a-rather-long-name-of-a-folder/%.0s' {1..5})prelude"; works; }
case_umask() { mask=077; clone ann "$at"; works; }
case_locale() { variables+=(LC_ALL=xx_YY.UTF-8); clone ann "$at"; works; }
case_two_users() {
  clone ben /home/ben/prelude
  start ben make demo PORT=8001; local bens=$job
  at=/home/ann/prelude
  start ann make demo
  page 8000
  job=$bens mark=0; page 8001
  kill -INT -- "-$bens"
  within 20 ended || fault "ben's demo does not end"
  answers 8000 || fault "ann's demo ended with ben's"
}
case_root_then_user() {
  clone ann "$at"
  if works_or_says root; then
    ctrl_c
    if works_or_says ann; then ctrl_c; fi
  else
    works
  fi
}
listen() { # option address family: another program at the port, of the same person
  start ann "python3 -c 'import socket, time; s = socket.socket(socket.$3); s.setsockopt(socket.SOL_SOCKET, socket.$1, 1)
s.bind((\"$2\", 8000)); s.listen(); time.sleep(3600)'"
  sleep 1
}
case_port() {
  clone ann "$at"
  local kind
  for kind in 'SO_REUSEADDR 0.0.0.0 AF_INET' 'SO_REUSEADDR ::1 AF_INET6' 'SO_REUSEPORT 127.0.0.1 AF_INET'; do
    listen $kind
    refused 'make demo PORT=8001' ann make demo
    [ ! -e "$root$at/var" ] || fault "something was played"
    if [ "${kind#*PORT}" = "$kind" ]; then kill -9 -- "-$job"; fi
  done
  local other=$job
  start ann make demo PORT=8001
  page 8001
  kill -9 -- "-$other"
  ctrl_c
}
case_offline() { whole; }
cut_off() { # signal seconds condition: begin, and cut it off so many seconds after the condition holds
  start ann make demo
  within 300 eval "ended || $3" && ! ended || fault "it ended before it could be cut off"
  sleep "$2"
  if [ "$1" = KILL ]; then chroot --userspec=ann "$root" sh -c 'kill -9 -1'; else kill -INT -- "-$job"; fi ||
    fault "it ended before it could be cut off"
  within 20 nobody || fault "still running: $(running postgres) $(running python)"
  if [ "$1" = KILL ]; then rm -rf "$root"/tmp/{pip-,tmp}* "$root"/dev/shm/PostgreSQL.*; fi  # nobody was left to remove them
  echo "(cut off with $1 $2 s after: $3)"
}
interrupted() { # signal
  clone ann "$at"
  cut_off "$1" 0 '[ -e "$root$at/.venv" ]'
  cut_off "$1" 1 '[ -e "$root$at/.venv/lib" ]'
  cut_off "$1" 3 'said | grep -q Installing'
  for seconds in 0 1 3 6 9; do cut_off "$1" $seconds '[ "$(running postgres)" ]'; done
  whole
}
case_int() { interrupted INT; }
case_kill() { interrupted KILL; }
case_end() {
  for seconds in 0.1 0.5 1 2 4; do start ann make demo; sleep $seconds; ctrl_c; done
  start ann make demo
  page 8000
  kill -9 $(running python)
  within 10 eval '[ -z "$(running postgres)" ]' || fault "postgres runs on"
  whole
}
case_fresh() {
  start ann make demo
  page 8000
  local before demo=$job; before=$(events)
  refused . ann make demo-fresh
  refused . ann make demo-fresh PORT=8001
  answers 8000 || fault "the running demo ended"
  [ "$(events)" = "$before" ] || fault "the running demo lost its data"
  job=$demo; ctrl_c
}

# ------------------------------------------------------------------------------------------- outside: systems and reports

if [ "${1-}" = --inside ]; then inside "${@:2}"; exit; fi

skip() { echo "skipped: $*"; }
run() { # release case: into its log; true when it went well
  local base network; read -r base network < <(awk -v name="$2" '$1 == name { print $2, $3 }' <<<"$table")
  local system=$cache/debian-$1
  export dir=$work/$1-$2 log=$cache/logs/debian-$1-$2.log given=$work/given played=$work/$1-demo lower root wheels
  root=$dir/root lower=$system/base wheels=$system/wheels-$locks
  if [ "$base" != base ]; then lower=$system/venv:$lower; fi
  if [ "$base" = played ]; then lower=$played/upper:$lower; fi
  mkdir -p "$dir"/{upper,over,root} "$wheels"
  local own=(--mount --pid --ipc --fork --kill-child --mount-proc)
  if [ "$network" = lo ]; then own+=(--net); fi
  timeout --foreground --kill-after=10 5400 unshare "${own[@]}" bash "$self" --inside "$1" "$2" "$network" >"$log" 2>&1 </dev/null
}
made() { # release: the bare system, and over it python3-venv, once a month
  local system=$cache/debian-$1
  if [ "$(find "$system/made" -mtime -30 2>/dev/null)" ]; then return; fi
  rm -rf "$system" && mkdir -p "$system"
  debootstrap --variant=minbase --include=git,make,python3 "${suites[$1]}" "$system/base" >"$system/log" 2>&1 || return 1
  printf '127.0.0.1\tlocalhost\n::1\t\tlocalhost ip6-localhost\n' >"$system/base/etc/hosts"
  for name in ann ben; do chroot "$system/base" useradd --create-home --shell /bin/bash $name; done
  run "$1" _venv || return 1
  mv "$work/$1-_venv/upper" "$system/venv"
  touch "$system/made"
}
packages() { # release: what pip needs, in a folder for the cases that cannot reach the index
  local folder=$cache/debian-$1/wheels-$locks
  if [ -e "$folder/whole" ]; then return; fi
  rm -rf "$cache/debian-$1"/wheels-*
  mkdir -p "$folder" && chmod 1777 "$folder"
  run "$1" _wheels && touch "$folder/whole"
}
after_demo() { awk -v name="$1" '$1 == name && ($2 == "played" || name ~ /^(int|kill)$/) { found = 1 } END { exit !found }' <<<"$table"; }
report() { # release case
  local begun=$SECONDS words base network why=
  read -r base network words < <(awk -v name="$2" '$1 == name { $1 = ""; print }' <<<"$table")
  words="debian-$1 $2 ($words)"
  if after_demo "$2" && [ ! -s "$work/$1-demo/events" ]; then
    why="it needs the case demo"
  elif [ "$base $network" = "venv lo" ] || [ "$2" = check ] || [ "$2" = two-users ] && ! packages "$1"; then
    why="the packages could not be fetched"
  elif run "$1" "$2"; then
    echo "ok   $words ($((SECONDS - begun)) s)"
    [ "$2" = demo ] || rm -rf "$dir"
    return
  fi
  echo "FAIL $words ($((SECONDS - begun)) s)${why:+: $why}"
  if [ "$why" != "it needs the case demo" ]; then tail -n 12 "$log" | sed 's/^/     | /'; fi
  failed=1
}

wanted=() releases=() worktree='' failed=0
for each in "$@"; do
  if [ "$each" = --worktree ]; then worktree=yes
  elif [ "$each" = --suite ]; then wanted+=(_suite)
  elif [ "${suites[$each]-}" ]; then releases+=("$each")
  elif awk '{ print $1 }' <<<"$table" | grep -qxe "$each"; then wanted+=("$each")
  else echo "no such case: $each" >&2; awk 'NF && $1 !~ /^_/ { $2 = $3 = ""; print }' <<<"$table" >&2; exit 2; fi
done
if [ ${#wanted[@]} = 0 ]; then mapfile -t wanted < <(awk 'NF && $1 !~ /^_/ { print $1 }' <<<"$table"); fi
if [ ${#releases[@]} = 0 ]; then releases=(12 13); fi

if [ "$(id -u)" != 0 ]; then skip "only root can make a bare system"; exit; fi
if ! command -v debootstrap >/dev/null; then skip "debootstrap is not installed"; exit; fi
mkdir -p "$cache/logs" && work=$(mktemp -d "$cache/run.XXXXXX")
trap 'rm -rf "$work"' EXIT
mkdir -p "$work"/{given/wheels,lower,upper,over,root}
if ! unshare --mount --pid --ipc --net --fork --mount-proc mount -t overlay overlay \
  -o "lowerdir=$work/lower,upperdir=$work/upper,workdir=$work/over" "$work/root" 2>/dev/null; then
  skip "namespaces or overlays are not permitted here"; exit
fi

cd "$(dirname "$0")/.."
locks=$(cat requirements.lock requirements-dev.lock | sha256sum | cut -c 1-12)
git clone -q --bare . "$work/source.git"
if [ "$worktree" ]; then (
  cp "$(git rev-parse --git-path index)" "$work/index"
  export GIT_INDEX_FILE=$work/index GIT_OBJECT_DIRECTORY=$work/source.git/objects
  git add --all
  commit=$(git -c user.name=bare -c user.email=bare commit-tree -p HEAD -m "as it is now" "$(git write-tree)")
  git -C "$work/source.git" update-ref HEAD "$commit"
) fi
git -C "$work/source.git" bundle create -q "$work/given/prelude.bundle" HEAD --branches

for release in "${releases[@]}"; do
  if ! made "$release"; then
    skip "debian-$release could not be made: $(tail -n 1 "$cache/debian-$release/log") (or: $cache/logs/debian-$release-_venv.log)"
    continue
  fi
  for each in "${wanted[@]}"; do
    if after_demo "$each" && [ ! -e "$work/$release-demo" ]; then report "$release" demo; fi
    if [ "$each" != demo ] || [ ! -e "$work/$release-demo" ]; then report "$release" "$each"; fi
  done
done
exit $failed
