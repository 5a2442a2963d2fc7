/* base/cpu.c - CPU features and core count.
 *
 * Features are asked of the compiler's own run time support, which also checks that the operating system saves the
 * wide registers.
 */
#include "base/cpu.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#ifdef __linux__
#include <fcntl.h>
#include <sched.h>
#endif

#include "base/io.h"
#include "base/pool.h"

static const char *const isa_names[BP_ISA_COUNT] = {"baseline", "avx2", "avx512"};

const char *bp_isa_name(bp_isa isa) { return (unsigned)isa < BP_ISA_COUNT ? isa_names[isa] : "?"; }

#if defined(__x86_64__) /* for which alone cmake/Kernels.cmake makes wider builds */
static int has_avx2(void) {
  return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("bmi") &&
         __builtin_cpu_supports("bmi2");
}

static int has_avx512(void) {
  return has_avx2() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
         __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
}
#else
static int has_avx2(void) { return 0; }

static int has_avx512(void) { return 0; }
#endif

int bp_cpu_can(bp_isa isa) {
  switch (isa) {
  case BP_ISA_BASELINE: return 1;
  case BP_ISA_AVX2: return has_avx2();
  case BP_ISA_AVX512: return has_avx512();
  default: return 0;
  }
}

bp_isa bp_isa_choose(const char *wish) {
  int best = BP_ISA_COUNT - 1;
  while (!bp_cpu_can((bp_isa)best)) best--;
  for (int isa = 0; wish && isa < best; isa++)
    if (strcmp(wish, isa_names[isa]) == 0) return (bp_isa)isa;
  return (bp_isa)best;
}

bp_isa bp_cpu_isa(void) {
  static atomic_int known; /* 0: not asked yet, else the build + 1; whoever asks finds the same */
  int isa = atomic_load_explicit(&known, memory_order_relaxed) - 1;
  if (isa < 0) {
    isa = (int)bp_isa_choose(getenv("BACKPROP_ISA"));
    atomic_store_explicit(&known, isa + 1, memory_order_relaxed);
  }
  return (bp_isa)isa;
}

/* ---- cores ---- */

int bp_quota_cores(const char *line) {
  enum { MOST = 1 << 20 };
  char *rest, *end;
  long long quota = strtoll(line, &rest, 10);
  if (rest == line) return 0; /* "max": no limit */
  long long period = strtoll(rest, &end, 10);
  if (end == rest || quota <= 0 || period <= 0 || quota / period >= MOST) return 0;
  return (int)(quota / period) + (quota % period != 0);
}

#ifdef __linux__
/* Cores in the affinity mask; 0 when unknown. */
static int affinity_cores(void) {
  union {
    cpu_set_t set;
    unsigned char room[1 << 13]; /* as many cores as any kernel has */
  } mask;
  return sched_getaffinity(0, sizeof mask, &mask.set) == 0 ? CPU_COUNT_S(sizeof mask, &mask.set) : 0;
}

/* What the container's quota allows; 0 when there is none. */
static int quota_cores(void) {
  char line[64];
  int fd = bp_io_open("/sys/fs/cgroup/cpu.max", O_RDONLY, 0);
  if (fd < 0) return 0;
  ssize_t got = bp_io_read(fd, line, sizeof line - 1);
  (void)bp_io_now()->close(fd);
  if (got <= 0) return 0;
  line[got] = '\0';
  return bp_quota_cores(line);
}
#else
static int affinity_cores(void) { return 0; }

static int quota_cores(void) { return 0; }
#endif

int bp_core_count(void) {
  long cores = affinity_cores();
  if (cores < 1) cores = sysconf(_SC_NPROCESSORS_ONLN);
  if (cores < 1) cores = 1;
  int quota = quota_cores();
  return quota > 0 && quota < cores ? quota : (int)cores;
}
