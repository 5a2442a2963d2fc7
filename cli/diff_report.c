/* cli/diff_report.c - derivatives for people: `name = array`, in the syntax of the language, aligned at the equals sign. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "console.h"
#include "diff.h"

enum { LABEL = 256 };

/* What stands before an equals sign, and where it stands. */
typedef struct layout {
  int label; /* columns of the widest label */
} layout;

static const char *first_label(const diff_problem *p, int i, char *text) {
  (void)snprintf(text, LABEL, "d/d%.100s", p->names[i].name);
  return text;
}

static const char *second_label(const diff_problem *p, int i, int j, char *text) {
  (void)snprintf(text, LABEL, "d²/d%.100s d%.100s", p->names[i].name, p->names[j].name);
  return text;
}

static const char *product_label(const diff_problem *p, int i, char *text) {
  (void)snprintf(text, LABEL, "hessian*along, %.100s", p->names[i].name);
  return text;
}

static const char *along_label = "directional", *value_label = "value";

static void widen(layout *l, const char *label) {
  if (cli_width(label) > l->label) l->label = cli_width(label);
}

static layout layout_of(const diff_problem *p, const diff_result *r) {
  layout l = {0};
  char text[LABEL];
  widen(&l, value_label);
  if (r->directional.data) widen(&l, along_label);
  for (int i = 0; i < r->n; i++) {
    if (r->first[i].data) widen(&l, first_label(p, i, text));
    if (r->product[i].data && p->names[i].wrt) widen(&l, product_label(p, i, text));
    for (int j = 0; j < r->n; j++)
      if (r->second[i * r->n + j].data) widen(&l, second_label(p, i, j, text));
  }
  return l;
}

/* ---- arrays ---- */
/* The widest number of each column of the last axis, into width[columns]. */
static void column_widths(const diff_array *a, int64_t columns, int *width) {
  char text[DIFF_NUMBER];
  for (int64_t e = 0; e < a->size; e++) {
    int w = (int)strlen(diff_number(a->data[e], text));
    if (w > width[e % columns]) width[e % columns] = w;
  }
}

static void print_brackets(char bracket, int n) {
  for (int i = 0; i < n; i++) cli_print("%c", bracket);
}

/* A row of the last axis on a line; the lines begin at column `indent`. */
static void print_array(const diff_array *a, int indent) {
  char text[DIFF_NUMBER];
  int64_t columns = a->rank > 0 ? a->dims[a->rank - 1] : 1;
  int *width = cli_alloc((size_t)columns, sizeof *width);
  if (a->rank > 1) column_widths(a, columns, width);
  for (int64_t e = 0; e < a->size; e++) {
    int opened, closed;
    diff_brackets(a, e, &opened, &closed);
    if (e > 0) cli_print(opened > 0 ? ",\n%*s" : ", ", opened > 0 ? indent + a->rank - opened : 0, "");
    print_brackets('[', opened);
    cli_print("%*s", width[e % columns], diff_number(a->data[e], text));
    print_brackets(']', closed);
  }
  cli_print("\n");
  free(width);
}

static void print_line(const layout *l, const char *label, const diff_array *a) {
  if (!a->data) return;
  cli_print("%s%*s = ", label, l->label - cli_width(label), "");
  print_array(a, l->label + 3);
}

/* A matrix without the axes that belong to names which are numbers; it shares the data. */
static diff_array without_axes(const diff_array *a, bool row, bool column) {
  diff_array b = *a;
  if (a->rank != 2 || (!row && !column)) return b;
  b.rank = !row + !column;
  b.dims[0] = row ? a->dims[1] : a->dims[0];
  return b;
}

static diff_array first_of(const diff_problem *p, const diff_result *r, int i) {
  return without_axes(&r->first[i], false, r->value.rank > 0 && p->names[i].value.rank == 0);
}

static diff_array second_of(const diff_problem *p, const diff_result *r, int i, int j) {
  return without_axes(&r->second[i * r->n + j], p->names[i].value.rank == 0, p->names[j].value.rank == 0);
}

/* ---- the check ---- */
static void print_comparison(const layout *l, const char *label, const diff_array *a, const diff_array *b) {
  char exact[DIFF_NUMBER], quotient[DIFF_NUMBER], index[DIFF_INDEX], line[2 * LABEL];
  for (int64_t e = 0; a->data && b->data && e < a->size; e++) {
    (void)snprintf(line, sizeof line, "%s%s", label, diff_index_text(a, e, index));
    cli_print("%s%*s %24s %24s %12.1e\n", line, l->label + 8 - cli_width(line), "", diff_number(a->data[e], exact),
              diff_number(b->data[e], quotient), a->data[e] - b->data[e]);
  }
}

static void print_check(const layout *l, const diff_problem *p, const diff_result *r, const diff_check *check) {
  char text[LABEL];
  const diff_result *d = &check->differences;
  cli_print("\n%-*s %24s %24s %12s\n", l->label + 8, "check", "derivative", "difference quotient", "difference");
  print_comparison(l, along_label, &r->directional, &d->directional);
  for (int i = 0; i < r->n; i++) {
    diff_array a = first_of(p, r, i), b = d->first[i];
    print_comparison(l, first_label(p, i, text), &a, &b);
  }
  for (int i = 0; i < r->n; i++) print_comparison(l, product_label(p, i, text), &r->product[i], &d->product[i]);
  for (int i = 0; i < r->n; i++)
    for (int j = 0; j < r->n; j++) {
      diff_array a = second_of(p, r, i, j), b = d->second[i * r->n + j];
      print_comparison(l, second_label(p, i, j, text), &a, &b);
    }
  cli_print("check %s: the largest difference is %.1e\n", check->agrees ? "passed" : "FAILED", check->largest);
}

void diff_report(const diff_problem *p, const diff_result *r, const diff_check *check) {
  char text[LABEL];
  layout l = layout_of(p, r);
  print_line(&l, value_label, &r->value);
  print_line(&l, along_label, &r->directional);
  for (int i = 0; i < r->n; i++) {
    diff_array a = first_of(p, r, i);
    print_line(&l, first_label(p, i, text), &a);
  }
  for (int i = 0; i < r->n; i++)
    if (p->names[i].wrt) print_line(&l, product_label(p, i, text), &r->product[i]);
  for (int i = 0; i < r->n; i++)
    for (int j = 0; j < r->n; j++) {
      diff_array a = second_of(p, r, i, j);
      print_line(&l, second_label(p, i, j, text), &a);
    }
  if (check) print_check(&l, p, r, check);
}
