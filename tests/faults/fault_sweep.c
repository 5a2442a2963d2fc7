/* faults/fault_sweep.c - runs a command once for every call that can fail, and judges what it did.
 *
 * For every family of calls the n-th call fails, for n = 1, 2, 3 ... until there is none, once alone and once with all later ones.
 * Good is: status 0 with the bytes of the run without faults; or 7 (memory) or 5 (input and output), with one line on standard
 * error, and every file old or new but whole. Everything else is shown and counted.
 *
 *   fault_sweep [options] -- COMMAND ARGUMENTS...
 *     --interposer FILE   what is preloaded
 *     --name TEXT         of the row of the table
 *     --jobs N            runs at once
 *     --limit N           no more than about N runs of a family, spread evenly; 0: all
 *     --stdin FILE        standard input; else it is empty
 *     --out FILE          a file that the command writes; "old", or what it is in the current folder, when it begins (may be repeated)
 *     --between FILE      one that goes through several states; it may stay old, and whole is what --accept says of it
 *     --accept COMMAND    a shell command that succeeds where $FILE is whole
 *     --masked            numbers in standard output are times, and do not count
 *     --kind TEXT         only families whose name holds it
 *     --shown N           of what is wrong (12)
 *     --show FAMILY,FROM,N  one run, with the stack of the call that fails
 * It works on copies of the files of the current folder.
 */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <dirent.h>
#include <getopt.h>
#include <signal.h>
#include <spawn.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fault_plan.h"

enum { MOST_OUTPUTS = 8, MOST_JOBS = 64, SECONDS = 120, MOST_ACCEPTED = 64 };

typedef struct text {
  char *bytes; /* NULL: there is no file */
  size_t size;
} text;

typedef struct output {
  const char *name;
  bool between;
  text old, new;
} output;

typedef enum verdict { SAME, NO_MEMORY, NO_IO, BAD, VERDICTS } verdict;

typedef struct fault_kind {
  fault_family family;
  int error; /* as in fault_plan */
  const char *name;
} fault_kind;

static const fault_kind kinds[] = {
    {FAULT_MEMORY, ENOMEM, "memory"},
    {FAULT_OPEN, EMFILE, "open"},
    {FAULT_OPEN, EINTR, "open interrupted"},
    {FAULT_READ, EIO, "read"},
    {FAULT_READ, EINTR, "read interrupted"},
    {FAULT_READ, 0, "read short"},
    {FAULT_WRITE, ENOSPC, "write"},
    {FAULT_WRITE, EINTR, "write interrupted"},
    {FAULT_WRITE, 0, "write short"},
    {FAULT_FSYNC, EIO, "fsync"},
    {FAULT_FSYNC, EINTR, "fsync interrupted"},
    {FAULT_RENAME, EIO, "rename"},
    {FAULT_CLOSE, EIO, "close"},
    {FAULT_CLOSE, EINTR, "close interrupted"},
    {FAULT_STAT, EIO, "stat"},
    {FAULT_DUP, EMFILE, "dup"},
    {FAULT_MMAP, ENOMEM, "mmap"},
    {FAULT_THREAD, EAGAIN, "thread"},
};
enum { KINDS = sizeof kinds / sizeof *kinds };

static struct {
  const char *interposer, *name, *input, *accept, *kind;
  char *show;
  char **command;
  int jobs;
  long limit, shown;
  bool masked;
  int n_outputs;
  output outputs[MOST_OUTPUTS];
} options = {.name = "", .kind = "", .jobs = 2, .shown = 12};

/* Shared by the jobs. */
static struct {
  atomic_long runs[2 * KINDS][VERDICTS];
  atomic_long shown;
} * counts;

static char **environment; /* with the interposer */
static text good_output;
static char *good_listing; /* of the folder, when the command ended well */
static int home = -1;      /* the folder that is copied */

static void give_up(const char *what) {
  (void)fprintf(stderr, "fault_sweep: %s: %s\n", what, strerror(errno));
  exit(2);
}

static void *room(size_t size) {
  void *block = calloc(size ? size : 1, 1);
  if (!block) give_up("memory");
  return block;
}

