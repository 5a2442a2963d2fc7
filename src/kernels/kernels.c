/* kernels/kernels.c - picks the table of an ISA build, and names the elementwise kernels. Compiled once, for any CPU. */
#include "kernels/kernels.h"

extern const bp_kernels bp_kernels_table_baseline;
#ifdef BP_HAVE_AVX2
extern const bp_kernels bp_kernels_table_avx2;
#endif
#ifdef BP_HAVE_AVX512
extern const bp_kernels bp_kernels_table_avx512;
#endif

static const bp_kernels *const tables[BP_ISA_COUNT] = {
    [BP_ISA_BASELINE] = &bp_kernels_table_baseline,
#ifdef BP_HAVE_AVX2
    [BP_ISA_AVX2] = &bp_kernels_table_avx2,
#endif
#ifdef BP_HAVE_AVX512
    [BP_ISA_AVX512] = &bp_kernels_table_avx512,
#endif
};

static const struct {
  const char *name;
  int arity;
} elementwise[BP_EW_COUNT] = {
#define BP_EW(name, arity) {#name, arity},
#include "kernels/elementwise.def"
#undef BP_EW
};

const char *bp_ew_name(bp_ew op) { return elementwise[op].name; }

int bp_ew_arity(bp_ew op) { return elementwise[op].arity; }

static const struct {
  const char *name;
  int inputs, outputs;
} compounds[BP_COMPOUND_COUNT] = {
#define BP_COMPOUND(name, inputs, outputs) {#name, inputs, outputs},
#include "kernels/compounds.def"
#undef BP_COMPOUND
};

const char *bp_compound_name(bp_compound c) { return compounds[c].name; }
int bp_compound_inputs(bp_compound c) { return compounds[c].inputs; }
int bp_compound_outputs(bp_compound c) { return compounds[c].outputs; }

const bp_kernels *bp_kernels_of(bp_isa isa) {
  if ((unsigned)isa >= BP_ISA_COUNT || !bp_cpu_can(isa)) return NULL;
  return tables[isa];
}

const char *bp_arithmetic_name(void) {
  return bp_kernels_use()->fused ? "fused multiply-add" : "separate multiply and add";
}

const bp_kernels *bp_kernels_use(void) {
  for (int isa = (int)bp_cpu_isa(); isa > 0; isa--) {
    if (tables[isa]) return tables[isa];
  }
  return tables[BP_ISA_BASELINE];
}
