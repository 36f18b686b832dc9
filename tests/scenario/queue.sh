#!/bin/sh
# The queue: what is refused when it is added, windows of time, what comes behind a failure, files that changed, and runners
# that end by a signal or by kill -9 while their run goes on. Windows are tried in virtual time; processes in real time, on a
# simulated rig that is fast.
. "$(dirname "$0")/lib"
steady=$top/tests/data/steady
short=$steady/short.yaml
q() { # command, arguments...: each lane has a queue of its own
    what=$1
    shift
    "$seccm" queue "$what" --queue "$who.queue" "$@"
}
wants() { # status, command, arguments...
    wanted=$1 what=$2
    shift 2
    expect "$wanted" "$seccm" queue "$what" --queue "$who.queue" "$@"
}
# state ID: the word of the list
state() { q list --csv | awk -F, -v i="$1" 'NR > 1 && $1 == i { print $2 }'; }
is() { # id, state, what the list says of it (pattern)
    [ "$(state "$1")" = "$2" ] || fail "$who: entry $1 is not $2: $(q list)"
    q list | grep -A1 "^ *$1 " | grep -q "${3:-.}" || fail "$who: entry $1: no $3: $(q list)"
}
# The process that writes a results file: the first word of its lock.
holder() { cut -d ' ' -f 1 "$1-lock" | head -n 1; }

adding() {
    who=adding
    mkdir proto && cp "$steady"/*.yaml proto
    expect 0 "$seccm" queue list
    grep -q 'the queue is empty' adding.out || fail "$(cat adding.out)"
    [ -e "$XDG_STATE_HOME/seccm/queue.sqlite" ] || fail "no queue at its default place"
    sed 's/rate: 2 V\/s/rate: 2 V/' proto/short.yaml >proto/wrong.yaml
    wants 1 add proto/wrong.yaml
    grep -q 'wrong.yaml:.*error' adding.out || fail "$(cat adding.out)"
    wants 1 add proto/short.yaml --not-after '2020-01-01 00:00'
    grep -q 'is past' adding.out || fail "$(cat adding.out)"
    wants 1 add proto/short.yaml --not-before 22:00 --not-after 22:00
    wants 2 add proto/short.yaml --after-failure cry
    wants 2 add proto/short.yaml -o nowhere/x.seccm
    [ -e adding.queue ] && fail "something was queued: $(q list)"
    wants 0 add proto/short.yaml --not-before 22:00 --not-after 06:30
    grep -q 'short.seccm: 3 sites, about 49 s' adding.out || fail "$(cat adding.out)"
    grep -q 'it fits into its window of 8 h 30 min\|it fits into its window' adding.out || fail "$(cat adding.out)"
    wants 2 add proto/short.yaml
    grep -q 'entry 1 of the queue (queued) has the results file .*/short.seccm already' adding.out || fail "$(cat adding.out)"
    touch there.seccm
    wants 2 add proto/short.yaml -o there.seccm
    touch used.sample
    wants 2 add proto/short.yaml -o used.seccm
    wants 0 add proto/short.yaml -o b.seccm
    wants 0 add proto/protocol.yaml -o c.seccm --not-before 22:00 --not-after 22:02
    grep -q 'about [0-9]* of 24 sites fit into its window of 2 min' adding.out || fail "$(cat adding.out)"
    wants 1 remove 17
    wants 0 remove 3
    wants 1 remove 3
    q list --json | grep -q '"id": 2, "state": "queued"' || fail "$(q list --json)"
    # A protocol that is changed behind the queue's back is not run as if nothing had happened.
    sed -i 's/name: steady, short/name: changed/' proto/short.yaml
    wants 1 run --virtual -q
    is 1 skipped 'the protocol file .*/proto/short.yaml has changed'
    [ -e short.seccm ] && fail "it was run"
    wants 0 retry 1 2
    wants 0 run --virtual -q --accept
    is 1 done '3 of 3 sites measured'
    is 2 done '3 of 3 sites measured'
    wants 0 run --virtual -q
    wants 3 run --virtual --notify-command ./nobody
    wants 2 run --virtual --serve nonsense:80
    wants 2 run --virtual --speed 3
    expect 1 "$seccm" queue list --queue "$short"
    grep -q 'file is not a database\|is not a queue' adding.out || fail "$(cat adding.out)"
    say "adding: checked, refused, changed files noticed"
}

