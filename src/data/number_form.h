/* data/number_form.h - numbers as people write them into tables: with a unit, with a sign between thousands, with a decimal
 * comma; and the marks that stand where a number is missing.
 *
 *   plain   decimal digits with sign, point and exponent, as bp_number_parse() reads them
 *
 * Other signs for the same thing are always understood (plain_text.h).
 */
#ifndef BP_DATA_NUMBER_FORM_H
#define BP_DATA_NUMBER_FORM_H
#include <stdbool.h>
#include <stddef.h>

/* Room for a unit, its NUL included. */
#define BP_UNIT_TEXT 24

/* How the numbers of one column are written. Zero-filled: plain. */
typedef struct bp_number_form {
  char prefix[BP_UNIT_TEXT], suffix[BP_UNIT_TEXT]; /* "$", "kg"; in every cell */
  char decimal;                                    /* ',' : a comma for the point; 0: a point */
  char thousands;                                  /* one of BP_THOUSANDS, allowed between groups of digits; 0: none */
  int radix;                                       /* 16, 8, 2: 0x1f, 0o17, 0b101; 0: 10 */
  bool fortran;                                    /* 1d5 for 1e5 is allowed */
  bool brackets;                                   /* (5) for -5 is allowed */
  bool fractions;                                  /* 1/2 and 1 1/2 are allowed */
} bp_number_form;
/* What may stand between thousands; the blank is one of any width. */
#define BP_THOUSANDS ",.'_ "

bool bp_number_form_is_plain(const bp_number_form *form);
/* Whether a unit is one that no name of a category has: a currency, a part of a hundred. */
bool bp_number_form_is_certain(const bp_number_form *form);
/* Whether numbers may be in that form: "item7" is a name. */
bool bp_number_form_may_be(const bp_number_form *form);
/* Whether two forms are the same. */
bool bp_number_form_equal(const bp_number_form *a, const bp_number_form *b);
/* VIEW the name of a base beside ten, "hexadecimal", and the base; NULL behind the last, number 2. */
const char *bp_number_radix(size_t i, int *radix);
/* The number that a text spells in this form; false: none. */
bool bp_number_form_read(const bp_number_form *form, const char *text, size_t size, double *out);
/* Room for the description of a form, its NUL included. */
#define BP_FORM_TEXT 200
/* "'$' in front, ',' between thousands"; "" for the plain one. Returns text. */
const char *bp_number_form_text(const bp_number_form *form, char text[BP_FORM_TEXT]);

/* What signs stand in the texts of a column: evidence for the form of its numbers. Zero-filled at first. */
typedef struct bp_form_evidence {
  bp_number_form unit; /* prefix and suffix that most texts have, by a majority vote */
  long votes;
  bool comma_decimal, comma_thousands,
      comma_either; /* a comma that can only be the point, only part thousands, be either */
  bool point_decimal, point_thousands, point_either; /* the same of points */
  bool bare;                                         /* three digits at most and no separator */
  char other_thousands;                              /* ' _ or a blank */
  int radix;
  bool fortran, brackets;
  bool fractions; /* some that can be nothing else */
} bp_form_evidence;
/* Adds a text; whether it is a number in some form. */
bool bp_form_evidence_add(bp_form_evidence *evidence, const char *text, size_t size);
/* Whether nothing tells what a comma is: "1,234". */
bool bp_form_evidence_is_open(const bp_form_evidence *evidence);
/* The form that all of it speaks for, an open comma parting thousands. decimal and thousands: what was said; 0: nothing. False:
 * it speaks for several. */
bool bp_form_evidence_form(const bp_form_evidence *evidence, char decimal, char thousands, bp_number_form *out);
/* Whether a text is a number in a form that nothing else has: plain, or with a currency or a part of a hundred. */
bool bp_number_is_likely(const char *text, size_t size);

/* Whether a text is a number with a unit, or without: "5 kg", "5kg", and not "5a". */
bool bp_number_has_unit(const char *text, size_t size);

/* Whether a text is a well-known mark for a missing value: "", NA, None, #DIV/0!, -, … in any case, with blanks around. */
bool bp_is_missing_mark(const char *text, size_t size);

#endif
