#!/bin/sh
# A probe that was left in a drop: run and guardian are killed with kill -9 in the middle of a measurement, and then an
# instrument of the served rig fails. A resumption whose stage does not go up, or by its voltage only, or whose potentiostat is
# silent, says of the rig what is so, to everybody whom it tells; `rig check --safe-state` brings up what can be, whatever is
# ill. And a run that is told to stop says what came of it.
. "$(dirname "$0")/lib"
protocol=$top/tests/data/steady/short.yaml
fault_at=100 # s of the rig's clock: long behind the kill

cat >tell.sh <<'END'
#!/bin/sh
printf '%s | %s\n' "$1" "$2" >>"$TOLD"
cat >>"$TOLD"
END
chmod +x tell.sh

links() { printf '%s' "--stage pty:$stage --potentiostat pty:$potentiostat --speed $speed"; }

# faulty NAME KIND: a rig of that name is served, whose fault comes late; its protocol is NAME.yaml
faulty() {
    sed "s|sample: sample|sample: $top/tests/data/steady/sample|
         s|^simulate:|simulate:\n  faults: [{kind: $2, at: $fault_at s}]|" "$top/tests/data/steady/bench.yaml" >"$1.rig.yaml"
    grep -q "kind: $2" "$1.rig.yaml" || fail "$(cat "$1.rig.yaml")"
    # Its voltammogram is long: whoever is killed in it leaves the tip in the drop, however busy this machine is.
    sed "s|^rig: .*|rig: $1.rig.yaml|; s|rate: [^,}]*|rate: 10 mV/s|" "$protocol" >"$1.yaml"
    serve "$1" "$1.rig.yaml" --transcript "$1.sim"
    verify "$1.rig.yaml"
}
now() { tail -n 1 "$who.sim" | awk '{ print $1 + 0 }'; }
before_fault() { awk -v t="$(now)" -v f=$fault_at 'BEGIN { exit !(t < f) }' || fail "$who: this machine is too slow: the fault came before its time"; }

# The tip is down, nobody is there any more, and the fault has come.
stranded() { # name, kind of fault
    faulty "$1" "$2"
    begin "$1.yaml"
    await_times "$who.transcript" 'potentiostat < .*M00' 10 $run || fail "$who: $(cat "$who.log")"
    guardian=$(sed -n 's/^seccm: guardian: process \([0-9]*\) is on watch.*/\1/p' "$who.log")
    kill -9 "$guardian" $run
    wait $run 2>/dev/null
    before_fault
    # Its clock is seen in what it is asked; nothing moves by that.
    until awk -v t="$(now)" -v f=$fault_at 'BEGIN { exit !(t > f + 1) }'; do
        # shellcheck disable=SC2046
        "$seccm" rig check "$who.rig.yaml" $(links) >"$who.asked" 2>&1
        sleep 0.2
    done
    TOLD=$dir/$who.told
    export TOLD
}
resumed() { # status
    # shellcheck disable=SC2046
    expect "$1" "$seccm" resume "$who.seccm" $(links) --notify-command "$dir/tell.sh"
    cp "$who.out" "$who.resumed"
}
safe_state() { # status, what is said
    # shellcheck disable=SC2046
    expect "$1" "$seccm" rig check "$who.rig.yaml" --safe-state $(links)
    grep -q "^safe state    $2" "$who.out" || fail "$who: $(cat "$who.out")"
}
ends_at() { # pattern: where the glass is in the end, and the cell
    unserve $served
    grep -q "$1" "$who.serve.err" || fail "$who: $(cat "$who.serve.err")"
}
events() { "$seccm" export "$who.seccm" --format csv -o "$who.tables" >/dev/null 2>&1 && cat "$who.tables/events.csv"; }

# Nothing moves it: nobody may say that it is up.
dead() {
    stranded dead stage-servo-dead
    resumed 3
    grep -q 'rig NOT verified safe' "$who.resumed" && ! grep -q 'rig verified safe' "$who.resumed" || fail "$who: $(cat "$who.resumed")"
    grep -q '"kind": "end"' "$TOLD" && grep -q 'THE RIG IS NOT VERIFIED SAFE' "$TOLD" || fail "$who: told: $(cat "$TOLD")"
    ! grep -q '"safe": true' "$TOLD" && ! grep -q 'probe is up' "$TOLD" || fail "$who: told: $(cat "$TOLD")"
    "$seccm" status "$who.seccm" >"$who.status"
    grep -q '^state     fault: .*servo-lost' "$who.status" || fail "$who: $(cat "$who.status")"
    events >"$who.events"
    grep -q ',fault,"*\[servo-lost\]' "$who.events" && grep -q 'retraction not verified' "$who.events" || fail "$who: $(cat "$who.events")"
    safe_state 3 'NOT verified: z is NOT known to be up, the cell is open (verified)'
    # It sinks by some um, in the drop and on, and nothing can be done to it.
    ends_at 'glass -\{0,1\}[0-4]\.[0-9]* um above .*cell open$'
    say "dead: $(sed -n 's/^state     //p' "$who.status")"
}
# No move is taken: it goes up by its voltage, which the protocol makes a pause.
refusing() {
    stranded refusing stage-refusing
    resumed 3
    grep -q 'rig verified safe (retracted in open loop, cell open)' "$who.resumed" || fail "$who: $(cat "$who.resumed")"
    "$seccm" status "$who.seccm" >"$who.status"
    grep -q '^state     paused: stage-refused' "$who.status" || fail "$who: $(cat "$who.status")"
    ends_at 'glass \([7-9]\|10\)\.[0-9]* um above .*cell open$' # and creeps from there
    say "refusing: $(sed -n 's/^state     //p' "$who.status")"
}

