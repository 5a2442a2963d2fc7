"""stop_and_resume.py BACKPROP HOW STEP THREADS ARGUMENTS... - trains until a checkpoint of that step, or a later one, is there, ends the run by
the signal HOW, and resumes it with other threads: the model must be whole.safetensors, byte for byte."""
import json, os, signal, struct, subprocess, sys, time
backprop, how, step, threads, *arguments = sys.argv[1:]

def steps(path):
    try:
        with open(path, "rb") as file:
            size, = struct.unpack("<Q", file.read(8))
            return json.loads(json.loads(file.read(size))["__metadata__"]["backprop.checkpoint"])["state"]["steps"]
    except FileNotFoundError:
        return -1

for path in ("part.safetensors", "part.ckpt"):
    if os.path.exists(path):
        os.remove(path)
run = subprocess.Popen([backprop, "train", *arguments, "--threads", threads, "--out", "part.safetensors", "--quiet",
                        "--checkpoint", "part.ckpt", "--checkpoint-every", "1steps"], stderr=subprocess.PIPE,
                       preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL))
while steps("part.ckpt") < int(step) and run.poll() is None:
    time.sleep(0.001)
run.send_signal(getattr(signal, "SIG" + how))
run.wait()
if run.returncode == 0:
    sys.exit("the training was over before it could be stopped")
expected = {"INT": 130, "TERM": 143, "KILL": -9}[how]
if run.returncode != expected:
    sys.exit(f"{how}: ended with {run.returncode}")
if os.path.exists("part.safetensors"):
    sys.exit("a model was written")
done = steps("part.ckpt")
resumed = subprocess.run([backprop, "resume", "part.ckpt", "--threads", "3" if threads == "1" else "1", "--quiet"])
if resumed.returncode != 0:
    sys.exit(f"resume ended with {resumed.returncode}")
if open("part.safetensors", "rb").read() != open("whole.safetensors", "rb").read():
    sys.exit(f"{how} after step {done}: another file")
