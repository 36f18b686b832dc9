#!/bin/sh
# What the demonstration finds against what the simulated sample knows: height of contact, SEI charge, and its ratio to
# the first cycle, as bias and SD over 100 sites. The sample keeps a ledger of every contact (`rig truth --contacts`); it
# shares nothing with the analysis. Bounds are some times the figures of seed 1, so that a change for the worse shows.
. "$(dirname "$0")/lib"
rig=$top/instruments/simulated-bench.yaml

"$seccm" run "$top/examples/sei-screening.yaml" --virtual -q -o run.seccm 2>run.log || fail run
"$seccm" sites run.seccm --csv >sites.csv || fail sites
"$seccm" features run.seccm --long --csv >features.csv || fail features
"$seccm" rig truth "$rig" --contacts --sample-state run.sample >ledger.csv || fail truth

# Columns are found by name. The reducing sweeps of the voltammogram are the first five that start at 3 V.
awk -F, '
function abs(x) { return x < 0 ? -x : x }
function place(x, y) { return sprintf("%.1f,%.1f", x, y) }
function add(name, value) { n[name]++; sum[name] += value; squares[name] += value * value }
function bound(name, unit, scale, most_bias, most_sd, of,    bias, sd) {
    if (n[name] < 95) { printf "FAIL: %s: %d values\n", name, n[name]; bad = 1; return }
    bias = sum[name] / n[name]
    sd = sqrt((squares[name] - n[name] * bias * bias) / (n[name] - 1))
    printf "%-24s n %3d  bias %+8.3g %s  SD %7.3g %s", name, n[name], bias * scale, unit, sd * scale, unit
    if (of != "")
        printf "  of %.4g %s (%+.2g %%, %.2g %%)", sum[of] / n[of] * scale, unit, 100 * bias / abs(sum[of] / n[of]),
               100 * sd / abs(sum[of] / n[of])
    printf "\n"
    if (abs(bias * scale) > most_bias || sd * scale > most_sd) {
        printf "FAIL: %s: wanted |bias| <= %g and SD <= %g %s\n", name, most_bias, most_sd, unit
        bad = 1
    }
}
FNR == 1 { file++; delete column; for (k = 1; k <= NF; k++) column[$k] = k; next }
file == 1 {
    at = place($column["x_um"], $column["y_um"])
    if ($column["t_s"] != started[at]) { started[at] = $column["t_s"]; sweeps[at] = 0 } # a later contact counts
    z[at] = $column["contact_z_um"] * 1e-6
    if ($column["direction"] == "reducing" && abs($column["from_V"] - 3) < 0.01)
        truth[at, ++sweeps[at]] = $column["q_sei_window_pC"] * 1e-12
}
file == 2 && $column["outcome"] == "measured" {
    site_at[$column["site"]] = at = place($column["x_um"], $column["y_um"])
    add("contact_z", $column["contact_z_um"] * 1e-6 - z[at])
}
file == 3 && ($column["site"] in site_at) && $column["value_si"] != "" {
    at = site_at[$column["site"]]; k = $column["cycle"]; name = $column["feature"]
    if (name == "q_sei" || name == "q_sei_film") {
        add(name "@" k, $column["value_si"] - truth[at, k])
        if (name == "q_sei_film") add("truth@" k, truth[at, k])
    }
    if (name == "sei_charge_ratio" || name == "sei_film_ratio") {
        add(name "@" k, $column["value_si"] - truth[at, k] / truth[at, 1])
        if (name == "sei_film_ratio") add("true ratio@" k, truth[at, k] / truth[at, 1])
    }
}
END {
    bound("contact_z", "nm", 1e9, 3, 3, "")
    for (k = 1; k <= 5; k++)
        bound("q_sei@" k, "fC", 1e15, 45, 15, "truth@" k)
    for (k = 1; k <= 5; k++)
        bound("q_sei_film@" k, "fC", 1e15, 15, 10, "truth@" k)
    for (k = 2; k <= 5; k++)
        bound("sei_charge_ratio@" k, "  ", 1, 0.15, 0.15, "true ratio@" k)
    for (k = 2; k <= 5; k++)
        bound("sei_film_ratio@" k, "  ", 1, 0.05, 0.12, "true ratio@" k)
    exit bad
}' ledger.csv sites.csv features.csv || fail "the figures above"
