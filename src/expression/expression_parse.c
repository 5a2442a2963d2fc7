/* expression_parse.c - the grammar: operators by precedence climbing (Richards, "BCPL", 1969), everything else by descent.
 *
 *   text      = { name "=" value ";" } value
 *   value     = operand { operator operand }                      by the table of operators
 *   operand   = ( "-" | "+" ) operand-of-powers | primary { "'" | "[" range { "," range } "]" }
 *   primary   = number | name | name "(" values ")" | "(" value ")" | "[" values "]"
 *   range     = whole | [ whole ] ":" [ whole ]
 *
 * All recursion goes through parse_value(), which counts its depth. Floor: expression.
 */
#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "autodiff/derivative_checks.h"
#include "base/suggest.h"
#include "base/text.h"
#include "expression/language.h"

/* ---- failing ---- */
/* Columns count characters, from 1. */
static size_t column_of(const bp_parser *p, const char *at) {
  size_t column = 1;
  for (const char *c = p->text; c < at; column++) {
    size_t size = bp_utf8_length(c, (size_t)(at - c));
    c += size > 0 ? size : 1;
  }
  return column;
}

bp_var bp_parse_fail(bp_parser *p, const char *at, bp_status status, const char *format, ...) {
  if (p->status != BP_OK) return bp_zero_of(p->graph);
  char line[BP_MESSAGE_MAX];
  va_list args;
  va_start(args, format);
  (void)vsnprintf(line, sizeof line, format, args);
  va_end(args);
  p->status = status;
  return bp_graph_fail(p->graph, status, "column %zu: %s", column_of(p, at), line);
}

static void advance(bp_parser *p) { p->token = bp_next_token(p); }

static bool take(bp_parser *p, const char *symbol) {
  if (p->status != BP_OK || !bp_token_is(&p->token, symbol)) return false;
  advance(p);
  return true;
}

/* What the next token is, for a message. */
static const char *found(const bp_token *t, char *text, size_t size) {
  if (t->kind == BP_TOKEN_END)
    (void)snprintf(text, size, "the end");
  else
    (void)snprintf(text, size, "'%.*s'", t->size < 40 ? (int)t->size : 40, t->at);
  return text;
}

static bp_var expected(bp_parser *p, const char *what) {
  char text[64];
  return bp_parse_fail(p, p->token.at, BP_E_ARG, "expected %s, found %s", what, found(&p->token, text, sizeof text));
}

static void expect(bp_parser *p, const char *symbol, const char *what) {
  if (!take(p, symbol)) (void)expected(p, what);
}

/* ---- names ---- */
static const struct {
  const char *name;
  double value;
} constants[] = {
    {"pi", 3.14159265358979323846}, {"e", 2.71828182845904523536}, {"inf", (double)INFINITY}, {"nan", (double)NAN}};
enum { CONSTANTS = sizeof constants / sizeof *constants };

static bool same(const bp_token *t, const char *name) {
  return strncmp(t->at, name, t->size) == 0 && name[t->size] == '\0';
}

/* "; given: x, y", cut where it becomes long; nothing where no name was given. */
static const char *given_names(const bp_parser *p, char *text, size_t room) {
  size_t at = 0;
  text[0] = '\0';
  for (size_t i = 0; i < p->n_names && at < room; i++) {
    const char *name = p->names[i].name, *before = i == 0 ? "; given: " : ", ";
    bool fits = strlen(before) + strlen(name) + sizeof ", ..." <= room - at;
    at += (size_t)snprintf(text + at, room - at, "%s%s", before, fits ? name : "...");
    if (!fits) break;
  }
  return text;
}

static bp_var unknown_name(bp_parser *p, const bp_token *t) {
  char word[65], given[128];
  bp_suggestion near = {0};
  const char *function = bp_function_named(t, false);
  if (function != NULL)
    return bp_parse_fail(p, t->at, BP_E_ARG, "%s is a function; its argument goes in parentheses: %s(...)", function,
                         function);
  (void)snprintf(word, sizeof word, "%.*s", t->size < 64 ? (int)t->size : 64, t->at);
  for (size_t i = 0; i < p->n_bindings; i++) bp_suggest_consider(&near, word, p->bindings[i].name);
  for (size_t i = 0; i < p->n_names; i++) bp_suggest_consider(&near, word, p->names[i].name);
  if (near.best != NULL)
    return bp_parse_fail(p, t->at, BP_E_ARG, "unknown name '%s'; did you mean %s?", word, near.best);
  return bp_parse_fail(p, t->at, BP_E_ARG, "unknown name '%s'; it was not given a value%s", word,
                       given_names(p, given, sizeof given));
}

