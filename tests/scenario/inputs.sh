#!/bin/sh
# Input that is wrong is told with exit status 1 before anything is opened or moved, and leaves no file behind; so do places
# where results can not be stored. A file system that fills up during a run ends it safely, and it can be resumed.
. "$(dirname "$0")/lib"
good=$top/tests/data/steady/protocol.yaml

# A protocol that must be refused. No transcript: no link was opened.
refused() { # protocol
    expect 1 "$seccm" run "$1" --virtual --transcript t.txt -o f.seccm
    grep -q -e error -e 'big.yaml: ' main.out || fail "$1: no error told: $(head -n 3 main.out)"
    left=$(ls -A | grep -v -e '^main.out$' -e '^state$' -e '^big.yaml$')
    [ -z "$left" ] || fail "$1 left $left"
}
n=0
for f in "$top"/tests/faulty/*.yaml; do
    case $f in */warn-*) continue ;; esac
    refused "$f"
    n=$((n + 1))
done
[ $n -ge 100 ] || fail "only $n faulty protocols"
awk 'BEGIN { print "seccm: 1"; for (k = 0; k < 400000; k++) print "# a line that makes this file big" }' >big.yaml
refused big.yaml
awk 'BEGIN { print "seccm: 1\nname: big"; for (k = 0; k < 100000; k++) print "key" k ": value" }' >big.yaml
refused big.yaml
rm big.yaml
say "$((n + 2)) protocols refused, no file left"

# Samples that the potentiostat's line can not carry in time are warned of.
sed "s/baud: 921600/baud: 115200/; s,sample: sample.yaml,sample: $top/tests/data/steady/sample.yaml," "$top/tests/data/steady/bench.yaml" >slow.yaml
expect 0 "$seccm" check "$good"
grep -q 'baud carries' main.out && fail "a warning of a line that is fast enough: $(cat main.out)"
expect 0 "$seccm" check "$good" --rig slow.yaml
grep -q 'warning: .*line of 115200 baud carries 11.5 kB/s' main.out || fail "a slow line: $(cat main.out)"
rm slow.yaml
say "a line that is too slow is warned of"

# A simulated sample that an earlier run of this name has used up is no fresh one.
mkdir stale
short=$top/tests/data/steady/short.yaml
expect 0 "$seccm" run "$short" --virtual -q -o stale/a.seccm
mv stale/a.seccm stale/kept.seccm
expect 2 "$seccm" run "$short" --virtual -q -o stale/a.seccm
grep -q 'stale/a.sample is left from an earlier run.*--keep-sample' main.out || fail "stale: $(cat main.out)"
[ -e stale/a.seccm ] && fail "a run was begun"
expect 0 "$seccm" run "$short" --virtual -o stale/a.seccm --keep-sample
grep -q ' 6 contacts,.* 3 spots revisited' main.out || fail "stale: $(cat main.out)"
rm stale/a.*
expect 0 "$seccm" run "$short" --virtual -o stale/a.seccm
grep -q ' 3 contacts,.* 0 spots revisited' main.out || fail "fresh: $(cat main.out)"
rm -r stale
say "a used sample is gone on with only when that is asked for"

# Places.
echo precious >there.seccm
expect 2 "$seccm" run "$good" --virtual -o there.seccm
[ "$(cat there.seccm)" = precious ] || fail "an existing file was changed"
expect 3 "$seccm" run "$good" --virtual -o no/such/folder/f.seccm
expect 2 "$seccm" run "$good" --virtual --speed 3 -o f.seccm
expect 2 "$seccm" run "$good" --virtual --no-such-option -o f.seccm
expect 1 "$seccm" resume there.seccm
[ "$(cat there.seccm)" = precious ] || fail "resume changed a foreign file"
if [ "$(id -u)" != 0 ]; then
    mkdir readonly && chmod 500 readonly
    expect 3 "$seccm" run "$good" --virtual -o readonly/f.seccm
    rmdir readonly
fi
left=$(ls -A | grep -v -e '^main.out$' -e '^state$' -e '^there.seccm$')
[ -z "$left" ] || fail "left: $left"
say "places: existing, missing and unwritable ones refused"

# No space: before the run too little is refused; during the run the rig is made safe, all that was committed is there, and
# with space again `resume` goes on.
expect 0 "$seccm" run "$good" --virtual -q -o whole.seccm
full() { # file
    grep -q 'rig verified safe' main.out || fail "full: $(cat main.out)"
    had=$(outcomes "$1" measured)
    [ "$had" -gt 0 ] && [ "$had" -lt 24 ] || fail "full: $had measured"
}
finish() { # file
    expect 0 "$seccm" resume "$1"
    expect 0 "$seccm" diff whole.seccm "$1"
    say "$2: full with $had sites measured, resumed: $(tail -n 1 main.out)"
}
mkdir small
if mount -t tmpfs -o size=400k tmpfs small 2>/dev/null; then
    trap 'umount small; clean_up' EXIT
    expect 3 "$seccm" run "$good" --virtual -o small/f.seccm
    [ -z "$(ls -A small)" ] || fail "left in a full place: $(ls -A small)"
    mount -o remount,size=1600k small
    expect 3 "$seccm" run "$good" --virtual -o small/f.seccm
    full small/f.seccm
    mount -o remount,size=20m small
    finish small/f.seccm "small file system"
else
    say "no small file system here (mount is not permitted)"
fi
(
    ulimit -f 2400 # blocks of 512 bytes
    expect 3 "$seccm" run "$good" --virtual -o limited.seccm
) || exit 1
full limited.seccm
finish limited.seccm "limit on file size"
