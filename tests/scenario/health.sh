#!/bin/sh
# A probe that clogs during the night, from the command line: the run pauses with its reason, status and report say the same,
# it goes on if the operator wants it to, and says no word twice. And one that is well.
. "$(dirname "$0")/lib"
sed "s#rig: .*#rig: $dir/rig.yaml#" "$top/tests/data/steady/probe.yaml" >probe.yaml
sed "s#^  sample: .*#  sample: $top/instruments/samples/silicon-etched.yaml#; s#^  probe: {#  probe: {clog: 0.12, clog-factor: 30, #" \
    "$top/tests/data/steady/bench.yaml" >rig.yaml
grep -q 'clog: 0.12' rig.yaml || fail 'the rig has another form'

expect 1 "$seccm" run probe.yaml --virtual -q -o clogs.seccm
grep -q 'paused: .* tip-blocked: ' main.out || fail "$(cat main.out)"
reason=$(sed -n 's/.*visited: \(tip-blocked: .*\)$/\1/p' main.out)
expect 0 "$seccm" status clogs.seccm
grep -qF "probe     $reason" main.out || fail "status: $(cat main.out)"
grep -qF "state     paused: $reason" main.out || fail "status: $(cat main.out)"
expect 0 "$seccm" status clogs.seccm --json
grep -q '"stopped_by": "health"' main.out || fail "status: $(cat main.out)"
grep -q '"probe": "tip-blocked: ' main.out || fail "status: $(cat main.out)"
expect 0 "$seccm" report clogs.seccm -o report.html
grep -q '"verdict":"tip-blocked"' report.html || fail 'the report has no verdict'
[ "$(grep -o '"told":\[{"site":[0-9]*,"text":"tip-blocked' report.html | wc -l)" -eq 1 ] || fail 'the report does not say what the run said'
say "$reason"

# The operator goes on: the same is not told again. (In the end other rules stop a probe that gives no contact;
# the counts of faults are of the whole file.)
"$seccm" resume clogs.seccm -q --virtual >main.out 2>&1 || "$seccm" resume clogs.seccm -q >main.out 2>&1
sed 's/; faults: [^:]*:/;/' main.out | grep -q 'tip-blocked' && fail "told twice: $(cat main.out)"

# A probe that is well: nothing is said, and the charts are there.
sed -i 's/clog: 0.12/clog: 0/' rig.yaml
expect 0 "$seccm" run probe.yaml --virtual -q -o well.seccm
expect 0 "$seccm" status well.seccm
! grep -q '^probe ' main.out || fail "status: $(cat main.out)"
expect 0 "$seccm" report well.seccm -o report.html
grep -q '"health":{"verdict":"","baseline":12,"sigmas":5,"attempts":48,"news":\[\]' report.html || fail 'the report has no charts'
