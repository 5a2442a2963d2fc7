"""What the workers of bench/peers/suite share: the options, synthetic rows as `backprop bench` makes them, the clock and the line of
JSON that they print.

A worker measures one kind of work with one library: training steps, or predictions, of one network. A sample is as many steps
as take 10 ms; the best sample stands for what the library can do, the median for what it did.
"""
import argparse
import json
import os
import statistics
import sys
import time

# Libraries read their number of threads when they are loaded, so this comes before the import of any.
THREADS = sys.argv[sys.argv.index("--threads") + 1] if "--threads" in sys.argv[:-1] else "1"
for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = THREADS

import numpy

SAMPLE = 0.01  # seconds


def options(description):
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("work", choices=["train", "infer"])
    parser.add_argument("--units", required=True, help="784,128,128,10")
    parser.add_argument("--rows", type=int, required=True, help="of a step, or of a call")
    parser.add_argument("--loss", choices=["cross_entropy", "binary_cross_entropy", "mse"], required=True)
    parser.add_argument("--optimizer", choices=["sgd", "adam"], default="sgd")
    parser.add_argument("--steps", type=int, default=1, help="of an epoch")
    parser.add_argument("--seconds", type=float, default=1)
    parser.add_argument("--threads", type=int, default=1)
    chosen = parser.parse_args()
    chosen.units = [int(unit) for unit in chosen.units.split(",")]
    chosen.lr = 0.01 if chosen.optimizer == "sgd" else 0.001
    return chosen


def inputs(chosen, rows):
    """float32 [rows, inputs]: pixels where the inputs are those of MNIST, four of five of them black; else numbers in -1 .. 1."""
    random = numpy.random.default_rng(1)
    shape = (rows, chosen.units[0])
    if chosen.units[0] == 784:
        return ((random.random(shape) < 0.2) * random.random(shape)).astype(numpy.float32)
    return random.uniform(-1, 1, shape).astype(numpy.float32)


def targets(chosen, rows):
    """Class numbers [rows], or float32 [rows, outputs] in 0 .. 1; 0 and 1 for binary cross entropy."""
    random, outputs = numpy.random.default_rng(2), chosen.units[-1]
    if chosen.loss == "cross_entropy":
        return numpy.arange(rows, dtype=numpy.int64) * 7 % outputs
    values = random.random((rows, outputs)).astype(numpy.float32)
    return numpy.round(values) if chosen.loss == "binary_cross_entropy" else values


def batches(chosen):
    """Row numbers of one step after the other, each epoch in a new order."""
    random, rows = numpy.random.default_rng(3), chosen.rows * chosen.steps
    while True:
        order = random.permutation(rows)
        for begin in range(0, rows, chosen.rows):
            yield order[begin:begin + chosen.rows]


def measure(chosen, run, settle=lambda: None):
    """run() does one step; settle() waits until what was started is done. Seconds of a step: (best, median)."""
    run(), settle()
    count, samples, end = 1, [], time.perf_counter() + chosen.seconds
    while not samples or time.perf_counter() < end:
        begin = time.perf_counter()
        for _ in range(count):
            run()
        settle()
        taken = time.perf_counter() - begin
        if taken < SAMPLE / 2 and count < 1 << 24:
            count *= 2
        else:
            samples.append(taken / count)
    return min(samples), statistics.median(samples)


def report(tool, version, best, median):
    print(json.dumps({"tool": tool, "version": version, "seconds": best, "seconds_median": median}))
