#!/bin/sh
# The guardian on the pty rig: a run that is killed, or stopped for longer than the guardian bears, is ended for certain; the
# stage is stopped, the cell opened, the probe retracted, all verified, within bounds of the sample's own time; nobody fights;
# resume tells what happened and finishes. A run that is stopped for a moment is left alone. A run whose guardian is gone
# pauses safely. No guardian is left behind by an orderly end, and in virtual time there is none.
. "$(dirname "$0")/lib"
rig=$top/tests/data/steady/bench.yaml protocol=$top/tests/data/steady/short.yaml
seed=${SECCM_TEST_SEED:-$(date +%s)}
say "seed $seed (SECCM_TEST_SEED=$seed repeats it)"
draw() { # lowest, highest: into $drawn
    seed=$(awk -v s="$seed" 'BEGIN { print (s * 48271 + 11) % 2147483647 }')
    drawn=$(awk -v s="$seed" -v a="$1" -v b="$2" 'BEGIN { printf "%.3f", a + s / 2147483647 * (b - a) }')
}
patience=5 # s, real: what the guardian bears, counted from the last beat
# Where nothing keeps what else runs on this machine from coming between, times are only told from "never".
slack=3
chrt -r 1 true 2>/dev/null || slack=30

# Waits until the run is at a place: depth UM (commanded in the approach), times N PATTERN (of its transcript)
at_place() {
    case $1 in
    depth) await_depth "$who.transcript" "$2" $run ;;
    times) await_times "$who.transcript" "$3" "$2" $run ;;
    esac || fail "$who: $(cat "$who.log")"
}
guardian_of() { sed -n 's/^seccm: guardian: process \([0-9]*\) is on watch.*/\1/p' "$1"; }
# The guardian has come to its end: nobody holds its log any more, and it says so.
await_guardian() {
    until flock -n "$who.guardian.log" true && grep -q 'SAFE\|safe' "$who.guardian.log"; do
        kill -0 "$guardian" 2>/dev/null || grep -q 'SAFE\|safe' "$who.guardian.log" ||
            fail "$who: the guardian ended without a word: $(cat "$who.guardian.log" "$who.log")"
        sleep 0.05
    done
}

# Dead, though nobody may have taken note of it yet.
gone() { ! kill -0 "$1" 2>/dev/null || grep -q ') Z' "/proc/$1/stat" 2>/dev/null; }

# What the devices saw, by their own clock: from the last byte of the run to the stop, to the cut, to the retraction.
bounds() { # least and most time (s of the sample) from the last byte to the stop; the rig is no longer served
    awk -v least="$1" -v most="$2" -v slack="$slack" '
        $3 == "<" { text = substr($0, index($0, "<") + 2) }
        $3 != "<" || told { next }
        $2 == "stage" && text ~ /\\x18/ { stop = $1; before = last }
        $2 == "potentiostat" && text ~ /\\nZ\\ne\\ncell_off/ && !cut { cut = $1; stopped = stop; silent = before }
        cut && $2 == "stage" && text ~ /MOV 3/ { up = $1; told = 1 }
        text !~ /\\x18/ { last = $1 }
        END {
            printf "stop %.3f s after the last byte, cell off %.3f s, retraction %.3f s later\n", stopped - silent, cut - stopped, up - stopped
            exit !(told && stopped - silent >= least && stopped - silent <= most && cut - stopped <= slack && up - stopped <= 10 * slack)
        }' "$who.sim" >"$who.bounds" || fail "$who: $(cat "$who.bounds")"
}

finish() { # what the sample may count
    up=$(height "$rig")
    awk -v z="$up" 'BEGIN { exit !(z > 59.9) }' || fail "$who: z at $up um: $(cat "$who.height.err")"
    # Through a link, which has neither lock nor log of its own.
    ln -s "$who.seccm" "$who-latest.seccm"
    expect 0 "$seccm" resume "$who-latest.seccm" --stage "pty:$stage" --potentiostat "pty:$potentiostat" --speed "$speed"
    [ "$(outcomes "$who.seccm" measured)" = 3 ] && [ "$(outcomes "$who.seccm" interrupted)" -le 1 ] ||
        fail "$who: $("$seccm" sites "$who.seccm")"
    [ ! -e "$who.guardian.log" ] || fail "$who: a log is left"
    unserve $served
    no_harm "$1"
    grep -q 'cell open$' "$who.serve.err" || fail "$who: $(cat "$who.serve.err")"
}

