/* labels: unit prop */
/* test_encoding_json.c - an encoding there and back, and files that lie. */
#include "data/encoding_json.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "data/data_fixtures.h"
#include "support/json_edit.h"

/* The JSON text of an encoding read from the JSON text of `e` is the same text. */
static void assert_round_trip(bp_context *ctx, const bp_encoding *e) {
  char *text = bt_encoding_text(ctx, e);
  bp_json *json = bt_json(text);
  bp_encoding *back;
  bt_assert_ok(ctx, bp_encoding_from_json(ctx, json, &back));
  char *again = bt_encoding_text(ctx, back);
  assert_string_equal(again, text);
  assert_int_equal(back->inputs, e->inputs);
  assert_int_equal(back->goal, e->goal);
  bp_json_free(json);
  free(text);
  free(again);
  bp_encoding_free(back);
}

static void comes_back_as_it_was(void **state) {
  static const char *const texts[] = {
      "age,colour,k,y\n2,red,1,a\n4,green,1,b\n,red,1,a\n6,,1,b\n",
      "x,y\n0.1,1.1\n0.2,2.7182818284590452\n1e-300,3.3\n",
      ("t,d,m,z,y\n9:30,1/13/2024,2024-03,2024-03-01T00:00Z,1\n12:30 PM,NaT,2024-11,2024-03-01T00:30Z,2\n"
       "23:00,2/3/2020,2021-01,2024-03-09T00:00Z,3\n"),
      "\"a \"\"quoted\"\" name\",\"käse\n\",y\n1,ö,1\n2,\"\\u0000\",2\n3,ö,2\n4,ö,1\n",
  };
  bp_context *ctx = bt_ctx(state);
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
    bp_table *t = bt_table(ctx, texts[i]);
    bp_encoding *e = bt_learn(ctx, t, NULL);
    assert_round_trip(ctx, e);
    bp_encoding_free(e);
    bp_table_free(t);
  }
}

static void blocks_come_back_too(void **state) {
  static const uint8_t bytes[8] = {0};
  static const double label[4] = {0, 1, 0, 1};
  bp_context *ctx = bt_ctx(state);
  bp_table *t;
  bt_assert_ok(ctx, bp_table_new(ctx, 4, &t));
  bt_assert_ok(ctx, bp_table_add_bytes(ctx, t, "pixel", 2, bytes));
  bt_assert_ok(ctx, bp_table_add_numbers(ctx, t, "label", label));
  bp_encoding *e = bt_learn(ctx, t, NULL);
  assert_round_trip(ctx, e);
  bp_encoding_free(e);
  bp_table_free(t);
}

static void encodes_as_before(void **state) {
  bp_context *ctx = bt_ctx(state);
  bp_table *t = bt_table(ctx, "x,c,y\n0.1,a,1\n0.7,b,2\n0.3,,1\n,b,2\n");
  bp_encoding *e = bt_learn(ctx, t, NULL), *back;
  char *text = bt_encoding_text(ctx, e);
  bp_json *json = bt_json(text);
  bt_assert_ok(ctx, bp_encoding_from_json(ctx, json, &back));
  bp_encoded a = bt_apply(ctx, e, t, BP_TARGETS_OWN), b = bt_apply(ctx, back, t, BP_TARGETS_OWN);
  bt_assert_same_bits(a.features, b.features, a.features_size);
  bt_assert_same_bits(a.targets, b.targets, a.targets_size);
  bp_encoded_release(&a);
  bp_encoded_release(&b);
  bp_json_free(json);
  free(text);
  bp_encoding_free(e);
  bp_encoding_free(back);
  bp_table_free(t);
}

static void other_texts_come_back_too(void **state) {
  bp_context *ctx = bt_ctx(state);
  bp_table *t = bt_table(ctx, "x,y\na,1\na,2\nb,1\nc,2\n");
  bp_encoding *e = bt_learn(ctx, t, &(bp_encoding_options){.max_categories = 1});
  assert_true(e->features[0].others && e->inputs == 2);
  assert_round_trip(ctx, e);
  bp_encoding_free(e);
  bp_table_free(t);
}

/* ---- files that lie ---- */

#define NUMBER        "{\"type\":\"number\",\"name\":\"x\",\"mean\":0.5,\"scale\":2,\"fill\":0,\"indicator\":false}"
#define CLASSES       "\"target\":{\"name\":\"y\",\"classes\":[\"0\",\"1\"]}"
#define REST          "," CLASSES ",\"unused\":[]}"
#define FEATURE(text) "{\"features\":[" text "]" REST
#define DATE(text)    FEATURE("{\"type\":\"date\",\"name\":\"x\"," text "}")
#define ZONED         "\"form\":\"year first\",\"zone\":true"
#define TARGET(text)  "{\"features\":[" NUMBER "],\"target\":" text ",\"unused\":[]}"

