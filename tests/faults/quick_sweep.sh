#!/usr/bin/env bash
# labels: cli long
#
# Some of the calls of every command fail: full_sweep.sh lets every one fail.
limit=6
# shellcheck source=tests/faults/sweep.bash
. "$(dirname "$0")/sweep.bash"
