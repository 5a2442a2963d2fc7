#!/usr/bin/env bash
# labels: nightly
# Every elementwise function at all 2^32 floats and at 10^7 doubles, pow and atan2 at 10^7 pairs, on every build that this
# CPU runs. Takes hours, two to five minutes for most of the functions:
#   ctest --preset release -C nightly -L nightly --verbose
set -eu
BACKPROP_EXHAUSTIVE=1 "$TEST_BUILD/tests/test_kernels_ew_accuracy" 2>&1 | tee "$TEST_BUILD/tests/ew_exhaustive.txt"
exit "${PIPESTATUS[0]}"
