/* train/line_search.h - a step length that makes enough progress along a direction. */
#ifndef BP_TRAIN_LINE_SEARCH_H
#define BP_TRAIN_LINE_SEARCH_H
#include "train/full_objective.h"

typedef struct line_search {
  const full_objective *objective;
  const double *x, *g, *direction; /* [n]: where the line begins, the gradient there, and where it goes */
  double f, slope;                 /* at x; slope = gᵀ direction < 0 */
  double *new_x, *new_g;           /* [n]: the last point that was looked at, at the end the one that was found */
  double new_f;
  double most; /* the longest step within the bounds, or INFINITY */
  int evaluations;
  bool unbounded; /* f was -∞ at the next point that was tried */
} line_search;

/* Looks for a step that meets the strong Wolfe conditions, first at `alpha` times the direction. *found is false when none was
 * found that makes f smaller; what is in new_x then means nothing. Values that are not finite count as too far. */
bp_status line_search_run(line_search *line, double alpha, bool *found);
/* The same along the line with all that is beyond a bound put on it, for enough of a decrease only. */
bp_status line_search_project(line_search *line, double alpha, bool *found);

#endif
