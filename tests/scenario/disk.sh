#!/bin/sh
# Disks that say no, as an operator meets them: the file or the rig held by another run, moved or deleted under the run, no
# longer allowed to grow, and one that stands still for a while. Each refuses at once or ends with status 3, says why, leaves the
# rig safe and a file that opens, and can be gone on with once the disk is in order.
. "$(dirname "$0")/lib"
protocol=$top/tests/data/steady/short.yaml
expect 0 "$seccm" run "$protocol" --virtual -q -o whole.seccm
XDG_RUNTIME_DIR=$dir/runtime
export XDG_RUNTIME_DIR
mkdir -p "$XDG_RUNTIME_DIR"
# The run waits between two sites until it is let go on, however long we take.
hold_up() { # file
    expect 0 "$seccm" pause "$1"
    until "$seccm" status "$1" | grep -q "^state     paused"; do
        kill -0 "$run" 2>/dev/null || fail "$who: ended before it paused: $(cat "$who.log")"
        sleep 0.05
    done
}

told() { # pattern
    grep -q "$1" "$who.out" || fail "$who: does not say \`$1\`: $(cat "$who.out")"
}
# The same as nobody disturbed, but for sites that the disk spoilt.
same() { # file
    spoilt=$("$seccm" sites "$1" --csv | awk -F, 'NR > 1 && $8 == "fault" { printf "%s%s", n++ ? "," : "", $1 }')
    "$seccm" diff whole.seccm "$1" ${spoilt:+--except-sites "$spoilt"} >"$who.diff" || fail "$who: $(cat "$who.diff")"
}
# A run that takes a while, in the background; sets run (pid).
begin_slowly() { # file
    (prompt "$seccm" run "$protocol" --speed "$speed" -o "$1" >"$who.log" 2>&1) &
    run=$!
    started="$started $run"
}
ended() { # status: of the run in the background
    wait "$run"
    got=$?
    cp "$who.log" "$who.out"
    [ "$got" = "$1" ] || fail "$who: status $got instead of $1: $(cat "$who.log")"
}

locked() {
    who=locked
    begin_slowly held.seccm
    await locked.log '^site 1' $run || fail "$who: $(cat locked.log)"
    hold_up held.seccm
    expect 2 "$seccm" run "$protocol" --virtual -o held.seccm
    told "exists already: .*being written by another run (process $run on .*, since 20.*Z): .seccm status. tells"
    expect 3 "$seccm" resume held.seccm
    told "being written by another run (process $run on .*, since 20.*Z): .seccm status. tells"
    # Another file, the same sample.
    expect 3 "$seccm" run "$protocol" --virtual -o other.seccm --sample-state held.sample
    told "state of the simulated sample: .*held.sample. is being written by another run (process $run on "
    [ ! -e other.seccm ] || fail "$who: a file without a rig"
    expect 3 "$seccm" features held.seccm --recompute
    told 'being written by another run'
    expect 0 "$seccm" sites held.seccm # reading is no harm
    expect 0 "$seccm" continue held.seccm
    ended 0
    same held.seccm
}

# The rig: another run, of another file, is refused before it writes a byte to an instrument or a file to the disk.
rig_held() {
    serve rig "$top/tests/data/steady/bench.yaml"
    verify "$top/tests/data/steady/bench.yaml"
    begin "$protocol"
    await rig.log '^site 1' $run || fail "$who: $(cat rig.log)"
    hold_up rig.seccm
    expect 3 "$seccm" run "$protocol" --stage "pty:$stage" --potentiostat "pty:$potentiostat" --speed "$speed" -o second.seccm
    told "in use by process $run (.*seccm run "
    [ ! -e second.seccm ] || fail "$who: a file without a rig"
    expect 0 "$seccm" continue rig.seccm
    wait $run || fail "$who: $(cat rig.log)"
    [ "$(outcomes rig.seccm measured)" = 3 ] || fail "$who: $("$seccm" sites rig.seccm)"
    unserve $served
    no_harm 'nothing allowed'
    say 'rig: held by another run'
}

