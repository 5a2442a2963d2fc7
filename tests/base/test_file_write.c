/* Writing: a file appears whole or not at all, whatever fails. */
/* labels: unit io oom */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/io.h"
#include "support/testing.h"

/* A folder, a file name in it, and content longer than the writer's buffer. */
enum { LONG = 200001 };
typedef struct place {
  bt_dir dir;
  char path[BT_PATH];
  char content[LONG];
} place;

static place *place_new(void) {
  place *p = malloc(sizeof *p);
  if (!p) fail_msg("out of memory");
  bt_dir_make(&p->dir);
  (void)bt_dir_file(&p->dir, "model.bp", p->path);
  for (size_t i = 0; i < LONG; i++) p->content[i] = (char)(i * i >> 8);
  return p;
}

static void place_free(place *p) {
  bt_dir_remove(&p->dir);
  free(p);
}

/* Writes the content in pieces of odd sizes, some larger than any buffer. */
static bp_status save(bp_context *ctx, const place *p) {
  bp_writer *w;
  bp_status status = bp_writer_open(ctx, p->path, &w);
  if (status != BP_OK) return status;
  for (size_t done = 0, size = 1; done < LONG; done += size, size = size * 3 + 1) {
    if (size > LONG - done) size = LONG - done;
    status = bp_writer_write(w, p->content + done, size);
    if (status != BP_OK) {
      bp_writer_cancel(w);
      return status;
    }
  }
  return bp_writer_commit(w);
}

static void what_is_written_is_in_the_file(void **state) {
  bp_context *ctx = bt_ctx(state);
  place *p = place_new();
  bt_assert_ok(ctx, save(ctx, p));
  assert_true(bt_file_is(p->path, p->content, LONG));
  assert_int_equal(bt_dir_entries(&p->dir), 1);
  place_free(p);
}

static void nothing_is_visible_before_commit(void **state) {
  bp_context *ctx = bt_ctx(state);
  place *p = place_new();
  bp_writer *w;
  bt_assert_ok(ctx, bp_writer_open(ctx, p->path, &w));
  bt_assert_ok(ctx, bp_writer_write(w, p->content, LONG));
  assert_false(bt_file_exists(p->path));
  bt_assert_ok(ctx, bp_writer_commit(w));
  assert_true(bt_file_is(p->path, p->content, LONG));
  place_free(p);
}

static void an_empty_file_can_be_written(void **state) {
  bp_context *ctx = bt_ctx(state);
  place *p = place_new();
  bp_writer *w;
  bt_assert_ok(ctx, bp_writer_open(ctx, p->path, &w));
  bt_assert_ok(ctx, bp_writer_write(w, NULL, 0));
  bt_assert_ok(ctx, bp_writer_commit(w));
  assert_true(bt_file_is(p->path, "", 0));
  place_free(p);
}

static void cancel_leaves_the_old_file(void **state) {
  bp_context *ctx = bt_ctx(state);
  place *p = place_new();
  bp_writer *w;
  bt_write_file(p->path, "old", 3);
  bt_assert_ok(ctx, bp_writer_open(ctx, p->path, &w));
  bt_assert_ok(ctx, bp_writer_write(w, p->content, LONG));
  bp_writer_cancel(w);
  bp_writer_cancel(NULL);
  assert_true(bt_file_is(p->path, "old", 3));
  assert_int_equal(bt_dir_entries(&p->dir), 1);
  place_free(p);
}

static void permissions_of_the_old_file_are_kept(void **state) {
  bp_context *ctx = bt_ctx(state);
  place *p = place_new();
  struct stat info;
  bt_write_file(p->path, "old", 3);
  assert_int_equal(chmod(p->path, 0640), 0);
  bt_assert_ok(ctx, save(ctx, p));
  assert_int_equal(stat(p->path, &info), 0);
  assert_int_equal(info.st_mode & 0777, 0640);
  place_free(p);
}

static void a_new_file_has_the_usual_permissions(void **state) {
  bp_context *ctx = bt_ctx(state);
  place *p = place_new();
  struct stat info;
  mode_t mask = umask(027);
  bt_assert_ok(ctx, save(ctx, p));
  (void)umask(mask);
  assert_int_equal(stat(p->path, &info), 0);
  assert_int_equal(info.st_mode & 0777, 0640);
  place_free(p);
}

