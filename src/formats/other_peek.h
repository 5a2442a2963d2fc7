/* formats/other_peek.h - the beginning of a file cut into lines, for those who ask what format it is (other_format.c). */
#ifndef BP_FORMATS_OTHER_PEEK_H
#define BP_FORMATS_OTHER_PEEK_H
#include <stdbool.h>
#include <stddef.h>

/* How many lines with something in them are looked at. */
enum { BP_PEEK_LINES = 20 };

typedef struct bp_line {
  const char *text;
  size_t size;
} bp_line;

typedef struct bp_peek {
  const char *data;
  size_t size;
  bool whole;
  int lines; /* in line[], blank ones and comments (#) left out */
  bp_line line[BP_PEEK_LINES];
  const char *data_end; /* of all that is there, and */
  bool ends;            /* whether the file ends with it */
} bp_peek;

/* Cuts data into lines; one that goes on behind them does not count. */
void bp_peek_lines(bp_peek *p);

static inline bool bp_peek_blank(char c) { return c == ' ' || c == '\t'; }
static inline bool bp_peek_digit(char c) { return c >= '0' && c <= '9'; }
static inline char bp_peek_lower(char c) { return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c; }
static inline bool bp_peek_letter(char c) { return bp_peek_lower(c) >= 'a' && bp_peek_lower(c) <= 'z'; }

/* Without the blanks around it. */
bp_line bp_line_trimmed(const char *text, const char *end);
/* Whether it begins with a word in small letters, in any case. */
bool bp_line_begins(bp_line l, const char *word);
/* Takes the next word between blanks off a line. */
bool bp_line_next_word(bp_line *rest, bp_line *word);
bool bp_line_is_number(bp_line word);
/* A whole number above 0, of so few digits that it fits; 0: none. */
size_t bp_line_count(bp_line word);

/* ---- other_learners.c: text of other programs that learn; other_settings.c: of settings, and images as text ---- */
bool bp_is_libsvm(const bp_peek *p);
bool bp_is_like_libsvm(const bp_peek *p);
bool bp_is_fann(const bp_peek *p);
bool bp_is_fann_net(const bp_peek *p);
bool bp_is_vowpal_wabbit(const bp_peek *p);
bool bp_is_arff(const bp_peek *p);
bool bp_is_yaml(const bp_peek *p);
bool bp_is_settings(const bp_peek *p);
bool bp_is_pnm(const bp_peek *p);

#endif
