"""Backprop's command as a method: it trains on a split's file, predicts the test rows, and is measured like the peers.

Its seconds are those of the two commands as they are typed, so they include starting and reading both files, which the peers' do not.
"""
import csv
import glob
import hashlib
import os
import resource
import shlex
import subprocess
import tempfile
import time

import numpy

import measures
import splits


def build_of(command: str) -> str:
    """Tells one build from another: a hash of the command and of the library beside it."""
    found = hashlib.sha256()
    real = os.path.realpath(command)
    for path in [real, *sorted(glob.glob(os.path.join(os.path.dirname(os.path.dirname(real)), "lib", "libbackprop.so.*")))]:
        with open(path, "rb") as file:
            found.update(file.read())
    return found.hexdigest()[:12]


def called(arguments: list[str], limit: float) -> str:
    done = subprocess.run(arguments, capture_output=True, text=True, timeout=limit, env=os.environ | {"OMP_NUM_THREADS": "1"})
    if done.returncode != 0:
        raise RuntimeError(f"status {done.returncode}: {done.stderr.strip()[-250:]}")
    return done.stdout


def predictions(text: str, about: dict) -> numpy.ndarray:
    """What `predict` wrote: a column for each class, in the order of set.json, or one of numbers."""
    heading, *rows = csv.reader(text.splitlines())
    values = numpy.array(rows, dtype=float)
    if not about["classes"]:
        return values[:, 0]
    full = numpy.zeros((len(values), len(about["classes"])))
    for i, name in enumerate(heading):
        full[:, about["classes"].index(name)] = values[:, i]
    return full


def told(about: dict) -> list[str]:
    """Columns of categories that are named by numbers: the table says that they are text, a file of CSV cannot."""
    names = ",".join(about["numbered"])
    return ["--text", names] if names else []


def measured(command: str, options: str, about: dict, n: int, limit: float) -> dict:
    home = os.path.join(about["folder"], str(n))
    with tempfile.TemporaryDirectory() as folder:
        model = os.path.join(folder, "model.safetensors")
        before, wall = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
        called([command, "train", os.path.join(home, "train.csv"), "--target", about["target"], "--task", about["task"], "--threads", "1",
                "--seed", str(n), "--quiet", "--out", model, *told(about), *shlex.split(options)], limit)
        trained = time.perf_counter()
        text = called([command, "predict", model, os.path.join(home, "test.csv"), "--threads", "1", "--quiet",
                       *(["--proba"] if about["classes"] else [])], limit)
        end, after = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
        size = os.path.getsize(model)
    test = splits.read(about, n, "test")
    measure = measures.of_classes if about["classes"] else measures.of_numbers
    return {"seconds": end - wall, "cpu": after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime,
            "seconds_predict": end - trained, "bytes": size} | measure(test.y, predictions(text, about))
