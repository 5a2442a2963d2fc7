# Tests.cmake - tests, examples, fuzz targets and benchmarks: one program for each file, found by folder.
#
#   tests/<floor>/test_<thing>.c   a cmocka program, the test <floor>.<thing>; sees internal headers and symbols
#   tests/<floor>/<thing>.sh       a script, the test <floor>.<thing>
#   tests/support/*.c              linked into every test program
#   examples/<thing>.c             public headers only; the test example.<thing> runs it without arguments
#   fuzz/fuzz_<thing>.c            LLVMFuzzerTestOneInput; the test fuzz.<thing> replays fuzz/corpus/fuzz_<thing>/
#   fuzz/fuzz_cli_<thing>.c        the same with the sources of the command, all but main.c
#   fuzz/support/*.c               linked into every fuzz target; the target backprop_fuzz builds them all
#   tests/faults/fault_*.c         what lets calls of the command fail, for tests/faults/*.sh (64-bit Linux with glibc, no sanitizer)
#   bench/<thing>.c                built by the target backprop_bench only
#
# A test is labelled `unit`, a script `cli`, unless a comment near its top says otherwise: "labels: grad prop". What is labelled
# `long` trains for minutes under a sanitizer, and runs nothing that other tests do not: the presets asan and tsan leave it out.
# Exit status 77 means skipped; configured with CI set in the environment, it fails, unless the test is
# labelled `data` (it needs files that are not in the repository) or `nightly`. Every test finds these variables in its environment:
#   BACKPROP         the command; built for another machine, a script that runs it by the emulator
#   BACKPROP_MNIST   the folder of the MNIST files, where there is one
#   TEST_DATA        tests/data
#   TEST_SOURCE      the root of the source tree
#   TEST_BUILD       the root of the build tree
#   TEST_TIME        BACKPROP_TEST_TIME, by which a test multiplies limits of time of its own

set(BACKPROP_TEST_TIME 1 CACHE STRING "What the time limits of the tests are multiplied by, for an emulator")

# Sets `out` to the labels that a test's file names, or to the default.
function(backprop_test_labels out file default)
  file(STRINGS ${file} line REGEX "^[/#]\\*? *labels: [a-z ]+" LIMIT_COUNT 1)
  if(line MATCHES "labels: +([a-z ]*[a-z])")
    string(REPLACE " " ";" labels "${CMAKE_MATCH_1}")
    set(${out} ${labels} PARENT_SCOPE)
  else()
    set(${out} ${default} PARENT_SCOPE)
  endif()
endfunction()

# Registers one test: name, labels (a list), then the command. With the label `nightly` it runs only when asked for, by
# `ctest -C nightly`, and may take hours.
function(backprop_add_test name labels)
  set(timeout 600)
  set(skipped SKIP_RETURN_CODE 77)
  if(DEFINED ENV{CI} AND NOT "data" IN_LIST labels AND NOT "nightly" IN_LIST labels)
    unset(skipped)
  endif()
  unset(configurations)
  if(nightly IN_LIST labels)
    set(timeout 36000)
    set(configurations CONFIGURATIONS nightly)
  endif()
  math(EXPR timeout "${timeout} * ${BACKPROP_TEST_TIME}")
  add_test(NAME ${name} COMMAND ${ARGN} WORKING_DIRECTORY ${PROJECT_BINARY_DIR}/tests ${configurations})
  set_tests_properties(${name} PROPERTIES LABELS "${labels}" ${skipped} TIMEOUT ${timeout}
    ENVIRONMENT "${BACKPROP_TEST_ENVIRONMENT}")
endfunction()

# Sets `out` to what runs the command here.
function(backprop_command_to_test out)
  set(program ${PROJECT_BINARY_DIR}/bin/backprop)
  set(${out} ${program} PARENT_SCOPE)
  if(CMAKE_CROSSCOMPILING_EMULATOR)
    list(JOIN CMAKE_CROSSCOMPILING_EMULATOR " " emulator)
    file(CONFIGURE OUTPUT ${PROJECT_BINARY_DIR}/run/backprop @ONLY CONTENT "#!/bin/sh\nexec @emulator@ @program@ \"$@\"\n")
    file(CHMOD ${PROJECT_BINARY_DIR}/run/backprop FILE_PERMISSIONS OWNER_READ OWNER_WRITE OWNER_EXECUTE)
    set(${out} ${PROJECT_BINARY_DIR}/run/backprop PARENT_SCOPE)
  endif()
endfunction()

# A program of one file in a folder of the build tree.
function(backprop_add_program target folder source)
  add_executable(${target} ${source})
  target_link_libraries(${target} PRIVATE backprop_flags ${ARGN} ${BACKPROP_LIBM_NAME})
  set_target_properties(${target} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/${folder})
endfunction()

