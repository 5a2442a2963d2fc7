/* coloring.c - greedy colourings for compressed derivatives. Floor: autodiff.
 *
 * A vertex gets the smallest colour that its surroundings do not forbid; marks carry the number of the vertex that set them, so
 * that nothing is cleared in between.
 */
#include "autodiff/coloring.h"

#include "base/fail.h"

int64_t bp_color_least(const bp_pattern *p) {
  int64_t most = 0;
  for (int64_t i = 0; i < p->rows; i++)
    if (p->start[i + 1] - p->start[i] > most) most = p->start[i + 1] - p->start[i];
  return most;
}

/* ---- orders ---- */
/* Vertices by falling number of elements in their row of p, equal ones in their natural order: a counting sort. */
static bp_status largest_first(bp_context *ctx, const bp_pattern *p, int32_t *order) {
  size_t room = (size_t)bp_color_least(p) + 2;
  int64_t *place = bp_calloc(ctx, room, sizeof *place);
  if (place == NULL) return BP_E_NOMEM;
  for (int64_t i = 0; i < p->rows; i++) place[p->start[i + 1] - p->start[i]]++;
  for (size_t d = room - 1; d-- > 0;) place[d] += place[d + 1];
  /* place[d] is now how many have d elements or more: place[d + 1] is where those with d begin */
  for (int64_t i = 0; i < p->rows; i++) order[place[p->start[i + 1] - p->start[i] + 1]++] = (int32_t)i;
  bp_release(bp_context_allocator(ctx), place, room, sizeof *place);
  return BP_OK;
}

static int32_t smallest_allowed(const int32_t *forbidden, int32_t v) {
  int32_t c = 0;
  while (forbidden[c] == v) c++;
  return c;
}

/* ---- columns of a Jacobian ---- */
typedef struct column_coloring {
  const bp_pattern *p, *t;
  int32_t *forbidden; /* by colour: the last column that may not have it */
} column_coloring;

static int32_t color_columns_in(const column_coloring *s, const int32_t *order, int32_t *color) {
  int32_t n_colors = 0;
  for (int64_t j = 0; j < s->t->rows; j++) color[j] = s->forbidden[j] = -1;
  for (int64_t k = 0; k < s->t->rows; k++) {
    int32_t j = order != NULL ? order[k] : (int32_t)k;
    for (int64_t e = s->t->start[j]; e < s->t->start[j + 1]; e++) {
      int32_t i = s->t->column[e];
      for (int64_t f = s->p->start[i]; f < s->p->start[i + 1]; f++)
        if (color[s->p->column[f]] >= 0) s->forbidden[color[s->p->column[f]]] = j;
    }
    color[j] = smallest_allowed(s->forbidden, j);
    if (color[j] >= n_colors) n_colors = color[j] + 1;
  }
  return n_colors;
}

/* ---- stars of a Hessian: algorithm 4.1 of the paper of 2007 ---- */
/* The edges between two colours form stars. An edge knows its star, a star its hub once it has two edges. */
typedef struct star_coloring {
  const bp_pattern *p;
  int32_t *edge;      /* by place in p: number of the edge, the same from both ends */
  int32_t *star;      /* by edge */
  int32_t *hub;       /* by star: vertex, -1 while it has one edge */
  int32_t *forbidden; /* by colour */
  int32_t *treated;   /* by vertex: the last vertex for which its neighbours' colours were forbidden */
  int32_t *first_vertex, *first_neighbor,
      *first_edge; /* by colour: the first neighbour of that colour of first_vertex */
  int32_t *color;
  int32_t n_stars;
} star_coloring;

/* Numbers the edges. Rows ascend, so the mirror images of row v's places come in order in the other rows. */
static void number_edges(star_coloring *s, int64_t *next) {
  int32_t n = 0;
  for (int64_t i = 0; i < s->p->rows; i++) next[i] = s->p->start[i];
  for (int32_t v = 0; v < s->p->rows; v++)
    for (int64_t e = s->p->start[v]; e < s->p->start[v + 1]; e++) {
      int32_t w = s->p->column[e];
      if (w > v) s->edge[e] = s->edge[next[w]++] = n++;
    }
}

static bool colored_neighbor(const star_coloring *s, int64_t place, int32_t v) {
  int32_t w = s->p->column[place];
  return w != v && s->color[w] >= 0;
}

/* Forbids the colours of the neighbours of w. */
static void treat(star_coloring *s, int32_t v, int32_t w) {
  for (int64_t e = s->p->start[w]; e < s->p->start[w + 1]; e++)
    if (colored_neighbor(s, e, w)) s->forbidden[s->color[s->p->column[e]]] = v;
  s->treated[w] = v;
}

static void forbid_around(star_coloring *s, int32_t v) {
  for (int64_t e = s->p->start[v]; e < s->p->start[v + 1]; e++) {
    if (!colored_neighbor(s, e, v)) continue;
    int32_t w = s->p->column[e], c = s->color[w];
    s->forbidden[c] = v;
    if (s->first_vertex[c] == v) { /* v has two neighbours of this colour: it will be their hub */
      if (s->treated[s->first_neighbor[c]] != v) treat(s, v, s->first_neighbor[c]);
      treat(s, v, w);
      continue;
    }
    s->first_vertex[c] = v, s->first_neighbor[c] = w, s->first_edge[c] = s->edge[e];
    for (int64_t f = s->p->start[w]; f < s->p->start[w + 1]; f++) { /* v may not lengthen a star beyond its hub x */
      int32_t x = s->p->column[f];
      if (x != v && colored_neighbor(s, f, w) && s->hub[s->star[s->edge[f]]] == x) s->forbidden[s->color[x]] = v;
    }
  }
}

