/* base/clock.h - time that only goes forward. */
#ifndef BP_BASE_CLOCK_H
#define BP_BASE_CLOCK_H

/* Seconds since some fixed point; never goes back. */
double bp_clock_seconds(void);

#endif
