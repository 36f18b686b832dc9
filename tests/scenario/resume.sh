#!/bin/sh
# Going on with a run: from what the results file holds, whatever became of the files; what differs is told and has to be
# accepted; a new probe is lined up by a fiducial, and finds its sites only with it. A run that is finished or under way is
# left alone.
. "$(dirname "$0")/lib"
mkdir begun
cp "$top"/tests/data/steady/*.yaml begun/
sed -i 's/probe: {id: P1,/probe: {id: P1, fiducial: [5 um, 5 um],/' begun/short.yaml
expect 0 "$seccm" run begun/short.yaml --virtual -q -o whole.seccm

# begin_part NAME: one site of three, with input files of its own.
begin_part() {
    rm -rf in
    cp -r begun in
    expect 0 "$seccm" run in/short.yaml --virtual -q --sites 1 -o "$1.seccm"
}
said() { grep -q -e "$1" main.out || fail "does not say \`$1\`: $(cat main.out)"; }
events() { # file, kind
    expect 0 "$seccm" export "$1" --format csv -o tables
    grep ",$2," tables/events.csv
}
same() { expect 0 "$seccm" diff whole.seccm "$1"; }

# Remarks and layout are no difference; nor are files that are gone.
begin_part remark
echo '# looked at it again' >>in/short.yaml
sed -i 's/^limits: {potential: \[0.2 V, 4 V\], current: 5 nA}/limits:\n  current: "5 nA"\n  potential: [0.2 V, 4 V]/' in/short.yaml
grep -q '^  current: "5 nA"' in/short.yaml || fail "the layout was not changed"
cp in/short.yaml kept.yaml
expect 1 "$seccm" resume remark.seccm # the order of keys is one
said 'limits: its keys -> in another order'
grep -v -e '^  current: "5 nA"' -e '^  potential: \[0.2' -e '^limits:$' kept.yaml >in/short.yaml
printf 'limits:\n    potential:   [0.2 V, "4 V"]\n    current: 5 nA\n' >>in/short.yaml
expect 0 "$seccm" resume remark.seccm
same remark.seccm
begin_part gone
rm -r in
expect 0 "$seccm" resume gone.seccm
said 'short.yaml: No such file.*goes on from the copy'
same gone.seccm
say "remarks, layout and files that are gone change nothing"

# What would make another run of it is refused, with or without --accept.
begin_part other
sed -i 's/rate: 2 V/rate: 1 V/; s/count: 10/count: 9/' in/short.yaml
cp other.seccm kept.seccm
for accept in '' --accept; do
    # shellcheck disable=SC2086
    expect 1 "$seccm" resume other.seccm $accept
    said 'in/short.yaml:33: site.2..cv.rate: 2 V/s -> 1 V/s (this run can not'
    said 'faults.consecutive.count: 10 -> 9 (may be accepted)'
    cmp kept.seccm other.seccm || fail "a refusal changed the file"
done
cp begun/short.yaml in/
sed -i 's/speed-z: 20/speed-z: 19/' in/bench.yaml
expect 1 "$seccm" resume other.seccm --accept
said 'stage.speed-z: 20 um/s -> 19 um/s (this run can not'
cp begun/bench.yaml in/
sed -i 's/^name: .*/name: another sample/' in/sample.yaml
expect 1 "$seccm" resume other.seccm --accept
said 'in/sample.yaml:[0-9]*: name: .* -> another sample (this run can not'
cp begun/sample.yaml in/
expect 0 "$seccm" resume other.seccm
same other.seccm
say "another rate, another speed: refused"

# Faults, rules and links may change if somebody accepts it, once; the new bytes and the word of it are kept.
begin_part accepted
cp in/short.yaml kept.yaml
sed -i '/^faults:/d' in/short.yaml
expect 1 "$seccm" resume accepted.seccm
said 'faults: {no-contact: spare, consecutive: {count: 10, then: pause}} -> nothing$' # the whole of it
cp kept.yaml in/short.yaml
sed -i 's/count: 10/count: 9/' in/short.yaml
echo 'stop: {after: 9 h}' >>in/short.yaml
sed -i 's/baud: 921600/baud: 460800/' in/bench.yaml
expect 1 "$seccm" resume accepted.seccm
said 'stop: nothing -> {after: 9 h}$'
said 'potentiostat.baud: 921600 -> 460800'
said 'resume --accept accepted.seccm'
expect 0 "$seccm" resume accepted.seccm --accept
[ "$(events accepted.seccm resume | grep -c 'accepted by ')" = 3 ] || fail "events: $(events accepted.seccm resume)"
same accepted.seccm
say "faults, stop and a line's rate: accepted and on record"

# Finished: nothing is left to do, nothing changes.
cp accepted.seccm kept.seccm
expect 0 "$seccm" resume accepted.seccm
said 'the run is finished, nothing is left to do'
cmp kept.seccm accepted.seccm || fail "resume of a finished run changed it"
expect 2 "$seccm" run in/short.yaml --virtual -o accepted.seccm
said 'go on with .seccm resume accepted.seccm'
cmp kept.seccm accepted.seccm || fail "run changed an existing file"

# Under way: left alone.
"$seccm" run begun/long.yaml --speed 1 -o live.seccm >live.log 2>&1 &
run=$!
started="$started $run"
until [ -e live.seccm ] && grep -q guardian live.log; do
    kill -0 $run || fail "$(cat live.log)"
    sleep 0.02
done
expect 2 "$seccm" run begun/long.yaml --virtual -o live.seccm
said "live.seccm. is being written by another run (process $run on .*: .seccm status. tells"
expect 3 "$seccm" resume live.seccm
said "live.seccm. is being written by another run (process $run on .*: .seccm status. tells"
kill -INT $run
wait $run
[ $? = 130 ] || fail "the run under way ended badly: $(cat live.log)"
say "finished: nothing to do; under way: left alone"