function(backprop_add_unit_tests)
  backprop_require(cmocka cmocka libcmocka-dev)
  file(GLOB support CONFIGURE_DEPENDS tests/support/*.c)
  add_library(backprop_test_support INTERFACE)
  target_include_directories(backprop_test_support INTERFACE tests)
  target_link_libraries(backprop_test_support INTERFACE backprop_internal backprop_static cmocka::cmocka Threads::Threads)
  if(support)
    add_library(backprop_test_objects STATIC ${support})
    target_link_libraries(backprop_test_objects PUBLIC backprop_test_support)
    set(support_library backprop_test_objects)
  endif()

  file(GLOB sources CONFIGURE_DEPENDS tests/*/test_*.c)
  foreach(source IN LISTS sources)
    string(REGEX MATCH "tests/([^/]+)/test_([^/]+)\\.c$" _ ${source})
    set(target test_${CMAKE_MATCH_1}_${CMAKE_MATCH_2})
    set(name ${CMAKE_MATCH_1}.${CMAKE_MATCH_2})
    backprop_test_labels(labels ${source} unit)
    backprop_add_program(${target} tests ${source} ${support_library} backprop_test_support ZLIB::ZLIB)
    backprop_add_test(${name} "${labels}" ${target})
  endforeach()
endfunction()

# The interposer stands before the functions of glibc, as a sanitizer would.
function(backprop_add_fault_sweep)
  include(CheckSymbolExists)
  check_symbol_exists(__GLIBC__ features.h BACKPROP_HAS_GLIBC)
  if(NOT CMAKE_SYSTEM_NAME STREQUAL Linux OR NOT BACKPROP_HAS_GLIBC OR NOT CMAKE_SIZEOF_VOID_P EQUAL 8
      OR CMAKE_CROSSCOMPILING OR BACKPROP_SANITIZE OR BACKPROP_COVERAGE)
    return()
  endif()
  add_library(fault_interposer MODULE tests/faults/fault_interposer.c)
  target_link_libraries(fault_interposer PRIVATE backprop_flags ${CMAKE_DL_LIBS})
  set_target_properties(fault_interposer PROPERTIES PREFIX "" LIBRARY_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/tests)
  backprop_add_program(fault_sweep tests tests/faults/fault_sweep.c)
endfunction()