static void a_link_is_followed(void **state) {
  bp_context *ctx = bt_ctx(state);
  place *p = place_new();
  char target[BT_PATH];
  struct stat info;
  bt_write_file(bt_dir_file(&p->dir, "target", target), "old", 3);
  assert_int_equal(symlink("target", p->path), 0);
  bt_assert_ok(ctx, save(ctx, p));
  assert_true(bt_file_is(target, p->content, LONG));
  assert_int_equal(lstat(p->path, &info), 0);
  assert_true(S_ISLNK(info.st_mode));
  place_free(p);
}

/* Whether a link of that content leads to a file that `save` makes or replaces as `target`. */
static void assert_link_leads(bp_context *ctx, place *p, const char *link, const char *target) {
  char path[BT_PATH];
  struct stat info;
  (void)unlink(p->path);
  assert_int_equal(symlink(link, p->path), 0);
  bt_assert_ok(ctx, save(ctx, p));
  assert_int_equal(lstat(p->path, &info), 0);
  assert_true(S_ISLNK(info.st_mode));
  assert_true(bt_file_is(bt_dir_file(&p->dir, target, path), p->content, LONG));
}

static void a_link_is_followed_to_its_end(void **state) {
  bp_context *ctx = bt_ctx(state);
  place *p = place_new();
  char path[BT_PATH];
  assert_link_leads(ctx, p, "not-there-yet", "not-there-yet");
  assert_link_leads(ctx, p, "not-there-yet", "not-there-yet");
  assert_link_leads(ctx, p, bt_dir_file(&p->dir, "absolute", path), "absolute");
  assert_int_equal(mkdir(bt_dir_file(&p->dir, "folder", path), 0700), 0);
  assert_int_equal(symlink("../end", bt_dir_file(&p->dir, "folder/second", path)), 0);
  assert_link_leads(ctx, p, "folder/second", "end");
  (void)unlink(path);
  (void)rmdir(bt_dir_file(&p->dir, "folder", path));
  assert_int_equal(bt_dir_entries(&p->dir), 4);
  place_free(p);
}

static void links_without_an_end_are_refused(void **state) {
  bp_context *ctx = bt_ctx(state);
  place *p = place_new();
  static const struct {
    const char *link, *words;
  } rows[] = {{"model.bp", "cannot follow its links: "}, {"no/folder", "No such file"}, {".", "Is a directory"}};
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    assert_int_equal(symlink(rows[i].link, p->path), 0);
    bt_assert_fails(ctx, BP_E_IO, save(ctx, p));
    bt_assert_message(ctx, rows[i].words);
    assert_int_equal(unlink(p->path), 0);
  }
  place_free(p);
}

static void another_hard_link_keeps_the_old_file(void **state) {
  bp_context *ctx = bt_ctx(state);
  place *p = place_new();
  char other[BT_PATH];
  bt_write_file(p->path, "old", 3);
  assert_int_equal(link(p->path, bt_dir_file(&p->dir, "other", other)), 0);
  bt_assert_ok(ctx, save(ctx, p));
  assert_true(bt_file_is(other, "old", 3));
  assert_true(bt_file_is(p->path, p->content, LONG));
  place_free(p);
}

static void the_name_of_a_descriptor_is_written_to_where_it_stands(void **state) {
  bp_context *ctx = bt_ctx(state);
  static const char *const forms[] = {"/dev/fd/%d", "/proc/self/fd/%d"};
  for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
    place *p = place_new();
    char file[BT_PATH], content[LONG + 3];
    int fd = open(bt_dir_file(&p->dir, "open", file), O_WRONLY | O_CREAT | O_EXCL, 0600);
    assert_true(fd > 2 && write(fd, "old", 3) == 3);
    (void)snprintf(p->path, sizeof p->path, forms[i], fd);
    if (bt_file_exists("/proc/self/fd")) {
      bt_assert_ok(ctx, save(ctx, p));
      memcpy(content, "old", 3);
      memcpy(content + 3, p->content, LONG);
      assert_true(bt_file_is(file, content, sizeof content));
    }
    (void)close(fd);
    place_free(p);
  }
}

/* ---- temporaries that have names ---- */

static bool unnamed_were_tried;

static int open_named_only(const char *path, int flags, mode_t mode) {
#ifdef O_TMPFILE
  if ((flags & O_TMPFILE) == O_TMPFILE) {
    unnamed_were_tried = true;
    errno = EOPNOTSUPP;
    return -1;
  }
#endif
  return bp_io_system.open(path, flags, mode);
}

static bp_io named_only(void) {
  bp_io table = bp_io_system;
  table.open = open_named_only;
  return table;
}

