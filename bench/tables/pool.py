"""The processes that measure peers: one for each peer, started when it is first asked, and anew after it failed to answer."""
import json
import os
import queue
import subprocess
import sys
import threading

HERE = os.path.dirname(os.path.abspath(__file__))


class Worker:
    """worker.py as a process. What it says on its standard error is kept, the last lines of it, to tell why it ended."""

    def __init__(self, name: str):
        self.process = subprocess.Popen([sys.executable, os.path.join(HERE, "worker.py"), name], text=True, stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.answers: queue.Queue = queue.Queue()
        self.words: list[str] = []
        self.listener = threading.Thread(target=self.listen, daemon=True)
        self.listener.start()
        threading.Thread(target=self.collect, daemon=True).start()

    def collect(self) -> None:
        for line in self.process.stdout:
            self.answers.put(line)
        self.answers.put("")  # it has ended

    def listen(self) -> None:
        for line in self.process.stderr:
            self.words = [*self.words[-4:], line.strip()]

    def ask(self, home: str, split: int, limit: float) -> dict:
        """What it found; {"failed": why} when it takes too long or ends, and it is no more then."""
        try:
            self.process.stdin.write(f"{split} {home}\n")
            self.process.stdin.flush()
            answer = self.answers.get(timeout=limit)
        except queue.Empty:
            return self.end(f"more than {limit:g} s")
        except OSError:
            answer = ""
        return json.loads(answer) if answer else self.end("")

    def end(self, why: str) -> dict:
        self.process.kill()
        self.process.wait()
        self.listener.join(5)
        return {"failed": why or f"the process ended: {' '.join(self.words)[-250:]}"}


class Pool:
    def __init__(self):
        self.workers: dict[str, Worker] = {}

    def ask(self, name: str, home: str, split: int, limit: float) -> dict:
        if name not in self.workers:
            self.workers[name] = Worker(name)
        found = self.workers[name].ask(home, split, limit)
        if self.workers[name].process.poll() is not None:
            del self.workers[name]
        return found
