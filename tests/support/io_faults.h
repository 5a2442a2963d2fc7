/* support/io_faults.h - lets every system call of the file layer fail in turn. */
#ifndef BT_IO_FAULTS_H
#define BT_IO_FAULTS_H
#include "support/memory.h"

/* Looks at what a job left behind: BP_OK, then everything is new; BP_E_IO, then everything is as it was. */
typedef void (*bt_io_check)(bp_status status, void *user);

/* Runs the job with the n-th call of open, read, write, fsync, close, rename and link failing, for n = 0, 1, 2 ... until none
 * was left to fail: once with EIO, once with ENOSPC, and then with calls that are interrupted or come short, which must
 * go unnoticed; all of it with temporaries without and with names. Each time: status BP_OK or BP_E_IO with a message, no descriptor and no memory lost, `check` (may be
 * NULL) content. The job puts the old state in its place before it begins. Returns how many calls were made to fail. */
#define bt_io_sweep(job, check, user) bt_io_sweep_at((job), (check), (user), __FILE__, __LINE__)
size_t bt_io_sweep_at(bt_job job, bt_io_check check, void *user, const char *file, int line);

#endif
