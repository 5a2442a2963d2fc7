/* backprop/program.h - compile a graph once, run it many times.
 *
 * A program is immutable: any number of threads may run it at once, each with a workspace of its own. Running
 * allocates nothing and takes no lock.
 */
#ifndef BACKPROP_PROGRAM_H
#define BACKPROP_PROGRAM_H
#include "backprop/graph.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct bp_program bp_program;
typedef struct bp_workspace bp_workspace;

typedef struct bp_compile_options {
  size_t size;       /* sizeof(bp_compile_options): lets later versions add fields */
  int64_t max_batch; /* rows that BP_BATCH may stand for; 0: 1024 */
  bool no_fusion;    /* one instruction per node: for tests and for reading a plan */
} bp_compile_options;

/* NEW program computing `outputs` from `inputs`; both BORROW, as are the options (NULL: defaults). The program does not
 * need the graph afterwards. Outputs may be bp_assign() roots: their state must be among the inputs.
 * BP_E_GRAPH   the graph recorded an error while it was built (its message is kept)
 * BP_E_INPUT   an output depends on a variable that is not among the inputs
 * BP_E_ARG     no outputs, variables of different graphs, the symbolic zero or null variable as an output, a state assigned twice
 * BP_E_NOMEM   the allocator returned NULL */
BP_API bp_status bp_compile(const bp_var *outputs, size_t n_outputs, const bp_var *inputs, size_t n_inputs,
                            const bp_compile_options *options, bp_program **out);
BP_API void bp_program_free(bp_program *program);

/* NEW text of the plan: phases, instructions, buffers, flops and bytes per row and per step. With BP_EXPLAIN=1 in the
 * environment bp_compile() hands the same text to the receiver of the context's messages, line by line, as notes. */
BP_API bp_status bp_program_explain(bp_context *context, const bp_program *program, char **out);

/* What one run costs at this batch size, counted from the plan: what folding and sharing left over.
 *
 *   elementwise               1 for each element, whatever the function
 *   products, stacks of them  2 m n k for each matrix
 *   sums, maxima, argmax, cumulated sums, scatter_add   1 for each element of the argument; norm 2; logsumexp and cross
 *                             entropy 4
 *   matrices of n by n        cholesky n³/3, solve and logdet 2n³/3; what is solved for: n² a column, 2n² in bp_solve()
 *   bp_uniform                1 for each element
 *   operations of your own    1 for each element that they read or write: nothing else is known of them
 *   moves and conversions     0: slices, concatenations, gathers, casts, copies, transposes, one-hot rows
 *   branches                  the one that costs more
 *   loops                     as many iterations, with their condition, as there can be: max_trips of bp_while()
 *
 * Bytes are those that instructions read and write, cached or not; inside branches and loops likewise. */
typedef struct bp_cost {
  int64_t flops; /* 2^62 and more: 2^62 */
  int64_t bytes;
  size_t memory; /* bytes of a workspace for one thread, with those of branches and loops */
  int phases;    /* barriers */
  int instructions;
} bp_cost;
BP_API bp_cost bp_program_cost(const bp_program *program, int64_t batch);

/* NEW workspace for `program` on `threads` threads (0: one per core, 1: no thread is started). None is started either for a
 * program too small to share: no phase of it has 200,000 flops and bytes together. The context receives the
 * messages of bp_run(). The program must outlive it. */
BP_API bp_status bp_workspace_new(bp_context *context, const bp_program *program, int threads, bp_workspace **out);
BP_API void bp_workspace_free(bp_workspace *workspace);

/* Runs: inputs[i] is the dense row-major value of the i-th input, outputs[i] receives the i-th output (NULL: not wanted; for
 * bp_assign() roots it is ignored). States are updated in place through their inputs[] pointer. Pointers need the
 * alignment of their element type, and are faster when they begin on a cache line (64 bytes), above all states that threads
 * share; outputs must not overlap inputs or each other. batch: what BP_BATCH stands for.
 * The results are the same, bit for bit, for every number of threads.
 * BP_E_LIMIT  batch is negative or beyond max_batch
 * BP_E_DATA   a row or class number is out of range: then no state has been changed */
BP_API bp_status bp_run(const bp_program *program, bp_workspace *workspace, int64_t batch, const void *const *inputs,
                        void *const *outputs);

#ifdef __cplusplus
}
#endif
#endif
