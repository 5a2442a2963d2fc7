/* ba_objective.h - bundle adjustment, as graph code, as plain C with derivatives by hand, and data of any size by formula.
 *
 *   Xc = R(r) (X - C),  R by Rodrigues' formula from v = r / |r|, θ = |r|
 *   p  = (Xc₀, Xc₁) / Xc₂,  q = p (1 + k₁ |p|² + k₂ |p|⁴)
 *   reprojection error  w (f q + (u₀, v₀) - feature),  weight error  1 - w²
 *
 * A camera is r₁ r₂ r₃ C₁ C₂ C₃ f u₀ v₀ k₁ k₂. It is the problem BA of ADBench, a public benchmark of automatic differentiation.
 * No camera has a rotation of exactly 0, which its code treats apart.
 */
#ifndef BA_OBJECTIVE_H
#define BA_OBJECTIVE_H
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "backprop/backprop.h"

enum { BA_CAMERA = 11, BA_POINT = 3, BA_LOCAL = BA_CAMERA + BA_POINT + 1 };

/* Parameters are one vector: cameras [n, 11], points [m, 3], weights [p]. */
typedef struct ba_problem {
  int64_t n, m, p;
  double *x;
  int32_t *camera, *point; /* [p] */
  double *feature;         /* [p, 2] */
} ba_problem;

static inline int64_t ba_parameters(const ba_problem *b) { return BA_CAMERA * b->n + BA_POINT * b->m + b->p; }

/* ---- data ---- */
/* Number k of a sequence in 0 .. 1: exact in any language. */
static inline double ba_uniform(uint64_t k) { return (double)((k * 2654435761u) % 4294967296u) / 4294967296.0; }

static inline void ba_camera(double *c, uint64_t i) {
  static const double low[BA_CAMERA] = {-0.3, -0.3, -0.3, -1, -1, -1, 400, -5, -5, -0.1, -0.01};
  static const double high[BA_CAMERA] = {0.3, 0.3, 0.3, 1, 1, 1, 800, 5, 5, 0.1, 0.01};
  for (uint64_t k = 0; k < BA_CAMERA; k++) c[k] = low[k] + (high[k] - low[k]) * ba_uniform(BA_CAMERA * i + k + 1);
}

static inline void ba_release(ba_problem *b) { free(b->x), free(b->camera), free(b->point), free(b->feature); }

/* Points before the cameras, each seen p/m times, in the order of the points. False: no memory. */
static inline bool ba_init(ba_problem *b, int64_t n, int64_t m, int64_t p) {
  *b = (ba_problem){.n = n, .m = m, .p = p};
  b->x = malloc((size_t)ba_parameters(b) * sizeof(double));
  b->camera = malloc((size_t)p * sizeof(int32_t)), b->point = malloc((size_t)p * sizeof(int32_t));
  b->feature = malloc((size_t)(2 * p) * sizeof(double));
  if (b->x == NULL || b->camera == NULL || b->point == NULL || b->feature == NULL) return ba_release(b), false;
  double *points = b->x + BA_CAMERA * n, *weights = points + BA_POINT * m;
  for (int64_t i = 0; i < n; i++) ba_camera(b->x + BA_CAMERA * i, (uint64_t)i);
  for (int64_t i = 0; i < BA_POINT * m; i++)
    points[i] = 2 * ba_uniform((uint64_t)(7 * i + 3)) - 1 + (i % BA_POINT == 2 ? 6 : 0);
  for (int64_t i = 0; i < p; i++) {
    b->camera[i] = (int32_t)(ba_uniform((uint64_t)(3 * i + 1)) * (double)n);
    b->point[i] = (int32_t)(i * m / p);
    weights[i] = 0.5 + ba_uniform((uint64_t)(5 * i + 2));
    for (int64_t k = 0; k < 2; k++) b->feature[2 * i + k] = 100 * ba_uniform((uint64_t)(2 * i + k + 11));
  }
  return true;
}

/* ---- as a graph ---- */
static inline bp_var ba_column(bp_var v, int64_t i) { return bp_slice(v, 1, i, i + 1, 1); }
static inline bp_var ba_dot3(const bp_var *a, const bp_var *b) {
  return bp_add(bp_add(bp_mul(a[0], b[0]), bp_mul(a[1], b[1])), bp_mul(a[2], b[2]));
}

