/* trace_text.c - the words of a trace: symbols, expressions, and the rules of derivatives. Floor: expression. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/number.h"
#include "base/text.h"
#include "expression/tracing.h"

/* A constant that takes more room than this gets a line of its own; and how many numbers of an array are shown. */
enum { CONSTANT_MAX = 40, NUMBERS_SHOWN = 4 };

/* ---- texts of limited length ---- */
void bp_text_add(bp_text *text, const char *piece) {
  static const char ellipsis[] = "…";
  size_t room = sizeof text->data - sizeof ellipsis - text->size, size = strlen(piece);
  if (text->cut) return;
  if (size <= room) {
    memcpy(text->data + text->size, piece, size + 1);
    text->size += size;
    return;
  }
  size_t fits = 0; /* whole characters */
  for (size_t c; fits < room && (c = bp_utf8_length(piece + fits, size - fits)) > 0 && fits + c <= room;) fits += c;
  memcpy(text->data + text->size, piece, fits);
  memcpy(text->data + text->size + fits, ellipsis, sizeof ellipsis);
  text->size += fits + sizeof ellipsis - 1;
  text->cut = true;
}

void bp_text_number(bp_text *text, double number) {
  char exact[BP_NUMBER_TEXT], rounded[BP_NUMBER_TEXT];
  (void)bp_number_text(number, exact);
  (void)snprintf(rounded, sizeof rounded, "%.6g", number);
  bp_text_add(text, strlen(exact) <= 8 ? exact : rounded);
}

const char *bp_text_keep(bp_tracer *t, bp_arena *arena, const bp_text *text) {
  char *copy = bp_arena_string(arena, text->data, text->data + text->size);
  if (copy == NULL) t->failed = true;
  return copy != NULL ? copy : "";
}

/* ---- symbols ---- */
static void add_index(bp_text *text, int number) {
  static const char *const digits[] = {"₀", "₁", "₂", "₃", "₄", "₅", "₆", "₇", "₈", "₉"};
  char decimal[16];
  (void)snprintf(decimal, sizeof decimal, "%d", number);
  for (const char *c = decimal; *c != '\0'; c++) bp_text_add(text, *c == '-' ? "₋" : digits[*c - '0']);
}

/* mark: "" for the variable, a bar for its adjoint, a dot for its tangent. */
static void add_symbol(bp_text *text, const char *mark, int number) {
  bp_text_add(text, "v");
  bp_text_add(text, mark);
  add_index(text, number);
}

static const char *const bar = "\xCC\x84", *const dot = "\xCC\x87"; /* combining characters */

/* "[0,1:3]": the elements of a window; nothing for all. */
static void add_path(bp_text *text, const bp_tracer *t, const bp_reference *r) {
  if (r->window == NULL) return;
  const bp_shape *s = bp_shape_of((bp_var){t->graph, r->node});
  int last = s->rank;
  const int64_t *from = r->window->first, *to = r->window->last;
  while (last > 0 && from[last - 1] == 0 && to[last - 1] == s->dims[last - 1]) last--;
  for (int i = 0; i < last; i++) {
    char piece[64];
    if (from[i] == 0 && to[i] == s->dims[i])
      (void)snprintf(piece, sizeof piece, ":");
    else if (to[i] - from[i] == 1)
      (void)snprintf(piece, sizeof piece, "%" PRId64, from[i]);
    else
      (void)snprintf(piece, sizeof piece, "%" PRId64 ":%" PRId64, from[i], to[i]);
    bp_text_add(text, i == 0 ? "[" : ",");
    bp_text_add(text, piece);
  }
  if (last > 0) bp_text_add(text, "]");
}

static void add_reference(bp_text *text, const bp_tracer *t, const char *mark, const bp_reference *r) {
  add_symbol(text, mark, bp_line_of(t, r->node)->number);
  add_path(text, t, r);
}

/* ---- templates ---- */
typedef struct filling {
  const char *arg[3];
  bool atomic[3];
  const char *result, *derivative, *attribute;
} filling;

