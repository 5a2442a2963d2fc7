#!/usr/bin/env bash
# The MNIST commands of docs/tutorial.md, as they stand there, reach the accuracy that it promises. Where the files are.
# labels: slow long data
# shellcheck source=tests/cli/common.bash
. "$(dirname "$0")/common.bash"
mnist=${BACKPROP_MNIST:-}
[ -n "$mnist" ] && ls "$mnist"/train-images-idx3-ubyte* >/dev/null 2>&1 || skip "no MNIST (set BACKPROP_MNIST to its folder)"
for kind in train-images-idx3 train-labels-idx1 t10k-images-idx3 t10k-labels-idx1; do
  if [ -f "$mnist/$kind-ubyte.gz" ]; then
    ln -s "$mnist/$kind-ubyte.gz" .
  else
    gzip -1 <"$mnist/$kind-ubyte" >"$kind-ubyte.gz"
  fi
done

# The commands, one a line, without the name of the program; lines that end in \ are joined.
grep -A1 '^backprop [a-z]* .*idx3-ubyte.gz' "$source_root/docs/tutorial.md" | sed -e :a -e '/\\$/N; s/\\\n//; ta' |
  grep '^backprop' | cut -d' ' -f2- >commands
check "the document has three commands" [ "$(wc -l <commands)" -eq 3 ]
learns() { # learns LEAST ARGUMENTS...: trains, then evaluates by the document's command
  local least=$1
  shift
  succeeds "$@"
  # shellcheck disable=SC2046 # words of a command
  succeeds $(grep '^evaluate' commands) --json
  echo "accuracy $(json 'print(j["accuracy"]) or True')"
  check "at least $least" json "j['rows'] == 10000 and j['accuracy'] >= $least"
}
# shellcheck disable=SC2046
learns 0.975 $(grep '^train' commands | sed -n 1p)
# shellcheck disable=SC2046
learns 0.982 $(grep '^train' commands | sed -n 2p)
finish
