#!/bin/sh
# Signals and terminals, over ptys: SIGINT, SIGTERM and SIGHUP at random instants stop the run safely (status 130, probe
# retracted, cell open, file complete, `resume` finishes); so does a terminal that is closed. Whoever reads what the run says
# may leave; what is astray (SIGTSTP, SIGUSR1, ...) changes nothing. SIGQUIT ends it at once, and the guardian makes the rig safe.
# Who runs the suite under nohup has SIGHUP ignored, and so would the run.
[ -n "$HUP_IS_HEARD" ] || HUP_IS_HEARD=yes exec env --default-signal=HUP sh "$0" "$@"
. "$(dirname "$0")/lib"
rig=$top/tests/data/steady/bench.yaml protocol=$top/tests/data/steady/short.yaml
terminal=$(dirname "$seccm")/tools/terminal
seed=${SECCM_TEST_SEED:-$(date +%s)}
say "seed $seed (SECCM_TEST_SEED=$seed repeats it)"
draw() { # lowest, highest: into $drawn
    seed=$(awk -v s="$seed" 'BEGIN { print (s * 48271 + 11) % 2147483647 }')
    drawn=$(awk -v s="$seed" -v a="$1" -v b="$2" 'BEGIN { print a + int(s / 2147483647 * (b - a + 1)) }')
}
draw 0 1 # a clock's seconds are no good start

# Where this machine gives the rig no priority, what else runs may make the run stop by itself, safely, before it is told to.
by_itself() { # status
    case $1 in
    1 | 3) ! chrt -r 1 true 2>/dev/null && grep -q 'rig verified safe' "$who.log" ;;
    *) false ;;
    esac
}
# A run that was told to stop: what it leaves is in order, and `resume` finishes.
stopped() { # signal's name, status
    if ! by_itself "$2"; then
        [ "$2" = 130 ] || fail "$who: status $2: $(cat "$who.log")"
        [ "$1" = HUP ] || grep -q 'rig verified safe (retracted, cell open)' "$who.log" || fail "$who: $(cat "$who.log")"
        "$seccm" status "$who.seccm" >"$who.status"
        grep -q "^state     interrupted: .*stopped by SIG$1" "$who.status" || fail "$who: $(cat "$who.status")"
        "$seccm" export "$who.seccm" --format csv -o "$who.csv" >/dev/null
        grep "\\[stopped-by-signal\\] SIG$1 " "$who.csv/events.csv" >/dev/null || fail "$who: $(cat "$who.csv/events.csv")"
    fi
    [ "$(outcomes "$who.seccm" aborted)" -le 1 ] || fail "$who: $("$seccm" sites "$who.seccm")"
    [ ! -e "$who.guardian.log" ] || fail "$who: the guardian had to act: $(cat "$who.guardian.log")"
    aborted=$(outcomes "$who.seccm" aborted)
    up=$(height "$rig")
    awk -v z="$up" 'BEGIN { exit !(z > 59.9) }' || fail "$who: z at $up um: $(cat "$who.height.err")"
    expect 0 "$seccm" resume "$who.seccm" --stage "pty:$stage" --potentiostat "pty:$potentiostat" --speed "$speed"
    [ "$(outcomes "$who.seccm" measured)" = 3 ] || fail "$who: $("$seccm" sites "$who.seccm")"
    unserve $served
    no_harm 'unrecorded open circuits'
    say "$who: status $2, $aborted aborted; resumed"
}

told() { # signal, lines of traffic before it comes
    serve "$1" "$rig"
    verify "$rig"
    begin "$protocol"
    await_times "$who.transcript" ' > ' "$2" $run || fail "$who: $(cat "$who.log")"
    kill -"$1" $run
    wait $run
    stopped "$1" $?
}

