/* The thread pool: each task once, everything visible at the end, on quiet and on busy machines. */
#include "base/pool.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "support/child.h"

static const int thread_counts[] = {1, 2, 3, 8};
enum { COUNTS = sizeof thread_counts / sizeof *thread_counts };

static bp_pool *pool_new(bp_context *ctx, int threads) {
  bp_pool *pool = NULL;
  bt_assert_ok(ctx, bp_pool_new(ctx, threads, &pool));
  assert_int_equal(bp_pool_threads(pool), threads);
  return pool;
}

/* What the tasks of one run do: plain memory, so that a missing barrier is a data race. */
typedef struct job {
  int threads;
  int64_t tasks, base;
  int64_t *seen; /* [tasks] */
  atomic_int bad;
} job;

static void mark(void *user, int64_t task, int thread) {
  job *j = user;
  if (task < 0 || task >= j->tasks || thread < 0 || thread >= j->threads)
    atomic_fetch_add(&j->bad, 1);
  else
    j->seen[task] += j->base + task;
}

/* Each task of each of many short runs is done once: the sums say so. */
static void each_task_is_done_once_in_each_run(void **state) {
  enum { RUNS = 20000, MOST = 40 };
  int64_t seen[MOST];
  for (int c = 0; c < COUNTS; c++) {
    bp_pool *pool = pool_new(bt_ctx(state), thread_counts[c]);
    job j = {.threads = thread_counts[c], .seen = seen};
    for (int64_t run = 0; run < RUNS; run++) {
      j.tasks = run % MOST;
      j.base = run * 1000;
      memset(seen, 0, sizeof seen);
      bp_pool_run(pool, mark, &j, j.tasks);
      for (int64_t t = 0; t < MOST; t++)
        if (seen[t] != (t < j.tasks ? j.base + t : 0)) fail_msg("run %d, task %d", (int)run, (int)t);
    }
    assert_int_equal(j.bad, 0);
    bp_pool_free(pool);
  }
}

/* Two tasks, neither of which ends before both have begun: nobody can take a second one. A worker that is stopped just after it
 * looked for tasks of its own may take the owner's; that is rare. */
typedef struct couple {
  atomic_int here, strangers;
} couple;

static void wait_for_both(void *user, int64_t task, int thread) {
  couple *c = user;
  if (task != thread) atomic_fetch_add(&c->strangers, 1);
  atomic_fetch_add(&c->here, 1);
  while (atomic_load(&c->here) < 2) (void)sched_yield();
}

static void a_task_is_done_by_the_thread_that_it_is_meant_for(void **state) {
  enum { RUNS = 1000 };
  bp_pool *pool = pool_new(bt_ctx(state), 2);
  int strangers = 0;
  for (int run = 0; run < RUNS; run++) {
    couple c = {0};
    bp_pool_run(pool, wait_for_both, &c, 2);
    assert_int_equal(c.here, 2);
    strangers += c.strangers;
  }
  assert_true(strangers < RUNS / 10);
  bp_pool_free(pool);
}

/* Ends only when the pool has a second thread again. */
static bool runs_with_two_threads(void *user) {
  for (int run = 0; run < 10; run++) {
    couple c = {0};
    bp_pool_run(user, wait_for_both, &c, 2);
    if (c.here != 2) return false;
  }
  bp_pool_free(user);
  return true;
}

static bool is_only_freed(void *user) {
  bp_pool_free(user);
  return true;
}

static void a_child_gets_workers_of_its_own(void **state) {
  if (BT_TSAN) skip();
  for (int idle = 0; idle < 2; idle++) { /* workers may have fallen asleep, or not begun */
    bp_pool *pool = pool_new(bt_ctx(state), 2);
    if (idle) (void)nanosleep(&(struct timespec){.tv_nsec = 50000000}, NULL);
    for (int i = 0; i < 10; i++) {
      bt_in_child(runs_with_two_threads, pool);
      bt_in_child(is_only_freed, pool);
    }
    couple c = {0};
    bp_pool_run(pool, wait_for_both, &c, 2);
    assert_int_equal(c.here, 2);
    bp_pool_free(pool);
  }
}

/* The function and its argument change from run to run: a late worker must not take the old ones along. */
static void add(void *user, int64_t task, int thread) {
  (void)task;
  (void)thread;
  atomic_fetch_add((atomic_llong *)user, 1);
}

static void subtract(void *user, int64_t task, int thread) {
  (void)task;
  (void)thread;
  atomic_fetch_sub((atomic_llong *)user, 1);
}

