/* labels: unit prop oom */
/* test_json.c - JSON texts read, refused and written. */
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backprop/graph.h"
#include "base/philox.h"
#include "support/json_edit.h"
#include "support/testing.h"

static bp_status parse(bp_context *ctx, const char *text, bp_json **out) {
  return bp_json_parse(ctx, text, strlen(text), out);
}

/* ---- values ---- */

static void reads_every_kind_of_value(void **state) {
  static const char text[] =
      " {\"null\":null, \"no\":false,\"yes\" :true,\n\"whole\":-17,\"real\":2.5e-1,\t\"text\":\"a\\nb\","
      "\"array\":[1,[],{}],\"object\":{\"\":0}}\r\n";
  bp_context *ctx = bt_ctx(state);
  bp_json *root = NULL;
  int64_t whole = 7;
  double real = 7;
  bool truth = true;
  bt_assert_ok(ctx, parse(ctx, text, &root));
  assert_int_equal(bp_json_type(root), BP_JSON_OBJECT);
  assert_int_equal(bp_json_size(root), 8);
  assert_int_equal(bp_json_type(bp_json_member(root, "null")), BP_JSON_NULL);
  assert_true(bp_json_truth(bp_json_member(root, "no"), &truth) && !truth);
  assert_true(bp_json_truth(bp_json_member(root, "yes"), &truth) && truth);
  assert_true(bp_json_whole(bp_json_member(root, "whole"), &whole) && whole == -17);
  assert_true(bp_json_number(bp_json_member(root, "whole"), &real) && real == -17);
  assert_true(bp_json_number(bp_json_member(root, "real"), &real) && real == 0.25);
  assert_false(bp_json_whole(bp_json_member(root, "real"), &whole) || whole != -17);
  assert_string_equal(bp_json_text(bp_json_member(root, "text")), "a\nb");
  const bp_json *array = bp_json_member(root, "array"), *first = bp_json_first(array), *second = bp_json_next(first);
  assert_int_equal(bp_json_size(array), 3);
  assert_true(bp_json_type(second) == BP_JSON_ARRAY && bp_json_size(second) == 0 && !bp_json_first(second));
  assert_int_equal(bp_json_type(bp_json_next(second)), BP_JSON_OBJECT);
  assert_null(bp_json_next(bp_json_next(second)));
  assert_null(bp_json_name(first));
  const bp_json *object = bp_json_next(array);
  assert_string_equal(bp_json_name(object), "object");
  assert_true(bp_json_whole(bp_json_member(object, ""), &whole) && whole == 0);
  assert_null(bp_json_next(object));
  assert_null(bp_json_next(root));
  bp_json_free(root);
}

static void what_is_not_there_is_none(void **state) {
  (void)state;
  int64_t whole = 7;
  double real = 7;
  bool truth = true;
  assert_int_equal(bp_json_type(NULL), BP_JSON_NONE);
  assert_int_equal(bp_json_size(NULL), 0);
  assert_null(bp_json_member(NULL, "a"));
  assert_null(bp_json_first(NULL));
  assert_null(bp_json_next(NULL));
  assert_null(bp_json_name(NULL));
  assert_null(bp_json_text(NULL));
  assert_false(bp_json_whole(NULL, &whole) || bp_json_number(NULL, &real) || bp_json_truth(NULL, &truth));
  assert_true(whole == 7 && real == 7 && truth);
  bp_json_free(NULL);
}

/* The text of a value is the same however often it is read and written. */
static void texts_come_back(void **state) {
  static const char *const texts[] = {
      "null",
      "true",
      "false",
      "0",
      "-1",
      "9223372036854775807",
      "-9223372036854775808",
      "1.5",
      "-0.0",
      "1e22",
      "1.0000000000000001e-5",
      "4.9406564584124654e-324",
      "9.2233720368547758e18",
      "\"\"",
      "\"ü€😀\"",
      "\"\\\"\\\\/\\b\\f\\n\\r\\t\\u0001\\u001F\x7F\"",
      "[]",
      "{}",
      "[[],{},[0,\"a\"]]",
      "{\"b\":1,\"a\":{\"\":[null]}}",
  };
  (void)state;
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
    bp_json *root = bt_json(texts[i]);
    char *again = bt_json_dump(root);
    assert_string_equal(again, texts[i]);
    free(again);
    bp_json_free(root);
  }
}