/* The name of the one temporary that is there now. */
static void find_temporary(const bt_dir *dir, char name[BT_PATH]) {
  DIR *folder = opendir(dir->path);
  assert_non_null(folder);
  name[0] = '\0';
  for (struct dirent *entry; (entry = readdir(folder)) != NULL;)
    if (strncmp(entry->d_name, ".backprop-", 10) == 0) (void)bt_dir_file(dir, entry->d_name, name);
  (void)closedir(folder);
}

static void what_a_killed_writer_left_is_removed_by_the_next_one(void **state) {
  bp_context *ctx = bt_ctx(state);
  place *p = place_new();
  bp_io table = named_only();
  char name[BT_PATH], again[BT_PATH];
  bp_writer *first, *second;
  bp_io_set_for_test(&table);
  for (int new = 0; new < 2; new ++) { /* the next writer's own temporary has a name, or not */
    bt_assert_ok(ctx, bp_writer_open(ctx, p->path, &first));
    find_temporary(&p->dir, name);
    assert_true(name[0]);
    bt_assert_ok(ctx, bp_writer_open(ctx, p->path, &second));
    assert_int_equal(bt_dir_entries(&p->dir), 2 + new); /* the first one lives: its temporary stays */
    bp_writer_cancel(second);
    bp_writer_cancel(first);
    bt_write_file(name, "left behind", 11);
    bt_write_file(p->path, "old", 3);
    if (new) bp_io_set_for_test(NULL);
    bt_assert_ok(ctx, save(ctx, p));
    find_temporary(&p->dir, again);
    assert_string_equal(again, "");
  }
  place_free(p);
}

static void what_is_no_file_of_ours_is_left_alone(void **state) {
  bp_context *ctx = bt_ctx(state);
  place *p = place_new();
  bp_io table = named_only();
  char name[BT_PATH];
  bp_writer *w;
  bp_io_set_for_test(&table);
  bt_assert_ok(ctx, bp_writer_open(ctx, p->path, &w));
  find_temporary(&p->dir, name);
  bp_writer_cancel(w);
  assert_int_equal(symlink("elsewhere", name), 0);
  bt_assert_ok(ctx, save(ctx, p));
  bp_io_set_for_test(NULL);
  assert_int_equal(bt_dir_entries(&p->dir), 2);
  place_free(p);
}

static void abandoned_writers_leave_nothing(void **state) {
  bp_context *ctx = bt_ctx(state);
  place *p = place_new();
  bp_io table = named_only();
  bp_writer *w;
  bp_io_set_for_test(&table);
  bt_assert_ok(ctx, bp_writer_open(ctx, p->path, &w));
  assert_int_equal(bt_dir_entries(&p->dir), 1);
  bp_writers_abandon();
  assert_int_equal(bt_dir_entries(&p->dir), 0);
  bp_writer_cancel(w);
  bp_io_set_for_test(NULL);
  assert_true(unnamed_were_tried || !bt_file_exists("/proc/self/fd"));
  place_free(p);
}

static void a_name_as_long_as_the_system_allows_works(void **state) {
  bp_context *ctx = bt_ctx(state);
  place *p = place_new();
  char name[256];
  memset(name, 'n', 255);
  name[255] = '\0';
  (void)bt_dir_file(&p->dir, name, p->path);
  bt_assert_ok(ctx, save(ctx, p));
  assert_true(bt_file_is(p->path, p->content, LONG));
  place_free(p);
}

static void a_name_without_a_folder_is_in_the_current_one(void **state) {
  bp_context *ctx = bt_ctx(state);
  place *p = place_new();
  int here = open(".", O_RDONLY | O_DIRECTORY);
  assert_true(here >= 0);
  assert_int_equal(chdir(p->dir.path), 0);
  (void)snprintf(p->path, sizeof p->path, "plain");
  bt_assert_ok(ctx, save(ctx, p));
  bool good = bt_file_is("plain", p->content, LONG);
  assert_int_equal(fchdir(here), 0);
  (void)close(here);
  assert_true(good);
  place_free(p);
}

static void devices_are_written_to_directly(void **state) {
  bp_context *ctx = bt_ctx(state);
  place *p = place_new();
  struct stat info;
  (void)snprintf(p->path, sizeof p->path, "/dev/null");
  bt_assert_ok(ctx, save(ctx, p));
  assert_int_equal(stat("/dev/null", &info), 0);
  assert_true(S_ISCHR(info.st_mode));
  place_free(p);
}

static void a_full_device_is_reported(void **state) {
  bp_context *ctx = bt_ctx(state);
  place *p = place_new();
  (void)snprintf(p->path, sizeof p->path, "/dev/full");
  if (!bt_file_exists(p->path)) {
    place_free(p);
    print_message("skipped: no /dev/full\n");
    skip();
  }
  bt_assert_fails(ctx, BP_E_IO, save(ctx, p));
  bt_assert_message(ctx, "/dev/full: cannot write: No space left");
  place_free(p);
}