static void reads_a_file_written_by_hand(void **state) {
  bp_context *ctx = bt_ctx(state);
  bp_json *json = bt_json(FEATURE(NUMBER));
  bp_encoding *e;
  bt_assert_ok(ctx, bp_encoding_from_json(ctx, json, &e));
  assert_true(e->features[0].scale == 2 && e->inputs == 1 && e->classes.count == 2);
  bp_encoding_free(e);
  bp_json_free(json);
}

static void refuses_rubbish(void **state) {
  static const struct {
    const char *text, *message;
  } rows[] = {
      {"[]", "expected an object with features and target"},
      {"{}", "target: expected an object"},
      {"{\"features\":[]" REST, "features: expected at least one"},
      {"{\"features\":{}" REST, "features: expected an array"},
      {"{\"features\":[" NUMBER "]," CLASSES "}", "unused: expected an array"},
      {"{\"features\":[" NUMBER "]," CLASSES ",\"unused\":[\"x\"]}", "neither features nor the target"},
      {"{\"features\":[" NUMBER "]," CLASSES ",\"unused\":[\"y\"]}", "neither features nor the target"},
      {"{\"features\":[" NUMBER "]," CLASSES ",\"unused\":[\"q\",\"q\"]}", "unused: expected different texts"},
      {"{\"features\":[" NUMBER "]," CLASSES ",\"unused\":[],\"more\":1}", "more: expected nothing of that name"},
      {FEATURE("7"), "features[0].type: expected an object"},
      {FEATURE("{}"), "features[0].type: expected a text"},
      {FEATURE("{\"type\":\"image\"}"), "expected 'number', 'category', 'bytes' or 'date'"},
      {FEATURE("{\"type\":\"number\"}"), "features[0].name: expected a text"},
      {FEATURE("{\"type\":\"number\",\"name\":\"\"}"), "name: expected a text that is not empty"},
      {FEATURE("{\"type\":\"number\",\"name\":\"y\"}"), "name: expected a name that is not there yet"},
      {FEATURE(NUMBER "," NUMBER), "features[1].name: expected a name that is not there yet"},
      {FEATURE("{\"type\":\"number\",\"name\":\"x\"}"), "features[0].mean: expected a finite number"},
      {FEATURE("{\"type\":\"number\",\"name\":\"x\",\"mean\":\"0\"}"), "mean: expected a finite number"},
      {FEATURE("{\"type\":\"number\",\"name\":\"x\",\"mean\":null}"), "mean: expected a finite number"},
      {FEATURE("{\"type\":\"number\",\"name\":\"x\",\"mean\":\"NaN\"}"), "mean: expected a finite number"},
      {FEATURE("{\"type\":\"number\",\"name\":\"x\",\"mean\":0,\"scale\":0}"), "scale: expected a number above 0"},
      {FEATURE("{\"type\":\"number\",\"name\":\"x\",\"mean\":0,\"scale\":-1}"), "scale: expected a number above 0"},
      {FEATURE("{\"type\":\"number\",\"name\":\"x\",\"mean\":0,\"scale\":1}"), "fill: expected a finite number"},
      {FEATURE("{\"type\":\"number\",\"name\":\"x\",\"mean\":0,\"scale\":1,\"fill\":0,\"indicator\":0}"),
       "indicator: expected true or false"},
      {FEATURE("{\"type\":\"number\",\"name\":\"x\",\"men\":0}"), "men: expected nothing of that name"},
      {FEATURE("{\"type\":\"category\",\"name\":\"x\",\"categories\":[]}"), "fill: expected a text"},
      {FEATURE("{\"type\":\"category\",\"name\":\"x\",\"categories\":[1]}"), "categories: expected texts"},
      {FEATURE("{\"type\":\"category\",\"name\":\"x\",\"categories\":[\"\"]}"),
       "categories: expected texts that are not empty"},
      {FEATURE("{\"type\":\"category\",\"name\":\"x\",\"categories\":[\"a\",\"b\",\"a\"]}"), "one is there twice"},
      {FEATURE("{\"type\":\"category\",\"name\":\"x\",\"categories\":[\"a\"],\"fill\":\"b\"}"),
       "fill: expected one of the categories"},
      {FEATURE("{\"type\":\"category\",\"name\":\"x\",\"categories\":[\"a\"],\"fill\":\"a\",\"others\":1}"),
       "others: expected true or false"},
      {FEATURE("{\"type\":\"category\",\"name\":\"x\",\"hash\":1}"), "hash: expected a whole number from 2 to 65536"},
      {FEATURE("{\"type\":\"category\",\"name\":\"x\",\"hash\":65537}"),
       "hash: expected a whole number from 2 to 65536"},
      {FEATURE("{\"type\":\"category\",\"name\":\"x\",\"hash\":4,\"fill\":4}"),
       "fill: expected a whole number from 0 to 3"},
      {FEATURE("{\"type\":\"category\",\"name\":\"x\",\"hash\":4,\"fill\":-1}"),
       "fill: expected a whole number from 0 to 3"},
      {FEATURE("{\"type\":\"category\",\"name\":\"x\",\"hash\":4,\"fill\":0}"), "indicator: expected true or false"},
      {FEATURE("{\"type\":\"category\",\"name\":\"x\",\"hash\":4,\"categories\":[]}"),
       "categories: expected nothing of that name"},
      {DATE("\"form\":\"year last\""), "features[0].form: expected a form of dates, as 'year first'"},
      {DATE("\"form\":\"\""), "form: expected a text that is not empty"},
      {DATE("\"form\":\"time\",\"zone\":0"), "zone: expected true or false"},
      {DATE(ZONED ",\"cycles\":7"), "cycles: expected an array"},
      {DATE(ZONED ",\"cycles\":[\"week\",\"year\"]"),
       "cycles: expected 'year', 'month', 'week' and 'day' in this order"},
      {DATE(ZONED ",\"cycles\":[\"day\",\"day\"]"), "cycles: expected 'year', 'month', 'week' and 'day' in this order"},
      {DATE(ZONED ",\"cycles\":[0]"), "cycles: expected 'year', 'month', 'week' and 'day' in this order"},
      {DATE(ZONED ",\"cycles\":[],\"mean\":0,\"scale\":0"), "scale: expected a number above 0"},
      {DATE(ZONED ",\"cycles\":[],\"mean\":0,\"scale\":1,\"fill\":1e12"),
       "fill: expected seconds since 1970 in the years"},
      {DATE(ZONED ",\"cycles\":[],\"mean\":0,\"scale\":1,\"fill\":0"), "indicator: expected true or false"},
      {DATE("\"categories\":[]"), "categories: expected nothing of that name"},
      {FEATURE("{\"type\":\"bytes\",\"prefix\":\"p\"}"), "count: expected a whole number"},
      {FEATURE("{\"type\":\"bytes\",\"prefix\":\"p\",\"count\":0}"), "count: expected a whole number"},
      {FEATURE("{\"type\":\"bytes\",\"prefix\":\"p\",\"count\":1000001}"), "count: expected a whole number"},
      {FEATURE("{\"type\":\"bytes\",\"prefix\":\"p\",\"count\":3.5}"), "count: expected a whole number"},
      {FEATURE("{\"type\":\"bytes\",\"prefix\":\"p\",\"count\":9},{\"type\":\"bytes\",\"prefix\":\"q\",\"count\":9}"),
       "a second block of bytes"},
      {FEATURE("{\"type\":\"bytes\",\"prefix\":\"p\",\"count\":1000000}," NUMBER
               ",{\"type\":\"category\",\"name\":\"p7\",\"categories\":[\"a\"],\"fill\":\"a\",\"indicator\":false}"),
       "not there yet"},
      {TARGET("[]"), "target: expected an object"},
      {TARGET("{}"), "target.name: expected a text"},
      {TARGET("{\"name\":\"y\"}"), "target.mean: expected a finite number"},
      {TARGET("{\"name\":\"y\",\"mean\":0,\"scale\":0}"), "target.scale: expected a number above 0"},
      {TARGET("{\"name\":\"y\",\"classes\":[\"a\"]}"), "target.classes: expected 2 to 65536 classes"},
      {TARGET("{\"name\":\"y\",\"classes\":[\"a\",\"a\"]}"), "target.classes: expected different texts"},
      {TARGET("{\"name\":\"y\",\"classes\":[\"a\",\"b\"],\"mean\":0}"), "target.mean: expected nothing of that name"},
  };
  bp_context *ctx = bt_ctx(state);
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    bp_json *json = bt_json(rows[i].text);
    bp_encoding *e = NULL;
    bt_assert_fails(ctx, BP_E_MODEL, bp_encoding_from_json(ctx, json, &e));
    bt_assert_message(ctx, rows[i].message);
    assert_null(e);
    bp_json_free(json);
  }
}

