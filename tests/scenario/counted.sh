#!/bin/sh
# A served rig tells what its sample saw, and ends with status 1 if that must never happen: here somebody drives the probe
# into the sample by hand. And a rig that was not verified by moves does not run (S5).
. "$(dirname "$0")/lib"
rig=$top/tests/data/steady/bench.yaml protocol=$top/tests/data/steady/short.yaml

serve quiet "$rig"
links="--stage pty:$stage --potentiostat pty:$potentiostat --speed $speed"
# shellcheck disable=SC2086
expect 1 "$seccm" run "$protocol" $links -o quiet.seccm
grep -q 'never verified by moves' quiet.out || fail "$(cat quiet.out)"
[ ! -e quiet.seccm ] || fail "a results file was left"
z=$(height "$rig")
awk -v z="$z" 'BEGIN { exit !(z > 59.9) }' || fail "an unverified rig moved to $z um"
unserve $served || fail "a quiet rig ended with status $?"
no_harm 'nothing allowed'

serve driven "$rig"
printf 'SVO 1 1 2 1 3 1\nVEL 3 20\nMOV 3 45\n' >"$stage"
z=60
while awk -v z="$z" 'BEGIN { exit !(z > 45.1) }'; do
    z=$(height "$rig")
    [ -n "$z" ] || fail "$(cat "$who.height.err")"
done
unserve $served
status=$?
[ $status = 1 ] || fail "driven into the sample: status $status, $(cat driven.serve.err)"
grep -q ', 1 crashes' driven.serve.err || fail "$(cat driven.serve.err)"
say "driven to $z um: status $status, $(cat driven.serve.err)"
