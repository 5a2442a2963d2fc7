/* autodiff/coloring.h - columns of one colour share one derivative pass.
 *
 * A. H. Gebremedhin, F. Manne, A. Pothen: What color is your Jacobian? Graph coloring for computing derivatives. SIAM Review 47
 * (2005) 629-705. A. H. Gebremedhin, A. Tarafdar, F. Manne, A. Pothen: New acyclic and star coloring algorithms with
 * application to computing Hessians. SIAM J. Sci. Comput. 29 (2007) 1042-1072.
 */
#ifndef BP_AUTODIFF_COLORING_H
#define BP_AUTODIFF_COLORING_H
#include "autodiff/pattern.h"

/* Colours 0 .. *n_colors - 1 for the columns of p, so that no row has two columns of one colour: then J·S, where S adds up
 * the columns of each colour, holds every element of J. t is the transpose of p. Greedy, in the natural order and by
 * falling number of elements; the better of the two. */
bp_status bp_color_columns(bp_context *ctx, const bp_pattern *p, const bp_pattern *t, int32_t *color,
                           int32_t *n_colors);

/* Star colouring of a symmetric pattern: neighbours differ, and no path of four vertices has two colours only. Then for each
 * element (i, j) column j is the only one of its colour in row i, or i the only one of its colour in row j: so H·S holds it.
 * The same two orders. */
bp_status bp_color_star(bp_context *ctx, const bp_pattern *p, int32_t *color, int32_t *n_colors);

/* No colouring of the columns can do with fewer: the largest number of elements in a row. */
int64_t bp_color_least(const bp_pattern *p);

#endif
