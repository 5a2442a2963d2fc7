#!/usr/bin/env bash
# labels: install slow
#
# install.sh - what `make install` installs can be used: by hand, with pkg-config, with CMake, shared and static, staged
# in DESTDIR, and the command finds its library under any prefix.
set -eu

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
prefix=$work/usr

fail() {
  echo "install: $*" >&2
  exit 1
}

cmake --install "$TEST_BUILD" --prefix "$prefix" >"$work/log" || { cat "$work/log"; fail "cmake --install failed"; }
lib=$(dirname "$(find "$prefix" -name libbackprop.so)")
for file in "$lib/libbackprop.so.0.1" "$lib/libbackprop.a" "$prefix/include/backprop/backprop.h" \
  "$prefix/include/backprop/version.h" "$lib/pkgconfig/backprop.pc" "$lib/cmake/Backprop/BackpropConfig.cmake"; do
  [ -e "$file" ] || fail "$file is not there"
done
[ -z "$(find "$prefix" -name '*.in')" ] || fail "templates were installed"

for file in "$lib/libbackprop.so" "$lib/libbackprop.a" "$prefix/bin/backprop"; do
  [ ! -e "$file" ] || ! readelf -S "$file" | grep '\.debug_info' >/dev/null || fail "$file holds debug information"
done

cat >"$work/user.c" <<'END'
#include <backprop/backprop.h>
#include <stdio.h>
#include <string.h>
int main(void) {
  printf("%s %s\n", BP_VERSION_STRING, bp_status_name(BP_OK));
  return strcmp(bp_status_name(BP_OK), "BP_E_OK") != 0;
}
END
cc=${CC:-cc}

echo "-- by hand"
"$cc" "$work/user.c" -I"$prefix/include" -L"$lib" -lbackprop -o "$work/by_hand"
LD_LIBRARY_PATH=$lib "$work/by_hand"
readelf -d "$work/by_hand" | grep -q 'NEEDED.*libbackprop.so.0.1' || fail "the program does not ask for libbackprop.so.0.1"

if command -v pkg-config >/dev/null 2>&1; then
  echo "-- with pkg-config, shared and static"
  export PKG_CONFIG_PATH=$lib/pkgconfig
  from() { pkg-config "$@" backprop; }
  # shellcheck disable=SC2046
  "$cc" "$work/user.c" $(from --cflags --libs) -o "$work/shared"
  LD_LIBRARY_PATH=$lib "$work/shared"
  # shellcheck disable=SC2046
  "$cc" "$work/user.c" $(from --cflags) "$lib/libbackprop.a" $(from --libs --static | sed 's/-lbackprop//') -o "$work/static"
  "$work/static"
fi

echo "-- with CMake, shared and static"
mkdir "$work/project"
cat >"$work/project/CMakeLists.txt" <<'END'
cmake_minimum_required(VERSION 3.25)
project(User C)
find_package(Backprop 0.1 REQUIRED)
add_executable(shared ../user.c)
target_link_libraries(shared PRIVATE Backprop::backprop)
add_executable(static ../user.c)
target_link_libraries(static PRIVATE Backprop::backprop_static)
END
cmake -S "$work/project" -B "$work/project/build" -DCMAKE_PREFIX_PATH="$prefix" >"$work/log" 2>&1 &&
  cmake --build "$work/project/build" >>"$work/log" 2>&1 || { cat "$work/log"; fail "the CMake project does not build"; }
"$work/project/build/shared"
"$work/project/build/static"

if [ -x "$prefix/bin/backprop" ]; then
  echo "-- the command, without LD_LIBRARY_PATH"
  [ -s "$prefix/share/man/man1/backprop.1" ] || fail "there is no manual page"
  bash -n "$prefix/share/bash-completion/completions/backprop" || fail "bash does not read the completion"
  for file in zsh/site-functions/_backprop fish/vendor_completions.d/backprop.fish; do
    [ -s "$prefix/share/$file" ] || fail "share/$file is not there"
  done
  env -u LD_LIBRARY_PATH ldd "$prefix/bin/backprop" | grep -q "libbackprop.so.0.1 => $prefix/" || fail "the command does not find its library"
fi

echo "-- staged in DESTDIR"
DESTDIR=$work/stage cmake --install "$TEST_BUILD" --prefix /opt/backprop >/dev/null
[ -e "$work/stage/opt/backprop/include/backprop/backprop.h" ] || fail "DESTDIR was not used"
