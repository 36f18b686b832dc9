#!/bin/sh
# What a user may write that the demo does not: legs that begin between the vertices, open circuit, galvanostatic steps in a
# row, programs that the instrument would refuse, outputs named like inputs.
seccm=$1 dir=$2/odd
rm -rf "$dir" && mkdir -p "$dir" || exit 1
fail() {
    echo "odd: $*" >&2
    exit 1
}
data=tests/data/odd/three-legs.yaml

"$seccm" run $data --virtual -q -o "$dir/a.seccm" 2>"$dir/log" || fail "run: $(cat "$dir/log")"
"$seccm" features "$dir/a.seccm" --long --csv >"$dir/f.csv" 2>>"$dir/log" || fail "features"
# Four sites: each feature has a value at each.
for f in turn,1,q_red turn,2,q_ox rest,0,ocp_mean up,0,capacity down,0,capacity; do
    n=$(awk -F, -v f="$f" 'BEGIN { split(f, w, ",") }
        NR == 1 { for (k = 1; k <= NF; k++) at[$k] = k; next }
        $at["step"] == w[1] && ($at["cycle"] + 0) == (w[2] + 0) && $at["feature"] == w[3] && $at["value_si"] != "" { n++ }
        END { print n + 0 }' "$dir/f.csv")
    [ "$n" = 4 ] || fail "$f has a value at $n of 4 sites: $(head -n 2 "$dir/f.csv")"
done
"$seccm" show "$dir/a.seccm" 1 >"$dir/show" || fail "show"
awk '$4 == "down" && $5 == "galvanostatic" { if ($0 ~ / open /) ok = 1 } END { exit !ok }' "$dir/show" ||
    fail "the gap between two galvanostatic steps is not stored as open"

# Outputs never replace inputs or results files.
cksum "$dir/a.seccm" >"$dir/before"
"$seccm" report "$dir/a.seccm" -o "$dir/a.seccm" 2>"$dir/log"
[ $? = 2 ] || fail "report over its own input: $(cat "$dir/log")"
cksum "$dir/a.seccm" | cmp -s - "$dir/before" || fail "the results file was changed by a report"
cp $data "$dir/p.yaml"
sed -i "s|\.\./\.\./\.\./instruments|$(pwd)/instruments|" "$dir/p.yaml"
"$seccm" plan "$dir/p.yaml" --svg "$dir/p.yaml" >/dev/null 2>"$dir/log"
[ $? = 2 ] || fail "plan --svg over the protocol: $(cat "$dir/log")"
grep -q 'three legs' "$dir/p.yaml" || fail "the protocol was overwritten"

# What the instrument would refuse is found at the desk.
sed 's/cycles: 2/cycles: 100000/' "$dir/p.yaml" >"$dir/many.yaml"
"$seccm" check "$dir/many.yaml" >/dev/null 2>"$dir/log"
[ $? = 1 ] || fail "100000 cycles were accepted"
grep -q 'many.yaml:13:.*room for 240' "$dir/log" || fail "no position: $(cat "$dir/log")"

# Without any contact signal the second approach is the last.
sed 's/bias: 2 V, speed/bias: 3 V, speed/; s/threshold: 3 pA/threshold: 60 pA/' "$dir/p.yaml" >"$dir/blind.yaml"
"$seccm" run "$dir/blind.yaml" --virtual -q -o "$dir/blind.seccm" 2>"$dir/log"
[ $? = 1 ] || fail "a blind run did not end with status 1"
n=$("$seccm" sites "$dir/blind.seccm" --csv | grep -c no-contact)
[ "$n" = 2 ] || fail "$n blind approaches"

# An open gate whose steps are played is recorded; passes have numbers even where there is one; gaps are what they were.
"$seccm" run tests/data/odd/open-gate.yaml --virtual -q -o "$dir/gate.seccm" 2>"$dir/log" || fail "gate: $(cat "$dir/log")"
"$seccm" features "$dir/gate.seccm" --long --csv >"$dir/gate.csv" || fail "features of the gate"
[ "$(awk -F, '/,again,/ && /t_end/' "$dir/gate.csv" | grep -c ',again,1,')" = 4 ] ||
    fail "the first pass has a number at each site: $(grep again "$dir/gate.csv")"
"$seccm" report "$dir/gate.seccm" -o "$dir/gate.html" 2>"$dir/log" || fail "report: $(cat "$dir/log")"
"$seccm" show "$dir/gate.seccm" 1 >"$dir/show"
for step in if then one two; do
    awk -v s="$step" '$4 == s { if ($0 ~ / open /) ok = 1 } END { exit !ok }' "$dir/show" ||
        fail "before $step the cell was open: $(cat "$dir/show")"
done

# A current that is too large for the retraction's range: the steps are measured, only the break is not seen.
sed "/fills up again/d; s|: \.\./|: $(pwd)/|" protocols/cathode-rates.yaml >"$dir/filled.yaml"
"$seccm" run "$dir/filled.yaml" --virtual --sites 6 -q -o "$dir/filled.seccm" 2>"$dir/log" || fail "filled: $(cat "$dir/log")"
"$seccm" sites "$dir/filled.seccm" --csv >"$dir/filled.csv"
[ "$(awk -F, '$9 == "measured"' "$dir/filled.csv" | wc -l)" = 6 ] || fail "sites with a current at the end were lost: $(cat "$dir/filled.csv")"
grep -q 'overload-at-detach' "$dir/filled.csv" || fail "nothing tells that the break was not seen"
echo "three legs, open circuit, galvanostatic in a row, refused programs, protected outputs, blind approach, current at the end: as they should"
