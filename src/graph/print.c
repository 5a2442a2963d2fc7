/* print.c - graphs as text and as Graphviz drawings. Floor: graph. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/builder.h"
#include "graph/assembly.h"
#include "graph/custom_node.h"
#include "graph/node.h"

void bp_string_free(bp_context *context, char *string) {
  if (string != NULL) bp_release(bp_context_allocator(context), string, strlen(string) + 1, 1);
}

/* ---- attributes: what a node is beside its operation and arguments, into text[size] ---- */
typedef void (*attribute_fn)(const bp_graph *g, const bp_node *n, char *text, size_t size);

static void scalar_text(const bp_graph *g, const bp_node *n, char *text, size_t size) {
  (void)g, (void)snprintf(text, size, "%.9g", n->attr.scalar);
}

static void matmul_text(const bp_graph *g, const bp_node *n, char *text, size_t size) {
  (void)g, (void)snprintf(text, size, "%s%s", (n->attr.bits & BP_MATMUL_TA) != 0 ? ", left transposed" : "",
                          (n->attr.bits & BP_MATMUL_TB) != 0 ? ", right transposed" : "");
}

static void order_text(const bp_graph *g, const bp_node *n, char *text, size_t size) {
  char axes[2 * BP_MAX_RANK + 1] = "";
  size_t at = 0;
  for (int i = 0; i < g->shapes[n->shape].rank; i++)
    axes[at++] = ' ', axes[at++] = (char)('0' + ((n->attr.bits >> (4 * i)) & 15u));
  (void)snprintf(text, size, ", order%s", axes);
}

static void axes_text(const bp_graph *g, const bp_node *n, char *text, size_t size) {
  char axes[2 * BP_MAX_RANK + 1] = "";
  size_t at = 0;
  for (int i = 0; i < BP_MAX_RANK; i++)
    if ((n->attr.bits & BP_AXIS(i)) != 0) axes[at++] = ' ', axes[at++] = (char)('0' + i);
  (void)g, (void)snprintf(text, size, ", axes%s", axes);
}

static void span_text(const bp_graph *g, const bp_node *n, char *text, size_t size) {
  (void)g, (void)snprintf(text, size, ", axis %d from %" PRId64 " by %" PRId64, n->axis, bp_span_start(n->attr.bits),
                          bp_span_step(n->attr.bits));
}

static void axis_text(const bp_graph *g, const bp_node *n, char *text, size_t size) {
  (void)g, (void)snprintf(text, size, ", axis %d", n->axis);
}

static void key_text(const bp_graph *g, const bp_node *n, char *text, size_t size) {
  (void)g, (void)snprintf(text, size, ", key %016" PRIx64, n->attr.bits);
}

static void cumsum_text(const bp_graph *g, const bp_node *n, char *text, size_t size) {
  (void)g, (void)snprintf(text, size, ", axis %d%s", n->axis, n->attr.bits != 0 ? " from the end" : "");
}

static void triangle_text(const bp_graph *g, const bp_node *n, char *text, size_t size) {
  (void)g, (void)snprintf(text, size, ", %s, diagonal %" PRId64, bp_triangle_upper(n->attr.bits) ? "upper" : "lower",
                          bp_triangle_diagonal(n->attr.bits));
}

static void solve_text(const bp_graph *g, const bp_node *n, char *text, size_t size) {
  (void)g, (void)snprintf(text, size, ", %s%s", (n->attr.bits & BP_SOLVE_UPPER) != 0 ? "upper" : "lower",
                          (n->attr.bits & BP_SOLVE_TRANSPOSED) != 0 ? " transposed" : "");
}

static void custom_text(const bp_graph *g, const bp_node *n, char *text, size_t size) {
  (void)g, (void)snprintf(text, size, "%s'%s'", bp_node_arity(n) > 0 ? ", " : "", bp_custom_info_of(n)->op.name);
}

static void pieces_text(const bp_graph *g, const bp_node *n, char *text, size_t size) {
  (void)g, (void)snprintf(text, size, ", %zu pieces", bp_assembly_of(n)->n_pieces);
}

static const attribute_fn attributes[BP_OP_COUNT] = {
    [BP_OP_scalar] = scalar_text,
    [BP_OP_matmul] = matmul_text,
    [BP_OP_matmul_stack] = matmul_text,
    [BP_OP_transpose] = order_text,
    [BP_OP_sum] = axes_text,
    [BP_OP_reduce_max] = axes_text,
    [BP_OP_reduce_min] = axes_text,
    [BP_OP_norm] = axes_text,
    [BP_OP_axis_size] = axes_text,
    [BP_OP_slice] = span_text,
    [BP_OP_place] = span_text,
    [BP_OP_concat] = axis_text,
    [BP_OP_assemble] = pieces_text,
    [BP_OP_uniform] = key_text,
    [BP_OP_cumsum] = cumsum_text,
    [BP_OP_triangle] = triangle_text,
    [BP_OP_solve_triangular] = solve_text,
    [BP_OP_custom] = custom_text,
    [BP_OP_custom_vjp] = custom_text,
};

