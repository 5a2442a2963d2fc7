# Require.cmake - packages without which nothing can be built; where one is missing, the error says what to install.

# backprop_require(PACKAGE NAME DEBIAN): find_package(PACKAGE), or an end that names it.
macro(backprop_require package name debian)
  find_package(${package} QUIET)
  if(NOT ${package}_FOUND)
    message(FATAL_ERROR "${name} is missing: run ${PROJECT_SOURCE_DIR}/scripts/install-deps, or install the package ${debian} "
      "(Debian's name; others call it alike). Where it lies in a folder of its own, give that as -DCMAKE_PREFIX_PATH=FOLDER")
  endif()
endmacro()