ended() { # name, place..., then signal: the run is killed or stopped there, for good
    serve "$1" "$rig" --transcript "$1.sim"
    signal=$2 may=$3
    shift 3
    verify "$rig"
    begin "$protocol"
    at_place "$@"
    guardian=$(guardian_of "$who.log")
    [ -n "$guardian" ] || fail "$who: no guardian: $(cat "$who.log")"
    kill -$signal $run
    await_guardian
    if [ "$signal" = STOP ]; then
        kill -CONT $run 2>/dev/null # it has been killed by then
        written=$(wc -c <"$who.transcript")
        least=$(((patience - 1) * speed)) most=$(((patience + slack) * speed))
    else
        least=0 most=$((10 * slack))
    fi
    wait $run 2>/dev/null
    status=$?
    [ $status = 137 ] || fail "$who: status $status: $(cat "$who.log")"
    [ "$signal" != STOP ] || [ "$(wc -c <"$who.transcript")" = "$written" ] || fail "$who: the run went on"
    for look in 1 2 3 4 5; do gone "$guardian" || sleep 0.2; done
    gone "$guardian" || fail "$who: the guardian is still there"
    grep -q 'verified safe (retracted, cell open)' "$who.guardian.log" || fail "$who: $(cat "$who.guardian.log")"
    grep -q '^seccm guardian: the rig is verified safe' "$who.log" || fail "$who: nobody told: $(cat "$who.log")"
    finish "$may"
    bounds $least $most
    grep -q 'ended by its guardian, which left the rig verified safe' "$who.out" || fail "$who: $(cat "$who.out")"
    "$seccm" export "$who.seccm" --format csv -o "$who.csv" >/dev/null
    grep ',[0-9]*,guardian,"the rig is verified safe' "$who.csv/events.csv" >/dev/null || fail "$who: $(cat "$who.csv/events.csv")"
    say "$who: $(cat "$who.bounds"); z at $up um; resumed, $(outcomes "$who.seccm" interrupted) interrupted"
}

# Stopped for less than the guardian bears: it is left alone, and finishes. (Where this machine gives the rig no priority, what
# else runs may make it stop by itself, safely.)
spared() { # name, height
    serve "$1" "$rig"
    verify "$rig"
    begin "$protocol"
    at_place depth "$2"
    ln -s "$who.seccm" "$who-latest.seccm"
    ! "$seccm" status "$who-latest.seccm" | grep 'stopped without notice' ||
        fail "$who: $("$seccm" status "$who-latest.seccm")"
    kill -STOP $run
    sleep 1
    kill -CONT $run
    wait $run
    status=$?
    case $status in
    0) ;;
    1 | 3) ! chrt -r 1 true 2>/dev/null && grep -q 'rig verified safe' "$who.log" || fail "$who: $(cat "$who.log")" ;;
    *) fail "$who: status $status: $(cat "$who.log")" ;;
    esac
    ! grep '^seccm guardian' "$who.log" || fail "$who: the guardian fought a living run"
    guardian=$(guardian_of "$who.log")
    gone "$guardian" || fail "$who: the guardian is still there"
    [ ! -e "$who.guardian.log" ] || fail "$who: a log is left"
    unserve $served
    no_harm 'unrecorded open circuits'
    say "$who: status $status, $(grep -v '^site\|guardian' "$who.log" | head -n 1)"
}

# The guardian dies: nothing goes down any more.
alone() { # name, height
    serve "$1" "$rig"
    verify "$rig"
    begin "$protocol"
    at_place depth "$2"
    kill -9 "$(guardian_of "$who.log")"
    wait $run
    status=$?
    [ $status = 1 ] || fail "$who: status $status: $(cat "$who.log")"
    grep -q 'paused: .*guardian (process [0-9]*) is gone' "$who.log" || fail "$who: $(cat "$who.log")"
    grep -q 'rig verified safe (retracted, cell open)' "$who.log" || fail "$who: $(cat "$who.log")"
    finish 'unrecorded open circuits'
    say "$who: status $status, $(grep 'paused:' "$who.log")"
}

virtual() {
    who=virtual
    expect 0 "$seccm" run "$protocol" --virtual -o virtual.seccm
    ! grep guardian virtual.out || fail "a guardian in virtual time"
    # However that run ends: its simulated rig shares the processor with it.
    timeout 300 "$seccm" run "$protocol" --speed 4 --sites 1 -o scaled.seccm >virtual.out 2>&1
    grep -q 'guardian: process' virtual.out || fail "no guardian in real time"
    gone "$(guardian_of virtual.out)" || fail "a guardian is left"
    [ ! -e scaled.guardian.log ] || fail "a log is left"
    say "virtual: none; scaled: one, and it left"
}

# The first approach begins at 60 um and meets the surface at 50.2 um. The tenth loop (hold, triangle ...) is the voltammogram,
# in contact: there the safe state opens the cell before it retracts (S4), which the sample counts. The second move in x and y
# is on the way to the second site.
draw 52 59
beside ended killed-approach KILL 'nothing allowed' depth "$drawn"
beside ended killed-travel KILL 'nothing allowed' times 2 'stage > MOV 1 '
all_well || exit 1
draw 50.2 50.5
beside ended killed-low KILL 'unrecorded open circuits' depth "$drawn"
beside ended killed-measurement KILL 'unrecorded open circuits' times 10 'potentiostat < .*M00'
all_well || exit 1
draw 50.4 59
beside ended stopped-approach STOP 'unrecorded open circuits' depth "$drawn"
draw 50.4 59
beside spared spared "$drawn"
all_well || exit 1
draw 50.4 59
beside alone alone "$drawn"
beside virtual
all_well
