#!/usr/bin/env bash
# labels: nightly
# Trains every activation with every loss and every optimiser that fit together, on one thread, two and three.
set -eu
BT_CUBE=1 "$TEST_BUILD/tests/test_train_matrix"