static void escapes_are_what_they_stand_for(void **state) {
  static const struct {
    const char *text, *value;
  } rows[] = {
      {"\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "\"\\/\b\f\n\r\t"},
      {"\"\\u0041\\u00e9\\u20AC\"", "Aé€"},
      {"\"\\ud83d\\uDE00\"", "😀"},
      {"\"\\uD800\\uDC00\\uDBFF\\uDFFF\"", "\xF0\x90\x80\x80\xF4\x8F\xBF\xBF"},
      {"\"\\uD7FF\\uE000\\uFFFF\"", "\xED\x9F\xBF\xEE\x80\x80\xEF\xBF\xBF"},
      {"\"\\u0001\\u007f\\u0080\\u07ff\\u0800\"", "\x01\x7F\xC2\x80\xDF\xBF\xE0\xA0\x80"},
  };
  (void)state;
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    bp_json *root = bt_json(rows[i].text);
    assert_string_equal(bp_json_text(root), rows[i].value);
    bp_json_free(root);
  }
}

/* ---- numbers ---- */

static double number(const char *text, bp_json_kind kind) {
  bp_json *root = bt_json(text);
  double value = 7;
  assert_int_equal(bp_json_type(root), kind);
  assert_true(bp_json_number(root, &value));
  bp_json_free(root);
  return value;
}

static void whole_numbers_keep_all_their_bits(void **state) {
  static const struct {
    const char *text;
    bp_json_kind kind;
  } rows[] = {
      {"0", BP_JSON_WHOLE},
      {"9007199254740993", BP_JSON_WHOLE},
      {"9223372036854775807", BP_JSON_WHOLE},
      {"-9223372036854775808", BP_JSON_WHOLE},
      {"9223372036854775808", BP_JSON_REAL},
      {"-9223372036854775809", BP_JSON_REAL},
      {"99999999999999999999", BP_JSON_REAL},
      {"-0", BP_JSON_REAL},
      {"1.0", BP_JSON_REAL},
      {"1e0", BP_JSON_REAL},
      {"10E+2", BP_JSON_REAL},
  };
  (void)state;
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    double value = number(rows[i].text, rows[i].kind);
    assert_true(value == strtod(rows[i].text, NULL));
    if (rows[i].kind != BP_JSON_WHOLE) continue;
    bp_json *root = bt_json(rows[i].text);
    int64_t whole = 7;
    assert_true(bp_json_whole(root, &whole));
    assert_true(whole == strtoll(rows[i].text, NULL, 10));
    bp_json_free(root);
  }
  assert_true(signbit(number("-0", BP_JSON_REAL)));
}

/* Digits of every length and exponents of every size, against strtod, and back through the writer to the last bit. */
static void numbers_are_those_of_strtod(void **state) {
  enum { NUMBERS = 20000 };
  (void)state;
  for (uint64_t i = 0; i < NUMBERS; i++) {
    char text[64];
    uint64_t bits = bp_random_bits(1, BP_PURPOSE_TEST, 0, i), more = bp_random_bits(1, BP_PURPOSE_TEST, 1, i);
    double value;
    memcpy(&value, &bits, sizeof value);
    if (!isfinite(value)) continue;
    if (i % 2)
      (void)snprintf(text, sizeof text, "%.*e", (int)(more % 25), value);
    else
      (void)snprintf(text, sizeof text, "%lld.%llue%d", (long long)(bits >> (more % 60)), (unsigned long long)more,
                     (int)(more % 600) - 310);
    double expected = strtod(text, NULL);
    if (!isfinite(expected)) continue;
    bp_json *root = bt_json(text);
    double read = 7, again = 7;
    assert_true(bp_json_number(root, &read));
    bt_assert_same_bits(&read, &expected, sizeof read);
    char *written = bt_json_dump(root);
    bp_json *back = bt_json(written);
    assert_true(bp_json_number(back, &again));
    bt_assert_same_bits(&again, &expected, sizeof again);
    bp_json_free(back);
    bp_json_free(root);
    free(written);
  }
}

