#!/usr/bin/env bash
# labels: install
#
# package.sh - what is installed is found from wherever it lies, a prefix with blanks or one that was moved: by CMake with versions,
# ranges and components, from projects in C and C++; by pkg-config for the shared library, for the archive, and for a program without
# any shared library. Nothing that is installed names the source tree or the build tree.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cc=${CC:-cc}

fail() {
  echo "package: $*" >&2
  exit 1
}
logged() {
  "$@" >"$work/log" 2>&1 && return
  cat "$work/log"
  fail "it fails: $*"
}

first="$work/a préfix of mine"
(umask 077 && logged cmake --install "$TEST_BUILD" --prefix "$first")
libdir=$(dirname "$(cd "$first" && find . -name libbackprop.so)")
for folder in "$TEST_BUILD" "$TEST_SOURCE"; do
  ! grep -rlaF "$folder" "$first" || fail "these files name $folder"
done
odd=$(find "$first" -type f ! -perm 644 ! -perm 755)
[ -z "$odd" ] || fail "only some may read $odd"

cat >"$work/user.c" <<'C'
#include <backprop/backprop.h>
int main(void) {
  bp_context *context;
  bp_status status = bp_context_new(0, &context);
  if (status == BP_OK) bp_context_free(context);
  return status != BP_OK;
}
C
cp "$work/user.c" "$work/user.cc"

if command -v pkg-config >/dev/null 2>&1; then
  export PKG_CONFIG_PATH=$first/$libdir/pkgconfig
  # A program from what pkg-config prints: compiled SUBJECT OPTIONS-OF-PKG-CONFIG [OPTIONS-OF-CC]…
  compiled() {
    local subject=$1 options=$2 flags
    shift 2
    echo "-- pkg-config: $subject"
    # shellcheck disable=SC2086
    flags=$(pkg-config --cflags --libs $options backprop)
    eval "set -- \"\$@\" $flags"
    logged "$cc" "$work/user.c" "$@" -o "$work/program"
    LD_LIBRARY_PATH=$first/$libdir logged "$work/program"
  }
  compiled "shared" ""
  if echo 'int main(void) { return 0; }' | "$cc" -xc - -xnone -static -lz -lm -o "$work/any" 2>/dev/null; then
    compiled "wholly static" --static -static
  fi
  mkdir "$work/shared"
  mv "$first/$libdir"/libbackprop.so* "$work/shared"
  compiled "the archive" --static
  ! ldd "$work/program" | grep libbackprop || fail "the program needs the shared library"
  mv "$work/shared"/* "$first/$libdir"
else
  echo "-- there is no pkg-config: left out"
fi

# Moved, so that nothing is found at the prefix that was told.
moved=$work/moved
mv "$first" "$moved"
# project LANGUAGE WHAT-IS-FOUND LINES: what find_package(Backprop WHAT) says in a project
project() {
  rm -rf "$work/project"
  mkdir "$work/project"
  printf 'cmake_minimum_required(VERSION 3.25)\nproject(User %s)\nfind_package(Backprop %s)\n%s\n' "$1" "$2" "${3:-}" >"$work/project/CMakeLists.txt"
  cat >>"$work/project/CMakeLists.txt" <<'CMAKE'
if(DEFINED THREADS_PREFER_PTHREAD_FLAG)
  message(FATAL_ERROR "a variable of the package leaks")
endif()
message(STATUS "found: ${Backprop_FOUND} ${Backprop_VERSION}")
CMAKE
  # shellcheck disable=SC2086
  cmake -S "$work/project" -B "$work/project/build" -DCMAKE_PREFIX_PATH="$moved" ${FIND_OPTIONS:-} >"$work/log" 2>&1
}
says() { grep -qE "$1" "$work/log" || { cat "$work/log"; fail "$2: no '$1'"; }; }

echo "-- CMake: versions and components"
version=$(sed -n 's/^#define BP_VERSION_STRING "\(.*\)"/\1/p' "$moved/include/backprop/version.h")
minor=${version%.*}
next=${minor%.*}.$((${minor#*.} + 1))
for what in "" "$minor" "$version EXACT" "$minor...<$next" "$minor REQUIRED COMPONENTS shared" "REQUIRED COMPONENTS static shared" \
  "COMPONENTS static OPTIONAL_COMPONENTS python"; do
  project C "$what" || true
  says "found: (1|TRUE) $version" "$what"
done
for what in "$next REQUIRED" "$next...<99 REQUIRED" "99 REQUIRED" "$version.1 EXACT REQUIRED"; do
  ! project C "$what" || fail "$what is found"
  says 'version: '"$version" "$what"
done
! project C "REQUIRED COMPONENTS python" || fail "a component is found that there is not"
says 'shared and static, not python' "a component that there is not"
FIND_OPTIONS=-DCMAKE_DISABLE_FIND_PACKAGE_ZLIB=ON
project C "REQUIRED COMPONENTS shared" || { cat "$work/log"; fail "the shared library cannot be had without zlib's headers"; }
! project C "REQUIRED COMPONENTS static" || fail "the static library is found without zlib"
says 'zlib1g-dev' "a missing zlib"
FIND_OPTIONS=

echo "-- CMake: a project in C++, and one in C whose warnings are errors"
for language in CXX C; do
  [ $language = C ] || command -v "${CXX:-c++}" >/dev/null || continue
  extension=$([ $language = C ] && echo c || echo cc)
  project $language "$minor REQUIRED COMPONENTS shared static" "
set(CMAKE_COMPILE_WARNING_AS_ERROR ON)
add_compile_options(-Wall -Wextra -Wpedantic -Wconversion -Wsign-conversion)
foreach(library backprop backprop_static)
  add_executable(with_\${library} ../user.$extension)
  target_link_libraries(with_\${library} PRIVATE Backprop::\${library})
endforeach()" || { cat "$work/log"; fail "a project of $language is not configured"; }
  logged cmake --build "$work/project/build"
  logged "$work/project/build/with_backprop"
  logged "$work/project/build/with_backprop_static"
done
