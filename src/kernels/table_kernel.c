/* kernels/table_kernel.c - the table of one ISA build: constant data, so nothing is set up at run time. */
#include "kernels/ew_names.h"
#include "kernels/kernels_isa.h"

const bp_kernels BP_ISA_FN(bp_kernels_table) = {
    .isa = BP_ISA_CODE,
    .fused = BP_HAS_FMA,
    .ew = {{
#define BP_EW(name, arity) BP_EW_FN(name, f32),
#include "kernels/elementwise.def"
#undef BP_EW
           },
           {
#define BP_EW(name, arity) BP_EW_FN(name, f64),
#include "kernels/elementwise.def"
#undef BP_EW
           }},
    .compound = {{
#define BP_COMPOUND(name, inputs, outputs) BP_COMPOUND_FN(name, f32),
#include "kernels/compounds.def"
#undef BP_COMPOUND
                 },
                 {
#define BP_COMPOUND(name, inputs, outputs) BP_COMPOUND_FN(name, f64),
#include "kernels/compounds.def"
#undef BP_COMPOUND
                 }},
    .gemm = {BP_ISA_FN(bp_gemm_f32), BP_ISA_FN(bp_gemm_f64)},
    .gemm_pack = {BP_ISA_FN(bp_gemm_pack_f32), BP_ISA_FN(bp_gemm_pack_f64)},
    .reduce = {{BP_ISA_FN(bp_reduce_sum_f32), BP_ISA_FN(bp_reduce_max_f32), BP_ISA_FN(bp_reduce_min_f32),
                BP_ISA_FN(bp_reduce_prod_f32)},
               {BP_ISA_FN(bp_reduce_sum_f64), BP_ISA_FN(bp_reduce_max_f64), BP_ISA_FN(bp_reduce_min_f64),
                BP_ISA_FN(bp_reduce_prod_f64)}},
    .logsumexp = {BP_ISA_FN(bp_logsumexp_f32), BP_ISA_FN(bp_logsumexp_f64)},
    .norm = {BP_ISA_FN(bp_norm_f32), BP_ISA_FN(bp_norm_f64)},
    .cumsum = {BP_ISA_FN(bp_cumsum_f32), BP_ISA_FN(bp_cumsum_f64)},
    .cholesky = {BP_ISA_FN(bp_cholesky_f32), BP_ISA_FN(bp_cholesky_f64)},
    .solve_triangular = {BP_ISA_FN(bp_solve_triangular_f32), BP_ISA_FN(bp_solve_triangular_f64)},
    .lu = {BP_ISA_FN(bp_lu_f32), BP_ISA_FN(bp_lu_f64)},
    .lu_solve = {BP_ISA_FN(bp_lu_solve_f32), BP_ISA_FN(bp_lu_solve_f64)},
    .lu_logdet = {BP_ISA_FN(bp_lu_logdet_f32), BP_ISA_FN(bp_lu_logdet_f64)},
    .peak = {BP_ISA_FN(bp_peak_f32), BP_ISA_FN(bp_peak_f64)},
    .uniform = {BP_ISA_FN(bp_uniform_f32), BP_ISA_FN(bp_uniform_f64)},
};
