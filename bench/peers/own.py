"""What bench/peers/suite says of Backprop alone: two threads beside one, Adam beside SGD, the command's start, the library's size."""
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

MNIST = "training 784-128-128-10 batch "


def ratio_of(rounds, one, other):
    """Median over rounds of one() / other(), which run in turn."""
    return statistics.median(a / b for a, b in ((one(), other()) for _ in range(rounds)))


class Busy:
    """A process that keeps one core busy meanwhile."""

    def __enter__(self):
        self.process = subprocess.Popen([sys.executable, "-c", "while True: pass"])

    def __exit__(self, *error):
        self.process.kill()
        self.process.wait()


def threads(backprop, chosen):
    def seconds(work, count):
        return lambda: backprop.bench(work, chosen.seconds, count)["training"][0]["seconds_median"]

    for batch in (128, 512):
        work = f"{MNIST}{batch} sgd"
        yield f"two threads beside one, batch {batch}", f"{ratio_of(chosen.rounds, seconds(work, 1), seconds(work, 2)):.2f}x"
        with Busy():
            busy = ratio_of(chosen.rounds, seconds(work, 1), seconds(work, 2))
        yield "  while another process keeps a core busy", f"{busy:.2f}x"


def adam(backprop, chosen):
    def seconds(optimizer):
        return lambda: backprop.bench(f"{MNIST}128 {optimizer}", chosen.seconds, 1)["training"][0]["seconds"]

    yield "a step of Adam beside one of SGD, batch 128", f"{ratio_of(chosen.rounds, seconds('adam'), seconds('sgd')):.2f}x"


def products(backprop, chosen):
    for item in backprop.bench("product", 7 * chosen.seconds, 1)["products"]:
        yield f"{item['name']}, of the peak", f"{item['of_peak']:.0%}"


def start(backprop, _):
    best = float("inf")
    for _ in range(50):
        begin = time.perf_counter()
        subprocess.run([backprop.command, "version"], stdout=subprocess.DEVNULL, check=True)
        best = min(best, time.perf_counter() - begin)
    yield "the command starts and ends in", f"{1e3 * best:.1f} ms"


def size(backprop, _):
    library = os.path.join(os.path.dirname(os.path.dirname(backprop.command)), "lib", "libbackprop.so")
    if os.path.exists(library) and shutil.which("strip"):
        with tempfile.TemporaryDirectory() as folder:
            stripped = os.path.join(folder, "stripped.so")
            subprocess.run(["strip", "-o", stripped, os.path.realpath(library)], check=True)
            yield "the shared library, stripped", f"{os.path.getsize(stripped) / 1e6:.2f} MB"


def figures(backprop, chosen):
    """Pairs of words and a figure, as they are measured."""
    parts = [products, adam, start, size]
    if len(os.sched_getaffinity(0)) > 1:
        parts.insert(2, threads)
    for part in parts:
        yield from part(backprop, chosen)
