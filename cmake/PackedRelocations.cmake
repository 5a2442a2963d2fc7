# PackedRelocations.cmake - whether a shared library here may keep its relocations packed (DT_RELR): BACKPROP_PACKS_RELOCATIONS.
#
# The library's tables hold 2,000 pointers, each of which costs 24 bytes to relocate; packed, about a bit. Linkers learnt it before
# the loaders did (glibc 2.36, musl 1.2.4), so a program is run to see.

include(CheckCSourceRuns)
set(BACKPROP_PACK_RELOCATIONS LINKER:--fatal-warnings LINKER:-z,pack-relative-relocs)
if(NOT CMAKE_CROSSCOMPILING)
  set(CMAKE_REQUIRED_FLAGS -fPIE)
  set(CMAKE_REQUIRED_LINK_OPTIONS -pie ${BACKPROP_PACK_RELOCATIONS})
  check_c_source_runs("static int zero; int *volatile pointer = &zero; int main(void) { return *pointer; }"
    BACKPROP_PACKS_RELOCATIONS)
  unset(CMAKE_REQUIRED_FLAGS)
  unset(CMAKE_REQUIRED_LINK_OPTIONS)
endif()
