# Flags.cmake - how every file of this project is compiled: the target backprop_flags, which all others link.
#
# Never -ffast-math: it breaks NaN and the promise of equal bits. Contraction is off for the same reason (where a fused
# multiply-add is meant, the source says so); errno and trapping are of no use to us and only hinder vector code.

set(CMAKE_C_STANDARD 11)
set(CMAKE_C_STANDARD_REQUIRED ON)
set(CMAKE_C_EXTENSIONS OFF)
set(CMAKE_C_VISIBILITY_PRESET hidden)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_COMPILE_WARNING_AS_ERROR ${BACKPROP_WERROR})
set(CMAKE_UNITY_BUILD OFF) # static functions of two files may have one name

# The library of mathematics, where the C library has it apart: as an option, since it is handed on to static users, and a target
# of theirs may be called m.
include(CheckCSourceCompiles)
check_c_source_compiles("#include <math.h>
  double (*volatile f)(double) = exp; long double (*volatile g)(long double) = tanl;
  int main(void) { return f(0) + g(0) > 2; }" BACKPROP_LIBC_HAS_MATH)
if(NOT BACKPROP_LIBC_HAS_MATH OR CMAKE_TRY_COMPILE_TARGET_TYPE STREQUAL STATIC_LIBRARY)
  set(BACKPROP_LIBM_NAME -lm)
endif()

add_library(backprop_flags INTERFACE)
target_compile_definitions(backprop_flags INTERFACE _GNU_SOURCE)
target_compile_options(backprop_flags INTERFACE -ffp-contract=off -fno-math-errno -fno-trapping-math)
if(PROJECT_IS_TOP_LEVEL OR BACKPROP_WERROR)
  target_compile_options(backprop_flags INTERFACE -Wall -Wextra -Wshadow -Wconversion -Wstrict-prototypes -Wvla)
else()
  target_compile_options(backprop_flags INTERFACE -w) # the warnings that another project asks for are meant for its own code
endif()

# No file that is built tells in which folder it was, so two builds in two folders are the same bytes. For the debugger this means
# to be started in the root of the source tree; a build of the type Debug keeps the whole paths.
include(CheckCCompilerFlag)
check_c_compiler_flag(-ffile-prefix-map=/a=/b BACKPROP_COMPILER_MAPS_PATHS)
if(BACKPROP_COMPILER_MAPS_PATHS)
  foreach(map "${PROJECT_SOURCE_DIR}=." "${PROJECT_BINARY_DIR}=./build")
    target_compile_options(backprop_flags INTERFACE "$<$<NOT:$<CONFIG:Debug>>:-ffile-prefix-map=${map}>")
  endforeach()
endif()

# The archive also serves those who link without link-time optimisation: beside its own representation the compiler writes machine
# code, or there is no such optimisation.
if(CMAKE_C_COMPILER_ID STREQUAL "GNU")
  target_compile_options(backprop_flags INTERFACE -ffat-lto-objects)
elseif(CMAKE_INTERPROCEDURAL_OPTIMIZATION)
  message(STATUS "Backprop: without link-time optimisation, since ${CMAKE_C_COMPILER_ID} writes no machine code beside")
  set(CMAKE_INTERPROCEDURAL_OPTIMIZATION OFF)
endif()

# On 32 bits files may be larger than memory, and gcc says of every structure with a 64-bit atomic that gcc 10 placed it otherwise.
if(CMAKE_SIZEOF_VOID_P EQUAL 4)
  target_compile_definitions(backprop_flags INTERFACE _FILE_OFFSET_BITS=64)
  if(CMAKE_C_COMPILER_ID STREQUAL "GNU")
    target_compile_options(backprop_flags INTERFACE -Wno-psabi)
  endif()
endif()

if(BACKPROP_SANITIZE)
  add_compile_options(-fsanitize=${BACKPROP_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
  add_link_options(-fsanitize=${BACKPROP_SANITIZE})
else()
  add_link_options(LINKER:--no-undefined)
endif()
if(BACKPROP_COVERAGE)
  add_compile_options(--coverage -fprofile-update=atomic)
  add_link_options(--coverage)
endif()
if(BACKPROP_FUZZ)
  if(NOT CMAKE_C_COMPILER_ID MATCHES Clang)
    message(FATAL_ERROR "BACKPROP_FUZZ needs clang: configure with -DCMAKE_C_COMPILER=clang, or use the preset fuzz")
  endif()
  add_compile_options(-fsanitize=fuzzer-no-link)
endif()