/* ---- files ---- */

static text read_descriptor(int fd) {
  struct stat info;
  text t = {0};
  if (fstat(fd, &info) != 0) give_up("fstat");
  t.bytes = room((size_t)info.st_size + 1);
  ssize_t got = pread(fd, t.bytes, (size_t)info.st_size, 0);
  t.size = got > 0 ? (size_t)got : 0;
  t.bytes[t.size] = '\0';
  return t;
}

static text read_whole(const char *path) {
  text t = {0};
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return t;
  t = read_descriptor(fd);
  (void)close(fd);
  return t;
}

static void write_whole(const char *path, const text *t) {
  (void)unlink(path);
  if (!t->bytes) return;
  int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (fd < 0 || write(fd, t->bytes, t->size) != (ssize_t)t->size) give_up(path);
  (void)close(fd);
}

static bool same(const text *a, const text *b) {
  return !a->bytes == !b->bytes && a->size == b->size && (!a->bytes || memcmp(a->bytes, b->bytes, a->size) == 0);
}

static int by_name(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

/* NEW the names in the current folder, sorted, but for one file of ours. */
static char *list_folder(void) {
  char *names[512], *list = room(1 << 16);
  int n = 0;
  DIR *folder = opendir(".");
  if (!folder) give_up("opendir");
  for (struct dirent *entry; (entry = readdir(folder)) != NULL && n < 512;)
    if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0) names[n++] = strdup(entry->d_name);
  (void)closedir(folder);
  qsort(names, (size_t)n, sizeof *names, by_name);
  for (int i = 0; i < n; i++) {
    (void)strncat(strncat(list, names[i], 255), "\n", 2);
    free(names[i]);
  }
  return list;
}

/* Numbers become '#', whatever their length. */
static void mask(text *t) {
  size_t n = 0;
  for (size_t i = 0; i < t->size; i++) {
    bool part = strchr("0123456789.", t->bytes[i]) || (n > 0 && t->bytes[n - 1] == '#' && strchr("+-e", t->bytes[i]));
    if (!part)
      t->bytes[n++] = t->bytes[i];
    else if (n == 0 || t->bytes[n - 1] != '#')
      t->bytes[n++] = '#';
  }
  t->size = n;
}

/* ---- one run ---- */

typedef struct job {
  fault_plan *plan;
  int out, err; /* files without names */
} job;

typedef struct result {
  int status;
  text out, err;
} result;

static int unnamed_file(const char *name) {
  int fd = memfd_create(name, 0);
  if (fd < 0) give_up("memfd_create");
  return fd;
}

/* A job lives in a process and a folder of its own. */
static void job_begin(job *j) {
  char folder[] = "/dev/shm/backprop-faults-XXXXXX", here[4096], command[8192];
  int page = unnamed_file("plan");
  if (ftruncate(page, sizeof *j->plan) != 0 || dup2(page, FAULT_PLAN_FD) < 0) give_up("the plan");
  (void)close(page);
  j->plan = mmap(NULL, sizeof *j->plan, PROT_READ | PROT_WRITE, MAP_SHARED, FAULT_PLAN_FD, 0);
  if (j->plan == MAP_FAILED) give_up("mmap");
  j->out = unnamed_file("out");
  j->err = unnamed_file("err");
  (void)fcntl(j->out, F_SETFD, FD_CLOEXEC);
  (void)fcntl(j->err, F_SETFD, FD_CLOEXEC);
  if (!getcwd(here, sizeof here) || (!mkdtemp(folder) && !mkdtemp(strcpy(folder, "/tmp/backprop-faults-XXXXXX"))) ||
      chdir(folder) != 0)
    give_up("a folder");
  (void)snprintf(command, sizeof command, "cp -p '%s'/* .", here);
  if (system(command) != 0) give_up("cp");
}

static int remove_entry(const char *path, const struct stat *info, int kind, struct FTW *walk) {
  (void)info, (void)kind, (void)walk;
  return remove(path);
}