static void a_late_worker_takes_part_in_the_run_that_is_on(void **state) {
  for (int c = 0; c < COUNTS; c++) {
    bp_pool *pool = pool_new(bt_ctx(state), thread_counts[c]);
    for (int run = 0; run < 20000; run++) {
      atomic_llong counter = 0; /* on the stack: gone, for a late worker, after this round */
      int64_t tasks = 2 + run % 5;
      bp_pool_run(pool, run % 2 ? add : subtract, &counter, tasks);
      assert_true(counter == (run % 2 ? tasks : -tasks));
    }
    bp_pool_free(pool);
  }
}

/* What one run writes, the next one reads in other threads. */
typedef struct relay {
  int64_t cells[64], bad;
  int64_t round;
} relay;

static void pass_on(void *user, int64_t task, int thread) {
  relay *r = user;
  (void)thread;
  r->cells[task]++;
}

static void check_neighbours(void *user, int64_t task, int thread) {
  relay *r = user;
  (void)thread;
  for (int i = 0; i < 64; i++)
    if (r->cells[i] != r->round && task == 0) r->bad++;
}

static void a_run_sees_what_the_run_before_it_wrote(void **state) {
  for (int c = 0; c < COUNTS; c++) {
    bp_pool *pool = pool_new(bt_ctx(state), thread_counts[c]);
    relay r = {.bad = 0};
    for (r.round = 1; r.round <= 2000; r.round++) {
      bp_pool_run(pool, pass_on, &r, 64);
      bp_pool_run(pool, check_neighbours, &r, 8);
    }
    assert_int_equal(r.bad, 0);
    bp_pool_free(pool);
  }
}

static void rest(long nanoseconds) {
  const struct timespec time = {.tv_nsec = nanoseconds};
  (void)nanosleep(&time, NULL);
}

/* Pauses of all lengths between the runs: the workers are met spinning, falling asleep and asleep. */
static void sleeping_workers_are_woken(void **state) {
  bp_pool *pool = pool_new(bt_ctx(state), 3);
  for (int run = 0; run < 400; run++) {
    atomic_llong counter = 0;
    bp_pool_run(pool, add, &counter, 10);
    assert_true(counter == 10);
    if (run % 4) rest(run * 500);
  }
  bp_pool_free(pool);
}

static void slow_task(void *user, int64_t task, int thread) {
  if (task == 0) rest(2000000);
  add(user, task, thread);
}

/* The owner runs out of tasks long before a worker is done, so it sleeps, and has to be woken; or the reverse. */
static void the_owner_waits_for_the_slowest_task(void **state) {
  bp_pool *pool = pool_new(bt_ctx(state), 2);
  for (int run = 0; run < 50; run++) {
    atomic_llong counter = 0;
    bp_pool_run(pool, slow_task, &counter, 4);
    assert_true(counter == 4);
  }
  bp_pool_free(pool);
}

/* Each task waits until all have begun, so every participant is needed; for as long as a busy machine may take. */
typedef struct meeting {
  atomic_int here;
  int expected;
} meeting;

static void meet(void *user, int64_t task, int thread) {
  meeting *m = user;
  (void)task;
  (void)thread;
  atomic_fetch_add(&m->here, 1);
  for (int waited = 0; waited < 30000 && atomic_load(&m->here) < m->expected; waited++) rest(1000000);
  if (atomic_load(&m->here) < m->expected) atomic_store(&m->here, -1000);
}

static void all_participants_work_at_the_same_time(void **state) {
  for (int c = 0; c < COUNTS; c++) {
    bp_pool *pool = pool_new(bt_ctx(state), thread_counts[c]);
    for (int run = 0; run < 10; run++) {
      meeting m = {.expected = thread_counts[c]};
      bp_pool_run(pool, meet, &m, thread_counts[c]);
      assert_int_equal(m.here, thread_counts[c]);
    }
    bp_pool_free(pool);
  }
}

/* The worker, which takes part for certain, needs five milliseconds more than the owner, if that has a core meanwhile. */
static void meet_and_linger(void *user, int64_t task, int thread) {
  meet(user, task, thread);
  if (thread != 0) rest(5000000);
}

static void the_time_waited_for_others_is_told(void **state) {
  bp_pool *pool = pool_new(bt_ctx(state), 2);
  atomic_llong counter = 0;
  int64_t waited = 0;
  for (int run = 0; run < 100 && waited <= 1000000; run++) {
    meeting m = {.expected = 2};
    waited = bp_pool_run(pool, meet_and_linger, &m, 2);
    assert_true(waited >= 0 && waited < 60000000000);
  }
  assert_true(waited > 1000000);
  assert_int_equal(bp_pool_run(pool, add, &counter, 1), 0); /* alone */
  bp_pool_free(pool);
}

/* ---- a busy machine ---- */

