"""What the peers' programs share: the options, the digits of MNIST, and the line of JSON that they print.

The peers train the network of bench_train with its settings, and time the same thing: whole epochs after one that warms up,
with the data in memory. They get their rows as float32, converted before the clock starts; Backprop converts bytes in
every step.
"""
import argparse
import gzip
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


def options(description):
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--hidden", default="128,128")
    parser.add_argument("--optimizer", choices=["sgd", "adam"], default="sgd")
    parser.add_argument("--lr", type=float, default=0)
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--rows", type=int, default=60000)
    parser.add_argument("--data", default=os.environ.get("BACKPROP_MNIST", "data/mnist"))
    parser.add_argument("--accuracy", action="store_true", help="of the test images, after the last epoch")
    chosen = parser.parse_args()
    chosen.widths = [int(width) for width in chosen.hidden.split(",")] if chosen.hidden != "none" else []
    chosen.lr = chosen.lr or (0.1 if chosen.optimizer == "sgd" else 0.001)
    return chosen


def idx(folder, name, header):
    path = os.path.join(folder, name)
    opener = open if os.path.exists(path) else gzip.open
    with opener(path if opener is open else path + ".gz", "rb") as file:
        return numpy.frombuffer(file.read(), dtype=numpy.uint8, offset=header)


def digits(folder, kind, rows=None):
    """float32 rows in 0 .. 1, and int64 classes; synthetic ones when the files are not there, as bench_train makes them."""
    try:
        pixels = idx(folder, kind + "-images-idx3-ubyte", 16).reshape(-1, 784)[:rows]
        classes = idx(folder, kind + "-labels-idx1-ubyte", 8)[:rows]
    except OSError:
        random = numpy.random.default_rng(1)
        count = min(rows or 60000, 60000 if kind == "train" else 10000)
        pixels = random.integers(0, 256, (count, 784)) * (random.random((count, 784)) < 0.2)
        classes = (pixels > 127).argmax(axis=1) % 10
    return (pixels / numpy.float32(255)).astype(numpy.float32), classes.astype(numpy.int64)


def flops_per_row(widths):
    sizes = [784, *widths, 10]
    products = [a * b for a, b in zip(sizes, sizes[1:])]
    return sum((4 if layer == 0 else 6) * product for layer, product in enumerate(products))


def stamp():
    """The clock's and the processor's seconds, at the end of an epoch."""
    return time.perf_counter(), time.process_time()


def report(tool, version, chosen, rows, stamps, loss, accuracy=None):
    """stamps: at the ends of all epochs, the one that warms up included."""
    wall, cpu = ([end - begin for begin, end in zip(times, times[1:])] for times in zip(*stamps))
    print(json.dumps({
        "tool": tool, "version": version, "threads": chosen.threads, "batch": chosen.batch,
        "hidden": "-".join(map(str, chosen.widths)), "optimizer": chosen.optimizer, "epochs": chosen.epochs,
        "best": min(wall), "median": statistics.median(wall), "worst": max(wall),
        "cpu_best": min(cpu), "cpu_median": statistics.median(cpu),
        "gflops": flops_per_row(chosen.widths) * rows / min(wall) * 1e-9, "loss": loss, "accuracy": accuracy}))
