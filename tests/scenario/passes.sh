#!/bin/sh
# Steps that are played several times, and as often as what they measure asks for: every pass is kept under the one name,
# its cycles go on counting, and all that shows results shows all of them. Interrupted and resumed it is the same.
. "$(dirname "$0")/lib"
{
    sed "/^site:/,\$d; s|^rig: .*|rig: $top/tests/data/steady/bench.yaml|" "$top/tests/data/steady/protocol.yaml"
    cat <<'STEPS'
site:
  - repeat:
      count: 5
      until: {feature: formation.sei_film_ratio, below: 0.1}
      steps:
        - cv: {name: formation, start: 3 V, vertices: [$cutoff, 3 V], rate: 1 V/s}
        - hold: {name: soak, potential: 3 V, for: 0.1 s}
  - galvanostatic:
      name: cycling
      current: -10 pA
      until: {potential: "< 1 V", elapsed: 0.5 s}
      reverse: {current: 10 pA, until: {potential: "> 2 V", elapsed: 0.5 s}}
      cycles: 3
      sample: 5 ms
  - when: {feature: formation.q_sei@1, below: -1 nC, steps: [{hold: {name: never, potential: 3 V, for: 0.1 s}}]}
analysis: {sei: {step: formation, window: [1 V, 1.5 V]}}
STEPS
} >protocol.yaml
expect 0 "$seccm" run protocol.yaml --virtual -q -o a.seccm

# Passes by the events: one gate more than passes beyond the first of each site, unless all five were played.
"$seccm" export a.seccm --format csv -o tables >/dev/null || fail export
gates=$(grep -c ',gate,.*repeat1: ' tables/events.csv)
[ "$gates" -gt 0 ] || fail "no gate was told of"
[ "$(grep -c 'when1: .*steps left out' tables/events.csv)" = "$(outcomes a.seccm measured)" ] || fail "when"
[ ! -e tables/samples-never.csv ] || fail "steps were played that should have been left out"

# One line per site and pass: from the features, the exported samples and the command that shows a site.
"$seccm" features a.seccm --long --csv | grep ',formation,[0-9]*,q_sei,' |
    awk -F, '{ n[$1]++ } END { for (s in n) print s, n[s] }' | sort >features.passes
awk -F, 'NR > 2 { key = $1 " " $3; if (!(key in seen)) { seen[key] = 1; n[$1]++ } } END { for (s in n) print s, n[s] }' \
    tables/samples-formation.csv | sort >export.passes
for s in $(cut -d' ' -f1 export.passes); do
    "$seccm" show a.seccm "$s" --csv --step formation |
        awk -F, -v s="$s" 'NR > 2 && !($2 in seen) { seen[$2] = 1; n++ } END { print s, n }'
done >show.passes
cmp export.passes features.passes || fail "features tell of other passes than the samples"
cmp export.passes show.passes || fail "a site is shown with other passes than exported"
[ "$(awk '{ if ($2 > most) most = $2 } END { print most }' export.passes)" -gt 1 ] || fail "nothing was repeated"
say "passes of sites 1 to $(wc -l <export.passes): $(awk '{ printf "%s ", $2 }' export.passes)"

# The report draws every half of every cycle.
expect 0 "$seccm" report a.seccm -o report.html
halves=$(tr '{' '\n' <report.html | grep -c '^"s":[0-9]*,"k":[0-9]*,"c":[0-9]*,"q":')
[ "$halves" = $(($(outcomes a.seccm measured) * 6)) ] || fail "$halves halves of constant current in the report"

# Computed again from the samples, with the passes apart: the same numbers.
"$seccm" features a.seccm --long --csv >stored.csv
cp a.seccm again.seccm
expect 0 "$seccm" features again.seccm --recompute --long --csv
cmp main.out stored.csv || fail "recomputed features differ"

expect 0 "$seccm" run protocol.yaml --virtual -q --sites 3 -o b.seccm
expect 0 "$seccm" resume b.seccm
expect 0 "$seccm" diff a.seccm b.seccm
say "recomputed, resumed and reported: every pass is there"
