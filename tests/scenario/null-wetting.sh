#!/bin/sh
# Wetting alone is not called chemistry, and chemistry is found. On the null sample the drop spreads the further the lower the
# cut-off, and the film is the same: charges and their ratios differ between the cut-offs, yet no verdict may be an effect
# on the film. It may not even where the window of the analysis is chosen badly, so that it holds charge of film on
# what is being wetted, and the approach is done where film grows (the demonstration's protocol on the null sample). On the
# demonstration's sample, whose film does depend on the cut-off, the effect has to be found. SECCM_TEST_SEEDS samples of
# each (default 2); asks through `seccm stats --json` only.
. "$(dirname "$0")/lib"
seeds=${SECCM_TEST_SEEDS:-2}

# ask SEED FEATURE: verdict and p value of the feature itself, by cut-off
ask() {
    "$seccm" stats run.seccm --feature "formation.$2" --by cutoff --unverified with --resamples 200 --json >stats.json 2>stats.err ||
        fail "seed $1: stats $2: $(cat stats.err)"
    verdict=$(sed -n 's/.*"verdict": "\([^"]*\)".*/\1/p' stats.json)
    p=$(sed -n 's/.*"tests": \[{"name": "[^"]*"[^}]*"p_holm": \([^,}]*\).*/\1/p' stats.json)
    case $verdict in
    "effect" | "confounded with wetting" | "no effect shown") ;;
    *) fail "seed $1: $2 has the verdict \`$verdict\`" ;;
    esac
}
# campaign NAME PROTOCOL RIG FEATURES: appends NAME SEED FEATURE P VERDICT to `verdicts`
campaign() {
    seed=0
    while [ $((seed += 1)) -le "$seeds" ]; do
        rm -f run.*
        "$seccm" run "$2" --rig "$3" --virtual -q --seed $seed --sim-seed $seed -o run.seccm >run.log 2>&1 ||
            fail "$1, seed $seed: $(tail -n 3 run.log)"
        for feature in $4; do
            ask $seed "$feature"
            echo "$1 $seed $feature $p $verdict" >>verdicts
        done
    done
}

later="sei_charge_ratio@2 sei_charge_ratio@3 sei_charge_ratio@4 sei_charge_ratio@5"
film="sei_film_ratio@2 sei_film_ratio@5 q_sei_film@1 q_sei_film@2 q_sei_film@3 q_sei_film@4 q_sei_film@5"
sed 's/hopg\.yaml/null-wetting.yaml/' "$top/instruments/simulated-bench.yaml" >bench.yaml
ln -s "$top/instruments/samples" samples
campaign null "$top/examples/null-wetting.yaml" "$top/instruments/null-wetting-bench.yaml" "$later $film q_irr@1"
campaign badly-chosen "$top/examples/sei-screening.yaml" "$dir/bench.yaml" "$later $film"
campaign film "$top/examples/sei-screening.yaml" "$top/instruments/simulated-bench.yaml" "sei_charge_ratio@2 sei_charge_ratio@3"

awk -v seeds="$seeds" '
{ asked[$1]++; if (/ effect$/) effects[$1]++ }
/ effect$/ && $1 != "film" { print "not on the film: " $0; bad = 1 }
$1 == "null" && $3 ~ /^sei_charge_ratio/ { ratios++; if ($4 < 0.01) differ++ }
END {
    printf "seeds 1..%d. Null sample: %d of %d verdicts are an effect; the plain ratio differs in %d of %d.", seeds,
           effects["null"], asked["null"], differ, ratios
    printf " With the window badly chosen: %d of %d. Sample with an effect: found in %d of %d.\n", effects["badly-chosen"],
           asked["badly-chosen"], effects["film"], asked["film"]
    # The null has to be one that a plain test falls for; an effect may be missed once in twenty.
    if (differ < 0.9 * ratios || effects["film"] < 0.95 * asked["film"]) bad = 1
    exit bad
}' verdicts || {
    cat verdicts
    fail "verdicts"
}
