#!/usr/bin/env bash
# docs/diff.md: every listing prints what the page says, and the page names every function of the language.
# shellcheck source=tests/cli/common.bash
. "$(dirname "$0")/common.bash"
touch out err
mkdir bin
ln -s "$backprop" bin/backprop

# same_but_for_rounding A B: the same words and signs; numbers may differ by what processors round differently, and blanks by
# what that does to columns.
same_but_for_rounding() {
  python3 - "$1" "$2" <<'PYTHON'
import re, sys
number = re.compile(r"(?<![\w.])-?\d+\.?\d*(?:e[-+]?\d+)?(?![\w.])")
a, b = (open(path).read().split() for path in sys.argv[1:])
texts = [[number.sub("#", word) for word in words] for words in (a, b)]
values = [[float(n) for word in words for n in number.findall(word)] for words in (a, b)]
same = texts[0] == texts[1] and len(values[0]) == len(values[1])
sys.exit(not (same and all(abs(x - y) <= 1e-9 * max(1, abs(x)) for x, y in zip(*values))))
PYTHON
}

# The listings one by one: NUMBER.cmd and NUMBER.expected. A command begins with "$ ", goes on behind "> ", and is followed by what it prints.
python3 - "$source_root/docs/diff.md" <<'PYTHON'
import re, sys
number = 0
for block in re.findall(r"^```console\n(.*?)^```$", open(sys.argv[1]).read(), re.M | re.S):
    for part in re.split(r"^\$ ", block, flags=re.M)[1:]:
        lines = part.split("\n")
        command = [lines.pop(0)]
        while lines and lines[0].startswith("> "):
            command.append(lines.pop(0)[2:])
        number += 1
        open(f"{number}.cmd", "w").write("\n".join(command) + "\n")
        open(f"{number}.expected", "w").write("\n".join(lines))
PYTHON
check "there are listings" [ -e 10.cmd ]
for command in *.cmd; do
  PATH=$work/bin:$PATH bash "$command" >out 2>&1 </dev/null
  checks=$((checks + 1))
  if ! same_but_for_rounding "${command%.cmd}.expected" out; then
    failures=$((failures + 1))
    echo "FAILED: docs/diff.md: $(cat "$command")"
    diff "${command%.cmd}.expected" out
  fi
done

grep -oE '^(UNARY|CALL)\([a-z0-9_]+' "$source_root/src/expression/functions.def" | sed 's/.*(//' >functions
check "there are functions" [ -s functions ]
while read -r name; do
  check "the page explains $name" grep -qE "^\| \`$name\(" "$source_root/docs/diff.md"
done <functions
finish