function(backprop_add_script_tests)
  find_program(BACKPROP_BASH bash REQUIRED)
  file(GLOB scripts CONFIGURE_DEPENDS tests/*/*.sh)
  list(FILTER scripts EXCLUDE REGEX "/tests/support/")
  foreach(script IN LISTS scripts)
    string(REGEX MATCH "tests/([^/]+)/(test_)?([^/]+)\\.sh$" _ ${script})
    set(name ${CMAKE_MATCH_1}.${CMAKE_MATCH_3})
    backprop_test_labels(labels ${script} cli)
    # An instrumented library cannot be linked by an ordinary program.
    if("install" IN_LIST labels AND (BACKPROP_SANITIZE OR BACKPROP_COVERAGE OR CMAKE_CROSSCOMPILING))
      continue()
    endif()
    backprop_add_test(${name} "${labels}" ${BACKPROP_BASH} ${script})
  endforeach()
endfunction()

function(backprop_add_examples)
  file(GLOB sources CONFIGURE_DEPENDS examples/*.c)
  foreach(source IN LISTS sources)
    get_filename_component(thing ${source} NAME_WE)
    backprop_test_labels(labels ${source} example)
    backprop_add_program(example_${thing} examples ${source} Backprop::backprop)
    backprop_add_test(example.${thing} "${labels}" example_${thing})
  endforeach()
endfunction()

# The checkers of tools/ are proved by faults planted in a tree of their own, the tables of bench/tables by results made by hand.
function(backprop_add_tool_tests)
  find_program(BACKPROP_PYTHON python3 REQUIRED)
  foreach(tool check-floors check-headers check-listings check-symbols)
    backprop_add_test(tools.${tool} unit ${BACKPROP_PYTHON} ${PROJECT_SOURCE_DIR}/tools/${tool} --self-test)
  endforeach()
  backprop_add_test(tools.bench_tables unit ${BACKPROP_PYTHON} ${PROJECT_SOURCE_DIR}/bench/tables/selftest.py)
endfunction()

# The listings of the documents are compiled as the static library is, and print what the documents say; excerpts stand in the
# files that they name.
function(backprop_add_listing_tests)
  set(flags "${CMAKE_C_FLAGS}")
  if(BACKPROP_SANITIZE)
    string(APPEND flags " -fsanitize=${BACKPROP_SANITIZE} -fno-sanitize-recover=all")
  endif()
  if(BACKPROP_COVERAGE)
    string(APPEND flags " --coverage")
  endif()
  list(JOIN CMAKE_CROSSCOMPILING_EMULATOR " " emulator)
  foreach(document autodiff tutorial)
    backprop_add_test(docs.${document} example ${BACKPROP_PYTHON} ${PROJECT_SOURCE_DIR}/tools/check-listings
      --cc=${CMAKE_C_COMPILER} --flags=${flags} --run=${emulator} --library=$<TARGET_FILE:backprop_static>
      --include=${PROJECT_SOURCE_DIR}/include --include=${PROJECT_BINARY_DIR}/include
      ${PROJECT_SOURCE_DIR}/docs/${document}.md)
  endforeach()
endfunction()

# What fuzz targets share, and the command as a library for those that look into it.
function(backprop_add_fuzz_support)
  file(GLOB support CONFIGURE_DEPENDS fuzz/support/*.c)
  add_library(backprop_fuzz_support STATIC ${support})
  target_include_directories(backprop_fuzz_support PUBLIC fuzz tests)
  target_link_libraries(backprop_fuzz_support PUBLIC backprop_internal backprop_static ZLIB::ZLIB)
  get_target_property(sources backprop_cli SOURCES)
  get_target_property(libraries backprop_cli LINK_LIBRARIES)
  list(FILTER sources EXCLUDE REGEX "/main\\.c$")
  list(TRANSFORM libraries REPLACE "^backprop$" backprop_static)
  add_library(backprop_fuzz_cli STATIC EXCLUDE_FROM_ALL ${sources})
  target_include_directories(backprop_fuzz_cli PUBLIC cli)
  target_link_libraries(backprop_fuzz_cli PUBLIC ${libraries})
endfunction()

# With BACKPROP_FUZZ the targets search for inputs; without it the same programs replay the files they are given.
function(backprop_add_fuzz_targets)
  backprop_add_fuzz_support()
  add_custom_target(backprop_fuzz)
  file(GLOB sources CONFIGURE_DEPENDS fuzz/fuzz_*.c)
  foreach(source IN LISTS sources)
    get_filename_component(target ${source} NAME_WE)
    unset(command)
    if(target MATCHES "^fuzz_cli_")
      set(command backprop_fuzz_cli)
    endif()
    backprop_add_program(${target} fuzz ${source} ${command} backprop_fuzz_support)
    add_dependencies(backprop_fuzz ${target})
    if(BACKPROP_FUZZ)
      target_link_options(${target} PRIVATE -fsanitize=fuzzer)
    else()
      target_sources(${target} PRIVATE fuzz/replay_main.c)
    endif()
    set(corpus ${PROJECT_SOURCE_DIR}/fuzz/corpus/${target})
    if(IS_DIRECTORY ${corpus})
      string(REPLACE fuzz_ fuzz. name ${target})
      if(BACKPROP_FUZZ)
        backprop_add_test(${name} fuzz ${target} -runs=0 ${corpus})
      else()
        backprop_add_test(${name} fuzz ${target} ${corpus})
      endif()
    endif()
  endforeach()
endfunction()

function(backprop_add_benchmarks)
  add_custom_target(backprop_bench)
  file(GLOB sources CONFIGURE_DEPENDS bench/*.c)
  foreach(source IN LISTS sources)
    get_filename_component(thing ${source} NAME_WE)
    backprop_add_program(bench_${thing} bench ${source} backprop_internal backprop_static)
    set_target_properties(bench_${thing} PROPERTIES EXCLUDE_FROM_ALL ON)
    add_dependencies(backprop_bench bench_${thing})
  endforeach()
endfunction()

backprop_add_benchmarks()
if(BACKPROP_TESTS OR BACKPROP_FUZZ)
  enable_testing()
  file(MAKE_DIRECTORY ${PROJECT_BINARY_DIR}/tests)
  backprop_command_to_test(command)
  set(BACKPROP_TEST_ENVIRONMENT
    BACKPROP=${command}
    TEST_DATA=${PROJECT_SOURCE_DIR}/tests/data
    TEST_SOURCE=${PROJECT_SOURCE_DIR}
    TEST_BUILD=${PROJECT_BINARY_DIR}
    TEST_TIME=${BACKPROP_TEST_TIME})
  foreach(folder "$ENV{BACKPROP_MNIST}" ${PROJECT_SOURCE_DIR}/data/mnist ${PROJECT_SOURCE_DIR}/../shared/data/mnist)
    file(GLOB mnist ${folder}/train-images-idx3-ubyte*)
    if(mnist)
      file(REAL_PATH ${folder} folder)
      list(APPEND BACKPROP_TEST_ENVIRONMENT BACKPROP_MNIST=${folder})
      break()
    endif()
  endforeach()
  backprop_add_fuzz_targets()
endif()
if(BACKPROP_TESTS)
  backprop_add_unit_tests()
  backprop_add_fault_sweep()
  backprop_add_script_tests()
  backprop_add_examples()
  backprop_add_tool_tests()
  backprop_add_listing_tests()
endif()
