/* base/pool.c - the thread pool.
 *
 * Task i is meant for thread i mod the number of threads, so that in runs with equal tasks each finds its data in its own
 * cache; who has done his own takes those of others. A run is published by storing, for each thread, how many are
 * meant for it; a participant claims one by counting that down. The task's function is read only after a claim has
 * succeeded, and a run cannot end while a claimed task is open: so a worker that comes late, or was stopped anywhere
 * between looking and claiming, either finds nothing or takes part in the run that is on now. No generation number is
 * needed, and the owner never waits for a worker that claimed nothing: on a busy machine it does all the tasks itself
 * and goes on.
 *
 * Waiting, for work as for the end, spins first and then sleeps. A sleeper raises a flag and looks again before it
 * sleeps on the flag; the other side changes the number and then takes the flag down. Both in the one total order of
 * sequentially consistent operations, so one of them sees the other. Nobody spins when there are more threads than
 * cores: the core is needed for the work that is waited for.
 *
 * fork() copies a pool without its workers. A child counts the forks it comes from, so a pool knows that its workers are in
 * another process: it is then released without waiting for them, and gets new ones when it runs. The count costs a look at
 * one number a run, where asking for the process would cost a system call.
 */
#include "base/pool.h"

#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>
#include <time.h>
#ifdef __linux__
#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif

#include "base/fail.h"

/* Long enough to bridge the gaps between the phases of a training step, short against a time slice. */
enum { SPIN_NANOSECONDS = 20000, PAUSES_PER_LOOK = 32, MAX_THREADS = 1024, CACHE_LINE = 64 };

typedef struct worker {
  bp_pool *pool;
  int thread;
  pthread_t handle;
} worker;

/* Tasks meant for one thread that nobody took yet. */
typedef struct share {
  _Alignas(CACHE_LINE) atomic_llong unclaimed;
} share;

struct bp_pool {
  /* the run: written by the owner before `unclaimed`, read after a claim */
  bp_task_fn fn;
  void *user;
  int64_t tasks;
  /* fixed once the pool is made */
  bp_allocator allocator;
  worker *workers;
  share *shares; /* by thread; the owner is thread 0 */
  int n_workers, max_workers;
  int64_t spin;   /* nanoseconds */
  unsigned forks; /* before the workers were started */

  _Alignas(CACHE_LINE) atomic_llong open;        /* tasks that are not known to be done */
  _Alignas(CACHE_LINE) atomic_int workers_sleep; /* some worker sleeps, or is about to */
  atomic_int owner_sleeps;
  atomic_bool stop;
};

/* ---- forks ---- */

static atomic_uint forks; /* between the first process that made a pool and this one */

static void count_fork(void) { atomic_fetch_add_explicit(&forks, 1, memory_order_relaxed); }

/* Who comes at the same time may count every fork twice, which does no harm. */
static bp_status watch_forks(bp_context *ctx) {
  static atomic_bool watching;
  if (atomic_load(&watching)) return BP_OK;
  if (pthread_atfork(NULL, NULL, count_fork) != 0)
    return bp_fail(ctx, BP_E_NOMEM, "out of memory: the thread pool cannot watch for fork()");
  atomic_store(&watching, true);
  return BP_OK;
}

static bool lost_workers(const bp_pool *pool) {
  return pool->forks != atomic_load_explicit(&forks, memory_order_relaxed);
}

/* ---- sleeping: returns at any time after `flag` is no longer 1, and sometimes before ---- */

#ifdef __linux__
static void sleep_on(atomic_int *flag) { (void)syscall(SYS_futex, flag, FUTEX_WAIT_PRIVATE, 1, NULL, NULL, 0); }

static void wake_all(atomic_int *flag) {
  if (!atomic_load(flag) || !atomic_exchange(flag, 0)) return;
  (void)syscall(SYS_futex, flag, FUTEX_WAKE_PRIVATE, INT_MAX, NULL, NULL, 0);
}
#else
static void sleep_on(atomic_int *flag) {
  const struct timespec moment = {.tv_nsec = 50000};
  if (atomic_load(flag)) (void)nanosleep(&moment, NULL);
}

