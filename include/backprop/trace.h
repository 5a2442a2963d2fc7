/* backprop/trace.h - the evaluation of a graph as a table, the way textbooks write it.
 *
 * Each line is a variable. Inputs come first, v₋₁ v₀ for two of them; then v₁, v₂, … by depth: what depends on inputs only
 * is v₁ and so on, variables of equal depth in the order in which they were built; the last line is the result (unless that is an input). So a line
 * depends on lines before it only, and values are computed downwards, adjoints upwards.
 *
 *   v₁   v₋₂ + v₋₁ + 1.5*v₀      v̄₁ = v̄₃*v₃*(1 - v₃)
 *   v₃   sigmoid(v₁)             v̄₃ = -v̄₅
 *
 * What is not worth a line is written where it is used: constants, elements (v₀[1]), repeating, and sums of multiples of
 * inputs inside one another, so that w0 + w1 + 1.5*w2 is one variable.
 */
#ifndef BACKPROP_TRACE_H
#define BACKPROP_TRACE_H
#include "backprop/autodiff.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct bp_trace bp_trace;

/* Everything here BORROWs. */
typedef struct bp_trace_options {
  size_t size;          /* sizeof(bp_trace_options): lets later versions add fields */
  bp_mode mode;         /* BP_MODE_FORWARD: tangents; else adjoints */
  const bp_var *inputs; /* in the order of their numbers; all that the result depends on */
  size_t n_inputs;
  const bp_var *wrt; /* the inputs that derivatives are taken with respect to */
  size_t n_wrt;
  /* The columns of derivatives. Adjoints: seeds[n_columns], each like the result. Tangents: seeds[n_columns * n_inputs], a
   * tangent for each input, like it or the symbolic zero. */
  const bp_var *seeds;
  size_t n_columns;
} bp_trace_options;

/* One line; all texts are VIEWs into the trace, UTF-8, cut with "…" when very long. */
typedef struct bp_trace_line {
  bp_var var;
  const char *symbol;     /* "v₃" */
  const char *name;       /* of an input, or of a binding; "" if none */
  const char *expression; /* "sigmoid(v₁)"; of an input, its name */
  const char *rule; /* what its adjoint is: "v̄₄*2*v₃"; or its tangent: "v̇₁*v₃*(1 - v₃)"; "" when it has none */
  const bp_var *derivatives; /* [n_columns], each like var or the symbolic zero; evaluate them with bp_eval() */
} bp_trace_line;

/* NEW trace of y. Derivatives are appended to the graph, which must outlive the trace. Failures are recorded on the graph, as
 * builders do, and returned too; *out is then NULL, which has no lines.
 * BP_E_GRAPH, BP_E_NOMEM
 * BP_E_ARG    an input, or a variable of wrt that is no input      BP_E_SHAPE  a seed that does not fit
 * BP_E_INPUT  y depends on an input that was not given */
BP_API bp_status bp_trace_new(bp_var y, const bp_trace_options *options, bp_trace **out);
BP_API size_t bp_trace_lines(const bp_trace *trace);
/* The i-th line, i < bp_trace_lines(). */
BP_API bp_trace_line bp_trace_line_at(const bp_trace *trace, size_t i);
BP_API void bp_trace_free(bp_trace *trace);

#ifdef __cplusplus
}
#endif
#endif
