#!/bin/sh
# Proves that a serial link goes through libserialport: without the interposer it refuses a pty, with it the same
# pty works. Uses BUILD and CC as make does; run from the top folder.
set -eu
BUILD=${BUILD:-build} CC=${CC:-gcc}
make --no-print-directory BUILD="$BUILD" CC="$CC" "$BUILD/unit/wire/test_link_serial"
mkdir -p "$BUILD/interpose"
so=$(cd "$BUILD/interpose" && pwd)/pty_as_serial.so
"$CC" -std=c17 -O2 -Wall -Wextra -Werror -D_GNU_SOURCE -shared -fPIC -o "$so" tests/interpose/pty_as_serial.c -ldl
tests/run-unit "$BUILD/unit/wire/test_link_serial"
# The sanitizer's runtime has to come first among what is preloaded.
san=$(ldd "$BUILD/unit/wire/test_link_serial" | sed -n 's/.*=> \(.*lib[at]san[^ ]*\) .*/\1/p')
SECCM_TEST_INTERPOSED=1 LD_PRELOAD="$san $so" "$BUILD/unit/wire/test_link_serial"
