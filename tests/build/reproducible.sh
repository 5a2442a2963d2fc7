#!/usr/bin/env bash
# labels: nightly install
#
# reproducible.sh - the same source gives the same bytes: built from two copies without .git, in folders of other names (one with
# blanks and letters beyond ASCII), with another umask, locale and time zone, the libraries and the command are the same files after
# `cmake --install`, and so is all else below the prefix. Nothing is written into the source tree, and the package works from lib64
# and from a multiarch folder.
set -eu
work=$(mktemp -d)
trap 'chmod -R u+w "$work"; rm -rf "$work"' EXIT
unset CMAKE_C_COMPILER_LAUNCHER # no compiler's cache: it gives one object for both

fail() {
  echo "reproducible: $*" >&2
  exit 1
}
logged() {
  "$@" >"$work/log" 2>&1 && return
  tail -30 "$work/log"
  fail "it fails: $*"
}

# built SOURCE BUILD DATE: installed into BUILD/stage/opt/bp
built() {
  mkdir -p "$1"
  tar -C "$TEST_SOURCE" -c CMakeLists.txt BackpropConfig.cmake.in backprop.pc.in cmake include src cli | tar -C "$1" -x
  find "$1" -type f -exec touch -d "$3" {} +
  chmod -R a-w "$1"
  (cd "$1" && find . -type f | sort) >"$work/before"
  logged cmake -S "$1" -B "$2" -DBACKPROP_TESTS=OFF -DCMAKE_INSTALL_PREFIX=/opt/bp -DCMAKE_INSTALL_LIBDIR=lib64
  logged nice cmake --build "$2" -j "${JOBS:-2}"
  DESTDIR="$2/stage" logged cmake --install "$2"
  (cd "$1" && find . -type f | sort) | cmp -s "$work/before" - || fail "the build writes into the source tree"
}
one=$work/one
two="$work/another sourçe"
built "$one" "$one-build" 2021-01-01
(umask 077; export LC_ALL=C TZ=Asia/Tokyo; built "$two" "$work/büild in a folder" 2022-02-02)
find "$one-build/stage" -type f >"$work/files"
[ -s "$work/files" ] || fail "nothing was installed"
diff -r "$one-build/stage" "$work/büild in a folder/stage" || fail "the two builds differ"
! grep -rlaF "$work" "$one-build/stage" || fail "these name the folder of the build"
echo "-- $(wc -l <"$work/files") files are the same"

for libdir in lib64 lib/x86_64-linux-gnu; do
  echo "-- below $libdir"
  logged cmake -S "$two" -B "$work/büild in a folder" -DCMAKE_INSTALL_LIBDIR="$libdir"
  logged nice cmake --build "$work/büild in a folder" -j "${JOBS:-2}"
  TEST_BUILD="$work/büild in a folder" bash "$TEST_SOURCE/tests/build/package.sh" || fail "the package does not work from $libdir"
  "$work/büild in a folder/bin/backprop" version >/dev/null || fail "the command does not run"
done
