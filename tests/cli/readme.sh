#!/usr/bin/env bash
# The README shows C that compiles and commands that exist: its example is examples/minute.c to the letter, which is a test of
# its own; its layer table is what the demo prints; its links lead somewhere.
# shellcheck source=tests/cli/common.bash
. "$(dirname "$0")/common.bash"
readme=$source_root/README.md
touch out err

awk '/^```c$/ { on = 1; next } /^```$/ { on = 0 } on' "$readme" >minute.c
check "the minute of C is examples/minute.c" cmp minute.c "$source_root/examples/minute.c"

if [ -f "$source_root/data/digits.csv.gz" ]; then
  BACKPROP=$backprop "$source_root/scripts/demo" "$work/build" >out 2>err
  status=$?
  while IFS= read -r line; do
    check "the demo prints '$line'" holds out "$line"
  done < <(grep -E '^(layer|input|layers\.[0-9]|total|\$ backprop|[1-4]\. )' "$readme")
fi

while IFS= read -r link; do
  check "the link to $link" [ -e "$source_root/$link" ]
done < <(grep -oE '\]\([^)#]+' "$readme" | sed 's/^](//' | grep -v '^http')

while read -r command; do
  "$backprop" help "$command" >/dev/null 2>&1
  check "backprop $command exists" [ $? -eq 0 ]
done < <(grep -oE '`backprop [a-z]+' "$readme" | sed 's/.* //' | sort -u)
finish
