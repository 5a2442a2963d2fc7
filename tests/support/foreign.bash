#!/usr/bin/env bash
# foreign.bash - builds the project for another machine or C library below $TEST_BUILD/foreign, and runs its tests there. A test
# sources it and calls `foreign_needs`, `foreign_libraries`, `foreign_check`. zlib and cmocka come from Debian's sources, by
# apt-get with lists of its own: no package is installed, nothing outside the build tree is changed.
set -eu

name=$(basename "$0" .sh)
folder=$TEST_BUILD/foreign/$name
prefix=$folder/usr
mkdir -p "$folder"

# foreign_needs COMMAND PACKAGE [COMMAND PACKAGE]...: the commands without which the test is skipped.
foreign_needs() {
  while [ $# -gt 0 ]; do
    command -v "$1" >/dev/null || { echo "skipped: $1 is missing, which comes with the Debian package $2 (scripts/install-deps --foreign)"; exit 77; }
    shift 2
  done
}

# The sources of zlib and cmocka, unpacked once for all machines; skipped where there is no Debian to ask.
foreign_sources() {
  local apt=$TEST_BUILD/foreign/apt sources=$TEST_BUILD/foreign/sources archive
  [ ! -e "$sources/done" ] || return 0
  command -v apt-get >/dev/null || { echo "skipped: the sources of zlib and cmocka come by apt-get, which is missing"; exit 77; }
  mkdir -p "$apt/lists/partial" "$apt/cache/archives/partial" "$sources"
  # shellcheck disable=SC1091
  echo "deb-src http://deb.debian.org/debian $(. /etc/os-release && echo "${VERSION_CODENAME:-stable}") main" >"$apt/sources.list"
  local options=(-qq -o "Dir::Etc::SourceList=$apt/sources.list" -o Dir::Etc::SourceParts=- -o "Dir::State::Lists=$apt/lists"
    -o "Dir::Cache=$apt/cache" -o APT::Sandbox::User=root)
  if ! (cd "$sources" && apt-get "${options[@]}" update && apt-get "${options[@]}" source --download-only zlib cmocka) >"$apt/log" 2>&1; then
    cat "$apt/log"
    echo "skipped: the sources of zlib and cmocka cannot be had from Debian"
    exit 77
  fi
  for archive in "$sources"/*.orig.tar.*[!c]; do tar -C "$sources" -xf "$archive"; done
  touch "$sources/done"
}

# foreign_libraries COMPILER [FLAGS]...: zlib and cmocka as static libraries in $prefix.
foreign_libraries() {
  local cc=$1 source file
  shift
  foreign_sources
  [ ! -e "$prefix/lib/libcmocka.a" ] || return 0
  rm -rf "$folder/objects"
  mkdir -p "$folder/objects" "$prefix/lib" "$prefix/include"
  for source in "$TEST_BUILD"/foreign/sources/zlib-*/*.c; do
    file=$folder/objects/z_$(basename "$source" .c).o
    "$cc" -O2 -fPIC -DHAVE_UNISTD_H=1 -D_LARGEFILE64_SOURCE=1 "$@" -c "$source" -o "$file"
  done
  source=$(echo "$TEST_BUILD"/foreign/sources/cmocka-*)
  "$cc" -O2 -fPIC -D_GNU_SOURCE -DHAVE_MALLOC_H=1 -DHAVE_INTTYPES_H=1 -DHAVE_SIGNAL_H=1 -DHAVE_STRINGS_H=1 -DHAVE_STRUCT_TIMESPEC=1 \
    -DHAVE_CLOCK_GETTIME=1 -DHAVE_CLOCK_REALTIME=1 -DHAVE_GCC_THREAD_LOCAL_STORAGE=1 -I"$source/include" "$@" \
    -c "$source/src/cmocka.c" -o "$folder/objects/cmocka.o"
  ar rcs "$prefix/lib/libz.a" "$folder"/objects/z_*.o
  ar rcs "$prefix/lib/libcmocka.a" "$folder/objects/cmocka.o"
  cp "$TEST_BUILD"/foreign/sources/zlib-*/z*.h "$source"/include/cmocka*.h "$prefix/include"
}

# foreign_check OPTIONS...: configures with these options of CMake, builds, runs the tests, and says how many passed, failed and
# were skipped. FOREIGN_LEAVE_OUT is a regular expression of tests that cannot be run there.
foreign_check() {
  local build=$folder/build status=0
  cmake -S "$TEST_SOURCE" -B "$build" --log-level=WARNING -DCMAKE_BUILD_TYPE=RelWithDebInfo -DBACKPROP_TESTS=ON -DBACKPROP_WERROR=ON \
    -DCMAKE_FIND_ROOT_PATH="$prefix" -DCMAKE_FIND_ROOT_PATH_MODE_LIBRARY=ONLY -DCMAKE_FIND_ROOT_PATH_MODE_INCLUDE=ONLY "$@" >/dev/null
  cmake --build "$build" -j "${JOBS:-$(nproc)}" >"$folder/log" 2>&1 || { tail -50 "$folder/log"; echo "$name: it does not build"; exit 1; }
  ctest --test-dir "$build" -j "${JOBS:-$(nproc)}" --output-on-failure ${FOREIGN_LEAVE_OUT:+-E "$FOREIGN_LEAVE_OUT"} >"$folder/tests" 2>&1 || status=1
  cat "$folder/tests"
  count() { grep -cE "^ *[0-9]+/[0-9]+ Test.*$1" "$folder/tests" || true; }
  echo "$name: $(count ' Passed ') passed, $(count '\*\*\*(Failed|Timeout|Exception|Not Run)') failed, $(count '\*\*\*Skipped') skipped"
  return $status
}

# foreign_same_bytes: training gives there the bytes that it gives here with the kernels of the same arithmetic.
foreign_same_bytes() {
  local here=$folder/here there=$folder/there csv=$folder/data.csv i
  { echo "a,b,kind,y"; for ((i = 0; i < 300; i++)); do echo "$((i * 37 % 101)).5,$((i * 53 % 89)),k$((i % 3)),$((i * 37 % 101 * (i % 3) - i * 53 % 89))"; done; } >"$csv"
  for options in "--hidden 16,8 --dropout 0.1" "--dtype f64 --optimizer lbfgs --hidden 8" "--hidden 8 --activation gelu --normalize batch"; do
    # shellcheck disable=SC2086 # options are words
    BACKPROP_ISA=baseline "$BACKPROP" train "$csv" --target y --epochs 5 --seed 3 --quiet $options --out "$here"
    # shellcheck disable=SC2086
    "$folder"/build/run/backprop train "$csv" --target y --epochs 5 --seed 3 --quiet $options --out "$there"
    cmp "$here" "$there" || { echo "$name: train $options: other bytes than here"; return 1; }
  done
  echo "$name: models have the bytes of this machine"
}
