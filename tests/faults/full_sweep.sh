#!/usr/bin/env bash
# Every call of every command fails, once alone and once with all that follow.
# labels: nightly
limit=0
# shellcheck source=tests/faults/sweep.bash
. "$(dirname "$0")/sweep.bash"
