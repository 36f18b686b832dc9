#!/bin/sh
# Positions whose noise is a large part of the stage's tolerance are no stage that sinks: a night over such a stage measures all
# its sites.
. "$(dirname "$0")/lib"
for noise in '8 nm' '6 nm'; do
    sed "s|^simulate:|simulate:\n  stage: {noise: $noise}|" "$top/tests/data/steady/bench.yaml" >noisy.yaml
    sed "s|^rig: .*|rig: noisy.yaml|" "$top/tests/data/steady/protocol.yaml" >protocol.yaml
    cp "$top/tests/data/steady/sample.yaml" .
    for seed in 1 2 3; do
        rm -f run.seccm run.sample
        expect 0 "$seccm" run protocol.yaml --virtual --sim-seed $seed -q -o run.seccm
        grep -q '24 of 24 sites measured' main.out && ! grep -q 'off-target' main.out || fail "noise $noise, seed $seed: $(cat main.out)"
    done
    say "noise $noise of a tolerance of 20 nm: $(tail -n 1 main.out)"
done
exit 0
