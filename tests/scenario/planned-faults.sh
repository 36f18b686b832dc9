#!/bin/sh
# Faults that a simulated rig's file plans: they happen in a run of the real program, mistakes in them are found at the desk,
# and the help names them all.
seccm=$1 dir=$2/planned-faults
rm -rf "$dir" && mkdir -p "$dir" && dir=$(cd "$dir" && pwd) || exit 1
fail() {
    echo "planned-faults: $*" >&2
    exit 1
}
sed "s|\.\./\.\./\.\./instruments/simulated-bench.yaml|$dir/rig.yaml|" tests/data/odd/three-legs.yaml >"$dir/p.yaml"
grep -q "$dir/rig.yaml" "$dir/p.yaml" || fail "the protocol names another rig"
rig() { # faults
    sed "s|samples/|$(pwd)/instruments/samples/|; s|^simulate:|simulate:\n  faults: $1|" instruments/simulated-bench.yaml >"$dir/rig.yaml"
}

rig '[{kind: stage-silent, at: 100 h}]'
"$seccm" run "$dir/p.yaml" --virtual -q -o "$dir/good.seccm" 2>"$dir/log" || fail "without faults: $(cat "$dir/log")"

rig '[{kind: stage-refusing, at: 5 s}]'
"$seccm" run "$dir/p.yaml" --virtual -q -o "$dir/bad.seccm" 2>"$dir/log"
[ $? != 0 ] || fail "a stage that refuses to move did not show"
grep -q 'stage: ' "$dir/log" || fail "nothing is told of the stage: $(cat "$dir/log")"

# Without its drop the glass is what meets the sample: even where nothing else is told, that is, and by what.
rig '[{kind: drop-lost, at: 1 s, for: 100 s}]'
"$seccm" run "$dir/p.yaml" --virtual -q -o "$dir/harmed.seccm" 2>"$dir/log"
[ $? != 0 ] || fail "a crash did not show"
grep -q 'saw what must never happen: [1-9][0-9]* crashes$' "$dir/log" || fail "what happened is not told: $(cat "$dir/log")"

# Started anew while nobody heard it: the policy of that class holds, whatever it is told as.
for seconds in 1 2 3; do
    sed 's/^site:/faults: {potentiostat-reset: pause}\n&/' "$dir/p.yaml" >"$dir/anew.yaml"
    rig "[{kind: potentiostat-reset, at: 12 s, for: $seconds s}]"
    "$seccm" run "$dir/anew.yaml" --virtual -q -o "$dir/anew$seconds.seccm" 2>"$dir/log"
    grep -q 'paused: .*may have started anew meanwhile (faults.potentiostat-reset: pause)' "$dir/log" || fail "a reset of $seconds s: $(cat "$dir/log")"
done

# Sites are counted over all parts of a run, and so are its faults.
rig '[{kind: potentiostat-reset, at: 12 s, for: 2 s}]'
"$seccm" run "$dir/p.yaml" --virtual -q --sites 1 -o "$dir/parts.seccm" 2>"$dir/log"
grep -q ' 2 visited; faults: 1 potentiostat-' "$dir/log" || fail "the first part: $(cat "$dir/log")"
"$seccm" resume "$dir/parts.seccm" --virtual -q >"$dir/log" 2>&1 || fail "the second part: $(cat "$dir/log")"
grep -q ' [3-9] visited; faults: 1 potentiostat-' "$dir/log" || fail "the whole run: $(cat "$dir/log")"

rig '[{kind: stage-silence, at: 5 s}]'
"$seccm" check "$dir/p.yaml" >/dev/null 2>"$dir/log"
[ $? = 1 ] || fail "an unknown kind passed the check"
grep -q 'rig.yaml:[0-9]*:[0-9]*: error' "$dir/log" || fail "no position: $(cat "$dir/log")"
grep -q 'did you mean `stage-silent`' "$dir/log" || fail "no suggestion: $(cat "$dir/log")"
rig '[{kind: stage-reset, at: 5 s, for: 2 s}]'
"$seccm" check "$dir/p.yaml" >/dev/null 2>"$dir/log"
[ $? = 1 ] || fail "a duration of what happens at an instant passed the check"

"$seccm" help rig >"$dir/help" || fail "help rig"
for kind in stage-silent stage-servo-dead potentiostat-error drop-pendant probe-wetting; do
    grep -q "^  $kind" "$dir/help" || fail "the help does not name $kind"
done
"$seccm" help simulate | cmp -s - /dev/null && fail "no help of simulate"
exit 0