static void standard_output_is_a_dash(void **state) {
  bp_context *ctx = bt_ctx(state);
  place *p = place_new();
  bp_writer *w;
  int kept = dup(STDOUT_FILENO), file = open(p->path, O_WRONLY | O_CREAT | O_EXCL, 0600);
  assert_true(kept >= 0 && file >= 0);
  (void)dup2(file, STDOUT_FILENO);
  bp_status status = bp_writer_open(ctx, "-", &w);
  if (status == BP_OK) status = bp_writer_write(w, "text", 4);
  if (status == BP_OK) status = bp_writer_commit(w);
  bool still_open = fcntl(STDOUT_FILENO, F_GETFD) != -1;
  (void)dup2(kept, STDOUT_FILENO);
  (void)close(kept);
  (void)close(file);
  bt_assert_ok(ctx, status);
  assert_true(still_open);
  assert_true(bt_file_is(p->path, "text", 4));
  place_free(p);
}

/* ---- refusals ---- */

static void what_cannot_be_opened_is_named(void **state) {
  bp_context *ctx = bt_ctx(state);
  place *p = place_new();
  bp_writer *w = NULL;
  bt_assert_fails(ctx, BP_E_IO, bp_writer_open(ctx, "/no/such/folder/file", &w));
  bt_assert_message(ctx, "/no/such/folder/file: cannot create a temporary file in its folder: No such file");
  bt_assert_fails(ctx, BP_E_IO, bp_writer_open(ctx, p->dir.path, &w));
  bt_assert_message(ctx, "Is a directory");
  bt_assert_fails(ctx, BP_E_IO, bp_writer_open(ctx, "", &w));
  bt_assert_message(ctx, "its name is empty");
  bt_write_file(p->path, "old", 3);
  (void)strcat(p->path, "/below");
  bt_assert_fails(ctx, BP_E_IO, bp_writer_open(ctx, p->path, &w));
  assert_null(w);
  place_free(p);
}

static void a_file_that_may_not_be_written_is_not_replaced(void **state) {
  bp_context *ctx = bt_ctx(state);
  if (geteuid() == 0) {
    print_message("skipped: the superuser may write everything\n");
    skip();
  }
  place *p = place_new();
  bt_write_file(p->path, "old", 3);
  assert_int_equal(chmod(p->path, 0444), 0);
  bt_assert_fails(ctx, BP_E_IO, save(ctx, p));
  bt_assert_message(ctx, "cannot replace it: Permission denied");
  assert_true(bt_file_is(p->path, "old", 3));
  place_free(p);
}

static void a_failed_write_is_not_forgotten(void **state) {
  bp_context *ctx = bt_ctx(state);
  place *p = place_new();
  bp_writer *w;
  if (!bt_file_exists("/dev/full")) {
    place_free(p);
    skip();
  }
  bt_assert_ok(ctx, bp_writer_open(ctx, "/dev/full", &w));
  bt_assert_fails(ctx, BP_E_IO, bp_writer_write(w, p->content, LONG));
  bp_error_clear(ctx);
  bt_assert_fails(ctx, BP_E_IO, bp_writer_commit(w));
  bt_assert_message(ctx, "No space left");
  place_free(p);
}

static int fsync_refuses(int fd) {
  struct stat info;
  if (fstat(fd, &info) == 0 && !S_ISDIR(info.st_mode)) return fsync(fd);
  errno = EIO;
  return -1;
}

static void a_folder_that_cannot_be_synced_is_a_warning(void **state) {
  bt_fixture *fixture = bt_fixture_of(state);
  place *p = place_new();
  bp_io table = bp_io_system;
  table.fsync = fsync_refuses;
  bp_io_set_for_test(&table);
  bp_status status = save(fixture->ctx, p);
  bp_io_set_for_test(NULL);
  bt_assert_ok(fixture->ctx, status);
  assert_int_equal(fixture->messages, 1);
  assert_non_null(strstr(fixture->message, "model.bp: written"));
  place_free(p);
}

static int link_error;

static int link_refuses(int fd, const char *to) {
  (void)fd, (void)to;
  errno = link_error;
  return -1;
}