static void wake_all(atomic_int *flag) { atomic_store(flag, 0); }
#endif

/* ---- waiting ---- */

static void pause_cpu(void) {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("yield");
#endif
}

static int64_t now(void) {
  struct timespec t;
  (void)clock_gettime(CLOCK_MONOTONIC, &t);
  return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static bool has_work(bp_pool *pool) {
  for (int thread = 0; thread <= pool->max_workers; thread++)
    if (atomic_load(&pool->shares[thread].unclaimed) > 0) return true;
  return atomic_load(&pool->stop);
}

static bool is_finished(bp_pool *pool) { return atomic_load(&pool->open) == 0; }

/* Looks for a while; whether the condition came true. */
static bool spin_until(bp_pool *pool, bool (*condition)(bp_pool *)) {
  if (condition(pool)) return true;
  if (pool->spin == 0) return false;
  int64_t end = now() + pool->spin;
  do {
    for (int i = 0; i < PAUSES_PER_LOOK; i++) {
      pause_cpu();
      if (condition(pool)) return true;
    }
  } while (now() < end);
  return false;
}

static void wait_until(bp_pool *pool, bool (*condition)(bp_pool *), atomic_int *flag) {
  if (spin_until(pool, condition)) return;
  for (;;) {
    atomic_store(flag, 1);
    if (condition(pool)) return;
    sleep_on(flag);
  }
}

/* ---- working ---- */

/* Tasks of a run that are meant for a thread. */
static int64_t share_of(const bp_pool *pool, int64_t tasks, int thread) {
  int64_t threads = pool->n_workers + 1;
  return (tasks - thread + threads - 1) / threads;
}

/* Takes one task from a share and gives how many were left with it, or 0 when there is none. */
static int64_t claim_from(share *from) {
  long long left = atomic_load_explicit(&from->unclaimed, memory_order_relaxed);
  while (left > 0) {
    if (atomic_compare_exchange_weak_explicit(&from->unclaimed, &left, left - 1, memory_order_acq_rel,
                                              memory_order_relaxed))
      return left;
  }
  return 0;
}

/* The number of a task, of one's own first; -1 when none is left. */
static int64_t claim(bp_pool *pool, int thread) {
  for (int i = 0, of = thread; i <= pool->max_workers; i++, of = of == pool->max_workers ? 0 : of + 1) {
    int64_t left = claim_from(&pool->shares[of]);
    if (left > 0) return of + (share_of(pool, pool->tasks, of) - left) * (pool->n_workers + 1);
  }
  return -1;
}

/* Works until no task is left to claim. The tasks done are reported together: until then the run cannot end, so all
 * of them belong to the same run. */
static void take_part(bp_pool *pool, int thread) {
  int64_t done = 0;
  for (int64_t task = claim(pool, thread); task >= 0; task = claim(pool, thread), done++)
    pool->fn(pool->user, task, thread);
  if (done > 0 && atomic_fetch_sub(&pool->open, done) == done && thread != 0) wake_all(&pool->owner_sleeps);
}

static void *worker_main(void *argument) {
  worker *self = argument;
  bp_pool *pool = self->pool;
  while (!atomic_load(&pool->stop)) {
    take_part(pool, self->thread);
    wait_until(pool, has_work, &pool->workers_sleep);
  }
  return NULL;
}

/* Workers leave signals to the threads of the program. */
static void start_workers(bp_pool *pool) {
  sigset_t all, before;
  pool->forks = atomic_load_explicit(&forks, memory_order_relaxed);
  (void)sigfillset(&all);
  (void)pthread_sigmask(SIG_SETMASK, &all, &before);
  while (pool->n_workers < pool->max_workers) {
    worker *next = &pool->workers[pool->n_workers];
    *next = (worker){.pool = pool, .thread = pool->n_workers + 1};
    if (pthread_create(&next->handle, NULL, worker_main, next) != 0) break;
    pool->n_workers++;
  }
  (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
}

/* In a child: as if the pool were new. What the workers were doing when it was forked, they do in the parent. */
static void start_again(bp_pool *pool) {
  for (int thread = 0; thread <= pool->max_workers; thread++) atomic_store(&pool->shares[thread].unclaimed, 0);
  atomic_store(&pool->open, 0);
  atomic_store(&pool->workers_sleep, 0);
  atomic_store(&pool->owner_sleeps, 0);
  pool->n_workers = 0;
  start_workers(pool);
}

static void run_alone(bp_task_fn fn, void *user, int64_t tasks) {
  for (int64_t task = 0; task < tasks; task++) fn(user, task, 0);
}

int64_t bp_pool_run(bp_pool *pool, bp_task_fn fn, void *user, int64_t tasks) {
  if (pool && pool->max_workers > 0 && lost_workers(pool)) start_again(pool);
  if (!pool || pool->n_workers == 0 || tasks <= 1) {
    run_alone(fn, user, tasks);
    return 0;
  }
  pool->fn = fn;
  pool->user = user;
  pool->tasks = tasks;
  atomic_store(&pool->open, tasks);
  for (int thread = pool->n_workers; thread >= 0; thread--) /* the owner's last: the others look at their own first */
    atomic_store(&pool->shares[thread].unclaimed, share_of(pool, tasks, thread));
  wake_all(&pool->workers_sleep);
  take_part(pool, 0);
  if (is_finished(pool)) return 0;
  int64_t begin = now();
  wait_until(pool, is_finished, &pool->owner_sleeps);
  return now() - begin;
}

/* ---- making and ending ---- */

static void release(bp_pool *pool) {
  bp_allocator allocator = pool->allocator;
  if (pool->shares) bp_aligned_free(allocator, pool->shares, (size_t)(pool->max_workers + 1) * sizeof *pool->shares);
  bp_release(allocator, pool->workers, (size_t)pool->max_workers, sizeof *pool->workers);
  bp_aligned_free(allocator, pool, sizeof *pool);
}

bp_status bp_pool_new(bp_context *ctx, int threads, bp_pool **out) {
  if (threads < 0 || threads > MAX_THREADS)
    return bp_fail(ctx, BP_E_ARG, "thread pool: %d threads asked for; 0 (one per core) to %d are allowed", threads,
                   MAX_THREADS);
  if (threads != 1) BP_TRY(watch_forks(ctx));
  int cores = bp_core_count();
  if (threads == 0) threads = cores < MAX_THREADS ? cores : MAX_THREADS;
  bp_pool *pool = bp_aligned_alloc(ctx, sizeof *pool);
  if (!pool) return BP_E_NOMEM;
  memset(pool, 0, sizeof *pool);
  pool->allocator = bp_context_allocator(ctx);
  pool->max_workers = threads - 1;
  pool->spin = threads <= cores ? SPIN_NANOSECONDS : 0;
  pool->workers = bp_calloc(ctx, (size_t)pool->max_workers, sizeof *pool->workers);
  pool->shares = bp_aligned_alloc(ctx, (size_t)threads * sizeof *pool->shares);
  if (!pool->workers || !pool->shares) {
    release(pool);
    return BP_E_NOMEM;
  }
  memset(pool->shares, 0, (size_t)threads * sizeof *pool->shares);
  start_workers(pool);
  *out = pool;
  return BP_OK;
}

void bp_pool_free(bp_pool *pool) {
  if (!pool) return;
  if (!lost_workers(pool)) {
    atomic_store(&pool->stop, true);
    wake_all(&pool->workers_sleep);
    for (int i = 0; i < pool->n_workers; i++) (void)pthread_join(pool->workers[i].handle, NULL);
  }
  release(pool);
}

int bp_pool_threads(const bp_pool *pool) { return pool ? pool->n_workers + 1 : 1; }
