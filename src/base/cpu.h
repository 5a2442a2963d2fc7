/* base/cpu.h - what this CPU can do, asked once, by feature and never by model name. */
#ifndef BP_BASE_CPU_H
#define BP_BASE_CPU_H
/* Kernel builds, from plain to wide. A build is usable when every feature it was compiled with is there. */
typedef enum bp_isa { BP_ISA_BASELINE, BP_ISA_AVX2, BP_ISA_AVX512, BP_ISA_COUNT } bp_isa;

/* The widest usable build; the environment variable BACKPROP_ISA=baseline|avx2|avx512 lowers it (a name that is
 * unknown or not usable here is ignored; `backprop version` shows what is in use). */
bp_isa bp_cpu_isa(void);
/* What bp_cpu_isa() answers when the environment variable holds `wish` (NULL: is not set). */
bp_isa bp_isa_choose(const char *wish);
/* VIEW "baseline", "avx2", "avx512". */
const char *bp_isa_name(bp_isa isa);
/* Whether this CPU can run a build, whatever the environment says. */
int bp_cpu_can(bp_isa isa);
/* Cores' worth of time, rounded up, that a line of the Linux file cpu.max allows ("200000 100000", in microseconds of
 * each period); 0 when it sets no limit. */
int bp_quota_cores(const char *line);

#endif
