#!/bin/sh
# USB adapters, with the real binary through libserialport: named by their serial numbers they are found whatever their ports
# are called, also when one is unplugged and comes back under another name; a unit that is not there is not replaced by one
# that is. A run whose adapter leaves and comes back in the middle goes on, and loses one site at most; its guardian has the
# new port, and makes the rig safe through it when the run is killed behind that.
. "$(dirname "$0")/lib"
rig=$top/instruments/simulated-bench.yaml
replug=$(dirname "$seccm")/tools/replug
[ -x "$replug" ] || fail "no $replug: make TOOLS"

"${CC:-gcc}" -std=c17 -O2 -D_GNU_SOURCE -shared -fPIC -o pty_as_serial.so "$top/tests/interpose/pty_as_serial.c" -ldl || fail interposer
san=$(ldd "$seccm" | sed -n 's/.*=> \(.*lib[at]san[^ ]*\) .*/\1/p')

serve usb "$rig"
who=main
: >plugs # there before it is looked at
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

# --- in the middle of a run

sed 's/columns: 3/columns: 6/; s/spares: 3/spares: 6/; s|bench.yaml|'"$top"'/tests/data/steady/bench.yaml|
    s/^faults: {/faults: {recover: {consecutive: 100, total: 1000, back-off: [0.5 s, 2 s]}, /' "$top"/tests/data/steady/short.yaml >six.yaml
grep -q 'back-off' six.yaml || fail "six.yaml: $(cat six.yaml)"

# on NAME COMMAND...: in place of a subshell; the adapters of this lane are serial ports to it
on() {
    ports=$1.list
    shift
    prompt env LD_PRELOAD="$san $dir/pty_as_serial.so" SECCM_PTY_AS_SERIAL=@"$dir/$ports" "$@"
}
links="--stage usb:0120040681 --potentiostat usb:FTNEXUS --speed $speed"
rig=$top/tests/data/steady/bench.yaml
event() { # kind, words: how many
    "$seccm" export "$who.seccm" --format csv -o "$who.tables" >/dev/null 2>&1 || fail "$who: export"
    grep ",$1," "$who.tables/events.csv" | grep -c -e "$2"
}
lines() { # of $who.plugs
    until [ "$(wc -l <"$who.plugs")" -ge "$1" ]; do
        kill -0 $adapters 2>/dev/null || fail "$who: the adapters are gone"
        sleep 0.02
    done
}

# replugged DEVICE PLACE...: what is unplugged, and where (a pattern of the transcript, how often)
replugged() {
    serve "$1" "$rig"
    two="$potentiostat 0403.6001.FTNEXUS.0"
    one="$stage 1a72.1018.0120040681.0"
    [ "$1" = potentiostat ] || { swap=$one one=$two two=$swap; }
    : >"$who.plugs"
    # shellcheck disable=SC2086
    "$replug" "$who.list" $one $two >"$who.plugs" &
    adapters=$!
    started="$started $adapters"
    lines 2
    # shellcheck disable=SC2086
    (on "$who" "$seccm" rig check "$rig" --move --yes $links >"$who.check" 2>&1) || fail "$who: $(cat "$who.check")"
    # shellcheck disable=SC2086
    (on "$who" "$seccm" run six.yaml $links --transcript "$who.transcript" -o "$who.seccm" >"$who.log" 2>&1) &
    run=$!
    started="$started $run"
    await_times "$who.transcript" "$2" "$3" $run || fail "$who: $(cat "$who.log")"
    kill -USR1 $adapters
    lines 3
    await "$who.log" 'NOT VERIFIED SAFE' $run || fail "$who: $(cat "$who.log")"
    kill -USR2 $adapters
    lines 4
    await "$who.log" '^site 5/6' $run || fail "$who: $(cat "$who.log")"
    guardian=$(sed -n 's/^seccm: guardian: process \([0-9]*\) is on watch.*/\1/p' "$who.log")
    kill -KILL $run
    wait $run 2>/dev/null
    until flock -n "$who.guardian.log" true && grep -q 'SAFE\|safe' "$who.guardian.log"; do
        kill -0 "$guardian" 2>/dev/null || grep -q 'SAFE\|safe' "$who.guardian.log" || fail "$who: the guardian: $(cat "$who.log")"
        sleep 0.05
    done
    ! grep -q 'NOT VERIFIED' "$who.guardian.log" || fail "$who: the guardian has other links: $(cat "$who.guardian.log")"
    # shellcheck disable=SC2086
    (on "$who" "$seccm" resume "$who.seccm" $links >"$who.resumed" 2>&1) || fail "$who: $(cat "$who.resumed")"
    [ "$(outcomes "$who.seccm" measured)" = 6 ] && [ "$(outcomes "$who.seccm" fault)" -le 1 ] &&
        [ "$(outcomes "$who.seccm" interrupted)" -le 1 ] || fail "$who: $("$seccm" sites "$who.seccm")"
    [ "$(event fault "\[$1-unplugged\]")" -ge 1 ] || fail "$who: no $1-unplugged: $(cat "$who.tables/events.csv")"
    [ "$(event recovery "$1-unplugged: .*in order again")" = 1 ] || fail "$who: not recovered once: $(grep recovery "$who.tables/events.csv")"
    [ "$(event recovery "the guardian, process $guardian, has the links as they are now")" = 1 ] ||
        fail "$who: the guardian got no new orders: $(grep recovery "$who.tables/events.csv")"
    kill -TERM $adapters
    unserve $served
    no_harm 'open circuit\|cell left on'
    say "$1: unplugged and back, $(event fault "\[$1-unplugged\]") faults told, $(outcomes "$who.seccm" fault) sites lost; killed, and made safe through the new port"
}

# At the second site: in the technique; on the way down.
beside replugged potentiostat ' potentiostat > Y' 7
beside replugged stage ' potentiostat > Y' 5
all_well || fail "a run did not get over it"
