#!/bin/sh
# USB adapters, with the real binary through libserialport: named by their serial numbers they are found whatever their ports
# are called, also when one is unplugged and comes back under another name; a unit that is not there is not replaced by one
# that is.
. "$(dirname "$0")/lib"
rig=$top/instruments/simulated-bench.yaml
replug=$(dirname "$seccm")/tools/replug
[ -x "$replug" ] || fail "no $replug: make TOOLS"

"${CC:-gcc}" -std=c17 -O2 -D_GNU_SOURCE -shared -fPIC -o pty_as_serial.so "$top/tests/interpose/pty_as_serial.c" -ldl || fail interposer
san=$(ldd "$seccm" | sed -n 's/.*=> \(.*lib[at]san[^ ]*\) .*/\1/p')

serve usb "$rig"
who=main
"$replug" list "$stage" 1a72.1018.0120040681.0 "$potentiostat" 0403.6001.FTNEXUS.0 >plugs &
adapters=$!
started="$started $adapters"
# The last of them is the potentiostat's; a signal changes it, and the next line of `plugs` says so.
await_plugs() { # number of lines
    until [ "$(wc -l <plugs)" -ge "$1" ]; do
        kill -0 $adapters 2>/dev/null || fail "the adapters are gone"
        sleep 0.02
    done
}
await_plugs 2

look() { # status, potentiostat's link
    expect "$1" env LD_PRELOAD="$san $dir/pty_as_serial.so" SECCM_PTY_AS_SERIAL=@"$dir/list" \
        "$seccm" rig check "$rig" --stage usb:0120040681 --potentiostat "$2" --speed "$speed"
}
there() {
    grep -q '^stage .*E-727' main.out && grep -q '^potentiostat .*serial NX25A00SIM' main.out || fail "$(cat main.out)"
}
look 0 usb:FTNEXUS
there
look 0 usb:0403:6001:FTNEXUS
there
look 3 usb:FTOTHER
grep -q 'serial FTOTHER: is it plugged in?' main.out || fail "$(cat main.out)"
look 3 usb:1a72:6001:FTNEXUS # of another maker

kill -USR1 $adapters
await_plugs 3
look 3 usb:FTNEXUS
grep -q 'potentiostat: usb:FTNEXUS: no serial port belongs' main.out || fail "$(cat main.out)"

kill -USR2 $adapters
await_plugs 4
before=$(sed -n '2s/^plugged //p' plugs) after=$(sed -n '4s/^plugged //p' plugs)
[ -n "$before" ] && [ -n "$after" ] && [ "$before" != "$after" ] || fail "$(cat plugs)"
look 0 usb:FTNEXUS
there
unserve $served || fail "the sample saw $(cat usb.serve.err)"
say "potentiostat at $before, then at $after: found both times"