# The window with the run is closed: SIGHUP comes, and nobody can be told anything any more.
closed() { # lines of traffic
    serve closed "$rig"
    verify "$rig"
    (prompt "$terminal" "$seccm" run "$protocol" --stage "pty:$stage" --potentiostat "pty:$potentiostat" --speed "$speed" \
        --transcript closed.transcript -o closed.seccm >closed.log 2>&1) &
    window=$!
    started="$started $window"
    await_times closed.transcript ' > ' "$1" $window || fail "closed: $(cat closed.log)"
    kill -USR1 $window
    wait $window
    stopped HUP $?
}

# nohup, in a window that is closed: the run goes on. What it says goes to a pipe whose reader has left.
alone() { # lines of traffic
    serve alone "$rig"
    verify "$rig"
    mkfifo alone.pipe
    (head -n 2 >alone.head <alone.pipe) &
    (prompt "$terminal" nohup sh -c 'exec "$@" >alone.pipe 2>&1' - "$seccm" run "$protocol" --stage "pty:$stage" \
        --potentiostat "pty:$potentiostat" --speed "$speed" --transcript alone.transcript -o alone.seccm >alone.log 2>&1) &
    window=$!
    started="$started $window"
    await_times alone.transcript ' > ' "$1" $window || fail "alone: $(cat alone.log alone.head)"
    kill -USR1 $window
    wait $window
    status=$?
    cp alone.head alone.log
    finished $status
}

# SIGTSTP must not put a run to sleep, and nothing else that goes astray may end it.
astray() { # lines of traffic
    serve astray "$rig"
    verify "$rig"
    begin "$protocol"
    await_times astray.transcript ' > ' "$1" $run || fail "astray: $(cat astray.log)"
    for signal in TSTP TTIN TTOU USR1 USR2 ALRM PIPE XFSZ WINCH CONT URG; do kill -$signal $run || fail "astray: ended by SIG$signal"; done
    wait $run
    finished $?
}

finished() { # status
    if [ "$1" != 0 ]; then
        ! chrt -r 1 true 2>/dev/null || fail "$who: status $1: $(cat "$who.log")"
        case $1 in 1 | 3) ;; *) fail "$who: status $1: $(cat "$who.log")" ;; esac
    else
        [ "$(outcomes "$who.seccm" measured)" = 3 ] || fail "$who: $("$seccm" sites "$who.seccm")"
    fi
    [ ! -e "$who.guardian.log" ] || fail "$who: the guardian had to act: $(cat "$who.guardian.log")"
    unserve $served
    no_harm 'unrecorded open circuits'
    say "$who: status $1"
}

# An end at once: the guardian acts.
quit() { # lines of traffic
    serve quit "$rig"
    verify "$rig"
    ulimit -c 0
    (prompt env --default-signal=QUIT "$seccm" run "$protocol" --stage "pty:$stage" --potentiostat "pty:$potentiostat" \
        --speed "$speed" --transcript quit.transcript -o quit.seccm >quit.log 2>&1) &
    run=$!
    started="$started $run"
    await_times quit.transcript ' > ' "$1" $run || fail "quit: $(cat quit.log)"
    kill -QUIT $run
    wait $run
    status=$?
    [ $status = 131 ] || fail "quit: status $status: $(cat quit.log)"
    until flock -n quit.guardian.log true && grep -q 'SAFE\|safe' quit.guardian.log; do sleep 0.05; done
    grep -q 'verified safe (retracted, cell open)' quit.guardian.log || fail "quit: $(cat quit.guardian.log)"
    expect 0 "$seccm" resume quit.seccm --stage "pty:$stage" --potentiostat "pty:$potentiostat" --speed "$speed"
    [ "$(outcomes quit.seccm measured)" = 3 ] || fail "quit: $("$seccm" sites quit.seccm)"
    unserve $served
    no_harm 'unrecorded open circuits'
    say "quit: status $status, the guardian left the rig safe; resumed"
}

# A run of three sites writes some thousand lines.
for signal in INT TERM HUP; do
    draw 30 550
    beside told $signal "$drawn"
done
all_well || exit 1
draw 30 550
beside closed "$drawn"
draw 30 550
beside alone "$drawn"
all_well || exit 1
draw 30 550
beside astray "$drawn"
draw 100 550
beside quit "$drawn"
all_well