/* Whether what stands at `at` in a template has brackets or commas on both sides, so that it needs no parentheses. */
static bool stands_alone(const char *template, const char *at) {
  bool left = at == template || at[-1] == '(' || (at[-1] == ' ' && at - template > 1 && at[-2] == ',');
  return left && (at[2] == ')' || at[2] == ',' || at[2] == '$' || (at[2] == '\0' && at == template));
}

static void fill(bp_text *text, const char *template, const filling *f) {
  for (const char *at = template; *at != '\0'; at++) {
    char one[2] = {*at, '\0'};
    if (*at != '$') {
      bp_text_add(text, one);
      continue;
    }
    int k = at[1] - '1';
    bool bare = k < 0 || k > 2 || f->atomic[k] || stands_alone(template, at);
    bp_text_add(text, bare ? "" : "(");
    bp_text_add(text, k >= 0 && k <= 2 ? f->arg[k]
                      : at[1] == 'y'   ? f->result
                      : at[1] == 'd'   ? f->derivative
                                       : f->attribute);
    bp_text_add(text, bare ? "" : ")");
    at++;
  }
}

/* ---- constants ---- */
static double element(const bp_node *n, int64_t i) {
  return n->dtype == BP_F64   ? ((const double *)n->attr.data)[i]
         : n->dtype == BP_F32 ? (double)((const float *)n->attr.data)[i]
         : n->dtype == BP_I32 ? ((const int32_t *)n->attr.data)[i]
                              : ((const uint8_t *)n->attr.data)[i];
}

/* [[1, 2], [3, 4]], or the first few numbers. */
static void add_array(bp_text *text, const bp_node *n, const bp_shape *s) {
  int64_t size = bp_shape_elements(s, 0), shown = size > NUMBERS_SHOWN ? 2 : size;
  for (int64_t e = 0; e < shown; e++) {
    int64_t block = 1;
    int opened = 0, closed = 0;
    for (int i = s->rank - 1; i >= 0; i--) {
      block *= s->dims[i];
      opened += e % block == 0;
      closed += (e + 1) % block == 0;
    }
    if (e > 0) bp_text_add(text, ", ");
    for (int i = 0; i < opened; i++) bp_text_add(text, "[");
    bp_text_number(text, element(n, e));
    for (int i = 0; i < closed; i++) bp_text_add(text, "]");
  }
  if (shown < size) bp_text_add(text, ", …]");
}

static bool constant_number(const bp_tracer *t, const bp_node *n, double *out) {
  const bp_shown *a = bp_op_table[n->op].arity >= 1 ? &t->views[n->arg[0]] : NULL;
  if (n->op == BP_OP_scalar) return *out = n->attr.scalar, true;
  if (n->op != BP_OP_neg || a == NULL || !a->is_number) return false;
  return *out = -a->number, true;
}

static void fill_constant(bp_text *text, const bp_tracer *t, const bp_node *n, bool *atomic) {
  char attribute[BP_TRACE_ATTRIBUTE];
  const bp_trace_rule *rule = bp_trace_rule_of(t->graph, n);
  filling f = {.result = "", .derivative = "", .attribute = attribute};
  bp_trace_attribute(t->graph, n, attribute);
  for (int a = 0; a < bp_node_arity(n) && a < 3; a++) {
    f.arg[a] = t->views[n->arg[a]].text;
    f.atomic[a] = t->views[n->arg[a]].atomic;
  }
  fill(text, rule->expression, &f);
  size_t name = strspn(rule->expression, "abcdefghijklmnopqrstuvwxyz0123456789");
  *atomic = name > 0 && rule->expression[name] == '(';
}

bool bp_constant_text(bp_tracer *t, uint32_t node, bp_shown *view) {
  const bp_node *n = &t->graph->nodes[node];
  bp_text text = {.size = 0};
  *view = (bp_shown){.kind = BP_SHOWN_CONSTANT, .atomic = true};
  if (bp_trace_hands_on(t, node)) return *view = t->views[n->arg[0]], true;
  view->is_number = constant_number(t, n, &view->number);
  if (view->is_number) {
    bp_text_number(&text, view->number);
    view->atomic = view->number >= 0;
  } else if (n->op == BP_OP_constant) {
    add_array(&text, n, &t->graph->shapes[n->shape]);
  } else if (bp_op_table[n->op].arity > 0 && bp_trace_rule_of(t->graph, n)->expression != NULL) {
    fill_constant(&text, t, n, &view->atomic);
  } else {
    return false;
  }
  view->text = bp_text_keep(t, &t->work, &text);
  return text.size <= CONSTANT_MAX && !text.cut;
}