static void job_end(void) {
  char here[4096];
  if (getcwd(here, sizeof here) && fchdir(home) == 0) (void)nftw(here, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
}

static void remove_others(void) {
  DIR *folder = opendir(".");
  if (!folder) give_up("opendir");
  for (struct dirent *entry; (entry = readdir(folder)) != NULL;)
    if (strncmp(entry->d_name, ".backprop-", 10) == 0) (void)unlink(entry->d_name);
  (void)closedir(folder);
}

static void put_old_files(void) {
  remove_others();
  for (int i = 0; i < options.n_outputs; i++) {
    text now = read_whole(options.outputs[i].name);
    if (!same(&now, &options.outputs[i].old)) write_whole(options.outputs[i].name, &options.outputs[i].old);
    free(now.bytes);
  }
}

static result run(const job *j) {
  posix_spawn_file_actions_t actions;
  result r;
  pid_t child;
  put_old_files();
  if (ftruncate(j->out, 0) != 0 || ftruncate(j->err, 0) != 0) give_up("ftruncate");
  (void)lseek(j->out, 0, SEEK_SET);
  (void)lseek(j->err, 0, SEEK_SET);
  (void)posix_spawn_file_actions_init(&actions);
  (void)posix_spawn_file_actions_addopen(&actions, 0, options.input ? options.input : "/dev/null", O_RDONLY, 0);
  (void)posix_spawn_file_actions_adddup2(&actions, j->out, 1);
  (void)posix_spawn_file_actions_adddup2(&actions, j->err, 2);
  errno = posix_spawn(&child, options.command[0], &actions, NULL, options.command, environment);
  if (errno) give_up(options.command[0]);
  (void)posix_spawn_file_actions_destroy(&actions);
  for (int waited = 0; waitpid(child, &r.status, WNOHANG) == 0; waited++) {
    if (waited == SECONDS * 5000) (void)kill(child, SIGKILL);
    (void)usleep(200);
  }
  r.out = read_descriptor(j->out);
  r.err = read_descriptor(j->err);
  if (options.masked) mask(&r.out);
  return r;
}

static void result_free(result *r) {
  free(r->out.bytes);
  free(r->err.bytes);
}

/* ---- judging ---- */

/* Lines that are no notes, no warnings, and no progress. */
static int error_lines(const text *err) {
  int n = 0;
  for (const char *line = err->bytes; line && *line;) {
    const char *end = strchr(line, '\n');
    bool quiet = strncmp(line, "backprop: warning: ", 19) == 0 || strncmp(line, "note: ", 6) == 0 ||
                 strncmp(line, "epoch ", 6) == 0;
    if (!quiet) n += strncmp(line, "backprop: ", 10) == 0 && end ? 1 : 100;
    line = end ? end + 1 : NULL;
  }
  return n;
}

/* Whether the shell command accepts what is in the file now; what it said is remembered by content. */
static bool accepted(const output *o, const text *now) {
  static text known[MOST_ACCEPTED];
  static int n;
  char command[4096];
  for (int i = 0; i < n; i++)
    if (same(&known[i], now)) return true;
  (void)snprintf(command, sizeof command, "FILE=%s; %s", o->name, options.accept);
  if (!options.accept || system(command) != 0) return false;
  if (n < MOST_ACCEPTED) known[n++] = (text){memcpy(room(now->size + 1), now->bytes, now->size), now->size};
  return true;
}

static const char *judge_files(bool done) {
  for (int i = 0; i < options.n_outputs; i++) {
    const output *o = &options.outputs[i];
    text now = read_whole(o->name);
    bool good = same(&now, &o->new) || (!done && same(&now, &o->old)) ||
                (o->between && (same(&now, &o->old) || accepted(o, &now)));
    free(now.bytes);
    if (!good) return o->name;
  }
  char *now = list_folder();
  bool good =
      strcmp(now, good_listing) == 0 || (!done && options.n_outputs > 0 && !strstr(now, "\n.") && now[0] != '.');
  free(now);
  return good ? NULL : "the folder";
}

static verdict judge(const result *r, const fault_kind *kind, const char **why) {
  int status = WIFEXITED(r->status) ? WEXITSTATUS(r->status) : -1;
  bool memory = kind->family == FAULT_MEMORY || kind->family == FAULT_MMAP;
  bool unnoticed = kind->error == EINTR || kind->error == 0;
  *why = judge_files(status == 0);
  if (*why) return BAD;
  *why = "its status";
  if (status == 0) {
    *why = !same(&r->out, &good_output) ? "standard output" : error_lines(&r->err) ? "standard error" : NULL;
    return *why ? BAD : SAME;
  }
  if (unnoticed || (status != 7 && (memory || status != 5))) return BAD;
  *why = error_lines(&r->err) != 1 ? "standard error" : NULL;
  if (!*why && status == 7 && !strstr(r->err.bytes, "out of memory")) *why = "its message";
  return *why ? BAD : status == 7 ? NO_MEMORY : NO_IO;
}

static void show(const fault_kind *kind, bool from_on, long n, const result *r, const char *why) {
  if (atomic_fetch_add(&counts->shown, 1) >= options.shown) return;
  int status = WIFEXITED(r->status) ? WEXITSTATUS(r->status) : -WTERMSIG(r->status);
  size_t last = r->err.size > 1 ? r->err.size - 1 : 0;
  while (last > 0 && r->err.bytes[last - 1] != '\n') last--;
  (void)printf("  BAD: %s: %s %ld%s: status %d, %s is wrong; it said: %.300s", options.name, kind->name, n,
               from_on ? " and later" : " alone", status, why, r->err.size ? r->err.bytes + last : "nothing\n");
  (void)fflush(stdout);
}

/* ---- the sweep ---- */

/* Runs with call n failing; whether there was such a call. */
static bool run_one(const job *j, int row, long n) {
  const fault_kind *kind = &kinds[row / 2];
  const char *why;
  *j->plan = (fault_plan){.family = (int)kind->family, .error = kind->error, .at = n, .from_on = row % 2};
  if (kind->error == EINTR && row % 2) return false; /* for ever interrupted is no fault to survive */
  result r = run(j);
  bool failed = atomic_load(&j->plan->failed) > 0;
  verdict v = failed ? judge(&r, kind, &why) : BAD;
  if (failed) atomic_fetch_add(&counts->runs[row][v], 1);
  if (failed && v == BAD) show(kind, row % 2, n, &r, why);
  result_free(&r);
  return failed;
}

static long count_calls(const job *j, const fault_kind *kind) {
  *j->plan = (fault_plan){.family = (int)kind->family};
  result r = run(j);
  result_free(&r);
  return atomic_load(&j->plan->calls);
}

/* Job number `first` of `jobs` takes every jobs-th run. */
static void sweep(int first) {
  job j;
  long turn = 0;
  job_begin(&j);
  for (int row = 0; row < 2 * KINDS; row++) {
    if (!strstr(kinds[row / 2].name, options.kind)) continue;
    long calls = count_calls(&j, &kinds[row / 2]);
    long step = options.limit > 0 && calls > options.limit ? (calls + options.limit - 1) / options.limit : 1;
    for (long n = 1; n <= calls; n += step)
      if (turn++ % options.jobs == first) (void)run_one(&j, row, n);
  }
  job_end();
}

static void find_good_result(void) {
  job j;
  job_begin(&j);
  for (int i = 0; i < options.n_outputs; i++) options.outputs[i].old = read_whole(options.outputs[i].name);
  *j.plan = (fault_plan){.family = -1};
  result r = run(&j);
  if (r.status != 0) {
    (void)printf("%s", r.err.bytes);
    job_end();
    exit(2);
  }
  good_output = r.out;
  for (int i = 0; i < options.n_outputs; i++) options.outputs[i].new = read_whole(options.outputs[i].name);
  good_listing = list_folder();
  job_end();
}

static int report(void) {
  long all[VERDICTS] = {0};
  for (int row = 0; row < 2 * KINDS; row++)
    for (int v = 0; v < VERDICTS; v++) all[v] += atomic_load(&counts->runs[row][v]);
  (void)printf("%-22s %8ld %8ld %8ld %8ld %8ld\n", options.name, all[SAME] + all[NO_MEMORY] + all[NO_IO] + all[BAD],
               all[SAME], all[NO_MEMORY], all[NO_IO], all[BAD]);
  return all[BAD] > 0;
}

static void show_one_run(void) {
  job j;
  const char *why = "";
  char *comma = strchr(options.show, ','), *rest = comma;
  if (!comma) exit(2);
  *comma = '\0';
  int from_on = (int)strtol(comma + 1, &rest, 10);
  long n = *rest == ',' ? strtol(rest + 1, NULL, 10) : 0;
  job_begin(&j);
  for (int k = 0; k < KINDS; k++) {
    if (strcmp(kinds[k].name, options.show) != 0) continue;
    *j.plan =
        (fault_plan){.family = (int)kinds[k].family, .error = kinds[k].error, .at = n, .from_on = from_on, .shows = 1};
    result r = run(&j);
    (void)judge(&r, &kinds[k], &why);
    (void)printf("status %d, wrong: %s\n%s%s", WEXITSTATUS(r.status), why ? why : "nothing", r.err.bytes, r.out.bytes);
  }
  job_end();
}

/* ---- the command line ---- */

static void read_arguments(int argc, char **argv) {
  static const struct option names[] = {{"interposer", 1, NULL, 'i'},
                                        {"name", 1, NULL, 'n'},
                                        {"jobs", 1, NULL, 'j'},
                                        {"limit", 1, NULL, 'l'},
                                        {"stdin", 1, NULL, 's'},
                                        {"out", 1, NULL, 'o'},
                                        {"between", 1, NULL, 'b'},
                                        {"accept", 1, NULL, 'a'},
                                        {"masked", 0, NULL, 'm'},
                                        {"show", 1, NULL, 'w'},
                                        {"kind", 1, NULL, 'k'},
                                        {"shown", 1, NULL, 'h'},
                                        {NULL, 0, NULL, 0}};
  for (int c; (c = getopt_long(argc, argv, "+", names, NULL)) != -1;) {
    switch (c) {
    case 'i': options.interposer = optarg; break;
    case 'n': options.name = optarg; break;
    case 'j': options.jobs = (int)strtol(optarg, NULL, 10); break;
    case 'l': options.limit = strtol(optarg, NULL, 10); break;
    case 's': options.input = optarg; break;
    case 'o':
    case 'b':
      if (options.n_outputs == MOST_OUTPUTS) exit(2);
      options.outputs[options.n_outputs++] = (output){.name = optarg, .between = c == 'b'};
      break;
    case 'a': options.accept = optarg; break;
    case 'm': options.masked = true; break;
    case 'k': options.kind = optarg; break;
    case 'h': options.shown = strtol(optarg, NULL, 10); break;
    case 'w': options.show = optarg; break;
    default: exit(2);
    }
  }
  options.command = argv + optind;
  if (!options.interposer || !*options.command || options.jobs < 1 || options.jobs > MOST_JOBS) exit(2);
}

/* NEW the environment, with the interposer in it. */
static char **with_interposer(void) {
  size_t n = 0, size = strlen(options.interposer) + 32;
  while (environ[n]) n++;
  char **all = room((n + 2) * sizeof *all), *preload = room(size);
  (void)snprintf(preload, size, "LD_PRELOAD=%s", options.interposer);
  memcpy(all, environ, n * sizeof *all);
  all[n] = preload;
  return all;
}

int main(int argc, char **argv) {
  read_arguments(argc, argv);
  home = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  environment = with_interposer();
  counts = mmap(NULL, sizeof *counts, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (counts == MAP_FAILED) give_up("mmap");
  find_good_result();
  if (options.show) {
    show_one_run();
    return 0;
  }
  for (int i = 0; i < options.jobs; i++) {
    pid_t child = fork();
    if (child < 0) give_up("fork");
    if (child == 0) {
      sweep(i);
      exit(0);
    }
  }
  int failed = 0;
  for (int status; wait(&status) > 0;) failed |= status;
  return report() || failed;
}