/* ---- what is no JSON ---- */

static void refuses_what_is_no_json(void **state) {
  static const struct {
    const char *text, *message;
  } rows[] = {
      {"", "line 1, column 1: expected a value, found the end"},
      {" \n ", "line 2, column 2: expected a value, found the end"},
      {"\xEF\xBB\xBF{}", "line 1, column 1: expected a value, found '\xEF\xBB\xBF'"},
      {"nul", "line 1, column 1: expected a value, found 'n'"},
      {"True", "expected a value, found 'T'"},
      {"nullx", "line 1, column 5: expected the end, found 'x'"},
      {"{} {}", "line 1, column 4: expected the end, found '{'"},
      {"NaN", "expected a value, found 'N'"},
      {"'a'", "expected a value, found '''"},
      {"// a\n1", "expected a value, found '/'"},
      {"{", "column 2: expected a name in \", found the end"},
      {"{\"a\"", "column 5: expected ':' behind a name, found the end"},
      {"{\"a\" 1}", "column 6: expected ':' behind a name, found '1'"},
      {"{\"a\":}", "column 6: expected a value, found '}'"},
      {"{\"a\":1", "column 7: expected ',' or '}', found the end"},
      {"{\"a\":1,}", "column 8: expected a name in \", found '}'"},
      {"{,}", "column 2: expected a name in \", found ','"},
      {"{a:1}", "column 2: expected a name in \", found 'a'"},
      {"{1:1}", "column 2: expected a name in \", found '1'"},
      {"[", "column 2: expected a value, found the end"},
      {"[1 2]", "column 4: expected ',' or ']', found '2'"},
      {"[1,]", "column 4: expected a value, found ']'"},
      {"[,1]", "column 2: expected a value, found ','"},
      {"[1}", "column 3: expected ',' or ']', found '}'"},
      {"]", "column 1: expected a value, found ']'"},
      {"{\"a\":1,\"b\":2,\"a\":3}", "line 1, column 14: a second member of the name 'a'"},
      {"{\"a\":1,\n \"\\u0061\":3}", "line 2, column 2: a second member of the name 'a'"},
      {"[{\"b\":1,\"a\":1,\"b\":1,\"a\":2}]", "column 15: a second member of the name 'b'"},
      {"-", "column 2: expected a digit, found the end"},
      {"+1", "column 1: expected a value, found '+'"},
      {"01", "column 2: expected the end, found '1'"},
      {"-01", "column 3: expected the end, found '1'"},
      {".5", "column 1: expected a value, found '.'"},
      {"1.", "column 3: expected a digit, found the end"},
      {"1.e1", "column 3: expected a digit, found 'e'"},
      {"1e", "column 3: expected a digit, found the end"},
      {"1e+-1", "column 4: expected a digit, found '-'"},
      {"0x10", "column 2: expected the end, found 'x'"},
      {"1e309", "column 1: a number beyond the range of a double"},
      {"[-1e400]", "column 2: a number beyond the range of a double"},
      {"\"", "column 2: expected \" at the end of a text, found the end"},
      {"\"abc", "column 5: expected \" at the end of a text, found the end"},
      {"\"ä\n\"", "line 1, column 3: a control character in a text; write it as \\u00XX"},
      {"\"\t\"", "column 2: a control character in a text"},
      {"\"\\x\"", "column 3: expected one of \" \\ / b f n r t u behind a \\, found 'x'"},
      {"\"\\", "column 3: expected one of \" \\ / b f n r t u behind a \\, found the end"},
      {"\"\\u12g4\"", "column 6: expected four hexadecimal digits, found 'g'"},
      {"\"\\u12", "column 6: expected four hexadecimal digits, found the end"},
      {"\"\\u0000\"", "column 2: \\u0000 is not allowed in a text"},
      {"\"\\ud800\"", "column 2: half of a surrogate pair"},
      {"\"\\udc00\"", "column 2: half of a surrogate pair"},
      {"\"\\ud800\\u0041\"", "column 2: half of a surrogate pair"},
      {"\"\\ud800\\ud800\"", "column 2: half of a surrogate pair"},
      {"\"\\ud800x\"", "column 2: half of a surrogate pair"},
      {"\"\xFF\"", "column 2: expected UTF-8, found byte 0xFF"},
      {"\"\xC3\"", "column 2: expected UTF-8, found byte 0xC3"},
      {"\"\xC0\x80\"", "column 2: expected UTF-8, found byte 0xC0"},
      {"\"\xED\xA0\x80\"", "column 2: expected UTF-8, found byte 0xED"},
      {"{\"\xF5\":1}", "column 3: expected UTF-8, found byte 0xF5"},
      {"[\xFF]", "column 2: expected a value, found byte 0xFF"},
  };
  bp_context *ctx = bt_ctx(state);
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    bp_json *root = (bp_json *)(void *)ctx;
    bt_assert_fails(ctx, BP_E_DATA, parse(ctx, rows[i].text, &root));
    bt_assert_message(ctx, rows[i].message);
    assert_ptr_equal(root, ctx);
  }
}