# The disk stands still for longer than the guardian bears silence: the run waits for it above the sample, alive, and goes on.
stalled() {
    "${CC:-gcc}" -std=c17 -O2 -D_GNU_SOURCE -shared -fPIC -o slow_disk.so "$top/tests/interpose/slow_disk.c" -ldl || fail interposer
    san=$(ldd "$seccm" | sed -n 's/.*=> \(.*lib[at]san[^ ]*\) .*/\1/p')
    serve stalled "$top/tests/data/steady/bench.yaml"
    verify "$top/tests/data/steady/bench.yaml"
    (prompt env LD_PRELOAD="$san $dir/slow_disk.so" SECCM_SLOW_DISK="$dir/stand-still" SECCM_SLOW_DISK_SECONDS=6 "$seccm" run \
        "$protocol" --stage "pty:$stage" --potentiostat "pty:$potentiostat" --speed "$speed" -o stalled.seccm >stalled.log 2>&1) &
    run=$!
    started="$started $run"
    await stalled.log 'guardian: process' $run || fail "$who: $(cat stalled.log)"
    : >stand-still
    ended 0
    [ ! -e stand-still ] || fail "$who: the disk never stood still"
    ! grep '^seccm guardian' stalled.log || fail "$who: the guardian took over"
    [ "$(outcomes stalled.seccm measured)" = 3 ] || fail "$who: $("$seccm" sites stalled.seccm)"
    took=$("$seccm" sites stalled.seccm --csv | awk -F, 'NR == 1 { for (k = 1; k <= NF; k++) if ($k == "start_s") c = k } NR > 1 && $c + 0 > m { m = $c } END { print m }')
    awk -v t="$took" -v least=$((6 * speed)) 'BEGIN { exit !(t > least) }' || fail "$who: the last site began at $took s"
    unserve $served
    no_harm 'nothing allowed'
    say 'stalled: the run waited'
}

moved() {
    who=moved
    begin_slowly m1.seccm
    await moved.log '^site 1' $run || fail "$who: $(cat moved.log)"
    mv m1.seccm m2.seccm
    ended 3
    told 'moved away while the run writes it'
    told "everything is in .*/m2.seccm"
    told 'rig verified safe'
    [ "$(echo m1.seccm*)" = "m1.seccm*" ] || fail "$who: left behind: $(echo m1.*)"
    [ "$(outcomes m2.seccm measured)" -ge 1 ] || fail "$who: $("$seccm" sites m2.seccm)"
    mv m1.sample m2.sample
    expect 0 "$seccm" resume m2.seccm --virtual
    same m2.seccm
}

deleted() {
    who=deleted
    begin_slowly d.seccm
    await deleted.log '^site 1' $run || fail "$who: $(cat deleted.log)"
    rm d.seccm d.seccm-wal
    ended 3
    told 'deleted while the run writes it'
    told 'everything is in .*d.seccm'
    [ "$(outcomes d.seccm measured)" -ge 1 ] || fail "$who: $("$seccm" sites d.seccm)"
    expect 0 "$seccm" resume d.seccm --virtual
    same d.seccm
}

# A limit on the size of files: no space as far as SQLite can tell.
limited() {
    who=limited
    (
        ulimit -f 2 # KiB or half of that
        expect 3 "$seccm" run "$protocol" --virtual -o l.seccm
    ) || fail "$who: no refusal"
    told 'l.seccm'
    [ ! -e l.seccm ] || fail "$who: a file without a plan"
    paused=0
    for blocks in 130 150 180 210; do
        rm -f l.*
        (
            ulimit -f $blocks
            "$seccm" run "$protocol" --virtual -o l.seccm >limited.out 2>&1
        )
        status=$?
        [ $status = 0 ] && continue
        [ $status = 3 ] || fail "$who: status $status: $(cat limited.out)"
        [ -e l.seccm ] || continue
        paused=$((paused + 1))
        told 'results `'
        expect 0 "$seccm" resume l.seccm
        same l.seccm
    done
    say "limited: $paused of 4 sizes ended in the middle"
}

beside locked
beside rig_held
beside stalled
beside moved
beside deleted
beside limited
all_well || fail "see above"
exit 0
