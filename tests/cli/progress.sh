#!/usr/bin/env bash
# The progress display on a real (pseudo) terminal: what is left on the screen, its width, colours, and what logs get.
# shellcheck source=tests/cli/common.bash
. "$(dirname "$0")/common.bash"
python3 -c 'import pty; pty.openpty()' 2>/dev/null || skip "no pseudo terminal can be had here (is /dev/pts mounted?)"
flowers >flowers.csv

# screen COLUMNS ENVIRONMENT ARGUMENTS...: runs the command on a terminal of that width. Leaves in `raw` what was written, in
# `plain` the same without escape codes, in `out` what is on the screen at the end, in `widest` the last column used.
screen() {
  python3 - "$backprop" "$@" <<'PYTHON'
import fcntl, os, pty, re, struct, sys, termios

backprop, columns, environment, *arguments = sys.argv[1:]
pid, fd = pty.fork()
if pid == 0:
    fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", 24, int(columns), 0, 0))
    os.environ.update(dict(pair.split("=") for pair in environment.split()))
    os.execv(backprop, [backprop, *arguments])
data = b""
while True:
    try:
        piece = os.read(fd, 65536)
    except OSError:
        break
    if not piece:
        break
    data += piece
status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
text = data.decode()
open("raw", "w").write(text)
open("plain", "w").write(re.sub(r"\x1b\[[0-9;]*[A-Za-z]", "", text).replace("\r", "\n"))

lines, row, column, widest = [[]], 0, 0, 0
for token in re.findall(r"\x1b\[[0-9;]*[A-Za-z]|.", text, re.S):
    if token == "\r":
        column = 0
    elif token == "\n":
        row, column = row + 1, column
        lines.append([])
    elif token == "\x1b[K":
        del lines[row][column:]
    elif token[0] == "\x1b":
        assert token[-1] == "m", token
    else:
        lines[row] += [" "] * (column + 1 - len(lines[row]))
        lines[row][column] = token
        column += 1
        widest = max(widest, column)
open("out", "w").write("\n".join("".join(line).rstrip() for line in lines))
open("widest", "w").write(str(widest))
sys.exit(status)
PYTHON
  status=$?
}

: >err
screen 80 "TERM=xterm" train flowers.csv --ignore id --epochs 5 --valid 0.2 --hidden 64,64 --batch-size 1
check "it ends well" [ "$status" -eq 0 ]
check "the heading stays" grep -qE '^ +epoch +loss +accuracy +valid loss +valid acc. +time$' out
check "a line of each epoch stays" [ "$(grep -cE '^ +[1-5]/5 +[0-9.]+ +[0-9.]+' out)" -eq 5 ]
check "the bar is gone at the end" bash -c '! grep -q "━" out'
check "there was a bar" grep -q '━' raw
check "with colours" grep -q $'\033\[32m' raw
check "no line of the bar touches the last column" bash -c '[ "$(grep "[━─]" plain | wc -L)" -lt 80 ]'
check "the table is not printed twice" [ "$(grep -c 'valid loss' out)" -eq 1 ]
check "the summary is there" holds out "90 rows"

screen 40 "TERM=xterm" train flowers.csv --ignore id --epochs 3 --hidden 8 --quiet
check "--quiet shows nothing" [ ! -s raw ]
screen 30 "TERM=xterm" train flowers.csv --ignore id --epochs 400 --hidden 256,256 --progress bar
check "a narrow terminal" grep -qE '[━─] +[0-9]+%' plain
check "the bar keeps within it" bash -c '[ "$(grep "[━─]" plain | wc -L)" -lt 30 ]'

screen 80 "TERM=xterm NO_COLOR=1" train flowers.csv --ignore id --epochs 3 --hidden 64 --batch-size 1
check "NO_COLOR is honoured" bash -c '! grep -q $'"'\\033\\[[0-9]*m'"' raw'
screen 80 "TERM=xterm LANG=C" train flowers.csv --ignore id --epochs 3 --hidden 64 --batch-size 1
check "no UTF-8 where the terminal has none" bash -c '! LC_ALL=C grep -q "[^ -~[:cntrl:]]" raw'
screen 80 "TERM=dumb" train flowers.csv --ignore id --epochs 3 --hidden 8
check "a dumb terminal gets plain lines" grep -q '^epoch 3/3 loss' out
check "and no escape codes" bash -c '! grep -q $'"'\\033'"' raw'
screen 80 "TERM=xterm" train flowers.csv --ignore id --epochs 3 --hidden 8 --progress plain
check "plain lines when asked for" grep -q '^epoch 3/3 loss' out
screen 80 "TERM=xterm" train flowers.csv --ignore id --epochs 3 --hidden 8 --progress none
check "none when asked for" bash -c '! grep -q "^epoch 1/3 loss\|━" out'
check "and then no table" bash -c '! grep -qE "^ +(epoch|3/3) " out'

