#!/usr/bin/env bash
# Help, man page, completion and version: all from one table, none with a gap.
# shellcheck source=tests/cli/common.bash
. "$(dirname "$0")/common.bash"

run
check "no command: the overview, and 2" [ "$status" -eq 2 ]
check "on standard error" holds err "backprop train DATA.csv"
check "nothing on standard output" [ ! -s out ]
for words in "help" "--help" "-h"; do
  succeeds $words
  check "$words prints the overview" holds out "usage: backprop COMMAND"
done
for command in train predict evaluate inspect gradcheck diff bench version help; do
  succeeds help $command
  cp out help
  check "help $command begins with its usage" holds out "usage: backprop $command"
  check "help $command fits a terminal" fits_terminal out
  succeeds $command --help
  check "$command --help prints the same" cmp out help
  succeeds $command -h
  check "$command -h too" cmp out help
done
succeeds help train
for option in hidden activation loss optimizer lr schedule warmup momentum nesterov beta1 beta2 amsgrad rho epsilon memory l1 l2 weight-decay clip-norm clip-value max-norm batch-size epochs valid valid-labels labels patience init seed \
  threads dtype target task ignore features delimiter header missing text out config progress log json quiet log-norms metric tolerance time-limit checkpoint checkpoint-every; do
  check "help train knows --$option" holds out "--$option"
done

# ---- man page ----
succeeds help --man
check "the page has an option and its argument on one line" grep -qF '\fB\-\-hidden\fR \fIN,N,...\fR' out
cp out backprop.1
check "every option is in it" bash -c 'for o in hidden epochs proba keep completion; do grep -q "fB.-.-$o" backprop.1 || exit 1; done'
if command -v groff >/dev/null; then
  groff -man -Tutf8 -ww -z -K utf8 backprop.1 2>err || true
  check "groff finds nothing to say" [ ! -s err ]
elif command -v man >/dev/null; then
  man -l --warnings -E UTF-8 backprop.1 >out 2>err </dev/null || true
  check "man finds nothing to say" [ ! -s err ]
fi

# ---- completion ----
for shell in bash zsh fish; do
  succeeds help --completion $shell
  cp out completion.$shell
done
for shell in zsh fish; do
  check "$shell shows settings as they are written" bash -c "sed 's/\\\\//g' completion.$shell | grep -q 'leaky_relu:0.2, elu:1'"
done
check "bash reads its script" bash -n completion.bash
if command -v zsh >/dev/null; then check "zsh reads its script" zsh -n completion.zsh; fi
if command -v fish >/dev/null; then check "fish reads its script" fish -n completion.fish; fi

# complete WORDS...: what bash would offer for the last word, sorted, in one line.
complete_bash() {
  bash -c 'source ./completion.bash; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _backprop; printf "%s\n" "${COMPREPLY[@]}"' _ "$@" |
    sort | tr '\n' ' '
}
check "commands" [ "$(complete_bash backprop e)" = "evaluate " ]
check "options of a command" [ "$(complete_bash backprop train --pa)" = "--patience " ]
check "but of no other" [ "$(complete_bash backprop predict --pa)" = " " ]
check "names" [ "$(complete_bash backprop train --activation t)" = "tanh " ]
check "numbers are left alone" [ "$(complete_bash backprop train --epochs 1)" = " " ]
touch data-file.csv
check "files" [ "$(complete_bash backprop train data)" = "data-file.csv " ]
check "files of a short option" [ "$(complete_bash backprop train -o data)" = "data-file.csv " ]
check "files of an option" [ "$(complete_bash backprop train --out data)" = "data-file.csv " ]
check "help of a command" [ "$(complete_bash backprop help ins)" = "inspect " ]

# ---- version ----
succeeds version
check "version" holds out "backprop 0."
check "kernels" holds out "kernels"
succeeds --version
succeeds version --json
check "as JSON" json 'j["version"].count(".") == 2 and j["cores"] >= 1 and j["kernels"] in ("baseline", "avx2", "avx512") and j["zlib"] and "jansson" not in j'
BACKPROP_ISA=baseline run version --json
check "the environment chooses the kernels" json 'j["kernels"] == "baseline"'
BACKPROP_ISA=avx3 run version
check "kernels that do not exist are refused" [ "$status" = 2 ]
check "and those that do are named" holds err "BACKPROP_ISA is 'avx3', expected one of the kernel builds that this CPU can run: baseline"
BACKPROP_ISA='' run version --json
check "an empty wish is none" [ "$status" = 0 ]
finish