/* The edge from w to a vertex other than v of the colour of v; -1 if there is none. */
static int32_t edge_of_same_color(const star_coloring *s, int32_t v, int32_t w) {
  for (int64_t f = s->p->start[w]; f < s->p->start[w + 1]; f++) {
    int32_t x = s->p->column[f];
    if (x != v && x != w && s->color[x] == s->color[v]) return s->edge[f];
  }
  return -1;
}

static void update_stars(star_coloring *s, int32_t v) {
  for (int64_t e = s->p->start[v]; e < s->p->start[v + 1]; e++) {
    if (!colored_neighbor(s, e, v)) continue;
    int32_t w = s->p->column[e], c = s->color[w], other = edge_of_same_color(s, v, w), hub = w;
    if (other < 0 && s->first_neighbor[c] != w) other = s->first_edge[c], hub = v;
    if (other >= 0) {
      s->star[s->edge[e]] = s->star[other];
      s->hub[s->star[other]] = hub;
    } else {
      s->hub[s->n_stars] = -1;
      s->star[s->edge[e]] = s->n_stars++;
    }
  }
}

static int32_t color_star_in(star_coloring *s, const int32_t *order, int32_t *color) {
  int32_t n_colors = 0;
  s->color = color;
  s->n_stars = 0;
  for (int64_t i = 0; i < s->p->rows; i++) color[i] = s->forbidden[i] = s->treated[i] = s->first_vertex[i] = -1;
  for (int64_t k = 0; k < s->p->rows; k++) {
    int32_t v = order != NULL ? order[k] : (int32_t)k;
    forbid_around(s, v);
    color[v] = smallest_allowed(s->forbidden, v);
    if (color[v] >= n_colors) n_colors = color[v] + 1;
    update_stars(s, v);
  }
  return n_colors;
}

/* ---- both orders ---- */
typedef int32_t (*color_in_fn)(void *coloring, const int32_t *order, int32_t *color);

static bp_status better_of_two(bp_context *ctx, const bp_pattern *degrees, color_in_fn color_in, void *coloring,
                               int64_t least, int32_t *color, int32_t *n_colors) {
  size_t n = (size_t)degrees->rows;
  *n_colors = color_in(coloring, NULL, color);
  if (*n_colors <= least) return BP_OK; /* nothing can be better */
  int32_t *room = bp_alloc(ctx, 2 * n, sizeof *room);
  if (room == NULL) return BP_E_NOMEM;
  int32_t *order = room, *other = room + n;
  bp_status status = largest_first(ctx, degrees, order);
  int32_t count = status == BP_OK ? color_in(coloring, order, other) : *n_colors;
  if (count < *n_colors) {
    for (size_t i = 0; i < n; i++) color[i] = other[i];
    *n_colors = count;
  }
  bp_release(bp_context_allocator(ctx), room, 2 * n, sizeof *room);
  return status;
}

static int32_t columns_in(void *coloring, const int32_t *order, int32_t *color) {
  return color_columns_in(coloring, order, color);
}
static int32_t star_in(void *coloring, const int32_t *order, int32_t *color) {
  return color_star_in(coloring, order, color);
}

bp_status bp_color_columns(bp_context *ctx, const bp_pattern *p, const bp_pattern *t, int32_t *color,
                           int32_t *n_colors) {
  size_t n = (size_t)p->columns + 1;
  column_coloring s = {.p = p, .t = t, .forbidden = bp_alloc(ctx, n, sizeof *s.forbidden)};
  if (s.forbidden == NULL) return BP_E_NOMEM;
  s.forbidden[n - 1] = -1;
  bp_status status = better_of_two(ctx, t, columns_in, &s, bp_color_least(p), color, n_colors);
  bp_release(bp_context_allocator(ctx), s.forbidden, n, sizeof *s.forbidden);
  return status;
}

bp_status bp_color_star(bp_context *ctx, const bp_pattern *p, int32_t *color, int32_t *n_colors) {
  size_t n = (size_t)p->rows + 1, places = (size_t)bp_pattern_nonzeros(p), ints = 5 * n + 3 * places;
  int64_t *next = bp_alloc(ctx, n, sizeof *next);
  int32_t *room = bp_calloc(ctx, ints, sizeof *room);
  bp_status status = BP_E_NOMEM;
  if (next != NULL && room != NULL) {
    star_coloring s = {.p = p,
                       .forbidden = room,
                       .treated = room + n,
                       .first_vertex = room + 2 * n,
                       .first_neighbor = room + 3 * n,
                       .first_edge = room + 4 * n,
                       .edge = room + 5 * n,
                       .star = room + 5 * n + places,
                       .hub = room + 5 * n + 2 * places};
    s.forbidden[n - 1] = -1;
    number_edges(&s, next);
    status = better_of_two(ctx, p, star_in, &s, 0, color, n_colors);
  }
  bp_release(bp_context_allocator(ctx), next, n, sizeof *next);
  bp_release(bp_context_allocator(ctx), room, ints, sizeof *room);
  return status;
}