/* The variable that a name stands for; bindings before names before constants. */
static bool find_name(bp_parser *p, const bp_token *t, bp_var *out) {
  for (size_t i = p->n_bindings; i-- > 0;)
    if (same(t, p->bindings[i].name)) return *out = p->bindings[i].var, true;
  for (size_t i = 0; i < p->n_names; i++) {
    if (!same(t, p->names[i].name)) continue;
    p->names[i].used = true;
    return *out = bp_cast(p->names[i].var, p->dtype), true;
  }
  for (size_t i = 0; i < CONSTANTS; i++)
    if (same(t, constants[i].name)) return *out = bp_scalar(p->graph, p->dtype, constants[i].value), true;
  return false;
}

/* ---- operands ---- */
static bp_var parse_value(bp_parser *p, int precedence);

/* The values up to `close`, which stay on p->values; the caller takes them off. */
static void parse_values(bp_parser *p, const char *close, const char *what) {
  if (take(p, close)) return;
  do {
    bp_var v = parse_value(p, BP_COMPARES);
    if (p->status != BP_OK) return;
    bp_status status =
        bp_grow(p->graph->ctx, (void **)&p->values, &p->values_capacity, p->n_values + 1, sizeof *p->values);
    if (status != BP_OK) {
      (void)bp_parse_fail(p, p->token.at, status, "out of memory");
      return;
    }
    p->values[p->n_values++] = v;
  } while (take(p, ","));
  expect(p, close, what);
}

/* The values since `base`; there may be none, and no array yet. */
static bp_var *values_from(const bp_parser *p, size_t base) { return p->n_values > base ? p->values + base : NULL; }

static bp_var parse_call(bp_parser *p, const bp_token *name) {
  size_t base = p->n_values;
  bp_var v;
  if (bp_function_named(name, false) == NULL) { /* before the arguments: the first mistake is the one to tell */
    bp_token call = *name;
    if (find_name(p, name, &v))
      return bp_parse_fail(p, name->at, BP_E_ARG, "%.*s is no function; a product is written with *",
                           (int)(call.size < 40 ? call.size : 40), call.at);
    return bp_build_call(p, name, NULL, 0);
  }
  advance(p);
  parse_values(p, ")", "',' or ')'");
  if (p->status != BP_OK) return bp_zero_of(p->graph);
  v = bp_build_call(p, name, values_from(p, base), p->n_values - base);
  p->n_values = base;
  return v;
}

static bp_var parse_list(bp_parser *p, const char *at) {
  size_t base = p->n_values;
  parse_values(p, "]", "',' or ']'");
  if (p->status != BP_OK) return bp_zero_of(p->graph);
  if (p->n_values == base) return bp_parse_fail(p, at, BP_E_ARG, "a vector needs at least one element");
  bp_var v = bp_build_list(p, at, values_from(p, base), p->n_values - base);
  p->n_values = base;
  return v;
}

static bp_var parse_name(bp_parser *p, const bp_token *name) {
  bp_var v;
  if (bp_token_is(&p->token, "(")) return parse_call(p, name);
  if (!find_name(p, name, &v)) return unknown_name(p, name);
  return bp_built(p, name->at, v);
}

static bp_var parse_primary(bp_parser *p) {
  bp_token t = p->token;
  bp_var v;
  if (t.kind == BP_TOKEN_END || (t.kind == BP_TOKEN_SYMBOL && *t.at != '(' && *t.at != '['))
    return expected(p, "a number, a name, '(' or '['");
  advance(p);
  if (t.kind == BP_TOKEN_NUMBER) return bp_built(p, t.at, bp_scalar(p->graph, p->dtype, t.number));
  if (t.kind == BP_TOKEN_NAME) return parse_name(p, &t);
  if (*t.at == '[') return parse_list(p, t.at);
  v = parse_value(p, BP_COMPARES);
  expect(p, ")", "')'");
  return v;
}

/* ---- indices ---- */
static bool parse_whole(bp_parser *p, int64_t *out) {
  bp_token t = p->token;
  if (bp_token_is(&t, "-")) {
    (void)bp_parse_fail(p, t.at, BP_E_ARG, "an index counts from 0 at the beginning; it is never negative");
    return false;
  }
  if (t.kind != BP_TOKEN_NUMBER || t.number != floor(t.number) || t.number > 1e15) {
    (void)expected(p, "a whole number as index");
    return false;
  }
  *out = (int64_t)t.number;
  advance(p);
  return true;
}

