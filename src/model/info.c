/* model/info.c - what `backprop version` and bug reports say about the library. */
#include "backprop/info.h"

#include <zlib.h>

#include "backprop/version.h"
#include "base/cpu.h"
#include "base/pool.h"
#include "kernels/kernels.h"

#define TEXT_OF_(x) #x
#define TEXT_OF(x)  TEXT_OF_(x)

#if defined(__clang__)
#define COMPILER "clang " TEXT_OF(__clang_major__) "." TEXT_OF(__clang_minor__) "." TEXT_OF(__clang_patchlevel__)
#elif defined(__GNUC__)
#define COMPILER "gcc " TEXT_OF(__GNUC__) "." TEXT_OF(__GNUC_MINOR__) "." TEXT_OF(__GNUC_PATCHLEVEL__)
#else
#define COMPILER "an unknown compiler"
#endif

#if defined(__has_feature)
#define HAS_SANITIZER (__has_feature(address_sanitizer) || __has_feature(thread_sanitizer))
#elif defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define HAS_SANITIZER 1
#else
#define HAS_SANITIZER 0
#endif

#if defined(NDEBUG) && defined(__OPTIMIZE__)
#define BUILD_TYPE "release"
#else
#define BUILD_TYPE "debug"
#endif

#if defined(__x86_64__)
#define MACHINE "x86_64"
#elif defined(__i386__)
#define MACHINE "i386"
#elif defined(__aarch64__)
#define MACHINE "aarch64"
#elif defined(__arm__)
#define MACHINE "arm"
#elif defined(__riscv)
#define MACHINE "riscv"
#elif defined(__powerpc64__)
#define MACHINE "powerpc64le"
#elif defined(__loongarch__)
#define MACHINE "loongarch"
#else
#define MACHINE "another machine"
#endif
#if __SIZEOF_POINTER__ == 4
#define WIDTH "32 bits"
#else
#define WIDTH "64 bits"
#endif
#if defined(__GLIBC__)
#define LIBC "glibc " TEXT_OF(__GLIBC__) "." TEXT_OF(__GLIBC_MINOR__)
#else
#define LIBC "a C library without a name" /* as musl */
#endif

const char *bp_version(void) { return BP_VERSION_STRING; }

/* Every build but the last is usable when a wider one is. */
static const char *usable_builds(void) {
  static const char *const up_to[BP_ISA_COUNT] = {"baseline", "baseline avx2", "baseline avx2 avx512"};
  int widest = BP_ISA_COUNT - 1;
  while (widest > 0 && !bp_cpu_can((bp_isa)widest)) widest--;
  return up_to[widest];
}

bp_build_info bp_build(void) {
  return (bp_build_info){.version = BP_VERSION_STRING,
                         .compiler = COMPILER,
                         .build_type = HAS_SANITIZER ? BUILD_TYPE " with sanitizers" : BUILD_TYPE,
                         .machine = MACHINE ", " WIDTH ", " LIBC,
                         .kernels = bp_isa_name(bp_cpu_isa()),
                         .arithmetic = bp_arithmetic_name(),
                         .cpu = usable_builds(),
                         .zlib = zlibVersion(),
                         .cores = bp_core_count()};
}