/* ---- sums of multiples ---- */
/* The size of a term; the sign is written by the caller. what: the text of its reference, "" for a constant. */
static void add_multiple(bp_text *text, const bp_term *term, const char *what) {
  double factor = term->factor < 0 ? -term->factor : term->factor;
  bool shown = factor != 1 || (term->scale == NULL && what[0] == '\0');
  if (shown) bp_text_number(text, factor);
  if (term->scale != NULL) {
    bp_text_add(text, shown ? "*" : "");
    bp_text_add(text, term->scale);
  }
  if (what[0] != '\0') {
    bp_text_add(text, shown || term->scale != NULL ? "*" : "");
    bp_text_add(text, what);
  }
  if (term->divisor != 1) {
    bp_text_add(text, term->divisor < 0 ? "/(" : "/");
    bp_text_number(text, term->divisor);
    bp_text_add(text, term->divisor < 0 ? ")" : "");
  }
}

static void add_form(bp_text *text, const bp_tracer *t, const bp_shown *v) {
  for (int i = 0; i < v->n_terms; i++) {
    const bp_term *term = &v->terms[i];
    bp_text what = {.size = 0};
    bool negative = term->factor < 0;
    if (term->ref.node != 0) add_reference(&what, t, "", &term->ref);
    bp_text_add(text, i == 0 ? (negative ? "-" : "") : negative ? " - " : " + ");
    add_multiple(text, term, what.size > 0 ? what.data : "");
  }
}

/* ---- parts of rules ---- */
static void add_part(bp_tracer *t, bp_line *to, const char *path, const bp_text *text) {
  bp_part *part = bp_trace_work(t, 1, sizeof *part);
  if (part == NULL) return;
  *part = (bp_part){.path = path, .text = bp_text_keep(t, &t->work, text)};
  *to->last_part = part;
  to->last_part = &part->next;
}

/* What a use gives to the adjoint of what it uses: summed where it was repeated, added where it was taken from. */
static void add_adjoint_part(bp_tracer *t, const bp_reference *r, const bp_text *text) {
  bp_text path = {.size = 0}, whole = {.size = 0};
  bool negative = text->size > 0 && text->data[0] == '-';
  add_path(&path, t, r);
  bp_text_add(&whole, r->repeated ? (negative ? "-sum(" : "sum(") : "");
  bp_text_add(&whole, r->repeated && negative ? text->data + 1 : text->data);
  bp_text_add(&whole, r->repeated ? ")" : "");
  add_part(t, bp_line_of(t, r->node), bp_text_keep(t, &t->work, &path), &whole);
}

static bool is_forward(const bp_tracer *t) { return t->options->mode == BP_MODE_FORWARD; }

/* The derivative that a rule starts from: the adjoint of the line, or the tangent of what it uses. */
static void add_derivative(bp_text *text, const bp_tracer *t, const bp_line *line, const bp_reference *r) {
  if (is_forward(t))
    add_reference(text, t, dot, r);
  else
    add_symbol(text, bar, line->number);
}

static void give_part(bp_tracer *t, bp_line *line, const bp_reference *r, const bp_text *text) {
  if (is_forward(t))
    add_part(t, line, "", text);
  else
    add_adjoint_part(t, r, text);
}

static bool carries(const bp_tracer *t, const bp_line *line, const bp_reference *r) {
  return r->node != 0 && line->active && bp_line_of(t, r->node)->active;
}

static void form_parts(bp_tracer *t, bp_line *line, const bp_shown *v) {
  for (int i = 0; i < v->n_terms; i++) {
    bp_text what = {.size = 0}, text = {.size = 0};
    if (!carries(t, line, &v->terms[i].ref)) continue;
    add_derivative(&what, t, line, &v->terms[i].ref);
    bp_text_add(&text, v->terms[i].factor < 0 ? "-" : "");
    add_multiple(&text, &v->terms[i], what.data);
    give_part(t, line, &v->terms[i].ref, &text);
  }
}

