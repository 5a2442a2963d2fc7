"""A process that measures one peer: worker.py PEER; for each line of SPLIT FOLDER that it reads, it writes a line of JSON.

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
    name = sys.argv[1]
    out = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what a library prints is no result
    peers.warm(name)
    for line in sys.stdin:
        split, home = line.rstrip("\n").split(" ", 1)
        try:
            with open(os.path.join(home, "set.json"), encoding="utf-8") as file:
                about = json.load(file) | {"folder": home}
            found = measured(name, about, int(split))
        except Exception as error:  # whatever it is, the other methods go on
            found = {"failed": f"{type(error).__name__}: {error}"[:300]}
        print(json.dumps({"split": int(split), "version": peers.version(name)} | found), file=out, flush=True)


if __name__ == "__main__":
    main()