/* A NUL is a byte like others: the text ends where its size says. */
static void the_size_ends_the_text(void **state) {
  bp_context *ctx = bt_ctx(state);
  bp_json *root = NULL;
  bt_assert_fails(ctx, BP_E_DATA, bp_json_parse(ctx, "1\0", 2, &root));
  bt_assert_fails(ctx, BP_E_DATA, bp_json_parse(ctx, "\"\0\"", 3, &root));
  bt_assert_fails(ctx, BP_E_DATA, bp_json_parse(ctx, "\"\\\0\"", 4, &root));
  bt_assert_ok(ctx, bp_json_parse(ctx, "12", 1, &root));
  int64_t whole = 0;
  assert_true(bp_json_whole(root, &whole) && whole == 1);
  bp_json_free(root);
  if (sizeof(size_t) > 4) bt_assert_fails(ctx, BP_E_LIMIT, bp_json_parse(ctx, "1", (size_t)INT32_MAX + 1, &root));
}

/* Every text that is cut short is refused. */
static void refuses_every_prefix(void **state) {
  static const char text[] = "{\"a\":[1.5e2,\"\\u00e9\xC3\xA9\",{\"b\":true}],\"c\":{}}";
  bp_context *ctx = bt_ctx(state);
  for (size_t n = 0; n < sizeof text - 1; n++) {
    bp_json *root = NULL;
    char *exact = malloc(n + 1); /* a sanitizer sees what is read behind it */
    memcpy(exact, text, n);
    bt_assert_fails(ctx, BP_E_DATA, bp_json_parse(ctx, exact, n, &root));
    free(exact);
  }
}

static void depth_has_an_end(void **state) {
  enum { MOST = 100 };
  bp_context *ctx = bt_ctx(state);
  for (int depth = MOST; depth <= MOST + 1; depth++) {
    char text[2 * MOST + 3] = "";
    bp_json *root = NULL;
    for (int i = 0; i < depth; i++) text[i] = '[', text[depth + i] = ']';
    bp_status status = parse(ctx, text, &root);
    assert_int_equal(status, depth == MOST ? BP_OK : BP_E_DATA);
    bp_json_free(root);
  }
  bt_assert_message(ctx, "column 101: more than 100 arrays and objects inside one another");
}

static void numbers_have_a_longest(void **state) {
  enum { MOST = 1024 };
  bp_context *ctx = bt_ctx(state);
  for (size_t size = MOST; size <= MOST + 1; size++) {
    char text[MOST + 1];
    bp_json *root = NULL;
    memset(text, '1', size);
    text[1] = '.';
    assert_int_equal(bp_json_parse(ctx, text, size, &root), size == MOST ? BP_OK : BP_E_DATA);
    bp_json_free(root);
  }
  bt_assert_message(ctx, "column 1: a number of more than 1024 characters");
}