# In virtual time the queue's clock begins at midnight, UTC.
windows() {
    who=windows
    expect 0 "$seccm" run "$steady/protocol.yaml" --virtual -q -o whole.seccm
    q add "$steady/protocol.yaml" -o nights.seccm --not-before 23:58 --not-after 00:02 --after-failure retry >/dev/null
    q add "$short" -o later.seccm --not-before 01:00 --not-after 01:30 >/dev/null
    q add "$steady/protocol.yaml" -o cut.seccm --not-before 02:00 --not-after 02:02 >/dev/null
    q add "$short" -o never.seccm --not-after '2000-01-01 00:01' >never.add 2>&1 && fail "a window that is past was taken"
    wants 0 run --virtual -q
    grep -q 'entry 1: run .*, until 2000-01-01 00:02' windows.out || fail "$(cat windows.out)"
    grep -q 'entry 2 waits for its window, 01:00' windows.out || fail "$(cat windows.out)"
    is 1 done '24 of 24 sites measured'
    is 2 done '3 of 3'
    # What the window cut short is no failure; the list says how far it came.
    is 3 done 'sites measured: until: site [0-9]* would be done at 00:0'
    nights=$(grep -c 'entry 1: resume' windows.out)
    [ "$nights" -ge 1 ] || fail "$nights further nights: $(cat windows.out)"
    "$seccm" diff whole.seccm nights.seccm >differences 2>&1 || fail "$(cat differences)"
    # until: the same by hand.
    expect 1 "$seccm" run "$steady/protocol.yaml" --virtual -q -o hand.seccm --until 00:02
    grep -q 'until: site .* after 00:02' windows.out || fail "$(cat windows.out)"
    expect 2 "$seccm" run "$steady/protocol.yaml" --virtual -o no.seccm --until late
    [ -e no.seccm ] && fail "a run was begun"
    say "windows: one run in $((nights + 1)) nights"
}

failures() {
    who=failures
    mkdir dull && cp "$steady"/*.yaml dull && sed -i 's/insulating: .*/insulating: {fraction: 1}/' dull/sample.yaml
    sed 's/count: 10, then: pause/count: 1, then: abort/' dull/short.yaml >dull/abort.yaml
    q add dull/short.yaml -o f1.seccm --after-failure continue >/dev/null
    q add dull/abort.yaml -o f2.seccm --after-failure retry >/dev/null
    q add "$short" -o f3.seccm >/dev/null
    cat >told.sh <<'T'
#!/bin/sh
printf '%s | %s\n' "$1" "$2" >>told
T
    chmod +x told.sh
    wants 1 run --virtual -q --notify-command ./told.sh
    is 1 failed 'no contact at the first 2 sites'
    # What a policy aborted wants eyes: it is not tried again, and nothing comes behind it.
    is 2 failed '1 sites in a row'
    is 3 queued
    grep -q 'seccm queue: stopped | 0 done, 2 failed, 0 skipped; entry 2: ' told || fail "$(cat told)"
    wants 0 run --virtual -q --notify-command ./told.sh
    is 3 done
    grep -q 'seccm queue: finished | 1 done' told || fail "$(cat told)"
    # A pause wants eyes too; what could not begin for want of a disk is tried three times more, then the queue stops.
    q add dull/short.yaml -o f4.seccm --after-failure retry >/dev/null
    mkdir gone
    q add "$short" -o gone/f5.seccm --after-failure retry >/dev/null
    rmdir gone
    wants 1 run --virtual -q
    is 4 failed 'no contact at the first 2 sites'
    [ "$(grep -c 'entry 4: r' failures.out)" = 1 ] || fail "$(cat failures.out)"
    wants 3 run --virtual -q
    is 5 failed 'it did not begin (status 3)'
    [ "$(grep -c 'entry 5: run' failures.out)" = 4 ] || fail "$(cat failures.out)"
    mkdir gone
    wants 0 retry 5
    wants 0 run --virtual -q
    is 5 done
    # A results file that is gone is never begun again.
    rm f4.seccm
    wants 0 retry 4
    wants 1 run --virtual -q
    is 4 failed 'is gone'
    say "failures: continue, retry, stop, told"
}