/* Each value of a good file in turn becomes one of another type. */
static void refuses_every_value_of_another_type(void **state) {
  bp_context *ctx = bt_ctx(state);
  bp_table *t = bt_table(ctx, "x,c,z,d,y\n0.1,a,k,9:30,1\n0.7,b,k,9:31,2\n0.3,,k,8:30,1\n,b,k,1:00,2\n");
  bp_encoding *e = bt_learn(ctx, t, NULL);
  char *text = bt_encoding_text(ctx, e), *broken;
  size_t n = 0;
  for (; (broken = bt_json_set_nth(text, n, "{\"rubbish\":[null]}")) != NULL; n++) {
    bp_json *json = bt_json(broken);
    bp_encoding *none = NULL;
    bt_assert_fails(ctx, BP_E_MODEL, bp_encoding_from_json(ctx, json, &none));
    bp_json_free(json);
    free(broken);
  }
  assert_true(n > 20);
  free(text);
  bp_encoding_free(e);
  bp_table_free(t);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      BT_TEST(comes_back_as_it_was),
      BT_TEST(blocks_come_back_too),
      BT_TEST(other_texts_come_back_too),
      BT_TEST(encodes_as_before),
      BT_TEST(reads_a_file_written_by_hand),
      BT_TEST(refuses_rubbish),
      BT_TEST(refuses_every_value_of_another_type),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
