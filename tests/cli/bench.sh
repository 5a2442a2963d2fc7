#!/usr/bin/env bash
# `backprop bench` measures what it says, tells it as a table and as JSON, and takes the time it was given.
# shellcheck source=tests/cli/common.bash
. "$(dirname "$0")/common.bash"

# ---- JSON ----
succeeds bench --json --seconds 0.2 --threads 1 --only "2-4-3-1"
check "of one small network, training and inference" json 'len(j["training"]) == 1 and len(j["inference"]) == 1 and j["products"] == []'
check "the network as it was asked for" json 'all(r["units"] == [2, 4, 3, 1] and r["network"] == "2-4-3-1" for r in j["training"] + j["inference"])'
check "which machine it was" json 'j["kernels"] in ("baseline", "avx2", "avx512") and j["threads"] == 1 and j["cores"] >= 1 and j["dtype"] == "float32"'
check "a peak that a CPU can have" json 'all(1e8 < j["peak_flops_per_second"][t] < 1e13 for t in ("float32", "float64"))'
# multiply-adds are two operations: 4·8 for the first layer, 6·12 and 6·3 for the others; 2 (8 + 12 + 3) for a row of inference
check "operations counted from the shapes" json 'j["training"][0]["flops"] == 4 * 122 and j["inference"][0]["flops"] == 46'
check "seconds that are seconds" json '1e-8 < j["inference"][0]["seconds"] < 1e-2 and 1e-7 < j["training"][0]["seconds"] < 1e-1'
check "rates that belong to them" json 'all(abs(r["flops_per_second"] * r["seconds"] / r["flops"] - 1) < 1e-9 and abs(r["rows_per_second"] * r["seconds"] / r["rows"] - 1) < 1e-9 for r in j["training"] + j["inference"])'
check "and parts of the peak" json 'all(abs(r["of_peak"] * j["peak_flops_per_second"]["float32"] / r["flops_per_second"] - 1) < 1e-9 for r in j["training"])'
check "the best before the median" json 'all(0 < r["seconds"] <= r["seconds_median"] and r["samples"] >= 1 for r in j["training"] + j["inference"])'
check "nothing but JSON" [ ! -s err ]
succeeds bench --json --seconds 0.1 --threads 2 --dtype f64 --only "product AB 128"
check "products have their sizes" json 'all(r["m"] == 128 and r["n"] == 128 and r["k"] == 784 and r["flops"] == 2 * 128 * 128 * 784 for r in j["products"]) and len(j["products"]) == 1'
check "of the type asked for" json 'j["dtype"] == "float64" and j["threads"] == 2'
check "on two threads the peak is that of two" json 'abs(j["products"][0]["of_peak"] * 2 * j["peak_flops_per_second"]["float64"] / j["products"][0]["flops_per_second"] - 1) < 1e-9'

# ---- the table ----
succeeds bench --seconds 0.2 --threads 1 --only 28-300x5-1
check "names kernels and peak" holds out "peak of a core"
check "names the network" holds out "28-300x5-1"
check "has a heading for training" holds out "training, a step"
check "fits a terminal" fits_terminal out
check "says nothing else" [ ! -s err ]

# ---- what is wrong ----
refuses 2 "--only mnist: nothing that is measured has this in its name" bench --only mnist
refuses 2 "--seconds 0: expected a number above 0" bench --seconds 0
refuses 2 "--threads -1: expected" bench --threads -1
refuses 2 "unexpected argument 'data.csv'" bench data.csv
refuses 2 "did you mean --seconds?" bench --second 3
finish