/* ---- lists ---- */
static const bp_shown *arg_view(const bp_tracer *t, const bp_node *n, int a) {
  return &t->views[bp_node_args(t->graph, n)[a]];
}

static void add_arg(bp_text *text, const bp_tracer *t, const char *mark, const bp_shown *v) {
  if (v->kind == BP_SHOWN_CONSTANT)
    bp_text_add(text, mark[0] != '\0' ? "0" : v->text);
  else
    add_reference(text, t, mark, &v->ref);
}

/* Whether arguments have been given an axis along which they are joined: a list. */
static bool is_list(const bp_tracer *t, const bp_node *n) {
  if (n->op != BP_OP_concat || n->axis != 0) return false;
  for (int a = 0; a < bp_node_arity(n); a++) {
    const bp_node *arg = &t->graph->nodes[bp_node_args(t->graph, n)[a]];
    bool constant = arg_view(t, n, a)->kind == BP_SHOWN_CONSTANT && t->graph->shapes[arg->shape].dims[0] == 1;
    bool grown = arg->op == BP_OP_reshape &&
                 t->graph->shapes[arg->shape].rank == t->graph->shapes[t->graph->nodes[arg->arg[0]].shape].rank + 1;
    if (!constant && !grown) return false;
  }
  return true;
}

static void add_args(bp_text *text, const bp_tracer *t, const bp_node *n, const char *mark) {
  bool list = is_list(t, n);
  bp_text_add(text, list ? "[" : n->op == BP_OP_concat ? "concat(" : bp_op_table[n->op].name);
  bp_text_add(text, n->op == BP_OP_concat ? "" : "(");
  for (int a = 0; a < bp_node_arity(n) && !text->cut; a++) {
    bp_text_add(text, a > 0 ? ", " : "");
    add_arg(text, t, mark, arg_view(t, n, a));
  }
  bp_text_add(text, list ? "]" : ")");
}

/* The adjoint of an argument is a piece of the list's. */
static void list_parts(bp_tracer *t, bp_line *line, const bp_node *n) {
  int64_t at = 0;
  bp_text text = {.size = 0};
  if (is_forward(t)) {
    add_args(&text, t, n, dot);
    add_part(t, line, "", &text);
    return;
  }
  for (int a = 0; a < bp_node_arity(n); a++) {
    const bp_shown *v = arg_view(t, n, a);
    bp_window w = {.first = {0}};
    const bp_shape *whole = &t->graph->shapes[n->shape];
    for (int i = 0; i < whole->rank; i++) w.last[i] = whole->dims[i];
    w.first[n->axis] = at;
    at += t->graph->shapes[t->graph->nodes[bp_node_args(t->graph, n)[a]].shape].dims[n->axis];
    w.last[n->axis] = at;
    if (v->kind == BP_SHOWN_CONSTANT || !carries(t, line, &v->ref)) continue;
    bp_text piece = {.size = 0};
    add_reference(&piece, t, bar, &(bp_reference){.node = line->node, .window = &w});
    add_adjoint_part(t, &v->ref, &piece);
  }
}

/* ---- operations ---- */
static void operation(bp_tracer *t, bp_line *line, const bp_node *n, bp_text *expression) {
  const bp_trace_rule *rule = bp_trace_rule_of(t->graph, n);
  bp_text args[3] = {{.size = 0}}, symbol = {.size = 0};
  char attribute[BP_TRACE_ATTRIBUTE];
  filling f = {.attribute = attribute, .derivative = ""};
  int arity = bp_node_arity(n);
  add_symbol(&symbol, "", line->number);
  f.result = symbol.data;
  bp_trace_attribute(t->graph, n, attribute);
  for (int a = 0; a < arity; a++) {
    const bp_shown *v = arg_view(t, n, a);
    add_arg(&args[a], t, "", v);
    f.arg[a] = args[a].data;
    f.atomic[a] = v->kind != BP_SHOWN_CONSTANT || v->atomic;
  }
  fill(expression, rule->expression, &f);
  for (int a = 0; a < arity; a++) {
    const bp_shown *v = arg_view(t, n, a);
    const char *template = is_forward(t) && rule->tangent[a] != NULL ? rule->tangent[a] : rule->adjoint[a];
    if (template == NULL || v->kind == BP_SHOWN_CONSTANT || !carries(t, line, &v->ref)) continue;
    bp_text derivative = {.size = 0}, text = {.size = 0};
    add_derivative(&derivative, t, line, &v->ref);
    f.derivative = derivative.data;
    fill(&text, template, &f);
    bp_reference ref = v->ref;
    if (rule->exact) ref.repeated = false;
    give_part(t, line, &ref, &text);
  }
}

