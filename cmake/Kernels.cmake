# Kernels.cmake - compiles src/kernels/*_kernel.c once per instruction set; the library chooses among them at run time.
#
# Each build of a kernel file sees
#   BP_ISA=avx2                 its name, to paste into the names of its functions (BP_ISA_NAME is the same)
#   BP_ISA_AVX2_BUILD=1         the same as a condition (…_BASELINE_BUILD, …_AVX512_BUILD)
# and every file of the library and of the tests sees BP_HAVE_AVX2=1 and BP_HAVE_AVX512=1 for the builds that exist.

include(CheckCCompilerFlag)

set(BACKPROP_ISAS baseline)
set(BACKPROP_ISA_FLAGS_avx2 -mavx2 -mfma)
set(BACKPROP_ISA_FLAGS_avx512 -mavx512f -mavx512vl -mavx512dq -mavx512bw -mavx2 -mfma -mprefer-vector-width=512)
if(CMAKE_SYSTEM_PROCESSOR MATCHES "^(x86_64|AMD64|amd64)$")
  foreach(isa avx2 avx512)
    string(TOUPPER ${isa} ISA)
    list(JOIN BACKPROP_ISA_FLAGS_${isa} " " flags)
    check_c_compiler_flag("${flags}" BACKPROP_COMPILER_HAS_${ISA})
    if(BACKPROP_COMPILER_HAS_${ISA})
      list(APPEND BACKPROP_ISAS ${isa})
      target_compile_definitions(backprop_internal INTERFACE BP_HAVE_${ISA}=1)
    endif()
  endforeach()
endif()

# Puts the objects of all builds of the given kernel files into the list `out`.
function(backprop_add_kernels out)
  separate_arguments(optimise UNIX_COMMAND "${BACKPROP_KERNEL_FLAGS}")
  # Kernels call nothing, so nobody has to unwind through them; their tables would be a tenth of the library.
  list(APPEND optimise -fno-asynchronous-unwind-tables)
  # gcc 12 puts 64-byte vectors on the sanitizer's own stack without their alignment (GCC bug 110027).
  if(CMAKE_C_COMPILER_ID STREQUAL "GNU" AND BACKPROP_SANITIZE MATCHES address)
    list(APPEND optimise --param asan-use-after-return=0)
  endif()
  if(ARGN)
    foreach(isa IN LISTS BACKPROP_ISAS)
      string(TOUPPER ${isa} ISA)
      set(target backprop_kernels_${isa})
      add_library(${target} OBJECT ${ARGN})
      target_compile_definitions(${target} PRIVATE
        BP_BUILDING_LIBRARY BP_ISA=${isa} BP_ISA_NAME=${isa} BP_ISA_${ISA}_BUILD=1)
      target_compile_options(${target} PRIVATE ${optimise} ${BACKPROP_ISA_FLAGS_${isa}})
      # Where other builds exist, the baseline is for old CPUs and to compare with: small rather than fast.
      if(isa STREQUAL baseline AND avx2 IN_LIST BACKPROP_ISAS AND CMAKE_C_COMPILER_ID STREQUAL "GNU")
        target_compile_options(${target} PRIVATE $<$<CONFIG:Release,RelWithDebInfo>:-Os>)
      endif()
      # Clang warns of each loop that is asked to become vectors and then does not: with two lanes that is its choice.
      if(isa STREQUAL baseline AND CMAKE_C_COMPILER_ID MATCHES Clang)
        target_compile_options(${target} PRIVATE -Wno-pass-failed)
      endif()
      target_link_libraries(${target} PRIVATE backprop_internal)
      list(APPEND objects $<TARGET_OBJECTS:${target}>)
    endforeach()
  endif()
  set(${out} ${objects} PARENT_SCOPE)
endfunction()