static void *burn(void *stop) {
  while (!atomic_load((atomic_bool *)stop)) continue;
  return NULL;
}

static void results_hold_on_a_busy_machine(void **state) {
  enum { BURNERS = 4 };
  pthread_t burners[BURNERS];
  atomic_bool stop = false;
  bp_pool *pool = pool_new(bt_ctx(state), 8);
  for (int i = 0; i < BURNERS; i++) assert_int_equal(pthread_create(&burners[i], NULL, burn, &stop), 0);
  for (int run = 0; run < 300; run++) {
    atomic_llong counter = 0;
    bp_pool_run(pool, add, &counter, 20);
    assert_true(counter == 20);
  }
  atomic_store(&stop, true);
  for (int i = 0; i < BURNERS; i++) (void)pthread_join(burners[i], NULL);
  bp_pool_free(pool);
}

/* ---- one thread ---- */

static void record_order(void *user, int64_t task, int thread) {
  int64_t *next = user;
  *next = *next == task && thread == 0 ? task + 1 : -1;
}

static void without_workers_tasks_run_in_order_in_the_caller(void **state) {
  bp_pool *pool = pool_new(bt_ctx(state), 1);
  int64_t next = 0;
  bp_pool_run(pool, record_order, &next, 100);
  assert_int_equal(next, 100);
  next = 0;
  bp_pool_run(NULL, record_order, &next, 100);
  assert_int_equal(next, 100);
  assert_int_equal(bp_pool_threads(NULL), 1);
  bp_pool_free(pool);
  bp_pool_free(NULL);
}

static void a_single_task_stays_with_the_caller(void **state) {
  bp_pool *pool = pool_new(bt_ctx(state), 4);
  for (int run = 0; run < 1000; run++) {
    int64_t next = 0;
    bp_pool_run(pool, record_order, &next, 1);
    assert_int_equal(next, 1);
  }
  int64_t untouched = 5;
  bp_pool_run(pool, record_order, &untouched, 0);
  assert_int_equal(untouched, 5);
  bp_pool_free(pool);
}

/* ---- making pools ---- */

static void zero_threads_means_one_per_core(void **state) {
  bp_context *ctx = bt_ctx(state);
  bp_pool *pool = NULL;
  bt_assert_ok(ctx, bp_pool_new(ctx, 0, &pool));
  assert_int_equal(bp_pool_threads(pool), bp_core_count());
  bp_pool_free(pool);
}

static void absurd_thread_counts_are_refused(void **state) {
  bp_context *ctx = bt_ctx(state);
  bp_pool *pool = NULL;
  bt_assert_fails(ctx, BP_E_ARG, bp_pool_new(ctx, -1, &pool));
  bt_assert_message(ctx, "-1 threads");
  bt_assert_fails(ctx, BP_E_ARG, bp_pool_new(ctx, 1000000, &pool));
  assert_null(pool);
}

static void a_pool_may_end_at_once(void **state) {
  for (int i = 0; i < 200; i++) bp_pool_free(pool_new(bt_ctx(state), 1 + i % 5));
}

static bp_status use_pool(bp_context *ctx, void *user) {
  (void)user;
  bp_pool *pool = NULL;
  atomic_llong counter = 0;
  bp_status status = bp_pool_new(ctx, 3, &pool);
  if (status == BP_OK) bp_pool_run(pool, add, &counter, 5);
  assert_true(status == BP_OK ? counter == 5 : pool == NULL);
  bp_pool_free(pool);
  return status;
}

static void a_pool_without_memory_is_refused(void **state) {
  (void)state;
  assert_int_equal(bt_alloc_sweep(use_pool, NULL), 3);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      BT_TEST(each_task_is_done_once_in_each_run),
      BT_TEST(a_task_is_done_by_the_thread_that_it_is_meant_for),
      BT_TEST(a_child_gets_workers_of_its_own),
      BT_TEST(a_late_worker_takes_part_in_the_run_that_is_on),
      BT_TEST(a_run_sees_what_the_run_before_it_wrote),
      BT_TEST(sleeping_workers_are_woken),
      BT_TEST(the_owner_waits_for_the_slowest_task),
      BT_TEST(the_time_waited_for_others_is_told),
      BT_TEST(all_participants_work_at_the_same_time),
      BT_TEST(results_hold_on_a_busy_machine),
      BT_TEST(without_workers_tasks_run_in_order_in_the_caller),
      BT_TEST(a_single_task_stays_with_the_caller),
      BT_TEST(zero_threads_means_one_per_core),
      BT_TEST(absurd_thread_counts_are_refused),
      BT_TEST(a_pool_may_end_at_once),
      cmocka_unit_test(a_pool_without_memory_is_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
