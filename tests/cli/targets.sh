#!/usr/bin/env bash
# What a file is written to: links, devices, permissions; and what signals and kills leave behind.
# shellcheck source=tests/cli/common.bash
. "$(dirname "$0")/common.bash"
flowers >flowers.csv
fast="--hidden 8 --epochs 2 --ignore id --target kind --threads 1 --quiet"
succeeds train flowers.csv $fast --out m.safetensors
"$backprop" predict m.safetensors flowers.csv >expected.csv 2>err

# both PREPARE AFTER: for a model and for predictions, what `target` is before, and what must hold when it was written to.
both() {
  local prepare=$1 after=$2
  for content in m.safetensors expected.csv; do
    rm -rf target end folder other && mkdir folder
    eval "$prepare"
    if [ $content = m.safetensors ]; then
      run train flowers.csv $fast --out target
    else
      run predict m.safetensors flowers.csv --quiet --out target
    fi
    check "$content where '$prepare': $after" eval "$after"
    check "$content where '$prepare' leaves no temporary" [ "$(find . -name '.backprop*' | wc -l)" -eq 0 ]
  done
}
fine='[ $status -eq 0 ] && cmp -s $content'
bad='[ $status -eq 5 ] && is_error'
both 'ln -s end target' "$fine end && [ -L target ]"
both 'echo old >end; ln -s end target' "$fine end && [ -L target ]"
both 'ln -s folder/end target' "$fine folder/end && [ -L target ]"
both 'ln -s folder/next target; ln -s "$PWD/end" folder/next' "$fine end && [ -L target ] && [ -L folder/next ]"
both 'ln -s no/end target' "$bad && [ ! -e no ]"
both 'ln -s target target' "$bad && holds_either err 'oo many levels' 'ymbolic link loop'"
both 'ln -s folder target' "$bad && holds err older"
both 'mkdir target' "$bad && holds err older"
both 'echo old >target; ln target other' "$fine target && [ \$(cat other) = old ]"
both 'echo old >target; chmod 640 target' "$fine target && [ \$(stat -c %a target) = 640 ]"
both '(umask 077; echo old >target)' "$fine target && [ \$(stat -c %a target) = 600 ]"
both 'mkfifo target; cat target >end &' "wait; $fine end"
both 'exec 7>end; echo first >&7; ln -s /dev/fd/7 target' \
  "[ \$status -eq 0 ] && { echo first; cat \$content; } | cmp -s - end; exec 7>&-"
if [ "$(id -u)" -eq 0 ]; then
  both 'echo old >target; chown 12:34 target' "$fine target && [ \$(stat -c %u:%g target) = 12:34 ]"
else
  both 'echo old >target; chmod 444 target' "$bad && holds err denied && [ \$(cat target) = old ]"
  both 'ln -s folder/end target; chmod 555 folder' "$bad && holds err denied; chmod 755 folder"
  both 'echo old >folder/end; ln -s folder/end target; chmod 555 folder' "$bad && [ \$(cat folder/end) = old ]; chmod 755 folder"
fi
echo first >appended
"$backprop" predict m.safetensors flowers.csv --out /dev/stdout >>appended 2>err
check "/dev/stdout is where standard output stands" cmp -s appended <(echo first && cat expected.csv)

# ---- signals ----
# For every command that can wait: it reads from a pipe that stays open.
python3 -c 'print("a,b,c,y"); [print(f"{i % 97},{i % 89},{i % 83},{i % 7}") for i in range(30000)]' >large.csv
rm -rf place && mkdir place
python3 - "$backprop" <<'PYTHON' >out 2>err
import os, signal, subprocess, sys, time
backprop = sys.argv[1]
start = b"id,length,width,colour,kind\n" + b"f1,1,2,red,iris\n" * 20000
waiting = [
    ["predict", "m.safetensors", "-", "--quiet", "--out", "place/p.csv"],
    ["predict", "m.safetensors", "-", "--quiet"],
    ["evaluate", "m.safetensors", "-", "--quiet"],
    ["train", "-", "--out", "place/t.safetensors", "--quiet"],
    ["inspect", "m.safetensors", "--gradients", "-", "--quiet"],
    ["gradcheck", "m.safetensors", "-", "--quiet"],
]
busy = [
    ["bench", "--seconds", "60", "--quiet"],
    ["train", "large.csv", "--epochs", "100000", "--quiet", "--out", "place/u.safetensors"],
]
for arguments in waiting + busy:
    for number in signal.SIGINT, signal.SIGTERM, signal.SIGHUP:
        p = subprocess.Popen([backprop, *arguments], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        if arguments in waiting:
            p.stdin.write(start)
            p.stdin.flush()
        time.sleep(0.15)
        begin = time.monotonic()
        p.send_signal(number)
        said = p.stderr.read()
        status, took = p.wait(), time.monotonic() - begin
        left = [f for f in os.listdir("place") if not f.endswith(".checkpoint")]
        if status != 128 + number or took > 5 or left or said.count(b"\n") != 1 or b"stopped by SIG" not in said:
            print(arguments, number, status, took, left, said)
            sys.exit(1)
p = subprocess.Popen(["nohup", backprop, "predict", "m.safetensors", "-", "--quiet"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
p.stdin.write(start)
p.stdin.flush()
time.sleep(0.15)
p.send_signal(signal.SIGHUP)
p.stdin.close()
sys.exit(p.wait())
PYTHON
check "signals end every command with 128 + their number, at once, and leave no file; nohup is heeded" [ $? -eq 0 ]

# ---- kills, at any moment ----
python3 - "$backprop" <<'PYTHON' >out 2>err
import os, random, subprocess, sys, time
backprop, rng = sys.argv[1], random.Random(1)
command = [backprop, "predict", "m.safetensors", "flowers.csv", "--quiet", "--out", "place/k.csv"]
for _ in range(100):
    p = subprocess.Popen(command)
    time.sleep(rng.random() * 0.006)
    p.kill()
    p.wait()
    if os.path.exists("place/k.csv") and open("place/k.csv").read() != open("expected.csv").read():
        sys.exit("half a file")
subprocess.run(command, check=True)
left = [f for f in os.listdir("place") if f.startswith(".")]
sys.exit(f"left behind: {left}" if left else 0)
PYTHON
check "kills leave nothing but whole files" [ $? -eq 0 ]
finish