# A rule that ended the run keeps its say when the run was interrupted on the way.
sed 's/^faults:.*/stop: {count: 1}/; s/columns: 3/columns: 6/' begun/short.yaml >begun/counted.yaml
expect 0 "$seccm" run begun/counted.yaml --virtual -q -o counted-whole.seccm
expect 0 "$seccm" status counted-whole.seccm
whole=$(sed -n 's/^state *//p' main.out)
expect 0 "$seccm" run begun/counted.yaml --virtual -q --sites 5 -o counted.seccm
expect 0 "$seccm" resume counted.seccm
expect 0 "$seccm" status counted.seccm
[ "$(sed -n 's/^state *//p' main.out)" = "$whole" ] || fail "the rule: $(cat main.out), not $whole"
case $whole in *'stop.count: 3 sites left out'*) ;; *) fail "no rule: $whole" ;; esac
expect 0 "$seccm" run begun/counted.yaml --virtual -q --sites 6 -o counted6.seccm
expect 0 "$seccm" resume counted6.seccm
expect 0 "$seccm" status counted6.seccm
[ "$(sed -n 's/^state *//p' main.out)" = "$whole" ] || fail "the rule: $(cat main.out), not $whole"
say "$whole"

# A new probe. Its end truly lies 3 um lower in x, 1.5 um higher in y and 2 um nearer to the sample.
shift_of="--sim-shift=-3 um, 1.5 um, -2 um"
landed() { "$seccm" rig truth begun/bench.yaml --contacts --sample-state "$1.sample" --csv | awk -F, 'NR > 1 { printf "%.2f %.2f\n", $1, $2 }' | sort -u | tr '\n' ';'; }
begin_part probe
cp probe.seccm kept.seccm
expect 2 "$seccm" resume probe.seccm --new-probe P2
said 'lay at x 5.000 y 5.000 um with the first probe.*--fiducial X,Y'
expect 2 "$seccm" resume probe.seccm --fiducial '8 um, 3.5 um'
expect 2 "$seccm" resume probe.seccm --new-probe P2 --fiducial '8, 3.5'
expect 2 "$seccm" resume probe.seccm --new-probe P2 --fiducial '2:8 um, 3.5 um'
cmp kept.seccm probe.seccm || fail "a refusal changed the file"
expect 1 "$seccm" resume probe.seccm --new-probe P2 --fiducial '-8 um, 3.5 um'
said 'can not bring it to 1 places.*: 2 (2.000, 8.500 um)\|can not bring it'
expect 0 "$seccm" resume probe.seccm --new-probe P2 --fiducial '8 um, 3.5 um' "$shift_of"
[ "$(landed probe)" = "10.00 10.00;15.00 10.00;20.00 10.00;" ] || fail "landed at $(landed probe)"
said '0 crashes, 0 drags, 0 wet travels, 0 envelope violations.*0 spots revisited'
expect 0 "$seccm" sites probe.seccm --csv
probes=$(awk -F, 'NR == 1 { for (k = 1; k <= NF; k++) if ($k == "probe") c = k } $1 <= 3 { printf "%s ", $c }' main.out)
[ "$probes" = "P1 P2 P2 " ] || fail "probes: $probes"
expect 0 "$seccm" stats probe.seccm --feature contact_z --by probe
said '^P1 *1 '
said '^P2 *2 '
expect 0 "$seccm" report probe.seccm -o report.html
grep -q 'from attempt 2 on P2' report.html || fail "the report does not know the probe"
events probe.seccm probe | grep -q 'displaced by 3.000, -1.500 um' || fail "no event of the probe"
say "with the fiducial: landed at $(landed probe)"
begin_part lost
expect 0 "$seccm" resume lost.seccm --new-probe P2 --offset '0 um, 0 um' "$shift_of"
[ "$(landed lost)" = "10.00 10.00;12.00 11.50;17.00 11.50;" ] || fail "landed at $(landed lost)"
say "without it: landed at $(landed lost)"

# Told twice before it made an attempt, it is one probe; its aperture counts, for its sites only; a third one's offset
# counts from the second.
begin_part third
sed -i 's/current: -2 pA/current: -2.5 pA/' in/short.yaml # refused, so that nothing is on record
expect 1 "$seccm" resume third.seccm --new-probe P2 --fiducial '8 um, 3.5 um'
cp begun/short.yaml in/
expect 0 "$seccm" resume third.seccm --new-probe P2 --fiducial '8 um, 3.5 um' --aperture '450 nm' "$shift_of"
expect 0 "$seccm" features third.seccm --csv --long
area() { awk -F, -v s="$1" 'NR == 1 { for (k = 1; k <= NF; k++) { if ($k == "feature") f = k; if ($k == "value_si") v = k } } $1 == s && $f == "wetted_area" { print $v }' "$2"; }
cp main.out stored.csv
expect 0 "$seccm" features third.seccm --recompute --csv --long
for s in 1 2; do
    [ -n "$(area $s stored.csv)" ] && [ "$(area $s stored.csv)" = "$(area $s main.out)" ] || fail "area of site $s: $(area $s stored.csv), again $(area $s main.out)"
done
awk -v a="$(area 2 main.out)" -v b="$(area 1 main.out)" 'BEGIN { exit !(a / b > 1.26 && a / b < 1.27) }' || fail "areas: $(area 1 main.out), $(area 2 main.out)"
say "an aperture of its own: areas $(area 1 main.out) and $(area 2 main.out) m2"