/* Anything else: the operation's name, and what a rule is called. */
static void other_operation(bp_tracer *t, bp_line *line, const bp_node *n, bp_text *expression) {
  add_args(expression, t, n, "");
  for (int a = 0; a < bp_node_arity(n); a++) {
    const bp_shown *v = arg_view(t, n, a);
    if (v->kind == BP_SHOWN_CONSTANT || !carries(t, line, &v->ref)) continue;
    bp_text text = {.size = 0};
    bp_text_add(&text, is_forward(t) ? "jvp(" : "vjp(");
    add_derivative(&text, t, line, &v->ref);
    bp_text_add(&text, ")");
    give_part(t, line, &v->ref, &text);
  }
}

static void write_line(bp_tracer *t, bp_line *line) {
  bp_text symbol = {.size = 0}, expression = {.size = 0};
  const bp_shown *v = &t->views[line->node];
  const bp_node *n = &t->graph->nodes[v->core];
  bp_var var = {t->graph, line->node};
  add_symbol(&symbol, "", line->number);
  if (n->op == BP_OP_input)
    bp_text_add(&expression, bp_var_name(var)[0] != '\0' ? bp_var_name(var) : "input");
  else if (v->terms != NULL)
    add_form(&expression, t, v), form_parts(t, line, v);
  else if (n->op == BP_OP_concat)
    add_args(&expression, t, n, ""), list_parts(t, line, n);
  else if (bp_trace_rule_of(t->graph, n)->expression != NULL)
    operation(t, line, n, &expression);
  else
    other_operation(t, line, n, &expression);
  line->shown.var = var;
  line->shown.symbol = bp_text_keep(t, t->arena, &symbol);
  line->shown.name = bp_var_name(var);
  line->shown.expression = bp_text_keep(t, t->arena, &expression);
}

/* ---- rules ---- */
static void add_parts(bp_text *text, bp_part *first, const char *path) {
  bool any = false;
  for (bp_part *p = first; p != NULL; p = p->next) {
    if (p->text == NULL || strcmp(p->path, path) != 0) continue;
    bool negative = p->text[0] == '-';
    bp_text_add(text, !any ? (negative ? "-" : "") : negative ? " - " : " + ");
    bp_text_add(text, p->text + negative);
    p->text = NULL;
    any = true;
  }
}

/* What is added everywhere, then what is added to elements: "v̄₃ + v̄₄; [0]: v̄₁". */
static void write_rule(bp_tracer *t, bp_line *line) {
  bp_text text = {.size = 0};
  bool seed = is_forward(t) ? t->graph->nodes[line->node].op == BP_OP_input : line->node == t->y.id;
  if (seed && line->active) bp_text_add(&text, bp_shape_of(t->y)->rank == 0 && !is_forward(t) ? "1" : "seed");
  add_parts(&text, line->parts, "");
  for (bp_part *p = line->parts; p != NULL && !text.cut; p = p->next) {
    if (p->text == NULL) continue;
    bp_text_add(&text, text.size > 0 ? "; " : "");
    bp_text_add(&text, p->path);
    bp_text_add(&text, ": ");
    add_parts(&text, p, p->path);
  }
  if (text.size == 0 && line->active) bp_text_add(&text, "0");
  line->shown.rule = bp_text_keep(t, t->arena, &text);
}

void bp_trace_write(bp_tracer *t) {
  for (size_t i = 0; i < t->n_lines && !t->failed; i++) write_line(t, &t->lines[i]);
  for (size_t i = 0; i < t->n_lines && !t->failed; i++) write_rule(t, &t->lines[i]);
}