/* ---- memory ---- */

/* The hungriest texts: nothing but values, and nothing but names. At most 9 bytes for each of theirs and 64, and while names are
 * compared 2 more. */
static void memory_is_bounded_by_the_text(void **state) {
  enum { SIZE = 60000 };
  bp_context *ctx = bt_ctx(state);
  bt_alloc_state *memory = &bt_fixture_of(state)->memory;
  char *text = malloc(SIZE + 16);
  for (int kind = 0; kind < 2; kind++) {
    size_t size = 0, before = memory->live_bytes;
    bp_json *root = NULL;
    text[size++] = kind ? '{' : '[';
    for (int i = 0; size + 16 < SIZE; i++) {
      if (size > 1) text[size++] = ',';
      size += (size_t)snprintf(text + size, 16, kind ? "\"%x\":0" : "0", i);
    }
    text[size++] = kind ? '}' : ']';
    memory->peak_bytes = before;
    bt_assert_ok(ctx, bp_json_parse(ctx, text, size, &root));
    assert_true(memory->live_bytes - before <= 9 * size + 64);
    assert_true(memory->peak_bytes - before <= 11 * size + 64);
    bp_json_free(root);
    assert_int_equal(memory->live_bytes, before);
  }
  free(text);
}

static bp_status read_job(bp_context *ctx, void *user) {
  bp_json *root = NULL;
  bp_status status = parse(ctx, user, &root);
  assert_true((status == BP_OK) == (root != NULL));
  bp_json_free(root);
  return status;
}

static bp_status write_job(bp_context *ctx, void *user) {
  bp_json_writer w;
  char *text = NULL;
  (void)user;
  bp_json_begin(&w, ctx);
  bp_json_open(&w, NULL, '[');
  for (int i = 0; i < 100; i++) bp_json_put_whole(&w, NULL, i);
  bp_json_close(&w, ']');
  bp_status status = bp_json_end(&w, &text);
  assert_true((status == BP_OK) == (text != NULL));
  if (text) assert_int_equal(strlen(text), 291);
  bp_string_free(ctx, text);
  return status;
}

static void every_failure_is_clean(void **state) {
  static char text[] = "{\"a\":[1,2,{\"x\":\"y\"}],\"b\":null}";
  (void)state;
  assert_int_equal(bt_alloc_sweep(read_job, text), 2);
  assert_true(bt_alloc_sweep(write_job, NULL) >= 5);
}

/* ---- writing ---- */

static void writes_what_it_is_told(void **state) {
  bp_context *ctx = bt_ctx(state);
  bp_json_writer w;
  char *text = NULL;
  bp_json_begin(&w, ctx);
  bp_json_open(&w, NULL, '{');
  bp_json_put_text(&w, "text", "a\"\x01");
  bp_json_put_whole(&w, "whole", INT64_MIN);
  bp_json_put_real(&w, "tenth", 0.1);
  bp_json_put_real(&w, "one", 1);
  bp_json_put_real(&w, "large", 1e22);
  bp_json_put_real(&w, "small", -1e-7);
  bp_json_put_real(&w, "nan", (double)NAN);
  bp_json_open(&w, "list", '[');
  bp_json_put_bool(&w, NULL, true);
  bp_json_put_bool(&w, NULL, false);
  bp_json_put_null(&w, NULL);
  bp_json_close(&w, ']');
  bp_json_open(&w, "none", '{');
  bp_json_close(&w, '}');
  bp_json_close(&w, '}');
  bt_assert_ok(ctx, bp_json_end(&w, &text));
  assert_string_equal(text, "{\"text\":\"a\\\"\\u0001\",\"whole\":-9223372036854775808,\"tenth\":0.10000000000000001,"
                            "\"one\":1.0,\"large\":1e22,\"small\":-9.9999999999999995e-8,\"nan\":null,"
                            "\"list\":[true,false,null],\"none\":{}}");
  bp_string_free(ctx, text);
}

