#!/bin/sh
# The library: each protocol is checked, planned and run on the simulated sample that it is for, and what it finds is compared
# with what that sample knows (its truth and its ledger, which share nothing with the analysis). Each comparison is one
# that a protocol which measured something else would not pass: the order of the grades, the effect of the cut-off, a Tafel
# slope, the patches that a landing has to avoid. Bounds are some times the figures of seed 1.
. "$(dirname "$0")/lib"

# The parts go side by side; what each says is shown at its end.
parts() {
    for part in "$@"; do
        ("$part") >"$part.said" 2>&1 || { cat "$part.said"; exit 1; }
        cat "$part.said"
    done
}

# Runs a protocol of the library as NAME; nothing that must never happen may have happened. $2: options, $3: what else is changed.
visit() {
    who=$1 protocol=${3:-$top/protocols/$1.yaml}
    lines=$(grep -c '' "$protocol")
    [ "$lines" -le 60 ] || fail "$who: $lines lines are more than a page"
    # shellcheck disable=SC2086
    {
        expect 0 "$seccm" check "$protocol" ${2:-}
        expect 0 "$seccm" plan "$protocol" ${2:-}
        night=$(sed -n 's/^duration: about \(.*\) +- .*, \(.* per site\)$/\1, \2/p' "$who.out")
        expect 0 "$seccm" run "$protocol" ${2:-} --virtual -o "$who.seccm"
    }
    sed -n 's/^simulated sample: [0-9]* contacts, //p' "$who.out" | tr ',' '\n' | sed 's/^ *//' | grep -v ' spots revisited$' \
        >"$who.counted"
    [ -s "$who.counted" ] || fail "$who: nothing counted: $(cat "$who.out")"
    ! grep -v '^0 ' "$who.counted" || fail "$who: the sample saw $(cat "$who.counted")"
    "$seccm" sites "$who.seccm" --csv >"$who.sites" && "$seccm" features "$who.seccm" --long --csv >"$who.features" || fail "$who"
    n=$(outcomes "$who.seccm" measured)
    printf '%-28s %3d measured, %2d rejected; planned: %s\n' "$who" "$n" "$(outcomes "$who.seccm" landing-rejected)" "$night"
}
ledger() { # name, rig, low and high of the SEI window
    "$seccm" rig truth "$top/instruments/$2.yaml" --contacts --sample-state "$1.sample" --window-low "${3:-1.0}" \
        --window-high "${4:-1.5}" >"$1.ledger" || fail "$1: ledger"
}
# Functions and readers that every comparison has: by site s, `value[s, "step.feature@cycle"]` in SI (absent if missing),
# `at[s]` (place), `region[s]`, `outcome[s]`, `level[s]` (first factor); by place and number of the sweep from the contact on,
# the last contact at a place counting: `sweep[at, k, column]` and `sweeps[at]`.
cat >common.awk <<'E2'
function abs(x) { return x < 0 ? -x : x }
function place(x, y) { return sprintf("%.1f,%.1f", x, y) }
function add(name, v) { n[name]++; sum[name] += v; squares[name] += v * v; list[name, n[name]] = v }
function mean(name) { return n[name] ? sum[name] / n[name] : 0 }
function sd(name) { return n[name] > 1 ? sqrt((squares[name] - sum[name] ^ 2 / n[name]) / (n[name] - 1)) : 0 }
function median_of(v, m,    i, j, t) {
    for (i = 2; i <= m; i++) for (j = i; j > 1 && v[j] < v[j - 1]; j--) { t = v[j]; v[j] = v[j - 1]; v[j - 1] = t }
    return m ? (v[int((m + 1) / 2)] + v[int(m / 2) + 1]) / 2 : 0
}
function median(name,    i, v) { for (i = 1; i <= n[name]; i++) v[i] = list[name, i]; return median_of(v, n[name]) }
function spread(name,    i, m, v) {    # robust coefficient of variation
    m = median(name)
    for (i = 1; i <= n[name]; i++) v[i] = abs(list[name, i] - m)
    return abs(1.4826 * median_of(v, n[name]) / m)
}
function want(ok, text) { if (!ok) { print "FAILED: " text; bad = 1 } }
BEGIN { FS = "," }
FNR == 1 { file++; split("", column); for (k = 1; k <= NF; k++) column[$k] = k; next }
{ gsub(/"[^"]*"/, "text") }
file == 1 {
    s = $column["site"]; at[s] = place($column["x_um"], $column["y_um"]); outcome[s] = $column["outcome"]
    region[s] = $column["region"]; level[s] = $(column["block"] + 1); order[++sites] = s
}
file == 2 && $column["value_si"] != "" && $column["outcome"] == "measured" {
    name = $column["feature"]
    if ($column["step"] != "") name = $column["step"] "." name
    if ($column["cycle"] != "") name = name "@" $column["cycle"]
    value[$column["site"], name] = $column["value_si"]
}
file == 3 {
    a = place($column["x_um"], $column["y_um"])
    if ($column["t_s"] != since[a]) { since[a] = $column["t_s"]; sweeps[a] = 0 }
    sweeps[a]++
    for (c in column) sweep[a, sweeps[a], c] = $column[c]
}
E2
compare() { # name, program: prints its rows
    { cat common.awk && printf '%s\n' "$2"; } >"$1.awk"
    awk -f "$1.awk" "$1.sites" "$1.features" "$1.ledger" || fail "$1: the figures above"
}

# More edges: more charge of the film in the first cycle, less of it in the third (a film that passivates better).
hopg() {
    visit sei-hopg-grades
    ledger $who simulated-hopg-grades 0.5 1.8
    compare $who '
    END {
        for (i = 1; i <= sites; i++) {
            s = order[i]; a = at[s]; g = region[s]
            if (outcome[s] != "measured") continue
            add(g " charge", -value[s, "formation.q_sei@1"] * 1e12)
            add(g " ratio", value[s, "formation.sei_film_ratio@3"])
            k = 0 # the first sweep down from 3 V
            for (j = 1; j <= sweeps[a]; j++)
                if (!k && sweep[a, j, "direction"] == "reducing" && abs(sweep[a, j, "from_V"] - 3) < 0.01) k = j
            add(g " truth", -sweep[a, k, "q_sei_window_pC"])
        }
        split("few-edges some-edges many-edges", grade, " ")
        for (g = 1; g <= 3; g++) {
            printf "  %-12s n %d  q_sei@1 %.3f pC (truth %.3f)  of which in cycle 3 %.2f %%\n", grade[g], n[grade[g] " charge"],
                mean(grade[g] " charge"), mean(grade[g] " truth"), 100 * mean(grade[g] " ratio")
            want(n[grade[g] " charge"] == 24, "24 sites of each grade")
            want(abs(mean(grade[g] " charge") / mean(grade[g] " truth") - 1) < 0.12, "q_sei within 12 % of the film")
            if (g == 1) continue
            want(mean(grade[g] " charge") > 1.15 * mean(grade[g - 1] " charge"), "more edges, more charge")
            want(mean(grade[g] " ratio") < mean(grade[g - 1] " ratio"), "more edges, better passivation")
        }
        exit bad
    }'
}

# The lower the cut-off the more is lost in the first cycle, and what is found as lost is what the sample lost.
cutoff() { # native-oxide or etched
    visit cutoff-silicon-$1
    ledger $who simulated-silicon-$1
    grep -q '"1 M LiPF6 in EC:EMC 3:7"' "$top/protocols/$who.yaml" || fail "$who: no electrolyte"
    compare $who '
    END {
        for (i = 1; i <= sites; i++) {
            s = order[i]; a = at[s]; c = level[s]
            if (outcome[s] != "measured") continue
            add(c " lost", -value[s, "formation.q_irr@1"] * 1e12)
            add(c " later", value[s, "formation.q_red@4"] / value[s, "formation.q_red@1"])
            k = 0
            for (j = 1; j < sweeps[a]; j++)
                if (!k && sweep[a, j, "direction"] == "reducing" && abs(sweep[a, j, "from_V"] - 3) < 0.01) k = j
            # Without the leak of 5 Tohm, which the blank takes out: from the mean potential of a cycle at 1 V/s to 3.2 V.
            leak = ((3 + c) / 2 - 3.2) / 5 * 2 * (3 - c)
            add(c " truth", leak - sweep[a, k, "q_total_pC"] - sweep[a, k + 1, "q_total_pC"])
        }
        m = split("1.5 1 0.5 0.1 0.05", cut, " ")
        for (j = 1; j <= m; j++) {
            c = cut[j]
            printf "  cut-off %4s V  n %d  lost in cycle 1 %.3f pC (truth %.3f, spread %.0f %%)  cycle 4 over 1: %.2f\n", c, n[c " lost"],
                median(c " lost"), median(c " truth"), 100 * spread(c " lost"), median(c " later")
            want(n[c " lost"] == 20, "20 sites of each cut-off")
            want(abs(median(c " lost") - median(c " truth")) < 0.05 + 0.05 * median(c " truth"), "what was lost, within 5 % and 50 fC")
            if (j > 1 && j < 5) want(median(c " lost") > median(cut[j - 1] " lost") + (j == 2 ? 0.02 : 0.3), "the lower the cut-off, the more is lost")
        }
        printf "%.4f %.4f\n", spread("0.05 lost"), median("0.05 later") >"'$who'.figures"
        exit bad
    }'
}
silicon() {
    cutoff native-oxide
    cutoff etched
    cat cutoff-silicon-native-oxide.figures cutoff-silicon-etched.figures | awk '
        { spread[NR] = $1; later[NR] = $2 }
        END {
            printf "  etched against native oxide: spread %.0f %% against %.0f %%, cycle 4 over 1 %.2f against %.2f\n", 100 * spread[2],
                100 * spread[1], later[2], later[1]
            exit !(spread[2] > 1.5 * spread[1] && later[2] > later[1])
        }' || fail "etched silicon is the more heterogeneous and passivates less"
    # The second solvent: the same sites with the same levels, another electrolyte in the results.
    sed 's/^electrolyte: .*/electrolyte: "1 M LiPF6 in PC"/' "$top/protocols/cutoff-silicon-etched.yaml" |
        sed "s|\.\./|$top/|" >second-solvent.yaml
    visit second-solvent "" second-solvent.yaml
    cut -d, -f1-7 cutoff-silicon-etched.sites >first.levels
    cut -d, -f1-7 second-solvent.sites | cmp -s - first.levels || fail "the second solvent has other sites or levels"
    "$seccm" report second-solvent.seccm -o second-solvent.html && grep -q 'LiPF6 in PC' second-solvent.html || fail "no electrolyte"
}

# Additives: the same from spot to spot, and little growth later. One protocol, two simulated electrolytes.
additives() {
    visit fec-vc-comparison
    ledger $who simulated-silicon-etched 0.5 1.8
    one='
    END {
        for (i = 1; i <= sites; i++) {
            s = order[i]; a = at[s]
            if (outcome[s] != "measured") continue
            add("film", -value[s, "formation.q_sei_film@1"] * 1e12)
            add("later", value[s, "formation.sei_film_ratio@5"])
            k = 0
            for (j = 1; j <= sweeps[a]; j++)
                if (!k && sweep[a, j, "direction"] == "reducing" && abs(sweep[a, j, "from_V"] - 3) < 0.01) k = j
            add("truth", -sweep[a, k, "q_sei_window_pC"])
        }
        printf "  n %d  film %.3f pC (truth %.3f)  spread %.1f %% (truth %.1f %%)  cycle 5 over 1: %.3f\n", n["film"], median("film"),
            median("truth"), 100 * spread("film"), 100 * spread("truth"), median("later")
        want(n["film"] == 100, "100 sites")
        want(abs(median("film") / median("truth") - 1) < 0.08, "film within 8 %")
        want(abs(spread("film") / spread("truth") - 1) < 0.25, "spread within a quarter of the true one")
        print spread("film"), median("later") >"FIGURES"
        exit bad
    }'
    compare $who "$(printf '%s\n' "$one" | sed 's/FIGURES/base.figures/')"
    rm fec-vc-comparison.* # with the state of the sample, which would have been touched everywhere
    visit fec-vc-comparison "--rig $top/instruments/simulated-silicon-fec-vc.yaml"
    ledger $who simulated-silicon-fec-vc 0.5 1.8
    compare $who "$(printf '%s\n' "$one" | sed 's/FIGURES/additives.figures/')"
    cat base.figures additives.figures | awk '{ s[NR] = $1; r[NR] = $2 } END { exit !(s[2] < 0.75 * s[1] && r[2] < 0.6 * r[1]) }' ||
        fail "with additives the film is more homogeneous and grows less later"
}

# What comes out of a particle is what it holds: its activity times that of the sample; binder gives nothing back.
particles() {
    visit single-particles
    ledger $who simulated-composite
    "$seccm" rig truth "$top/instruments/simulated-composite.yaml" --grid "$top/grids/composite-image.yaml" --csv >>$who.truth || fail truth
    awk -F, 'NR == 1 { for (k = 1; k <= NF; k++) column[$k] = k; next } { printf "%.1f,%.1f %s\n", $column["x_um"], $column["y_um"], $column["activity"] }' \
        $who.truth >$who.activity
    compare $who '
    END {
        while ((getline line <"single-particles.activity") > 0) { split(line, w, " "); truth[w[1]] = w[2] }
        for (i = 1; i <= sites; i++) {
            s = order[i]; a = at[s]; g = region[s]
            if (outcome[s] != "measured") continue
            # Out of the host in the last sweep up. The capacitances take about 1.1 pC on the way as well, film and leak give some back.
            out = 0
            for (j = 1; j <= sweeps[a]; j++)
                if (sweep[a, j, "direction"] == "oxidising" && sweep[a, j, "from_V"] < 0.5) out = sweep[a, j, "q_host_pC"]
            found = value[s, "storage.capacity_back@2"] * 1e12
            holds = 50 * 3.14159265 / 4 * sweep[a, sweeps[a], "wetted_um"] ^ 2 # 5 mC/cm2 = 50 pC/um2
            add(g " part", found / holds); add(g " off", found - out); add(g " truth", truth[a])
            add(g " film", -value[s, "formation.q_sei_film@1"] * 1e12)
            if (g == "particle") {
                x = truth[a]; y = found / holds; m++; sx += x; sy += y; sxx += x * x; syy += y * y; sxy += x * y
            }
        }
        r = (m * sxy - sx * sy) / sqrt((m * sxx - sx * sx) * (m * syy - sy * sy))
        printf "  particles: n %d, given back %.2f of the wetted host (activity %.2f), correlation with activity %.3f; against the\n             ledger %+.2f pC, SD %.2f pC\n",
            m, mean("particle part"), mean("particle truth"), r, mean("particle off"), sd("particle off")
        printf "  binder:    n %d, given back %.2f, film %.2f of that of a particle\n", n["binder part"], mean("binder part"),
            mean("binder film") / mean("particle film")
        want(m == 12 && n["binder part"] == 6, "12 particles and 6 spots of binder")
        want(r > 0.95, "what is given back goes with the activity of the particle")
        want(abs(mean("particle off")) < 1 && sd("particle off") < 0.5, "what is given back, within 1 pC of the ledger")
        want(abs(mean("binder part")) < 0.06, "binder gives nothing back")
        want(mean("binder film") < 0.7 * mean("particle film"), "binder has less film")
        exit bad
    }'
}

# What comes off again over what was plated: the efficiency of the sample, less what the film took.
plating() {
    visit plating-copper
    ledger $who simulated-copper
    compare $who '
    END {
        for (i = 1; i <= sites; i++) {
            s = order[i]; a = at[s]; c = level[s]
            if (outcome[s] != "measured") continue
            # What stayed behind is 12 % of the metal; the rest of the charge went into the film, most of it in the first cycle.
            left = plated = stripped = 0
            for (j = 1; j <= sweeps[a]; j++) left -= sweep[a, j, "q_host_pC"]
            for (k = 1; k <= 3; k++) {
                plated += value[s, "plating.capacity@" k] * 1e12
                stripped += value[s, "plating.capacity_back@" k] * 1e12
                add(c " cycle " k, value[s, "plating.coulombic_efficiency@" k])
            }
            add(c " found", stripped / plated); add(c " metal", left / 0.12 / plated); add(c " truth", 0.88 * left / 0.12 / plated)
            add(c " dip", value[s, "plating.nucleation@1"] * 1e3)
        }
        m = split("-50 -100 -200", current, " ")
        for (j = 1; j <= m; j++) {
            c = current[j]
            printf "  %4d pA  n %d  efficiency %.3f (truth %.3f), by cycle %.3f %.3f %.3f; dip before the plateau %.0f mV\n", c, n[c " found"],
                mean(c " found"), mean(c " truth"), mean(c " cycle 1"), mean(c " cycle 2"), mean(c " cycle 3"), mean(c " dip")
            want(n[c " found"] == 16, "16 sites of each current")
            want(abs(mean(c " found") - mean(c " truth")) < 0.015, "efficiency within 0.015")
            want(mean(c " cycle 3") < 0.89 && mean(c " cycle 3") > 0.84, "what the sample gives back in the end: 88 %")
            want(mean(c " cycle 1") < mean(c " cycle 3") - 0.01, "the first cycle pays for the film")
            want(mean(c " dip") < -15 && mean(c " dip") > -150, "a dip of nucleation before the plateau")
        }
        exit bad
    }'
}

# Capacity by rate: insertion with this exchange current reaches the cut-off when the current needs all of the overpotential.
cathode() {
    visit cathode-rates
    ledger $who simulated-cathode
    compare $who '
    # Part of the host that is still filled when j (A/m2) has driven the electrode to 4.4 V.
    function left(j,    lo, hi, x, f, e) {
        f = 38.92; lo = 0; hi = 1
        for (i_ = 0; i_ < 60; i_++) {
            x = (lo + hi) / 2
            e = 4.4 - (3.95 - 0.5 * (x - 0.5))
            if (3 * (x * exp(f * e / 2) - (1 - x) * exp(-f * e / 2)) > j) hi = x
            else lo = x
        }
        return x
    }
    END {
        for (i = 1; i <= sites; i++) {
            s = order[i]; a = at[s]; c = level[s]
            if (outcome[s] != "measured") continue
            area = 3.14159265e-12 / 4 * sweep[a, sweeps[a], "wetted_um"] ^ 2 # m2
            expected = 50 * area * (1 - left(c * 1e-12 / area)) + 1e-12 + 0.115 * area # what the capacitances take over 1 V
            expected /= 1 - 0.7 / 5 / c # and the leak of 5 Tohm on the way, at 3.9 V in the mean
            add(c " found", value[s, "cycling.capacity@1"] / (50 * area)); add(c " truth", expected / (50 * area))
            add(c " ratio", value[s, "cycling.capacity@1"] / expected)
            add(c " back", value[s, "cycling.coulombic_efficiency@1"])
        }
        m = split("10 30 100 200 500", rate, " ")
        for (j = 1; j <= m; j++) {
            c = rate[j]
            printf "  %3d pA  n %d  charged %.3f of the host (expected %.3f; found / expected %.3f, SD %.3f)  given back %.3f of that\n", c,
                n[c " found"], mean(c " found"), mean(c " truth"), mean(c " ratio"), sd(c " ratio"), mean(c " back")
            want(n[c " found"] >= 9, "9 sites of each rate")
            want(abs(mean(c " ratio") - 1) < 0.04 && sd(c " ratio") < 0.04, "capacity within 4 % of what the isotherm gives")
            if (j > 1) want(mean(c " found") < mean(rate[j - 1] " found"), "the faster, the less")
        }
        want(mean("500 found") < 0.85 * mean("10 found"), "a loss of 15 % at the highest rate")
        exit bad
    }'
}

# The slope of a line through 48 spots at 16 potentials: 2.303 RT/(alpha F) of the couple.
tafel() {
    visit tafel-by-sites
    ledger $who simulated-slow-couple
    compare $who '
    END {
        for (i = 1; i <= sites; i++) {
            s = order[i]; a = at[s]
            if (outcome[s] != "measured") continue
            x = log(abs(value[s, "polarisation.i_end"])) / log(10); y = level[s]
            m++; sx += x; sy += y; sxx += x * x; syy += y * y; sxy += x * y
        }
        slope = -1e3 * (m * sxy - sx * sy) / (m * sxx - sx * sx)
        r = -(m * sxy - sx * sy) / sqrt((m * sxx - sx * sx) * (m * syy - sy * sy))
        printf "  n %d  Tafel slope %.1f mV per decade (118.3 for alpha = 0.5)  r %.4f\n", m, slope, r
        want(m == 48, "48 sites")
        want(abs(slope / 118.3 - 1) < 0.05 && r > 0.98, "Tafel slope within 5 %")
        exit bad
    }'
}

# Rejected is what landed on scale, and nothing else; the metal corrodes at the potential that it has.
corrosion() {
    visit corrosion-landing
    ledger $who simulated-steel
    "$seccm" rig truth "$top/instruments/simulated-steel.yaml" --grid "$top/grids/rect-9x6-wide.yaml" --csv |
        awk -F, 'NR == 1 { for (k = 1; k <= NF; k++) column[$k] = k; next }
            { printf "%.1f,%.1f %s %s\n", $column["x_um"], $column["y_um"], $column["region"], $column["corrosion_V"] }' >$who.truth
    compare $who '
    END {
        while ((getline line <"corrosion-landing.truth") > 0) { split(line, w, " "); scale[w[1]] = w[2] > 0; e_corr[w[1]] = w[3] }
        for (i = 1; i <= sites; i++) {
            s = order[i]; a = at[s]
            if (outcome[s] == "not-visited") continue
            if ((outcome[s] == "landing-rejected") != scale[a]) { print "  site " s ": " outcome[s] ", scale: " scale[a]; wrong++ }
            rejected += scale[a]
            if (outcome[s] != "measured") continue
            add("ocp", (value[s, "ocp.ocp_mean"] - e_corr[a]) * 1e3)
            add("landing", (value[s, "landing.ocp_mean"] - e_corr[a]) * 1e3)
        }
        printf "  metal: n %d, open circuit %+.1f mV from the truth (SD %.1f), when tested %+.1f mV; scale: %d landings, all rejected\n", n["ocp"],
            mean("ocp"), sd("ocp"), mean("landing"), rejected
        want(n["ocp"] == 54, "54 sites of metal"); want(rejected >= 15, "15 landings on scale"); want(!wrong, "rejected is scale, and only that")
        want(abs(mean("ocp")) < 2 && sd("ocp") < 1 && abs(mean("landing")) < 5, "corrosion potential within 2 mV")
        exit bad
    }'
}

# The half-wave potential, forth and back: it tells that the wire is at 3.15 V where 3.2 V was assumed.
redox() {
    visit redox-calibration
    ledger $who simulated-redox-couple
    compare $who '
    END {
        for (i = 1; i <= sites; i++) {
            s = order[i]
            if (outcome[s] != "measured") continue
            add("offset", 3.2 - (value[s, "forth.e_half@1"] - 3.24))
            add("back", 3.2 - (value[s, "back.e_half@1"] - 3.24))
            add("limit", value[s, "forth.i_lim@1"] * 1e12)
        }
        printf "  n %d  limiting current %.1f pA (30)  offset of the reference %.4f V forth, %.4f V back (truth 3.1500), SD %.1f mV\n", n["offset"],
            mean("limit"), mean("offset"), mean("back"), 1e3 * sd("offset")
        want(n["offset"] == 12, "12 sites")
        want(abs(mean("offset") - 3.15) < 0.003 && abs(mean("back") - 3.15) < 0.003, "offset within 3 mV")
        want(sd("offset") < 0.003 && abs(mean("limit") - 30) < 1, "limiting current within 1 pA")
        exit bad
    }'
}

for part in "hopg" "silicon" "additives" "particles plating" "cathode tafel" "corrosion redox"; do
    beside parts $part
done
all_well
