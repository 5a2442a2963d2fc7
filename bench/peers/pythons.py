"""Where the peers on Python are looked for: the system's interpreter, ours, and the one that bench/peers/install fills."""
import os
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
AVX512 = "avx512f" in open("/proc/cpuinfo", encoding="utf-8").read() if os.path.exists("/proc/cpuinfo") else False
# What OPENBLAS_CORETYPE may be on this CPU; "" leaves the choice to OpenBLAS.
CORES = ["", "Haswell", "Zen"] + (["SkylakeX"] if AVX512 else [])


def pythons(more=()):
    return ["/usr/bin/python3", sys.executable, os.path.join(ROOT, "build", "peers", "bin", "python"), *more]


def version_of(python, module):
    """The version of a module for that interpreter, None when it has none."""
    if not os.access(python, os.X_OK):
        return None
    done = subprocess.run([python, "-c", f"import {module}; print({module}.__version__)"], capture_output=True, text=True)
    return done.stdout.strip().splitlines()[-1] if done.returncode == 0 and done.stdout.strip() else None
