#!/bin/sh
# Steps of other files are inputs of a run like the protocol itself: the results file holds their bytes, a resumed run goes on
# with those, and others are refused. They lie in the protocol's folder unless the user says otherwise.
. "$(dirname "$0")/lib"
sed "s|^rig: .*|rig: $top/tests/data/steady/bench.yaml|" "$top/tests/data/steady/protocol.yaml" >whole.yaml
sed '/^  - hold/,/^  - ocp/d; s|^site:|site:\n  - include: parts/first.yaml|' whole.yaml >protocol.yaml
mkdir parts
{
    echo 'seccm: 1'
    echo 'steps:'
    sed -n '/^  - hold/,/^  - galvanostatic/p' whole.yaml
    echo '  - include: last.yaml'
} >parts/first.yaml
printf 'seccm: 1\nsteps:\n  - ocp: {for: 0.2 s}\n' >parts/last.yaml

# The same steps, wherever they stand.
expect 0 "$seccm" run whole.yaml --virtual -q -o whole.seccm
expect 0 "$seccm" run protocol.yaml --virtual -q -o a.seccm
expect 0 "$seccm" diff whole.seccm a.seccm
say "a protocol with its steps in two other files gives the same results"

# Twice the same file: the hint must lead somewhere.
printf 'seccm: 1\nsteps:\n  - hold: {name: again, potential: 3 V, for: 0.2 s}\n' >parts/again.yaml
sed 's|^  - ocp.*|&\n  - include: parts/again.yaml\n  - include: parts/again.yaml|' whole.yaml >twice.yaml
expect 1 "$seccm" check twice.yaml
grep -q 'part: \[include: FILE\].* under `steps`, and `use: {step: part, as: NAME}`' main.out || fail "hint: $(cat main.out)"
sed 's|^site:|steps:\n  part: [include: parts/again.yaml]\nsite:|' whole.yaml |
    sed 's|^  - ocp.*|&\n  - use: {step: part, as: one}\n  - use: {step: part, as: two}|' >twice.yaml
expect 0 "$seccm" check twice.yaml
say "what is included twice: the hint works"

# A resumed run does not go on beside others.
expect 0 "$seccm" run protocol.yaml --virtual -q --sites 5 -o b.seccm
cp parts/last.yaml kept.yaml
sed -i 's/0.2 s/0.3 s/' parts/last.yaml
expect 1 "$seccm" resume b.seccm --accept
grep -q 'parts/last.yaml:3: steps.1..ocp.for: 0.2 s -> 0.3 s' main.out || fail "resumed: $(cat main.out)"
mv kept.yaml parts/last.yaml
mv parts parts.gone
expect 0 "$seccm" resume b.seccm
expect 0 "$seccm" diff whole.seccm b.seccm
mv parts.gone parts
say "changed steps are not resumed with, those that are gone are taken from the results file"

# Outside of the folder only if the user says so; the run is resumed as it was allowed.
mkdir below
sed 's|include: parts/|include: ../parts/|' protocol.yaml >below/protocol.yaml
expect 1 "$seccm" check below/protocol.yaml
grep -q 'lies outside the folder of the protocol' main.out || fail "outside: $(cat main.out)"
for command in check plan; do expect 0 "$seccm" $command below/protocol.yaml --include-outside; done
expect 0 "$seccm" run below/protocol.yaml --include-outside --virtual -q --sites 5 -o c.seccm
expect 0 "$seccm" resume c.seccm
ln -s ../parts/first.yaml below/link.yaml
sed -i 's|include: ../parts/first.yaml|include: link.yaml|' below/protocol.yaml
expect 1 "$seccm" check below/protocol.yaml
say "files outside of the folder, by link too, are read only when that is asked for"