/* v x Xo sin θ + Xo cos θ + v (v · Xo)(1 - cos θ), by columns. */
static inline void ba_rotate(const bp_var *r, const bp_var *x, bp_var *out) {
  bp_var one = bp_scalar(r[0].graph, BP_F64, 1), theta = bp_sqrt(ba_dot3(r, r)), c = bp_cos(theta), s = bp_sin(theta),
         v[3];
  for (int i = 0; i < 3; i++) v[i] = bp_div(r[i], theta);
  bp_var along = bp_mul(ba_dot3(v, x), bp_sub(one, c));
  for (int i = 0; i < 3; i++) {
    int j = (i + 1) % 3, k = (i + 2) % 3;
    bp_var cross = bp_sub(bp_mul(v[j], x[k]), bp_mul(v[k], x[j]));
    out[i] = bp_add(bp_add(bp_mul(x[i], c), bp_mul(cross, s)), bp_mul(v[i], along));
  }
}

/* Reprojection errors [p, 2] from rows: cameras [p, 11], points [p, 3], weights [p, 1], features [p, 2]. */
static inline bp_var ba_rows(bp_var camera, bp_var point, bp_var weight, bp_var feature) {
  bp_var c[BA_CAMERA], x[3], xc[3], error[2], one = bp_scalar(camera.graph, BP_F64, 1);
  for (int i = 0; i < BA_CAMERA; i++) c[i] = ba_column(camera, i);
  for (int i = 0; i < 3; i++) x[i] = bp_sub(ba_column(point, i), c[3 + i]);
  ba_rotate(c, x, xc);
  bp_var px = bp_div(xc[0], xc[2]), py = bp_div(xc[1], xc[2]), square = bp_add(bp_square(px), bp_square(py));
  bp_var bend = bp_add(bp_add(one, bp_mul(c[9], square)), bp_mul(c[10], bp_square(square)));
  for (int i = 0; i < 2; i++) {
    bp_var image = bp_add(bp_mul(bp_mul(i == 0 ? px : py, bend), c[6]), c[7 + i]);
    error[i] = bp_mul(weight, bp_sub(image, ba_column(feature, i)));
  }
  return bp_concat(error, 2, 1);
}

/* The parts of x as rows for each observation. */
static inline void ba_gathered(const ba_problem *b, bp_var x, bp_var *camera, bp_var *point, bp_var *weight) {
  bp_graph *g = x.graph;
  int64_t points = BA_CAMERA * b->n, weights = points + BA_POINT * b->m;
  bp_var cameras = bp_reshape(bp_slice(x, 0, 0, points, 1), 2, (int64_t[]){b->n, BA_CAMERA});
  bp_var all = bp_reshape(bp_slice(x, 0, points, weights, 1), 2, (int64_t[]){b->m, BA_POINT});
  *camera = bp_gather(cameras, bp_constant(g, BP_I32, 1, &b->p, b->camera), BP_F64);
  *point = bp_gather(all, bp_constant(g, BP_I32, 1, &b->p, b->point), BP_F64);
  *weight = bp_reshape(bp_slice(x, 0, weights, BP_END, 1), 2, (int64_t[]){b->p, 1});
}

/* Reprojection errors [p, 2] of the parameters. */
static inline bp_var ba_reprojection(const ba_problem *b, bp_var x) {
  bp_var camera, point, weight;
  ba_gathered(b, x, &camera, &point, &weight);
  return ba_rows(camera, point, weight, bp_constant(x.graph, BP_F64, 2, (int64_t[]){b->p, 2}, b->feature));
}

/* Weight errors [p]. */
static inline bp_var ba_weight_errors(const ba_problem *b, bp_var x) {
  int64_t weights = BA_CAMERA * b->n + BA_POINT * b->m;
  return bp_sub(bp_scalar(x.graph, BP_F64, 1), bp_square(bp_slice(x, 0, weights, BP_END, 1)));
}

