#!/usr/bin/env bash
# labels: nightly
# The whole of `make check` with the C library musl.
. "$TEST_SOURCE/tests/support/foreign.bash"
foreign_needs musl-gcc musl-tools
FOREIGN_LEAVE_OUT='^build\.' # they link what is installed by this machine's compiler, whose C library is another
foreign_libraries musl-gcc
for headers in linux asm-generic; do ln -sfn /usr/include/$headers "$prefix/include/$headers"; done # musl-gcc leaves the kernel's out
ln -sfn "/usr/include/$(uname -m)-linux-gnu/asm" "$prefix/include/asm"
foreign_check -DCMAKE_C_COMPILER=musl-gcc -DCMAKE_C_FLAGS="-isystem $prefix/include -L$prefix/lib"
