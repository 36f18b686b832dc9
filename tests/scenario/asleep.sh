#!/bin/sh
# The run and its guardian are stopped together and go on together, as when the machine is suspended: for a moment nothing
# follows; for longer than the run would bear the site under way is given up with the reason, everything is made safe first, the
# instruments are identified anew, a spare takes the site's place, and the run finishes. The guardian does not take over.
. "$(dirname "$0")/lib"
rig=$top/tests/data/steady/bench.yaml protocol=$top/tests/data/steady/short.yaml
seed=${SECCM_TEST_SEED:-$(date +%s)}
say "seed $seed (SECCM_TEST_SEED=$seed repeats it)"
draw() { # lowest, highest: into $drawn
    seed=$(awk -v s="$seed" 'BEGIN { print (s * 48271 + 11) % 2147483647 }')
    drawn=$(awk -v s="$seed" -v a="$1" -v b="$2" 'BEGIN { printf "%.3f", a + s / 2147483647 * (b - a) }')
}
draw 0 1

asleep() { # name, seconds, place...
    serve "$1" "$rig"
    verify "$rig"
    begin "$protocol"
    case $3 in
    depth) await_depth "$who.transcript" "$4" $run ;;
    loops) await_times "$who.transcript" 'potentiostat < .*M00' "$4" $run ;;
    esac || fail "$who: $(cat "$who.log")"
    guardian=$(sed -n 's/^seccm: guardian: process \([0-9]*\) is on watch.*/\1/p' "$who.log")
    kill -STOP "$guardian" $run
    sleep "$2"
    kill -CONT "$guardian" $run
    wait $run
    status=$?
    ! grep '^seccm guardian' "$who.log" || fail "$who: the guardian fought a living run"
    [ ! -e "$who.guardian.log" ] || fail "$who: $(cat "$who.guardian.log")"
    "$seccm" export "$who.seccm" --format csv -o "$who.csv" >/dev/null
    unserve $served
    no_harm 'unrecorded open circuits'
    case $status in
    0) ;;
    1 | 3) ! chrt -r 1 true 2>/dev/null && grep -q 'rig verified safe' "$who.log" || fail "$who: $(cat "$who.log")" ;;
    *) fail "$who: status $status: $(cat "$who.log")" ;;
    esac
}

shortly() { # height
    asleep shortly 0.5 depth "$1"
    [ "$status" != 0 ] || [ "$(outcomes shortly.seccm measured)" = 3 ] || fail "shortly: $("$seccm" sites shortly.seccm)"
    ! grep -F '[suspended]' shortly.csv/events.csv || fail 'shortly: half a second is no absence'
    say "shortly: status $status"
}

long() { # name, place...
    asleep "$1" 7 "$2" "$3"
    grep -F '[suspended] the run was stopped for ' "$who.csv/events.csv" >"$who.events" || fail "$who: $(cat "$who.csv/events.csv")"
    if [ $status = 0 ]; then
        [ "$(outcomes "$who.seccm" measured) $(outcomes "$who.seccm" fault)" = '3 1' ] || fail "$who: $("$seccm" sites "$who.seccm")"
        "$seccm" sites "$who.seccm" --csv | grep ": the run was stopped for " >"$who.site" || fail "$who: $("$seccm" sites "$who.seccm")"
    fi
    say "$who: status $status, $(cut -d, -f5- "$who.events" | head -n 1)"
}

# The first approach begins at 60 um and meets the surface at 50.2 um. The tenth loop is the voltammogram, in contact.
draw 51 59
beside shortly "$drawn"
draw 51 59
beside long approach depth "$drawn"
beside long measurement loops 10
all_well
