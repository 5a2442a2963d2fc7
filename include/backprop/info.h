/* backprop/info.h - which library this is: its version, how it was built, and what it uses of this machine. */
#ifndef BACKPROP_INFO_H
#define BACKPROP_INFO_H
#include "backprop/dtype.h"

#ifdef __cplusplus
extern "C" {
#endif

/* VIEW the version of the library that runs, "0.1.0". It may differ from BP_VERSION_STRING of the headers that a caller
 * was compiled with. */
BP_API const char *bp_version(void);

/* All texts are VIEWs that last for ever. */
typedef struct bp_build_info {
  const char *version;
  const char *compiler;   /* "gcc 12.2.0" */
  const char *build_type; /* "release", "debug", and "with sanitizers" where it applies */
  const char *machine;    /* what it was built for: "x86_64, 64 bits, glibc 2.36" */
  const char *kernels;    /* kernel build in use: "baseline", "avx2", "avx512" */
  /* "fused multiply-add" (avx2, avx512, 64-bit ARM: a·b + c is rounded once) or "separate multiply and add" (baseline on x86). The
   * same work has the same bits wherever this is the same, but for functions of the C library, where that is another. */
  const char *arithmetic;
  const char *cpu;  /* kernel builds that this CPU can run, separated by blanks, the narrowest first */
  const char *zlib; /* version of the library in use */
  int cores;        /* cores that this process may use: what 0 threads means */
} bp_build_info;
BP_API bp_build_info bp_build(void);

/* Measures what one thread can do at most, with the kernels in use: operations a second of independent multiply-adds on
 * registers, two operations each; the best of many short runs within about `seconds`. Matrix products are told as parts of it.
 * 0 for an element type that is neither F32 nor F64. */
BP_API double bp_measure_peak(bp_dtype dtype, double seconds);

#ifdef __cplusplus
}
#endif
#endif