# Its servo can not be switched on: it goes up by its voltage.
stuck() {
    stranded stuck stage-servo-stuck
    resumed 3
    grep -q 'rig verified safe (retracted in open loop, cell open)' "$who.resumed" || fail "$who: $(cat "$who.resumed")"
    "$seccm" status "$who.seccm" >"$who.status"
    grep -q '^state     paused: .*servo-lost' "$who.status" || fail "$who: $(cat "$who.status")"
    grep -q '"safe": true' "$TOLD" || fail "$who: told: $(cat "$TOLD")"
    safe_state 0 'verified: .*, cell open'
    ends_at 'glass \([7-9]\|10\)\.[0-9]* um above .*cell open$' # and creeps from there
    say "stuck: $(sed -n 's/^state     //p' "$who.status")"
}
stuck_by_hand() {
    stranded stuck-by-hand stage-servo-stuck
    safe_state 0 'verified: retracted in open loop, cell open'
    ends_at 'glass \([7-9]\|10\)\.[0-9]* um above .*cell open$' # and creeps from there
    say "stuck-by-hand: $(grep '^safe state' "$who.out")"
}

# The stage is the run's, and is brought up; of the cell nothing is claimed.
silent() {
    stranded silent potentiostat-silent
    resumed 3
    grep -q 'NOT VERIFIED SAFE: .*z is retracted, the cell is NOT known to be open' "$who.resumed" || fail "$who: $(cat "$who.resumed")"
    grep -q "seccm rig check .*silent.rig.yaml --safe-state --stage pty:$stage" "$who.resumed" || fail "$who: $(cat "$who.resumed")"
    ends_at 'glass 10\.0[0-9]* um above\|glass 9\.99[0-9]* um above'
    say "silent: $(grep -o 'NOT VERIFIED SAFE: [^.]*' "$who.resumed")"
}
silent_by_hand() {
    stranded silent-by-hand potentiostat-silent
    # A new run moves nothing, and says what would.
    # shellcheck disable=SC2046
    expect 3 "$seccm" run "$who.yaml" $(links) -o other.seccm
    grep -q 'no probe was moved.*--safe-state' "$who.out" || fail "$who: $(cat "$who.out")"
    safe_state 3 'NOT verified: z is retracted (verified), the cell is NOT known to be open'
    ends_at 'glass 10\.0[0-9]* um above\|glass 9\.99[0-9]* um above'
    say "silent-by-hand: $(grep '^safe state' "$who.out")"
}
# Its port is not there at all.
gone() {
    stranded gone potentiostat-silent
    expect 3 "$seccm" rig check "$who.rig.yaml" --safe-state --stage "pty:$stage" --potentiostat "pty:$dir/nowhere" --speed "$speed"
    grep -q '^safe state    NOT verified: z is retracted (verified), the cell is NOT known to be open' "$who.out" || fail "$who: $(cat "$who.out")"
    # Another port's mistake moves no stage: who is there does not say that he is one.
    expect 3 "$seccm" rig check "$who.rig.yaml" --safe-state --stage "pty:$potentiostat" --potentiostat "pty:$dir/nowhere" --speed "$speed"
    grep -q 'not moved, since it is not known' "$who.out" || fail "$who: $(cat "$who.out")"
    ends_at 'glass 10\.0[0-9]* um above\|glass 9\.99[0-9]* um above'
    say "gone: $(grep '^safe state' "$who.out")"
}

# Who asks for a stop is told what came of it: of a rig that obeys, and of one whose stage obeys nothing any more.
told_to_stop() {
    faulty stopping stage-servo-dead
    begin stopping.yaml
    await_times "$who.transcript" 'potentiostat < .*M00' 10 $run || fail "$who: $(cat "$who.log")"
    before_fault
    expect 0 "$seccm" stop stopping.seccm
    grep -q 'is to stop: it will halt' "$who.out" && grep -q 'the rig is verified safe' "$who.out" || fail "$who: $(cat "$who.out")"
    wait $run
    [ $? = 130 ] || fail "$who: $(cat "$who.log")"
    unserve $served
    say "stopping: $(tail -n 1 "$who.out")"
}
told_to_stop_in_vain() {
    faulty in-vain stage-silent
    # It waits for the stage that has fallen silent.
    sed -i 's/^faults: {/faults: {recover: {back-off: [6000 s, 7000 s]}, /' in-vain.yaml
    begin in-vain.yaml
    await_times "$who.transcript" 'potentiostat < .*M00' 10 $run || fail "$who: $(cat "$who.log")"
    before_fault
    await "$who.log" 'NOT VERIFIED SAFE' $run || fail "$who: $(cat "$who.log")"
    expect 3 "$seccm" stop in-vain.seccm
    grep -q 'is to stop: it will halt' "$who.out" && grep -q 'the rig is NOT verified safe: look at it' "$who.out" &&
        ! grep -q 'is verified safe' "$who.out" || fail "$who: $(cat "$who.out")"
    wait $run
    [ $? = 130 ] || fail "$who: $(cat "$who.log")"
    unserve $served
    say "in-vain: $(tail -n 1 "$who.out")"
}

beside dead
beside refusing
beside stuck
beside stuck_by_hand
beside silent
beside silent_by_hand
beside gone
beside told_to_stop
beside told_to_stop_in_vain
all_well