/* ---- by hand ---- */
static inline double ba_dot(const double *a, const double *b) { return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]; }
static inline void ba_cross(const double *a, const double *b, double *out) {
  for (int i = 0; i < 3; i++) out[i] = a[(i + 1) % 3] * b[(i + 2) % 3] - a[(i + 2) % 3] * b[(i + 1) % 3];
}

/* The rotation, with what its derivatives need. */
typedef struct ba_turn {
  double v[3], xo[3], cross[3], out[3], along, theta, s, c;
} ba_turn;

static inline void ba_turn_to(ba_turn *t, const double *r, const double *x, const double *centre) {
  t->theta = sqrt(ba_dot(r, r)), t->s = sin(t->theta), t->c = cos(t->theta);
  for (int i = 0; i < 3; i++) t->v[i] = r[i] / t->theta, t->xo[i] = x[i] - centre[i];
  ba_cross(t->v, t->xo, t->cross);
  t->along = ba_dot(t->v, t->xo);
  for (int i = 0; i < 3; i++) t->out[i] = t->xo[i] * t->c + t->cross[i] * t->s + t->v[i] * t->along * (1 - t->c);
}

/* gᵀ times its derivatives: along r [3] and X [3]. */
static inline void ba_turn_back(const ba_turn *t, const double *g, double *by_r, double *by_x) {
  double g_cross_v[3], x_cross_g[3], gv = ba_dot(g, t->v), one = 1 - t->c, by_theta = 0, by_v[3];
  ba_cross(g, t->v, g_cross_v);
  ba_cross(t->xo, g, x_cross_g);
  for (int i = 0; i < 3; i++) {
    by_x[i] = t->c * g[i] + t->s * g_cross_v[i] + one * gv * t->v[i];
    by_theta += g[i] * (-t->s * t->xo[i] + t->c * t->cross[i] + t->s * t->along * t->v[i]);
    by_v[i] = t->s * x_cross_g[i] + one * (t->along * g[i] + gv * t->xo[i]);
  }
  double turned = ba_dot(by_v, t->v);
  for (int i = 0; i < 3; i++) by_r[i] = (by_v[i] - turned * t->v[i]) / t->theta + by_theta * t->v[i];
}

/* One observation: its errors [2] and their derivatives [2, 15] along camera, point and weight. */
static inline void ba_observation(const double *camera, const double *x, double w, const double *feature, double *error,
                                  double *jacobian) {
  ba_turn t;
  ba_turn_to(&t, camera, x, camera + 3);
  double inverse = 1 / t.out[2], p[2] = {t.out[0] * inverse, t.out[1] * inverse}, square = p[0] * p[0] + p[1] * p[1];
  double bend = 1 + camera[9] * square + camera[10] * square * square, slope = camera[9] + 2 * camera[10] * square;
  for (int i = 0; i < 2; i++) {
    double wf = w * camera[6], *j = jacobian + i * BA_LOCAL, q = p[i] * bend;
    double by_p[2] = {wf * 2 * p[i] * p[0] * slope, wf * 2 * p[i] * p[1] * slope};
    by_p[i] += wf * bend;
    double g[3] = {by_p[0] * inverse, by_p[1] * inverse, -(by_p[0] * p[0] + by_p[1] * p[1]) * inverse};
    ba_turn_back(&t, g, j, j + BA_CAMERA);
    for (int k = 0; k < 3; k++) j[3 + k] = -j[BA_CAMERA + k];
    j[6] = w * q, j[7] = i == 0 ? w : 0, j[8] = i == 1 ? w : 0;
    j[9] = wf * p[i] * square, j[10] = wf * p[i] * square * square;
    j[14] = camera[6] * q + camera[7 + i] - feature[i];
    error[i] = w * j[14];
  }
}

/* All of them: errors [p, 2], jacobian [p, 2, 15]. */
static inline void ba_by_hand(const ba_problem *b, double *errors, double *jacobian) {
  const double *points = b->x + BA_CAMERA * b->n, *weights = points + BA_POINT * b->m;
  for (int64_t i = 0; i < b->p; i++)
    ba_observation(b->x + BA_CAMERA * b->camera[i], points + BA_POINT * b->point[i], weights[i], b->feature + 2 * i,
                   errors + 2 * i, jacobian + 2 * BA_LOCAL * i);
}

#endif
