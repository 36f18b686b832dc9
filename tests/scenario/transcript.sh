#!/bin/sh
# A transcript is a record that can be played back: a whole run again from what the devices once said, bit for bit, and a
# `rig check` of an instrument that is not there. What differs from the record is told by line.
. "$(dirname "$0")/lib"
rig=$top/tests/data/steady/bench.yaml protocol=$top/tests/data/steady/short.yaml
expect 0 "$seccm" run "$protocol" --virtual --transcript once.txt -o once.seccm
links="--stage replay:once.txt --potentiostat replay:once.txt"

# shellcheck disable=SC2086
expect 0 "$seccm" run "$protocol" --virtual $links -o again.seccm
expect 0 "$seccm" diff once.seccm again.seccm --features
say "whole run: $(wc -l <once.txt) lines, $(cat main.out)"

# shellcheck disable=SC2086
expect 0 "$seccm" rig check "$rig" $links
grep -q '^potentiostat  nexus, firmware' main.out || fail "$(cat main.out)"
say "rig check: $(grep '^position' main.out)"

# Another protocol is another conversation: it ends where it first differs, as a fault of the link, and says in which line.
# shellcheck disable=SC2086
expect 3 "$seccm" run "$top/tests/data/steady/protocol.yaml" --virtual $links -o other.seccm
grep -q 'once.txt:[0-9]*: the transcript has' main.out || fail "$(cat main.out)"
grep -q 'NOT verified safe' main.out || fail "$(cat main.out)"
say "other protocol: $(grep -o 'once.txt:[0-9]*: the transcript has.*' main.out | head -n 1 | cut -c 1-100)"

# An existing transcript is not overwritten, and a rig file that expects another model does not accept this one.
expect 3 "$seccm" run "$protocol" --virtual --transcript once.txt -o third.seccm
[ ! -e third.seccm ] || fail "a results file was left"
sed 's/model: nexus/model: emstat4-lr/' "$rig" >other-model.yaml
cp "$top/tests/data/steady/sample.yaml" .
# shellcheck disable=SC2086
"$seccm" rig check other-model.yaml $links >main.out 2>&1 && fail "another model: $(cat main.out)"
say "other model: $(head -n 1 main.out)"
