/* data/number_disguise.h - texts of numbers and something more, of which nothing tells what number is meant: 12±3, <5, #12, 1/2.
 *
 * They are not read as numbers; a column of them is not taken for names without a word either.
 */
#ifndef BP_DATA_NUMBER_DISGUISE_H
#define BP_DATA_NUMBER_DISGUISE_H
#include <stdbool.h>
#include <stddef.h>

typedef enum bp_disguise {
  BP_DISGUISE_NONE,
  BP_DISGUISE_ERROR,    /* 12±3 */
  BP_DISGUISE_BOUND,    /* <5, >=10, ~3 */
  BP_DISGUISE_COUNT_OF, /* #12 */
  BP_DISGUISE_QUOTIENT, /* 1/2, 120/80 */
  BP_DISGUISES
} bp_disguise;

bp_disguise bp_number_disguise(const char *text, size_t size);
/* "a number with its error (12±3)": what such texts are. */
const char *bp_disguise_text(bp_disguise disguise);
/* What can be done with them. */
const char *bp_disguise_advice(bp_disguise disguise);
/* Whether categories may have such names: "#12" of a part, "1/2" of a size, "<5" of a class. */
bool bp_disguise_may_name(bp_disguise disguise);

#endif
