#!/usr/bin/env bash
# labels: nightly
# The whole of `make check` on 64-bit ARM, run by qemu: the baseline kernels are NEON there, and char is unsigned.
. "$TEST_SOURCE/tests/support/foreign.bash"
foreign_needs aarch64-linux-gnu-gcc gcc-aarch64-linux-gnu qemu-aarch64 qemu-user
# build: they link what is installed by this machine's compiler. base.pool and model.fork: qemu fails an assertion of its own where the
# child of a process with threads starts some. base.support: it executes itself, a program of another machine. What trains on 60,000
# images: hours, where every product is emulated.
FOREIGN_LEAVE_OUT='^build\.|^base\.(pool|support)$|^model\.fork$|mnist$|^cli\.tutorial$'
foreign_libraries aarch64-linux-gnu-gcc
foreign_check -DCMAKE_SYSTEM_NAME=Linux -DCMAKE_SYSTEM_PROCESSOR=aarch64 -DCMAKE_C_COMPILER=aarch64-linux-gnu-gcc -DCMAKE_C_FLAGS="-L$prefix/lib" \
  -DBACKPROP_TEST_TIME=10 -DCMAKE_CROSSCOMPILING_EMULATOR="$(command -v qemu-aarch64);-L;/usr/aarch64-linux-gnu"