static void a_file_that_cannot_get_a_name_is_copied(void **state) {
  static const int errors[] = {EPERM, ENOSYS, EOPNOTSUPP, EXDEV, ENOENT};
  bp_context *ctx = bt_ctx(state);
  place *p = place_new();
  bp_io table = bp_io_system;
  struct stat info;
  table.link = link_refuses;
  for (size_t i = 0; i < sizeof errors / sizeof *errors; i++)
    for (int old = 0; old < 2; old++) {
      (void)unlink(p->path);
      if (old) {
        bt_write_file(p->path, "old", 3);
        assert_int_equal(chmod(p->path, 0640), 0);
      }
      mode_t mask = umask(022);
      link_error = errors[i];
      bp_io_set_for_test(&table);
      bp_status status = save(ctx, p);
      bp_io_set_for_test(NULL);
      (void)umask(mask);
      bt_assert_ok(ctx, status);
      assert_true(bt_file_is(p->path, p->content, LONG));
      assert_int_equal(stat(p->path, &info), 0);
      assert_int_equal(info.st_mode & 0777, old ? 0640 : 0644);
      assert_int_equal(bt_dir_entries(&p->dir), 1);
    }
  place_free(p);
}

/* ---- sweeps ---- */

static bp_status save_over_old(bp_context *ctx, void *user) {
  const place *p = user;
  bt_write_file(p->path, "old", 3);
  return save(ctx, p);
}

static void old_or_new_and_no_temporary(bp_status status, void *user) {
  const place *p = user;
  if (status == BP_OK)
    assert_true(bt_file_is(p->path, p->content, LONG));
  else
    assert_true(bt_file_is(p->path, "old", 3));
  assert_int_equal(bt_dir_entries(&p->dir), 1);
}

static void whatever_fails_the_old_file_or_the_new_one_is_there(void **state) {
  (void)state;
  place *p = place_new();
  assert_true(bt_io_sweep(save_over_old, old_or_new_and_no_temporary, p) >= 20);
  place_free(p);
}

static bp_status save_new(bp_context *ctx, void *user) {
  const place *p = user;
  (void)unlink(p->path);
  return save(ctx, p);
}

static void nothing_or_new_and_no_temporary(bp_status status, void *user) {
  const place *p = user;
  assert_int_equal(bt_file_exists(p->path), status == BP_OK);
  assert_int_equal(bt_dir_entries(&p->dir), status == BP_OK);
}

static void whatever_fails_a_new_file_is_whole_or_absent(void **state) {
  (void)state;
  place *p = place_new();
  assert_true(bt_io_sweep(save_new, nothing_or_new_and_no_temporary, p) >= 20);
  place_free(p);
}

static bp_status save_and_look(bp_context *ctx, void *user) {
  bp_status status = save_over_old(ctx, user);
  old_or_new_and_no_temporary(status, user);
  return status;
}

static void without_memory_the_old_file_is_there(void **state) {
  (void)state;
  place *p = place_new();
  assert_int_equal(bt_alloc_sweep(save_and_look, p), 2);
  place_free(p);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      BT_TEST(what_is_written_is_in_the_file),
      BT_TEST(nothing_is_visible_before_commit),
      BT_TEST(an_empty_file_can_be_written),
      BT_TEST(cancel_leaves_the_old_file),
      BT_TEST(permissions_of_the_old_file_are_kept),
      BT_TEST(a_new_file_has_the_usual_permissions),
      BT_TEST(a_link_is_followed),
      BT_TEST(a_link_is_followed_to_its_end),
      BT_TEST(links_without_an_end_are_refused),
      BT_TEST(another_hard_link_keeps_the_old_file),
      BT_TEST(the_name_of_a_descriptor_is_written_to_where_it_stands),
      BT_TEST(what_a_killed_writer_left_is_removed_by_the_next_one),
      BT_TEST(what_is_no_file_of_ours_is_left_alone),
      BT_TEST(abandoned_writers_leave_nothing),
      BT_TEST(a_name_as_long_as_the_system_allows_works),
      BT_TEST(a_name_without_a_folder_is_in_the_current_one),
      BT_TEST(devices_are_written_to_directly),
      BT_TEST(a_full_device_is_reported),
      BT_TEST(standard_output_is_a_dash),
      BT_TEST(what_cannot_be_opened_is_named),
      BT_TEST(a_file_that_may_not_be_written_is_not_replaced),
      BT_TEST(a_failed_write_is_not_forgotten),
      BT_TEST(a_folder_that_cannot_be_synced_is_a_warning),
      BT_TEST(a_file_that_cannot_get_a_name_is_copied),
      cmocka_unit_test(whatever_fails_the_old_file_or_the_new_one_is_there),
      cmocka_unit_test(whatever_fails_a_new_file_is_whole_or_absent),
      cmocka_unit_test(without_memory_the_old_file_is_there),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