# A category in the validation rows that training never saw is a warning in the middle: it stands on a line of its own.
sed 's/,blue,/,purple,/' flowers.csv >purple.csv
screen 80 "TERM=xterm" train flowers.csv --ignore id --target kind --valid purple.csv --epochs 3 --hidden 64 --batch-size 1
check "a warning has lines of its own" bash -c 'tr -s "\n " " " <out | grep -q "backprop: warning: purple.csv: column .colour.: 30 rows hold texts that training never saw, first .purple.;"'

# Lines wrap at words on a terminal, and go on under the text; elsewhere a message is one line.
python3 - >wide.csv <<'PYTHON'
print("名前の列,x,y")
for i in range(150):
    print(f"東京{i}番地,{i % 7},{i % 2}")
PYTHON
quick="--hidden none --epochs 1 --progress none --max-categories 0"
for columns in 20 60 80 120 200; do
  # shellcheck disable=SC2086
  screen $columns "TERM=xterm" train wide.csv $quick
  [ $columns -lt 60 ] || check "it keeps within $columns columns" test "$(wc -L <out)" -lt $columns
  tr -s '\n ' ' ' <out >joined
  check "nothing is lost of a note" holds joined "note: wide.csv: the target is the last column, 'y', as none was chosen note: wide.csv"
  check "nor of a warning" holds joined "wide.csv: column '名前の列' holds 150 different texts in 150 rows, and each becomes an input; leave it out if"
done
# shellcheck disable=SC2086
screen 60 "TERM=xterm" train wide.csv $quick
check "what follows is indented" grep -qE '^ {10}[0-9a-z]' out
check "notes are dim" grep -q $'\033\[2mnote: ' raw
screen 60 "TERM=xterm NO_COLOR=1" train wide.csv --hidden none --epochs 1 --progress none
check "but for NO_COLOR" bash -c '! grep -q $'"'\\033'"' raw'
screen 60 "TERM=xterm" train wide.csv --target nothing_that_is_there_in_the_table_at_all
check "an error wraps too" [ "$(wc -l <out)" -ge 2 ]
for words in "inspect model.safetensors" "inspect model.safetensors --gradients flowers.csv" "evaluate model.safetensors flowers.csv" \
  "help evaluate" "help"; do
  screen 80 "TERM=xterm" train flowers.csv --ignore id --epochs 3 --hidden 8 --quiet
  # shellcheck disable=SC2086
  screen 73 "TERM=xterm" $words
  check "$words keeps within 73 columns" test "$(wc -L <out)" -lt 73
done
screen 40 "TERM=xterm" train flowers.csv --ignore id --epochs 3 --hidden 8 --progress none
check "the summary wraps too" bash -c 'grep -A1 "^training  adam on" out | grep -qE "^ {10}[a-z0-9]"'
screen 60 "TERM=xterm" inspect model.safetensors
check "the table of layers is narrow where the terminal is" test "$(wc -L <out)" -lt 60

COLUMNS=40 run train wide.csv --hidden none --epochs 1 --progress none
check "a note is one line in a log" grep -q "^note: wide.csv: the target 'y' has only 2 .* if they measure something (--task regression)$" err
run train wide.csv --hidden none --epochs 1 --quiet --max-categories 0
check "--quiet does without notes" bash -c '! grep -q ^note: err'
check "and tells warnings" grep -q "^backprop: warning: wide.csv: column '名前の列'" err

run train flowers.csv --ignore id --epochs 3 --hidden 8 --progress bar
check "in a log even a bar leaves whole lines" grep -qE ' 3/3 +[0-9.]+' err
succeeds train flowers.csv --ignore id --epochs 200 --hidden 8
check "a log of 200 epochs has some twenty lines" [ "$(grep -c '^epoch' err)" -le 25 ]
check "the last one among them" holds err "epoch 200/200"
finish
