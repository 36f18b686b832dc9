#!/bin/sh
# A disk that is too small, read-only, or full in the middle of a run, in a name space of its own that ends with the script
# (skipped where none may be made): status 3, the reason told, and the run goes on once there is space.
if [ -z "${SECCM_TEST_MOUNTS:-}" ]; then
    unshare -rm true 2>/dev/null || { echo "skipped: no name spaces for mounts here" && exit 0; }
    SECCM_TEST_MOUNTS=1 exec unshare -rm sh "$0" "$@"
fi
. "$(dirname "$0")/lib"
protocol=$top/tests/data/steady/short.yaml
told() { # pattern
    grep -q "$1" main.out || fail "does not say \`$1\`: $(cat main.out)"
}
expect 0 "$seccm" run "$protocol" --virtual -q -o whole.seccm
mkdir disk
mount -t tmpfs -o size=40k none disk || fail "no tmpfs"

expect 3 "$seccm" run "$protocol" --virtual -o disk/s.seccm
told 'free, the results may need'
[ -z "$(ls disk)" ] || fail "left behind: $(ls disk)"
mount -o remount,size=64m disk
expect 0 "$seccm" run "$protocol" --virtual --sites 1 -o disk/s.seccm

mount -o remount,ro disk
expect 3 "$seccm" run "$protocol" --virtual -o disk/other.seccm
told 'disk/other.s.*Read-only' # its simulated sample's, which is taken first, or its own
expect 3 "$seccm" resume disk/s.seccm
told 'disk/s.seccm.*Read-only'
expect 0 "$seccm" sites disk/s.seccm
mount -o remount,rw disk

head -c 80m /dev/zero >disk/ballast 2>/dev/null
[ "$(df --output=avail disk | tail -n 1 | tr -d ' ')" = 0 ] || fail "not full: $(df disk)"
expect 3 "$seccm" resume disk/s.seccm
told 's.seccm'
expect 0 "$seccm" sites disk/s.seccm

# Full again while it runs: a little space at a time.
ended=0
for kib in 40 80 120 160 200 240 280 320; do
    head -c $((80 * 1024 * 1024)) /dev/zero >disk/ballast 2>/dev/null
    truncate -s -${kib}K disk/ballast
    "$seccm" resume disk/s.seccm --sample-state sample >main.out 2>&1
    status=$?
    [ $status = 0 ] && break
    [ $status = 3 ] || fail "status $status with $kib KiB: $(cat main.out)"
    told 's.seccm'
    ended=$((ended + 1))
done
rm disk/ballast
[ $status = 0 ] || expect 0 "$seccm" resume disk/s.seccm --sample-state sample
say "ended $ended times for lack of space"
cp disk/s.seccm s.seccm
spoilt=$("$seccm" sites s.seccm --csv | awk -F, 'NR > 1 && $8 == "fault" { printf "%s%s", n++ ? "," : "", $1 }')
"$seccm" diff whole.seccm s.seccm ${spoilt:+--except-sites "$spoilt"} >differences || fail "$(cat differences main.out)"
umount disk