static const char *attribute_text(const bp_graph *g, const bp_node *n, char *text, size_t size) {
  text[0] = '\0';
  if (attributes[n->op] != NULL) attributes[n->op](g, n, text, size);
  return text;
}

/* The symbolic zero needs nothing. */
static bp_status needed_nodes(bp_graph *g, const bp_var *outputs, size_t n, uint8_t **needed, size_t *size) {
  for (size_t i = 0; i < n; i++)
    if (outputs[i].graph != g || outputs[i].id >= g->size)
      return bp_fail(g->ctx, BP_E_ARG, "print: output %zu is no variable of this graph", i);
  *needed = bp_calloc(g->ctx, g->size, 1);
  if (*needed == NULL) return BP_E_NOMEM;
  *size = g->size;
  for (size_t i = 0; i < n; i++) (*needed)[outputs[i].id] = 1;
  for (size_t id = g->size; id-- > 1;)
    for (int a = 0; (*needed)[id] && a < bp_node_arity(&g->nodes[id]); a++)
      (*needed)[bp_node_args(g, &g->nodes[id])[a]] = 1;
  return BP_OK;
}

static void print_node(bp_builder *t, const bp_graph *g, uint32_t id) {
  const bp_node *n = &g->nodes[id];
  char shape[BP_SHAPE_TEXT], attribute[64];
  bp_builder_add(t, "%%%" PRIu32 " = %s(", id, bp_op_table[n->op].name);
  for (int a = 0; a < bp_node_arity(n); a++)
    bp_builder_add(t, "%s%%%" PRIu32, a > 0 ? ", " : "", bp_node_args(g, n)[a]);
  bp_builder_add(t, "%s) : %s%s", attribute_text(g, n, attribute, sizeof attribute), bp_dtype_name((bp_dtype)n->dtype),
                 bp_shape_text(&g->shapes[n->shape], shape, sizeof shape));
  bp_builder_add(t, n->name != 0 ? "  %s\n" : "\n", n->name != 0 ? g->names[n->name - 1] : "");
}

static void dot_node(bp_builder *t, const bp_graph *g, uint32_t id) {
  const bp_node *n = &g->nodes[id];
  char shape[BP_SHAPE_TEXT], attribute[64];
  bp_builder_add(t, "  n%" PRIu32 " [label=\"", id);
  for (const char *c = n->name != 0 ? g->names[n->name - 1] : ""; *c != '\0'; c++)
    bp_builder_add(t, *c == '"' || *c == '\\' ? "\\%c" : "%c", *c);
  bp_builder_add(t, "%s%s%s%s\\n%s%s\"%s];\n", n->name != 0 ? "\\n" : "", bp_op_table[n->op].name,
                 n->op == BP_OP_scalar ? " " : "", attribute_text(g, n, attribute, sizeof attribute),
                 bp_dtype_name((bp_dtype)n->dtype), bp_shape_text(&g->shapes[n->shape], shape, sizeof shape),
                 bp_node_arity(n) == 0 ? ", shape=box" : "");
  for (int a = 0; a < bp_node_arity(n); a++)
    bp_builder_add(t, "  n%" PRIu32 " -> n%" PRIu32 ";\n", bp_node_args(g, n)[a], id);
}

static bp_status print_with(const bp_var *outputs, size_t n, void (*node)(bp_builder *, const bp_graph *, uint32_t),
                            const char *head, const char *tail, char **out) {
  bp_graph *g = bp_graph_of(outputs, n);
  if (g == NULL) return BP_E_ARG;
  if (g->status != BP_OK) return bp_graph_refuse(g);
  uint8_t *needed = NULL;
  size_t size = 0;
  BP_TRY(needed_nodes(g, outputs, n, &needed, &size));
  bp_builder t;
  bp_builder_init(&t, g->ctx);
  bp_builder_add(&t, "%s", head);
  for (uint32_t id = 1; id < size; id++)
    if (needed[id]) node(&t, g, id);
  bp_builder_add(&t, "%s", tail);
  bp_release(bp_context_allocator(g->ctx), needed, size, 1);
  return bp_builder_finish(&t, out);
}

bp_status bp_graph_print(const bp_var *outputs, size_t n_outputs, char **out) {
  return print_with(outputs, n_outputs, print_node, "", "", out);
}

bp_status bp_graph_dot(const bp_var *outputs, size_t n_outputs, char **out) {
  return print_with(outputs, n_outputs, dot_node, "digraph backprop {\n  rankdir=LR;\n  node [fontname=\"sans\"];\n",
                    "}\n", out);
}
