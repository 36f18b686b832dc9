#!/bin/sh
# A stage behind a serial server that serves one client at a time says nothing for longer than the safe state bears: its link
# is opened anew, and the server takes the new one although the guardian had a copy of the old. The night goes on when the
# stage is heard again. The guardian has the new link before that: a run that is killed meanwhile is made safe through it.
. "$(dirname "$0")/lib"
rig=$top/tests/data/steady/bench.yaml
one_client=$(dirname "$seccm")/tools/one_client
[ -x "$one_client" ] || fail "no $one_client: make TOOLS"

# protocol NAME BACK-OFF
protocol() {
    sed 's|bench.yaml|'"$rig"'|
        s/^faults: {/faults: {recover: {consecutive: 20, total: 100, back-off: ['"$2"']}, /' "$top"/tests/data/steady/short.yaml >"$1.yaml"
    grep -q 'back-off' "$1.yaml" || fail "$1.yaml: $(cat "$1.yaml")"
}
event() { # words: how many
    "$seccm" export "$who.seccm" --format csv -o "$who.tables" >/dev/null 2>&1 || fail "$who: export"
    grep -c -e "$1" "$who.tables/events.csv"
}

# silence NAME: a run whose stage falls silent on the way down at the second site, until its link was opened anew
silence() {
    serve "$1" "$rig"
    "$one_client" "$stage" >"$who.server" &
    server=$!
    started="$started $server"
    await "$who.server" '^port' $server || fail "$who: no server"
    links="--stage tcp:127.0.0.1:$(sed -n 's/^port //p' "$who.server") --potentiostat pty:$potentiostat --speed $speed"
    # shellcheck disable=SC2086
    expect 0 "$seccm" rig check "$rig" --move --yes $links
    # shellcheck disable=SC2086
    (prompt "$seccm" run "$1.yaml" $links --transcript "$who.transcript" -o "$who.seccm" >"$who.log" 2>&1) &
    run=$!
    started="$started $run"
    await_times "$who.transcript" ' potentiostat > Y' 5 $run || fail "$who: $(cat "$who.log")"
    clients=$(grep -c '^client' "$who.server")
    kill -USR1 $server
    await "$who.log" 'NOT VERIFIED SAFE' $run || fail "$who: $(cat "$who.log")"
    await "$who.server" "^client $((clients + 1))" $run || fail "$who: no new client: $(cat "$who.log")"
}
finished() { # log
    grep -q '^seccm: finished: 3 of 3 sites measured' "$1" || fail "$who: $(cat "$1")"
    [ "$(outcomes "$who.seccm" fault)" -le 1 ] && [ "$(outcomes "$who.seccm" interrupted)" -le 1 ] ||
        fail "$who: $("$seccm" sites "$who.seccm")"
    [ "$(event '\[stage-silent\]')" -ge 1 ] || fail "$who: no stage-silent: $(cat "$who.tables/events.csv")"
    kill -TERM $server
    unserve $served
    no_harm 'open circuit\|cell left on'
}

heard_again() {
    silence heard
    kill -USR2 $server
    wait $run || fail "$who: $(cat "$who.log")"
    finished "$who.log"
    [ "$(event 'in order again')" = 1 ] || fail "$who: not recovered once: $(cat "$who.tables/events.csv")"
    say "silent, and heard again through a new link: $(grep -c '^client' "$who.server") clients, one at a time"
}

killed_meanwhile() {
    silence killed
    guardian=$(sed -n 's/^seccm: guardian: process \([0-9]*\) is on watch.*/\1/p' "$who.log")
    until [ "$(event "the guardian, process $guardian, has the links as they are now")" -ge 1 ]; do
        kill -0 $run 2>/dev/null || fail "$who: $(cat "$who.log")"
        sleep 0.1
    done
    kill -STOP $run
    kill -USR2 $server
    kill -KILL $run
    wait $run 2>/dev/null
    until flock -n "$who.guardian.log" true && grep -q 'SAFE\|safe' "$who.guardian.log"; do
        kill -0 "$guardian" 2>/dev/null || grep -q 'SAFE\|safe' "$who.guardian.log" || fail "$who: the guardian: $(cat "$who.log")"
        sleep 0.05
    done
    ! grep -q 'NOT VERIFIED' "$who.guardian.log" || fail "$who: the guardian has another link: $(cat "$who.guardian.log")"
    # shellcheck disable=SC2086
    expect 0 "$seccm" resume "$who.seccm" $links
    finished "$who.out"
    say "silent, and killed before it was heard again: made safe through the new link"
}

protocol heard '0.5 s, 2 s'
protocol killed '20 s, 60 s'
beside heard_again
beside killed_meanwhile
all_well || fail "a run did not get over it"
