/* kernels/peak_impl.h - multiply-adds on registers alone: what the others are compared with. Included once per type.
 *
 * CHAINS chains that do not wait for each other: enough for two units of four cycles' latency, and few enough to stay in the 16
 * registers that every build has.
 */
#undef CHAINS
#define CHAINS 12

/* a ← a·x + x, `steps` times in every lane of every chain. The sum of all, which nobody needs, keeps the work from being left out. */
double BP_ISA_FN(R(bp_peak))(int64_t steps, int64_t *flops) {
  static volatile real start = (real)0.999; /* not known to the compiler */
  R(vec) chain[CHAINS], x = R(vset1)(start), sum = {0};
  BP_UNROLL
  for (int i = 0; i < CHAINS; i++) chain[i] = R(vset1)((real)i);
  for (int64_t s = 0; s < steps; s++) {
    BP_UNROLL
    for (int i = 0; i < CHAINS; i++) chain[i] = R(vfma)(chain[i], x, x);
  }
  BP_UNROLL
  for (int i = 0; i < CHAINS; i++) sum += chain[i];
  *flops = 2 * LANES * CHAINS * steps;
  return (double)sum[0];
}
