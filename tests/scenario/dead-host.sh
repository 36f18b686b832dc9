#!/bin/sh
# The host dies in the middle of an approach, over ptys: stopped (SIGSTOP), or killed together with its guardian, as when the
# power goes. The stage then ends its last move, which the leash keeps above the surface (S2): z comes to rest by itself, no
# crash. A host that wakes up again goes on or ends in order; a run whose host was killed is resumed on the same rig: says that
# nobody made it safe, retracts first, marks the site, finishes. (guardian.sh: with the guardian alive.)
. "$(dirname "$0")/lib"
rig=$top/tests/data/steady/bench.yaml protocol=$top/tests/data/steady/short.yaml
seed=${SECCM_TEST_SEED:-$(date +%s)}
say "seed $seed (SECCM_TEST_SEED=$seed repeats it)"
draw() { # lowest, highest: into $drawn
    seed=$(awk -v s="$seed" 'BEGIN { print (s * 48271 + 11) % 2147483647 }')
    drawn=$(awk -v s="$seed" -v a="$1" -v b="$2" 'BEGIN { printf "%.3f", a + s / 2147483647 * (b - a) }')
}

stopped() { # name, height (um) commanded on the leash when it happens, seconds
    serve "$1" "$rig"
    verify "$rig"
    begin "$protocol"
    await_depth "$who.transcript" "$2" $run || fail "$who: $(cat "$who.log")"
    kill -STOP $run
    sleep "$3"
    kill -CONT $run
    wait $run
    status=$?
    case $status in
    0) ;;
    1 | 3) grep -q 'rig verified safe' "$who.log" || fail "$who: $(cat "$who.log")" ;;
    *) fail "$who: status $status: $(cat "$who.log")" ;;
    esac
    unserve $served
    no_harm 'unrecorded open circuits' # a host that was stopped at the contact stops in the safe state later
    say "$who: stopped at $2 um for $3 s: status $status, $(grep -v '^site\|guardian' "$who.log" | head -n 1)"
}

killed() { # name, height
    serve "$1" "$rig"
    verify "$rig"
    begin "$protocol"
    await_depth "$who.transcript" "$2" $run || fail "$who: $(cat "$who.log")"
    guardian=$(sed -n 's/^seccm: guardian: process \([0-9]*\) is on watch.*/\1/p' "$who.log")
    kill -STOP "$guardian" # so that it does nothing between the two
    kill -9 $run "$guardian"
    wait $run 2>/dev/null
    sleep 0.1
    first=$(height "$rig")
    second=$(height "$rig")
    [ -n "$first" ] && [ -n "$second" ] || fail "$who: $(cat "$who.height.err")"
    awk -v a="$first" -v b="$second" 'BEGIN { exit !(a - b < 0.02 && b - a < 0.02) }' ||
        fail "$who: z still moves: $first, $second um"
    expect 0 "$seccm" resume "$who.seccm" --stage "pty:$stage" --potentiostat "pty:$potentiostat" --speed "$speed"
    [ "$(outcomes "$who.seccm" measured)" = 3 ] && [ "$(outcomes "$who.seccm" interrupted)" -le 1 ] ||
        fail "$who: $("$seccm" sites "$who.seccm")"
    grep -q 'nobody made the rig safe' "$who.out" || fail "$who: $(cat "$who.out")"
    unserve $served
    no_harm 'unrecorded open circuits'
    say "$who: killed at $2 um: z at rest at $second um; resumed, $(outcomes "$who.seccm" interrupted) interrupted"
}

# The first approach begins at 60 um and meets the surface at 50.2 um; one of each kind comes near to it.
draw 51 59
beside stopped stopped-high "$drawn" 0.2
draw 50.2 50.5
beside stopped stopped-low "$drawn" 1.5
all_well || exit 1
draw 51 59
beside killed killed-high "$drawn"
draw 50.2 50.5
beside killed killed-low "$drawn"
all_well
