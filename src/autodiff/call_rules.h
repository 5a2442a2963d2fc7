/* autodiff/call_rules.h - derivatives of branches and loops: each is a branch or loop again, over derivatives of its functions. */
#ifndef BP_AUTODIFF_CALL_RULES_H
#define BP_AUTODIFF_CALL_RULES_H
#include "graph/call.h"

/* result_dot[n_results] from arg_dot[n_args]: symbolic zeros allowed on both sides. */
bp_status bp_call_jvp(bp_var call, const bp_var *arg_dot, bp_var *result_dot);
/* arg_bar[n_args] from result_bar[n_results]: symbolic zeros allowed on both sides. */
bp_status bp_call_vjp(bp_var call, const bp_var *result_bar, bp_var *arg_bar);

#endif