static bool parse_range(bp_parser *p, bp_range *r) {
  *r = (bp_range){.at = p->token.at, .last = -1};
  if (!bp_token_is(&p->token, ":") && !parse_whole(p, &r->first)) return false;
  if (!take(p, ":")) {
    r->last = r->first + 1;
    r->drop = true;
    return true;
  }
  if (bp_token_is(&p->token, ",") || bp_token_is(&p->token, "]")) return true;
  return parse_whole(p, &r->last);
}

static bp_var parse_index(bp_parser *p, const char *at, bp_var x) {
  bp_range ranges[BP_MAX_RANK];
  int n = 0;
  do {
    if (n == BP_MAX_RANK) return bp_parse_fail(p, p->token.at, BP_E_SHAPE, "more than %d indices", BP_MAX_RANK);
    if (!parse_range(p, &ranges[n++])) return x;
  } while (take(p, ","));
  expect(p, "]", "',' or ']'");
  return p->status == BP_OK ? bp_build_index(p, at, x, ranges, n) : x;
}

/* ---- operators ---- */
static bp_var parse_operand(bp_parser *p) {
  const char *at = p->token.at;
  bool minus = bp_token_is(&p->token, "-");
  p->row_vector = false;
  if (minus || bp_token_is(&p->token, "+")) {
    advance(p);
    bp_var x = parse_value(p, BP_SIGNS);
    p->row_vector = false;
    return minus && p->status == BP_OK ? bp_build_negative(p, at, x) : x;
  }
  bp_var x = parse_primary(p);
  p->row_vector = false;
  while (p->status == BP_OK) {
    at = p->token.at;
    if (take(p, "'")) {
      p->row_vector = bp_row_rank(x) == 1;
      x = bp_build_transpose(p, at, x);
    } else if (take(p, "[")) {
      p->row_vector = false;
      x = parse_index(p, at, x);
    } else {
      break;
    }
  }
  return x;
}

/* A value follows a value. */
static void check_juxtaposition(bp_parser *p) {
  const bp_token *t = &p->token;
  if (p->status != BP_OK || (t->kind != BP_TOKEN_NUMBER && t->kind != BP_TOKEN_NAME && !bp_token_is(t, "("))) return;
  char text[64];
  (void)bp_parse_fail(p, t->at, BP_E_ARG, "expected an operator before %s; a product is written with *",
                      found(t, text, sizeof text));
}

/* An operand and the operators behind it that bind at least so tightly. */
static bp_var parse_value(bp_parser *p, int precedence) {
  if (p->depth == BP_EXPRESSION_DEPTH_MAX)
    return bp_parse_fail(p, p->token.at, BP_E_LIMIT, "nested deeper than %d", BP_EXPRESSION_DEPTH_MAX);
  p->depth++;
  bp_var left = parse_operand(p);
  int compared = 0;
  check_juxtaposition(p);
  for (const bp_operator *o;
       p->status == BP_OK && (o = bp_operator_of(&p->token)) != NULL && o->precedence >= precedence;) {
    const char *at = p->token.at;
    if (o->precedence == BP_COMPARES && compared++ > 0) {
      left = bp_parse_fail(p, at, BP_E_ARG, "comparisons do not chain; write (a < b)*(b < c)");
      break;
    }
    bool left_is_row = p->row_vector;
    advance(p);
    bp_var right = parse_value(p, o->precedence + !o->from_right);
    p->row_vector = p->row_vector && !left_is_row;
    if (p->status == BP_OK) left = o->build(p, at, left, right);
    p->row_vector = false;
  }
  p->depth--;
  return left;
}

/* ---- bindings ---- */
/* Whether "name =" comes next. */
static bool at_binding(bp_parser *p) {
  if (p->token.kind != BP_TOKEN_NAME) return false;
  const char *at = p->next;
  while (*at == ' ' || *at == '\t' || *at == '\n' || *at == '\r') at++;
  return at[0] == '=' && at[1] != '=';
}

static bool name_is_taken(const bp_parser *p, const bp_token *t) {
  for (size_t i = 0; i < p->n_bindings; i++)
    if (same(t, p->bindings[i].name)) return true;
  for (size_t i = 0; i < p->n_names; i++)
    if (same(t, p->names[i].name)) return true;
  return false;
}

