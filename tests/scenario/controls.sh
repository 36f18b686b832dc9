#!/bin/sh
# Control sites from the command line: in the plan, in a run that is killed at random lines of its progress and resumed (R4: the
# count goes on, no spot is used twice), and in the tables, which leave them out unless they are asked for. SECCM_TEST_KILLS (3).
. "$(dirname "$0")/lib"
protocol=$top/tests/data/steady/controls.yaml
seed=${SECCM_TEST_SEED:-$(date +%s)}
say "seed $seed (SECCM_TEST_SEED=$seed repeats it)"

expect 0 "$seccm" plan "$protocol" --csv
[ "$(grep -c ',control$' main.out)" -eq 12 ] || fail "the plan has not 12 spots"
expect 0 "$seccm" run "$protocol" --virtual -o whole.seccm
sites=$(grep -c '^site ' main.out)
expect 0 "$seccm" status whole.seccm
grep -q 'controls  6 of 12 spots visited, 0 failed' main.out || fail "status: $(cat main.out)"

# Left out by default, there if asked for, comparable.
rows() { "$seccm" features whole.seccm --csv "$@" | awk -F, 'NR > 1 { print $1 }' | sort -nu | awk '{ if ($1 > 36) c++; else s++ } END { print s + 0, c + 0 }'; }
[ "$(rows)" = "25 0" ] || [ "$(rows)" = "24 0" ] || fail "features: $(rows)"
[ "$(rows --role control)" = "0 6" ] || fail "features --role control: $(rows --role control)"
for role in measured control spare; do
    "$seccm" sites whole.seccm --role $role --csv >role.csv || fail "sites --role $role"
    "$seccm" sites whole.seccm --where "role = $role" --csv | cmp -s - role.csv && [ "$(wc -l <role.csv)" -gt 1 ] || fail "sites --role $role"
done
expect 2 "$seccm" sites whole.seccm --role controls

# No factor may have the name of a column that tables have anyway.
names=0
steady=$top/tests/data/steady
for name in $("$seccm" sites whole.seccm --csv | sed -n '1s/_um\|_s\b//g; 1s/,/ /gp') $("$seccm" features whole.seccm --csv | cut -d, -f1-5 | sed -n '1s/,/ /gp'); do
    grep -q "factors:.*\b$name:" "$protocol" && continue # its own
    case $name in *.* | *@*) continue ;; esac
    sed "s/cutoff/$name/g; s|rig: bench.yaml|rig: $steady/bench.yaml|" "$steady/short.yaml" >named.yaml
    expect 1 "$seccm" check named.yaml
    grep -q "\`$name\` can not name a factor: tables of sites have a column" main.out || fail "factor $name: $(cat main.out)"
    names=$((names + 1))
done
[ $names -ge 18 ] || fail "only $names columns"
say "$names columns can not name a factor"
expect 0 "$seccm" stats whole.seccm --feature formation.q_red@1 --by role
grep -q '^control *6 ' main.out || fail "stats --by role: $(cat main.out)"
expect 0 "$seccm" stats whole.seccm --feature formation.q_red@1
grep -q 'n = 24' main.out || fail "stats: $(cat main.out)"
expect 2 "$seccm" stats whole.seccm --feature formation.q_red@1 --role controls
expect 0 "$seccm" export whole.seccm -o tables
[ "$(grep -c ',control,' tables/sites.csv)" -eq 0 ] || fail "export holds controls"
expect 0 "$seccm" report whole.seccm -o report.html

k=0
while [ $k -lt "${SECCM_TEST_KILLS:-3}" ]; do
    k=$((k + 1))
    seed=$(awk -v s="$seed" 'BEGIN { print (s * 48271 + 11) % 2147483647 }')
    line=$(awk -v s="$seed" -v n="$sites" 'BEGIN { print 1 + int(s / 2147483647 * (n - 1)) }')
    rm -f part.*
    : >log # there before it is looked at
    "$seccm" run "$protocol" --virtual -o part.seccm >log 2>&1 &
    victim=$!
    started="$started $victim"
    while kill -0 $victim 2>/dev/null && [ "$(grep -c '^site ' log)" -lt "$line" ]; do :; done
    { kill -9 $victim && wait $victim; } 2>/dev/null
    expect 0 "$seccm" resume part.seccm
    expect 0 "$seccm" diff whole.seccm part.seccm
    say "killed at line $line: $(tail -n 1 main.out)"
    "$seccm" sites part.seccm --where 'role = control and outcome = measured' --csv | awk -F, 'NR > 1 && $7 != "measured" { exit 1 }' || fail "controls: $("$seccm" sites part.seccm)"
    twice=$("$seccm" sites part.seccm --where 'role = control' --csv | awk -F, 'NR > 1 && $10 > 1 { n++ } END { print n + 0 }')
    [ "$twice" -eq 0 ] || fail "$twice spots were touched twice"
done
