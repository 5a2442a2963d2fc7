#!/usr/bin/env bash
# labels: nightly
# The whole of `make check` on 32 bits: x86 with SSE2, whose arithmetic is that of x86_64.
. "$TEST_SOURCE/tests/support/foreign.bash"
foreign_needs i686-linux-gnu-gcc gcc-i686-linux-gnu
libc=/usr/i686-linux-gnu/lib
foreign_libraries i686-linux-gnu-gcc -msse2 -mfpmath=sse
foreign_check -DCMAKE_SYSTEM_NAME=Linux -DCMAKE_SYSTEM_PROCESSOR=i686 -DCMAKE_C_COMPILER=i686-linux-gnu-gcc \
  -DBACKPROP_TEST_TIME=4 -DCMAKE_C_FLAGS="-msse2 -mfpmath=sse -L$prefix/lib" -DCMAKE_CROSSCOMPILING_EMULATOR="$libc/ld-linux.so.2;--library-path;$libc"
foreign_same_bytes
