/* data/fraction.h - fractions in text: 1/2, 1 1/2, ½. */
#ifndef BP_DATA_FRACTION_H
#define BP_DATA_FRACTION_H

typedef enum bp_fraction {
  BP_FRACTION_NONE,
  BP_FRACTION_MAYBE,  /* 1/2: a day and a month look the same, and two values */
  BP_FRACTION_CERTAIN /* 1 1/2, with a sign of its own: nothing else looks so */
} bp_fraction;

/* Reads all of a text in plain signs (plain_text.h); *value is set unless it is none. */
bp_fraction bp_fraction_read(const char *text, double *value);

#endif
