/* tools/analyzer.h - what clang-tidy has to know but cannot see, because it reads one source file at a time:
 * bp_fail() hands back the status that it is given, so a failure is never BP_OK. tools/tidy includes this before each
 * file of the library. */
#ifndef BP_TOOLS_ANALYZER_H
#define BP_TOOLS_ANALYZER_H
#include "base/fail.h"

#define bp_fail(ctx, status, ...) ((void)(bp_fail)(ctx, status, __VA_ARGS__), (status))

#endif
