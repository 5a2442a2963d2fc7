"""A process that measures one peer on one set: worker.py PEER SET.json SPLIT...; a line of JSON for each split, as it is done.

One peer has one process, so that what it does to its process concerns no other, and a peer that crashes is only itself. One thread:
libraries read how many when they are loaded, so that is said before any is.
"""
import json
import os
import sys
import time

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS", "LOKY_MAX_CPU_COUNT"):
    os.environ[name] = "1"

import measures  # noqa: E402
import peers  # noqa: E402
import splits  # noqa: E402


def measured(name: str, about: dict, n: int) -> dict:
    train, test = splits.read(about, n, "train"), splits.read(about, n, "test")
    work = peers.Work(about["numbers"], about["categories"], about["classes"], n)
    wall, cpu = time.perf_counter(), time.process_time()
    found = peers.PEERS[name](train, test, work)
    seconds = {"seconds": time.perf_counter() - wall, "cpu": time.process_time() - cpu}
    measure = measures.of_classes if work.classes else measures.of_numbers
    return seconds | measure(test.y, found)


def main() -> None:
    name, home, *numbers = sys.argv[1:]
    with open(os.path.join(home, "set.json"), encoding="utf-8") as file:
        about = json.load(file) | {"folder": home}
    out = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what a library prints is no result
    peers.warm(name)
    if name in ("realmlp", "realmlp-ce", "tabm"):
        import torch
        torch.set_num_threads(1)
    for n in map(int, numbers):
        try:
            found = measured(name, about, n)
        except Exception as error:  # whatever it is, the other methods go on
            found = {"failed": f"{type(error).__name__}: {error}"[:300]}
        print(json.dumps({"split": n, "version": peers.version(name)} | found), file=out, flush=True)


if __name__ == "__main__":
    main()