static void add_binding(bp_parser *p, const bp_token *t, bp_var v) {
  if (p->n_names + p->n_bindings >= BP_EXPRESSION_NAMES_MAX) {
    (void)bp_parse_fail(p, t->at, BP_E_LIMIT, "more than %d names", BP_EXPRESSION_NAMES_MAX);
    return;
  }
  char *name = bp_arena_string(&p->graph->arena, t->at, t->at + t->size);
  if (name == NULL || bp_grow(p->graph->ctx, (void **)&p->bindings, &p->bindings_capacity, p->n_bindings + 1,
                              sizeof *p->bindings) != BP_OK) {
    (void)bp_parse_fail(p, t->at, BP_E_NOMEM, "out of memory");
    return;
  }
  p->bindings[p->n_bindings++] = (bp_binding){name, v};
  if (bp_node_of(v)->name == 0) bp_var_set_name(v, name);
  (void)bp_built(p, t->at, v);
}

static void parse_binding(bp_parser *p) {
  bp_token name = p->token;
  char text[64];
  if (name_is_taken(p, &name)) {
    (void)bp_parse_fail(p, name.at, BP_E_ARG, "%s already has a value", found(&name, text, sizeof text));
    return;
  }
  advance(p);
  advance(p);
  bp_var v = parse_value(p, BP_COMPARES);
  if (p->status == BP_OK) add_binding(p, &name, v);
  if (p->status == BP_OK && p->token.kind == BP_TOKEN_END)
    (void)bp_parse_fail(p, p->token.at, BP_E_ARG, "the last part is the value, not a binding; add '; %.*s'",
                        name.size < 40 ? (int)name.size : 40, name.at);
  else
    expect(p, ";", "';' or an operator");
}

static bp_var parse_text(bp_parser *p) {
  advance(p);
  while (p->status == BP_OK && at_binding(p)) parse_binding(p);
  bp_var v = parse_value(p, BP_COMPARES);
  if (p->status == BP_OK && bp_token_is(&p->token, ";"))
    return bp_parse_fail(p, p->token.at, BP_E_ARG,
                         "only the last part is the value; the parts before it are bindings: name = ...");
  if (p->status == BP_OK && p->token.kind != BP_TOKEN_END) return expected(p, "an operator or the end");
  return v;
}

/* ---- the whole ---- */
static bp_status check_names(bp_graph *g, const bp_expression_name *names, size_t n) {
  if (n > BP_EXPRESSION_NAMES_MAX) (void)bp_graph_fail(g, BP_E_LIMIT, "more than %d names", BP_EXPRESSION_NAMES_MAX);
  for (size_t i = 0; i < n && g->status == BP_OK; i++) {
    const char *name = names[i].name;
    if (!bp_is_name(name, strlen(name)))
      (void)bp_graph_fail(g, BP_E_ARG, "'%.40s' is no name; expected a letter or _, then letters, digits and _", name);
    for (size_t k = 0; k < i; k++)
      if (strcmp(name, names[k].name) == 0) (void)bp_graph_fail(g, BP_E_ARG, "the name '%.40s' is given twice", name);
    if (names[i].var.graph != g || names[i].var.id == 0 || names[i].var.id >= g->size)
      (void)bp_graph_fail(g, BP_E_ARG, "'%.40s' is no variable of this graph", name);
  }
  return g->status;
}

static bp_status check_all(bp_graph *g, bp_dtype dtype, const char *text, const bp_expression_name *names, size_t n) {
  if (!bp_dtype_is_real(dtype))
    (void)bp_graph_fail(g, BP_E_DTYPE, "expression: element type %s, expected float32 or float64",
                        bp_dtype_name(dtype));
  else if (strlen(text) > BP_EXPRESSION_TEXT_MAX)
    (void)bp_graph_fail(g, BP_E_LIMIT, "an expression of %zu bytes; the limit is %d", strlen(text),
                        BP_EXPRESSION_TEXT_MAX);
  else
    (void)check_names(g, names, n);
  return g->status;
}

bp_status bp_expression_parse(bp_graph *graph, bp_dtype dtype, const char *text, bp_expression_name *names,
                              size_t n_names, bp_var *out) {
  bp_delivery d = bp_deliver(graph, out, 1);
  for (size_t i = 0; i < n_names; i++) names[i].used = false;
  if (d.status != BP_OK) return d.status;
  const char *file = graph->file; /* a column tells more than the line of the C code */
  bp_place_forget(graph);
  bp_parser p = {.graph = graph, .dtype = dtype, .text = text, .next = text, .names = names, .n_names = n_names};
  p.status = check_all(graph, dtype, text, names, n_names);
  bp_var v = p.status == BP_OK ? parse_text(&p) : bp_zero_of(graph);
  bp_release(bp_context_allocator(graph->ctx), p.bindings, p.bindings_capacity, sizeof *p.bindings);
  bp_release(bp_context_allocator(graph->ctx), p.values, p.values_capacity, sizeof *p.values);
  graph->file = file;
  *out = v;
  return bp_delivered(&d, p.status);
}