# A run that goes on for some seconds even in virtual time, which nothing on this machine can disturb.
long() {
    mkdir -p "$who" && cp "$steady"/*.yaml "$who"
    sed 's/cycles: 2/cycles: 60/' "$who/protocol.yaml" >"$who/long.yaml"
}
background() { # options: the runner; sets runner
    ("$seccm" queue run --queue "$who.queue" "$@" >>"$who.log" 2>&1) &
    runner=$!
    started="$started $runner"
}
begun() { # results file: a site was begun
    until [ -e "$1" ] && [ "$("$seccm" sites "$1" --csv 2>/dev/null | awk -F, 'NR > 1 && $8 == "in-progress"' | wc -l)" -ge 1 ]; do
        kill -0 "$runner" 2>/dev/null || fail "$who: the runner is gone: $(cat "$who.log")"
        sleep 0.02
    done
}

signals() {
    who=signals
    long
    q add signals/long.yaml -o s1.seccm >/dev/null
    q add "$short" -o s2.seccm >/dev/null
    : >signals.log
    background --virtual -q
    begun s1.seccm
    is 1 running
    wants 3 run # one runner at a time
    grep -q 'another `seccm queue run` works' signals.out || fail "$(cat signals.out)"
    wants 1 remove 1
    kill -TERM "$runner"
    wait "$runner"
    [ $? = 130 ] || fail "signals: $(cat signals.log)"
    grep -q 'rig verified safe (retracted, cell open)' signals.log || fail "$(cat signals.log)"
    is 1 queued 'stopped by SIGTERM'
    grep -q 'queue: stopped: .*entry 1: stopped by SIGTERM' signals.log || fail "$(cat signals.log)"
    # The operator's word to the run counts for the queue too.
    background --virtual -q
    until grep -q 'entry 1: resume' signals.log && "$seccm" stop s1.seccm >/dev/null 2>&1; do
        kill -0 "$runner" 2>/dev/null || fail "signals: $(cat signals.log)"
        sleep 0.02
    done
    wait "$runner"
    [ $? = 130 ] || fail "signals: $(cat signals.log)"
    is 1 queued 'stopped by the operator'
    grep -q 'queue: stopped: .*stopped by the operator from the command line' signals.log || fail "$(cat signals.log)"
    wants 0 run --virtual -q
    is 1 done '24 of 24'
    is 2 done '3 of 3'
    say "signals: stopped safely twice, gone on"
}

# A run was interrupted, and what should go on with it fails at its start: that is a fault of now, whatever the end before was.
beginnings() {
    who=beginnings
    long
    q add beginnings/long.yaml -o g1.seccm --after-failure retry >/dev/null
    q add "$short" -o g2.seccm >/dev/null
    : >beginnings.log
    background --virtual -q
    begun g1.seccm
    kill -TERM "$runner"
    wait "$runner"
    status=$?
    [ $status = 130 ] || fail "beginnings: status $status: $(cat beginnings.log)"
    flock g1.sample-lock sh -c 'timeout 300 "$@" >beginnings.out 2>&1' - "$seccm" queue run --queue beginnings.queue --virtual -q
    status=$?
    [ $status = 3 ] || fail "beginnings: status $status: $(cat beginnings.out)"
    is 1 failed 'it did not go on (status 3)'
    is 2 queued
    [ "$(grep -c 'entry 1: resume' beginnings.out)" = 4 ] || fail "$(cat beginnings.out)"
    wants 0 retry 1
    wants 0 run --virtual -q
    is 1 done '24 of 24'
    is 2 done '3 of 3'
    say "beginnings: tried three times more, then stopped; gone on"
}

# A terminal that is closed sends SIGHUP to all that runs in it: without nohup runner and run stop, with it both go on.
terminals() {
    who=terminals
    long
    q add terminals/long.yaml -o t1.seccm >/dev/null
    q add "$short" -o t2.seccm >/dev/null
    : >terminals.log
    # Whoever runs the suite under nohup has SIGHUP ignored.
    (exec env --default-signal=HUP "$seccm" queue run --queue terminals.queue --virtual -q >>terminals.log 2>&1) &
    runner=$!
    started="$started $runner"
    begun t1.seccm
    kill -HUP "$runner"
    wait "$runner"
    status=$?
    [ $status = 130 ] || fail "terminals: status $status: $(cat terminals.log)"
    is 1 queued 'stopped by SIGHUP'
    : >terminals.log
    (exec nohup "$seccm" queue run --queue terminals.queue --virtual -q >>terminals.log 2>&1) &
    runner=$!
    started="$started $runner"
    begun t1.seccm
    kill -HUP "$runner" "$(holder t1.seccm)" || fail "terminals: nobody there: $(cat terminals.log)"
    wait "$runner"
    status=$?
    [ $status = 0 ] || fail "terminals: status $status: $(cat terminals.log)"
    is 1 done '24 of 24'
    is 2 done '3 of 3'
    say "terminals: stopped with the terminal; under nohup both go on"
}

# The runner is killed: its run goes on, and the next runner waits for it; told to stop, it tells that run.
orphan() {
    who=orphan
    long
    q add orphan/long.yaml -o o1.seccm >/dev/null
    q add "$short" -o o2.seccm >/dev/null
    for again in 1 2; do
        : >orphan.log
        background --virtual -q
        begun o1.seccm
        kill -9 "$runner" "$(pgrep -P "$runner" -f 'queue run')" 2>/dev/null
        wait "$runner" 2>/dev/null
        kill -0 "$(holder o1.seccm)" || fail "the run died with its runner"
        [ $again = 2 ] && break
        : >orphan.log
        background --virtual -q
        await orphan.log 'still going on: waiting for it' "$runner" || fail "$(cat orphan.log)"
        kill -TERM "$runner"
        wait "$runner"
        [ $? = 130 ] || fail "orphan: $(cat orphan.log)"
        is 1 running
    done
    wants 0 run --virtual -q
    grep -q 'entry 1: re*s*u[mn]' orphan.out && fail "it was started again: $(cat orphan.out)"
    is 1 done '24 of 24'
    is 2 done '3 of 3'
    "$seccm" sites o1.seccm --csv | awk -F, 'NR > 1 && $8 == "interrupted"' | grep . && fail "a site was lost"
    say "orphan: stopped through its socket, then waited for"
}

# The run is killed on a rig in another process: its guardian makes that safe before anything else goes on.
killed() {
    who=killed
    serve killed "$steady/bench.yaml"
    verify "$steady/bench.yaml"
    for k in 1 2; do
        q add "$short" -o k$k.seccm --after-failure continue --stage "pty:$stage" --potentiostat "pty:$potentiostat" >/dev/null
    done
    : >killed.log
    (prompt "$seccm" queue run --queue killed.queue --speed "$speed" -q >>killed.log 2>&1) &
    runner=$!
    started="$started $runner"
    begun k1.seccm
    kill -9 "$(holder k1.seccm)"
    wait "$runner"
    status=$?
    [ $status = 1 ] || fail "killed: status $status: $(cat killed.log)"
    grep -q 'verified safe' k1.guardian.log || fail "$(cat k1.guardian.log)"
    is 1 failed 'the run died (status 137)'
    is 2 done '3 of 3'
    wants 0 retry 1
    expect 0 "$seccm" queue run --queue killed.queue --speed "$speed" -q
    grep -q 'entry 1: resume' killed.out || fail "$(cat killed.out)"
    is 1 done '3 of 3'
    unserve $served
    no_harm 'unrecorded open circuits'
    say "killed: made safe, the next one run, resumed"
}

beside adding
beside windows
beside failures
beside signals
beside terminals
beside beginnings
beside orphan
beside killed
all_well
