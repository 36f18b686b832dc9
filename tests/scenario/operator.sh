#!/bin/sh
# Ctrl-C over ptys, during an approach and during a measurement, pressed again while the rig is being made safe: exit status
# 130, the probe retracted and the cell open, both verified (a second Ctrl-C skips nothing), the outcome `aborted`; resume
# goes on and finishes on the same rig.
. "$(dirname "$0")/lib"
rig=$top/tests/data/steady/bench.yaml protocol=$top/tests/data/steady/short.yaml

interrupted() { # name, height (um) commanded or number of loops begun when it happens, what the sample may count
    serve "$1" "$rig"
    verify "$rig"
    begin "$protocol"
    if [ "$1" = approach ]; then
        await_depth "$who.transcript" "$2" $run || fail "$who: $(cat "$who.log")"
    else
        await_times "$who.transcript" 'potentiostat < .*M00' "$2" $run || fail "$who: $(cat "$who.log")"
    fi
    kill -INT $run
    sleep 0.02
    kill -INT $run
    sleep 0.02
    kill -INT $run 2>/dev/null
    wait $run
    status=$?
    [ $status = 130 ] || fail "$who: status $status: $(cat "$who.log")"
    grep -q 'rig verified safe (retracted, cell open)' "$who.log" || fail "$who: $(cat "$who.log")"
    up=$(height "$rig")
    awk -v z="$up" 'BEGIN { exit !(z > 59.9) }' || fail "$who: z at $up um"
    [ "$(outcomes "$who.seccm" aborted)" = 1 ] || fail "$who: $("$seccm" sites "$who.seccm")"
    reason=$("$seccm" sites "$who.seccm" --csv | grep aborted)
    expect 0 "$seccm" resume "$who.seccm" --stage "pty:$stage" --potentiostat "pty:$potentiostat" --speed "$speed"
    [ "$(outcomes "$who.seccm" measured)" = 3 ] || fail "$who: $("$seccm" sites "$who.seccm")"
    unserve $served
    no_harm "$3"
    say "$who: z at $up um, $reason; resumed: $(outcomes "$who.seccm" measured) measured"
}

# The surface is at 50.2 um. The tenth loop (hold, triangle ...) is the voltammogram, in contact: there the safe state opens the
# cell before it retracts (S4), which the sample counts as an open circuit that nobody records.
beside interrupted approach 54 'nothing allowed'
beside interrupted measurement 10 'unrecorded open circuits'
all_well