typedef struct walked {
  char text[400];
  size_t size;
} walked;

static void note(walked *w, const char *what, const char *name, const char *value) {
  w->size +=
      (size_t)snprintf(w->text + w->size, sizeof w->text - w->size, "%s %s %s; ", what, name ? name : "-", value);
}

static void note_open(void *to, const char *name, char bracket) { note(to, "open", name, (char[]){bracket, 0}); }
static void note_close(void *to, char bracket) { note(to, "close", NULL, (char[]){bracket, 0}); }
static void note_text(void *to, const char *name, const char *value) { note(to, "text", name, value); }
static void note_word(void *to, const char *name, const char *word) { note(to, "word", name, word); }
static void note_whole(void *to, const char *name, int64_t value) { note(to, "whole", name, value == -7 ? "-7" : "?"); }
static void note_real(void *to, const char *name, double value) { note(to, "real", name, value == 7 ? "7.0" : "?"); }

static void a_walk_hands_on_every_value_in_order(void **state) {
  static const bp_json_visitor visitor = {note_open, note_close, note_text, note_whole, note_real, note_word};
  walked w = {.size = 0};
  bp_json *root = bt_json("{\"a\":[-7,7.0,{}],\"b\":\"ü\",\"c\":[true,false,null,[]]}");
  (void)state;
  bp_json_walk("root", root, &visitor, &w);
  bp_json_walk(NULL, NULL, &visitor, &w);
  bp_json_free(root);
  assert_string_equal(
      w.text, "open root {; open a [; whole - -7; real - 7.0; open - {; close - }; close - ]; text b ü; open c [; "
              "word - true; word - false; word - null; open - [; close - ]; close - ]; close - }; word - null; ");
}

static void a_failure_sticks(void **state) {
  bp_context *ctx = bt_ctx(state);
  bp_json_writer w;
  char *text = NULL;
  bp_json_begin(&w, ctx);
  bp_json_open(&w, NULL, '[');
  bp_json_put_text(&w, NULL, "broken \xFF");
  bp_json_put_text(&w, NULL, "good");
  bp_json_close(&w, ']');
  bt_assert_fails(ctx, BP_E_ARG, bp_json_end(&w, &text));
  bt_assert_message(ctx, "JSON: the text 'broken ?' is not UTF-8");
  assert_null(text);
}

/* A decimal comma of the locale is neither written nor expected. */
static void the_locale_changes_nothing(void **state) {
  static const char *const names[] = {"de_DE.UTF-8", "fr_FR.UTF-8", "de_DE.utf8"};
  (void)state;
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    if (!setlocale(LC_NUMERIC, names[i])) continue;
    bp_json *root = bt_json("[1.5,1e-7]");
    char *text = bt_json_dump(root);
    (void)setlocale(LC_NUMERIC, "C");
    assert_string_equal(text, "[1.5,9.9999999999999995e-8]");
    bp_json_free(root);
    free(text);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      BT_TEST(reads_every_kind_of_value),
      BT_TEST(what_is_not_there_is_none),
      BT_TEST(texts_come_back),
      BT_TEST(escapes_are_what_they_stand_for),
      BT_TEST(whole_numbers_keep_all_their_bits),
      BT_TEST(numbers_are_those_of_strtod),
      BT_TEST(refuses_what_is_no_json),
      BT_TEST(the_size_ends_the_text),
      BT_TEST(refuses_every_prefix),
      BT_TEST(depth_has_an_end),
      BT_TEST(numbers_have_a_longest),
      BT_TEST(memory_is_bounded_by_the_text),
      BT_TEST(every_failure_is_clean),
      BT_TEST(writes_what_it_is_told),
      BT_TEST(a_walk_hands_on_every_value_in_order),
      BT_TEST(a_failure_sticks),
      BT_TEST(the_locale_changes_nothing),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
