// The report's figures. Everything shown comes from the JSON in this page; texts are set as text, never as HTML.
"use strict";
(function () {
const D = JSON.parse(document.getElementById("data").textContent);
const $ = (id) => document.getElementById(id);
// Okabe and Ito's palette, which people with any colour vision can tell apart.
const PALETTE = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#8a6d00", "#000000"];
const OUTCOMES = {
  "measured": ["#009e73", "circle"], "no-contact": ["#9aa3ab", "crossRot"], "unconfirmed": ["#56b4e9", "rect"],
  "already-wet": ["#0072b2", "rectRot"], "not-detached": ["#8a6d00", "rect"], "overload": ["#e69f00", "triangle"],
  "meniscus-lost": ["#d55e00", "triangle"], "suspected-crash": ["#000000", "star"], "landing-rejected": ["#cc79a7", "rectRot"],
  "out-of-range": ["#5b6670", "cross"], "fault": ["#000000", "crossRot"], "skipped": ["#c9cfd4", "rect"],
  "interrupted": ["#e69f00", "cross"], "aborted": ["#d55e00", "cross"], "not-visited": ["#dfe4e8", "circle"],
  "in-progress": ["#56b4e9", "star"],
};
// Viridis (CC0), 16 stops.
const VIRIDIS = ["440154", "481a6c", "472f7d", "414487", "39568c", "31688e", "2a788e", "23888e", "1f988b", "22a884",
  "35b779", "54c568", "7ad151", "a5db36", "d2e21b", "fde725"].map((h) => [0, 2, 4].map((k) => parseInt(h.substr(k, 2), 16)));
const state = { feature: 0, factor: D.factors.length ? 0 : -1, without: false, site: -1 };
const charts = {};

Chart.defaults.font.family = getComputedStyle(document.body).fontFamily;
Chart.defaults.font.size = 12;
Chart.defaults.color = "#414a52";
Chart.defaults.animation = false;
Chart.defaults.maintainAspectRatio = false;
Chart.defaults.plugins.legend.display = false;
Chart.defaults.devicePixelRatio = Math.max(2, window.devicePixelRatio || 1); // sharp on paper too

// --- numbers and texts ---------------------------------------------------------------------------------------
const isNumber = (v) => v !== null && v !== undefined && isFinite(v);
function show(v, digits) {
  if (!isNumber(v)) return "–";
  if (v === 0) return "0";
  const a = Math.abs(v);
  const text = a >= 1e5 || a < 1e-3 ? v.toExponential((digits || 3) - 1) : String(Number(v.toPrecision(digits || 3)));
  return text.replace("-", "−");
}
const withUnit = (name, unit) => unit ? name + " / " + unit : name;
function rgba(hex, alpha) {
  const n = parseInt(hex.slice(1), 16);
  return "rgba(" + (n >> 16) + "," + (n >> 8 & 255) + "," + (n & 255) + "," + alpha + ")";
}
function viridis(x) {
  const at = Math.max(0, Math.min(0.99999, x)) * (VIRIDIS.length - 1), k = Math.floor(at), f = at - k;
  return "rgb(" + VIRIDIS[k].map((c, j) => Math.round(c + f * (VIRIDIS[k + 1][j] - c))).join(",") + ")";
}
function quantile(sorted, p) { // type 7
  if (!sorted.length) return NaN;
  const h = (sorted.length - 1) * p, k = Math.floor(h);
  return sorted[k] + (h - k) * ((k + 1 < sorted.length ? sorted[k + 1] : sorted[k]) - sorted[k]);
}
const rising = (values) => values.slice().sort((a, b) => a - b);
function element(tag, text, parent, className) {
  const e = document.createElement(tag);
  if (text !== undefined && text !== null) e.textContent = text;
  if (className) e.className = className;
  if (parent) parent.appendChild(e);
  return e;
}
function clear(e) { while (e.firstChild) e.removeChild(e.firstChild); }

// --- sites, levels, features ---------------------------------------------------------------------------------
const levels = () => state.factor < 0 ? ["all sites"] : D.factors[state.factor].levels;
const levelOf = (k) => state.factor < 0 ? 0 : D.factors[state.factor].of[k];
const colour = (level) => PALETTE[(level < 0 ? 7 : level) % PALETTE.length];
const levelName = (l) => state.factor < 0 ? levels()[l] : D.factors[state.factor].name + " = " + levels()[l];
const isUnverified = (k) => ["meniscus-unverified", "meniscus-spreading", "contact-interrupted", "probe-suspect"].some((f) => D.sites[k].flags.split(",").includes(f));
const isIn = (k) => D.sites[k].outcome === "measured" && !(state.without && isUnverified(k));
const feature = () => D.features[state.feature];
function value(k) { const v = feature().v[k]; return isIn(k) && isNumber(v) ? v : null; }
function label(f) {
  return (f.step ? f.step + "." : "") + f.name + (f.cycle ? "@" + f.cycle : "");
}
const stats = () => D.stats.find((s) => s.feature === state.feature && s.factor === state.factor && s.without === (state.without ? 1 : 0)) ||
  D.stats.find((s) => s.feature === state.feature && s.factor === state.factor);
// The trend is told once per feature: by the first factor, with all sites.
const drift = () => D.stats.find((s) => s.feature === state.feature && s.drift);
function reason(k) {
  const s = D.sites[k];
  if (s.outcome !== "measured") return s.outcome + (s.reason ? ": " + s.reason : "");
  if (state.without && isUnverified(k)) return "meniscus or probe not verified";
  return feature().missing[k] || "no value in the file";
}
function describe(k) {
  const s = D.sites[k], lines = ["site " + s.site];
  D.factors.forEach((f) => { if (f.of[k] >= 0) lines.push(f.name + " = " + f.levels[f.of[k]]); });
  if (s.stands) lines.push("spare for site " + s.stands);
  const v = value(k);
  lines.push(v === null ? reason(k) : label(feature()) + " = " + show(v, 4) +
    (isNumber(feature().u[k]) ? " ± " + show(feature().u[k], 2) : "") + (feature().unit ? " " + feature().unit : ""));
  if (isNumber(s.z)) lines.push("contact at " + show(s.z, 5) + " µm");
  if (s.flags) lines.push(s.flags);
  return lines;
}
// Values by level, each with its site.
function byLevel() {
  const out = levels().map(() => []);
  D.sites.forEach((s, k) => { const l = levelOf(k), v = value(k); if (l >= 0 && v !== null) out[l].push({ site: k, v: v }); });
  return out;
}
function missingText() {
  const why = {};
  let wanted = 0, n = 0;
  D.sites.forEach((s, k) => {
    if (s.unused) return;
    wanted++;
    if (value(k) !== null) { n++; return; }
    const r = D.sites[k].outcome !== "measured" ? D.sites[k].outcome : reason(k);
    why[r] = (why[r] || 0) + 1;
  });
  const parts = Object.keys(why).map((r) => why[r] + " " + r);
  return "n = " + n + " of " + wanted + (parts.length ? "; missing: " + parts.join(", ") : "") + ".";
}

// --- charts --------------------------------------------------------------------------------------------------
function axis(title, more) {
  return Object.assign({ type: "linear", title: { display: true, text: title, font: { weight: "600" } }, grid: { color: "#eceff1" },
    border: { color: "#98a1a8" }, ticks: { maxTicksLimit: 7, callback: (v) => show(v, 5) } }, more);
}
function draw(id, config) {
  if (charts[id]) charts[id].destroy();
  charts[id] = new Chart($(id), config);
  return charts[id];
}
const tip = { displayColors: false, callbacks: { title: () => "", label: (c) => c.raw && c.raw.site !== undefined ? describe(c.raw.site) : "" },
  filter: (c) => c.raw && c.raw.site !== undefined };
function pick(event, hits, chart) {
  const hit = hits.map((h) => chart.data.datasets[h.datasetIndex].data[h.index]).find((p) => p && p.site !== undefined);
  if (hit) choose(hit.site === state.site ? -1 : hit.site);
}
function options(x, y, more) {
  return Object.assign({ onClick: pick, scales: { x: x, y: y }, plugins: { tooltip: tip, legend: { display: false } },
    interaction: { mode: "nearest", intersect: true }, layout: { padding: { right: 8, top: 4 } } }, more);
}
function levelKey(id) {
  const key = $(id);
  clear(key);
  if (state.factor < 0) return;
  element("span", D.factors[state.factor].name, key);
  levels().forEach((name, l) => { const s = element("span", null, key); element("i", null, s).style.background = colour(l); s.appendChild(document.createTextNode(name)); });
}

// --- maps ----------------------------------------------------------------------------------------------------
const pitch = (function () { // smallest distance between two sites
  let least = Infinity;
  const s = D.sites.map((p) => [p.x, p.y]).sort((a, b) => a[0] - b[0]);
  for (let i = 0; i < s.length; i++)
    for (let j = i + 1; j < s.length && s[j][0] - s[i][0] < least; j++) {
      const d = Math.hypot(s[i][0] - s[j][0], s[i][1] - s[j][1]);
      if (d > 0 && d < least) least = d;
    }
  return isFinite(least) ? least : 1;
})();
const box = (function () {
  const seen = D.sites.filter((s) => !s.unused), list = seen.length ? seen : D.sites;
  const span = (f) => [Math.min.apply(null, list.map(f)) - 0.8 * pitch, Math.max.apply(null, list.map(f)) + 0.8 * pitch];
  return { x: span((s) => s.x), y: span((s) => s.y) };
})();
// One micrometre is as long along y as along x, and circles nearly touch.
const equal = { id: "equal", beforeDatasetsDraw(chart) {
  const a = chart.chartArea, w = a.right - a.left, h = a.bottom - a.top;
  const perPixel = Math.max((box.x[1] - box.x[0]) / w, (box.y[1] - box.y[0]) / h);
  const want = [["x", w], ["y", h]].map(([k, size]) => { const m = (box[k][0] + box[k][1]) / 2, half = size * perPixel / 2; return [k, m - half, m + half]; });
  const radius = Math.max(2, Math.min(14, 0.42 * pitch / perPixel));
  const now = chart.options.scales;
  if (want.every(([k, from, to]) => Math.abs(now[k].min - from) < 1e-9 && Math.abs(now[k].max - to) < 1e-9) && chart.$radius === radius) return;
  want.forEach(([k, from, to]) => { now[k].min = from; now[k].max = to; });
  chart.$radius = radius;
  chart.data.datasets.forEach((d) => { d.pointRadius = (d.$small || 1) * radius; d.pointHoverRadius = (d.$small || 1) * radius + 1; });
  setTimeout(() => { if (chart.ctx) chart.update("none"); }, 0);
} };
const ring = { id: "ring", afterDatasetsDraw(chart) { // the chosen site
  if (state.site < 0) return;
  const c = chart.ctx, s = D.sites[state.site];
  c.save();
  c.strokeStyle = "#000";
  c.lineWidth = 2.5;
  c.beginPath();
  c.arc(chart.scales.x.getPixelForValue(s.x), chart.scales.y.getPixelForValue(s.y), (chart.$radius || 4) + 2.5, 0, 7);
  c.stroke();
  c.restore();
} };
function mapChart(id, datasets) {
  const whole = (v) => Math.abs(v - Math.round(v)) < 1e-6 ? show(v, 6) : null;
  const ax = (title) => axis(title, { grid: { display: false }, ticks: { callback: (v, i, all) => i === 0 || i === all.length - 1 ? whole(v) : show(v, 4), includeBounds: false, maxTicksLimit: 7 } });
  const old = charts[id];
  const ranges = old ? [old.options.scales.x.min, old.options.scales.x.max, old.options.scales.y.min, old.options.scales.y.max, old.$radius] : null;
  const config = { type: "scatter", data: { datasets: datasets }, plugins: [equal, ring], options: options(ax("x / µm"), ax("y / µm")) };
  if (ranges) {
    config.options.scales.x.min = ranges[0]; config.options.scales.x.max = ranges[1];
    config.options.scales.y.min = ranges[2]; config.options.scales.y.max = ranges[3];
    datasets.forEach((d) => { d.pointRadius = (d.$small || 1) * ranges[4]; d.pointHoverRadius = d.pointRadius + 1; });
  }
  const chart = draw(id, config);
  if (ranges) chart.$radius = ranges[4];
}
// Coloured by value between the 2nd and the 98th percentile, so that one outlier does not flatten the picture.
function valueMap(id, get, unit) {
  const all = [], absent = [];
  D.sites.forEach((s, k) => { if (s.unused) return; const v = get(k); if (v === null) absent.push({ x: s.x, y: s.y, site: k }); else all.push({ x: s.x, y: s.y, site: k, v: v }); });
  const sorted = rising(all.map((p) => p.v));
  let low = quantile(sorted, 0.02), high = quantile(sorted, 0.98);
  if (!(high > low)) { high = low + Math.abs(low) * 1e-6 + 1e-12; }
  const at = (v) => (v - low) / (high - low);
  mapChart(id, [
    { data: all, pointBackgroundColor: all.map((p) => viridis(at(p.v))), pointBorderColor: "rgba(0,0,0,.25)", pointBorderWidth: 0.5 },
    { data: absent, $small: 0.55, pointStyle: "crossRot", pointBorderColor: "#9aa3ab", pointBorderWidth: 1.5, pointBackgroundColor: "transparent" }]);
  const scale = $(id + "-scale");
  clear(scale);
  if (!sorted.length) return;
  element("span", (sorted[0] < low ? "≤ " : "") + show(low, 3), scale);
  element("div", null, scale).style.background = "linear-gradient(90deg," + [0, 0.125, 0.25, 0.375, 0.5, 0.625, 0.75, 0.875, 1].map(viridis).join(",") + ")";
  element("span", (sorted[sorted.length - 1] > high ? "≥ " : "") + show(high, 3) + (unit ? " " + unit : ""), scale);
}
function drawMap() {
  $("map-title").textContent = withUnit(label(feature()), feature().unit);
  valueMap("map", value, feature().unit);
  $("map-note").textContent = missingText() + " × no value.";
}
function drawOutcomes() {
  const groups = {};
  D.sites.forEach((s, k) => { if (!s.unused) (groups[s.outcome] = groups[s.outcome] || []).push({ x: s.x, y: s.y, site: k }); });
  const names = Object.keys(OUTCOMES).filter((n) => groups[n]);
  const isLine = (style) => ["crossRot", "cross", "star"].includes(style);
  mapChart("outcomes", names.map((n) => ({ data: groups[n], $small: n === "measured" ? 0.8 : 0.9, pointStyle: OUTCOMES[n][1],
    pointBackgroundColor: OUTCOMES[n][0], pointBorderColor: isLine(OUTCOMES[n][1]) ? OUTCOMES[n][0] : "rgba(0,0,0,.35)",
    pointBorderWidth: isLine(OUTCOMES[n][1]) ? 2 : 0.5 })));
  const key = $("outcomes-key");
  clear(key);
  names.forEach((n) => {
    const s = element("span", null, key), c = element("canvas", null, s);
    c.width = c.height = 24;
    const g = c.getContext("2d");
    g.fillStyle = g.strokeStyle = OUTCOMES[n][0];
    g.lineWidth = 3;
    Chart.helpers.drawPoint(g, { pointStyle: OUTCOMES[n][1], radius: 9, rotation: 0, borderWidth: 3 }, 12, 12);
    s.appendChild(document.createTextNode(n + " " + groups[n].length));
  });
  const unverified = D.sites.filter((s, k) => s.outcome === "measured" && isUnverified(k)).length;
  if (unverified) element("span", "of the measured, " + unverified + " with unverified meniscus or probe", key);
}
// Least-squares plane through the contact heights.
function plane(p) {
  if (p.length < 4) return null;
  const n = p.length, mean = (f) => p.reduce((a, q) => a + f(q), 0) / n;
  const mx = mean((q) => q.x), my = mean((q) => q.y), mz = mean((q) => q.z);
  let xx = 0, xy = 0, yy = 0, xz = 0, yz = 0;
  p.forEach((q) => { const x = q.x - mx, y = q.y - my, z = q.z - mz; xx += x * x; xy += x * y; yy += y * y; xz += x * z; yz += y * z; });
  const det = xx * yy - xy * xy;
  if (!(det > 1e-9 * xx * yy)) return null;
  const a = (xz * yy - yz * xy) / det, b = (yz * xx - xz * xy) / det;
  const residual = Math.sqrt(p.reduce((s, q) => s + Math.pow(q.z - mz - a * (q.x - mx) - b * (q.y - my), 2), 0) / (n - 3));
  return { at: (x, y) => mz + a * (x - mx) + b * (y - my), a: a, b: b, residual: residual };
}
function drawHeight() {
  const known = D.sites.filter((s) => isNumber(s.z)), fit = plane(known), flat = $("level").checked && fit;
  const rounded = (z) => Math.round(z * 1e5) / 1e5; // to 10 pm: what is below is arithmetic, not surface
  valueMap("height", (k) => isNumber(D.sites[k].z) ? rounded(D.sites[k].z - (flat ? fit.at(D.sites[k].x, D.sites[k].y) : 0)) : null, "µm");
  $("height-note").textContent = "n = " + known.length + "." + (fit ? " Fitted plane: slope " + show(fit.a * 1e3, 3) + " nm/µm along x, " +
    show(fit.b * 1e3, 3) + " nm/µm along y; SD about it " + show(rounded(fit.residual) * 1e3, 3) + " nm." : "");
}

// --- distributions -------------------------------------------------------------------------------------------
function jitter(k) { const x = Math.sin(k * 12.9898 + 4.1) * 43758.5453; return (x - Math.floor(x) - 0.5) * 0.42; }
const boxes = { id: "boxes", beforeDatasetsDraw(chart) {
  const c = chart.ctx, X = (v) => chart.scales.x.getPixelForValue(v), Y = (v) => chart.scales.y.getPixelForValue(v);
  c.save();
  chart.$groups.forEach((g, l) => {
    const s = rising(g.map((p) => p.v));
    if (s.length < 3) return;
    const q1 = quantile(s, 0.25), q2 = quantile(s, 0.5), q3 = quantile(s, 0.75), reach = 1.5 * (q3 - q1);
    const low = s.find((v) => v >= q1 - reach), high = s.slice().reverse().find((v) => v <= q3 + reach);
    const left = X(l - 0.32), right = X(l + 0.32);
    c.strokeStyle = colour(state.factor < 0 ? 0 : l);
    c.fillStyle = rgba(colour(state.factor < 0 ? 0 : l), 0.12);
    c.lineWidth = 1.5;
    c.fillRect(left, Y(q3), right - left, Y(q1) - Y(q3));
    c.strokeRect(left, Y(q3), right - left, Y(q1) - Y(q3));
    c.beginPath();
    c.moveTo(X(l), Y(q3)); c.lineTo(X(l), Y(high)); c.moveTo(X(l), Y(q1)); c.lineTo(X(l), Y(low));
    c.stroke();
    c.lineWidth = 3;
    c.beginPath();
    c.moveTo(left, Y(q2)); c.lineTo(right, Y(q2));
    c.stroke();
  });
  c.restore();
} };
function pointSizes(points) { return points.map((p) => p.site === state.site ? 6 : points.length > 150 ? 2 : 3); }
function pointColours(points, l, alpha) { return points.map((p) => p.site === state.site ? "#000" : rgba(colour(l), alpha)); }
function drawStrip() {
  const groups = byLevel(), names = levels();
  $("strip-title").textContent = state.factor < 0 ? "Distribution" : "By " + D.factors[state.factor].name;
  const config = { type: "scatter", plugins: [boxes], data: { datasets: groups.map((g, l) => {
    const data = g.map((p) => ({ x: l + jitter(p.site), y: p.v, site: p.site }));
    return { data: data, pointRadius: pointSizes(data), pointBackgroundColor: pointColours(data, l, 0.65), pointBorderWidth: 0 };
  }) }, options: options(axis(state.factor < 0 ? "" : D.factors[state.factor].name, { min: -0.6, max: names.length - 0.4, grid: { display: false },
    afterBuildTicks: (s) => { s.ticks = names.map((n, l) => ({ value: l })); },
    ticks: { autoSkip: false, maxRotation: names.length > 6 ? 60 : 0, callback: (v) => [names[v], "n = " + groups[v].length] } }),
    axis(withUnit(label(feature()), feature().unit))) };
  config.options.scales.x.title.display = state.factor >= 0;
  const canvas = $("strip");
  if (charts.strip) charts.strip.destroy();
  config.plugins.unshift({ id: "groups", beforeInit(chart) { chart.$groups = groups; } });
  charts.strip = new Chart(canvas, config);
}
function drawHistogram() {
  const groups = byLevel(), all = rising([].concat.apply([], groups.map((g) => g.map((p) => p.v))));
  levelKey("histogram-key");
  const n = all.length, low = all[0], high = all[n - 1];
  // Freedman and Diaconis' width, bounded to 6 to 40 bins.
  const width = 2 * (quantile(all, 0.75) - quantile(all, 0.25)) / Math.cbrt(n || 1);
  const bins = n < 2 || !(high > low) ? 1 : Math.max(6, Math.min(40, width > 0 ? Math.ceil((high - low) / width) : 10));
  const step = n && high > low ? (high - low) / bins : Math.abs(low || 1) * 0.1;
  const datasets = groups.map((g, l) => {
    const count = new Array(bins).fill(0);
    g.forEach((p) => { count[Math.max(0, Math.min(bins - 1, Math.floor((p.v - low) / step)))]++; });
    const data = [{ x: low, y: 0 }];
    count.forEach((c, k) => { data.push({ x: low + k * step, y: c }, { x: low + (k + 1) * step, y: c }); });
    data.push({ x: low + bins * step, y: 0 });
    return { data: n ? data : [], type: "line", showLine: true, fill: "origin", pointRadius: 0, pointHitRadius: 0, borderWidth: 1.5, borderColor: colour(l), backgroundColor: rgba(colour(l), 0.18) };
  });
  draw("histogram", { type: "scatter", data: { datasets: datasets }, options: options(axis(withUnit(label(feature()), feature().unit)), axis("sites", { beginAtZero: true, ticks: { precision: 0 } }), { events: [] }) });
  const u = rising(D.sites.map((s, k) => value(k) === null ? null : feature().u[k]).filter(isNumber));
  $("histogram-note").textContent = missingText() + (u.length ? " Median uncertainty (SD) of one value: " + show(quantile(u, 0.5), 2) + (feature().unit ? " " + feature().unit : "") + "." : "");
}

// --- statistics ----------------------------------------------------------------------------------------------
function drawStats() {
  const s = stats(), table = $("stats"), unit = feature().unit;
  clear(table);
  $("stats-title").textContent = "Statistics of " + withUnit(label(feature()), unit);
  const verdict = $("verdict");
  clear(verdict);
  $("drift-note").textContent = "";
  if (!s) { element("caption", "No site has a value.", table); return; }
  const head = element("tr", null, element("thead", null, table));
  [state.factor < 0 ? "" : D.factors[state.factor].name, "n", "median", "95 % interval", "MAD", "mean", "SD", "quartiles", "missing"]
    .forEach((h, k) => element("th", h, head, k > 0 && k < 8 ? "n" : ""));
  const body = element("tbody", null, table);
  s.levels.forEach((l, k) => {
    const row = element("tr", null, body), name = element("td", null, row), v = l.number;
    if (state.factor >= 0) element("i", null, name).style.background = colour(k);
    name.appendChild(document.createTextNode(l.level));
    [l.n + " of " + l.sites, show(v[0], 4), isNumber(v[1]) ? show(v[1], 4) + " to " + show(v[2], 4) : "–", show(v[3], 3), show(v[4], 4), show(v[5], 3),
      isNumber(v[6]) ? show(v[6], 4) + " to " + show(v[7], 4) : "–"].forEach((t) => element("td", t, row, "n"));
    element("td", l.missing.length ? l.missing.map((m) => m[0] + " " + m[1]).join(", ") : "none", row);
  });
  if (s.text) {
    element("b", s.verdict[0].toUpperCase() + s.verdict.slice(1), verdict);
    verdict.appendChild(document.createTextNode(s.text));
    verdict.className = "verdict" + (s.verdict === "confounded with wetting" ? " warn" : "");
  }
  $("drift-note").textContent = (drift() || {}).drift || "";
}

// --- drift ---------------------------------------------------------------------------------------------------
function drawDrift() {
  const groups = byLevel(), s = drift();
  levelKey("drift-key");
  const span = Math.max.apply(null, D.sites.map((p) => p.t || 0)), unit = span > 7200 ? ["h", 3600] : span > 300 ? ["min", 60] : ["s", 1];
  const datasets = groups.map((g, l) => {
    const data = g.map((p) => ({ x: D.sites[p.site].t / unit[1], y: p.v, site: p.site }));
    return { data: data, pointRadius: pointSizes(data), pointBackgroundColor: pointColours(data, l, 0.7), pointBorderWidth: 0 };
  });
  if (s && isNumber(s.slope))
    groups.forEach((g, l) => {
      if (g.length < 4) return;
      const t = rising(g.map((p) => D.sites[p.site].t)), middle = quantile(t, 0.5), median = quantile(rising(g.map((p) => p.v)), 0.5);
      const at = (x) => ({ x: x / unit[1], y: median + s.slope * (x - middle) });
      datasets.push({ data: [at(t[0]), at(t[t.length - 1])], type: "line", showLine: true, pointRadius: 0, pointHitRadius: 0, borderWidth: 1.5, borderDash: [5, 4], borderColor: colour(l) });
    });
  draw("drift", { type: "scatter", data: { datasets: datasets }, options: options(axis("time since the start of the run / " + unit[0], { min: 0, max: span / unit[1] * 1.01, ticks: { includeBounds: false, maxTicksLimit: 9, callback: (v) => show(v, 5) } }), axis(withUnit(label(feature()), feature().unit))) });
}

// --- voltammograms -------------------------------------------------------------------------------------------
function curve(t, corrected) {
  const e = D.axes[t.e], blank = D.blank[t.s], out = [];
  let k = 0;
  t.legs.forEach((leg) => {
    for (let j = 0; j < leg[0]; j++, k++)
      out.push({ x: e[k], y: t.i[k] - (corrected && blank ? blank[1] + blank[2] * (e[k] - blank[0]) + blank[3] * leg[1] : 0) });
  });
  return out;
}
// Pointwise median, of curves that were all swept alike: nothing if one in ten or more went over other potentials.
function medianCurve(curves) {
  if (curves.length < 3) return [];
  const middle = curves.slice().sort((a, b) => a.length - b.length)[curves.length >> 1];
  const same = curves.filter((c) => c.length === middle.length && c.every((p, k) => Math.abs(p.x - middle[k].x) < 0.02));
  if (same.length <= 0.9 * curves.length) return [];
  return middle.map((p, k) => ({ x: p.x, y: quantile(rising(same.map((c) => c[k].y)), 0.5) }));
}
function joined(curves) { // one data set, with gaps
  const out = [];
  curves.forEach((c) => { out.push.apply(out, c); out.push({ x: NaN, y: NaN }); });
  return out;
}
function range(values, margin) {
  let low = Infinity, high = -Infinity;
  values.forEach((v) => { if (v < low) low = v; if (v > high) high = v; });
  if (!(high > low)) return [low - 1, high + 1];
  return [low - margin * (high - low), high + margin * (high - low)];
}
function line(data, colourText, width, order) {
  return { data: data, showLine: true, spanGaps: false, pointRadius: 0, pointHitRadius: 0, borderWidth: width, borderColor: colourText, order: order };
}
let cvCharts = [];
function drawCv() {
  const step = Number($("cv-step").value), cycle = Number($("cv-cycle").value), wantBlank = $("cv-blank").checked;
  const traces = D.cv.filter((t) => t.k === step && t.c === cycle && isIn(t.s) && (!wantBlank || D.blank[t.s]));
  const groups = levels().map(() => []);
  traces.forEach((t) => { const l = levelOf(t.s); if (l >= 0) groups[l].push({ site: t.s, c: curve(t, wantBlank) }); });
  const xs = range([].concat.apply([], traces.map((t) => [Math.min.apply(null, D.axes[t.e]), Math.max.apply(null, D.axes[t.e])])), 0.02);
  // Shared vertical axis: what all but the most extreme 2 % of the curves need on either side.
  const ends = [].concat.apply([], groups.map((g) => g.map((p) => range(p.c.map((q) => q.y), 0))));
  const yr = range([quantile(rising(ends.map((r) => r[0])), 0.02), quantile(rising(ends.map((r) => r[1])), 0.98)], 0.06);
  const beyond = ends.filter((r) => r[0] < yr[0] || r[1] > yr[1]).length;
  let medians = 0;
  cvCharts.forEach((c) => c.destroy());
  cvCharts = [];
  const host = $("cv");
  clear(host);
  groups.forEach((g, l) => {
    const div = element("div", null, host), h = element("h3", levelName(l) + " ", div);
    element("span", "n = " + g.length, h);
    const plot = element("div", null, div, "plot"), canvas = element("canvas", null, plot);
    const chosen = g.find((p) => p.site === state.site), median = medianCurve(g.map((p) => p.c));
    const datasets = [line(joined(g.map((p) => p.c)), rgba(colour(l), Math.max(0.07, Math.min(0.4, 8 / (g.length + 1)))), 1, 3)];
    if (median.length) { datasets.push(line(median, colour(l), 2.2, 2)); medians++; }
    if (chosen) datasets.push(line(chosen.c, "#000", 2, 1));
    cvCharts.push(new Chart(canvas, { type: "scatter", data: { datasets: datasets }, options: options(
      axis("E / V vs " + D.reference, { min: xs[0], max: xs[1], includeBounds: false, ticks: { includeBounds: false, maxTicksLimit: 7, callback: (v) => show(v, 4) } }),
      axis("i / pA", { min: yr[0], max: yr[1], ticks: { includeBounds: false, maxTicksLimit: 7, callback: (v) => show(v, 4) } }), { events: [] }) }));
  });
  const measured = D.sites.filter((s, k) => isIn(k)).length;
  $("cv-note").textContent = "n = " + traces.length + " of " + measured + " measured sites, cycle " + cycle + ". Thin: sites" + (medians ? "; thick: pointwise median" : "") +
    (state.site >= 0 ? "; black: site " + D.sites[state.site].site : "") + ". Oxidation positive. " +
    (wantBlank ? "The in-air blank of each site (offset, leak, stray capacitance × dE/dt) is subtracted." : "As recorded.") +
    " Each point is the mean of neighbouring samples; flagged samples are left out." +
    (beyond ? " " + beyond + " curve" + (beyond > 1 ? "s reach" : " reaches") + " beyond the axis." : "");
}

// --- constant current ----------------------------------------------------------------------------------------
function drawGs() {
  const step = Number($("gs-step").value), traces = D.gs.filter((t) => t.k === step && isIn(t.s));
  levelKey("gs-key");
  const groups = levels().map(() => []);
  traces.forEach((t) => { const l = levelOf(t.s); if (l >= 0) groups[l].push(t); });
  const points = (t) => t.t.map((x, k) => ({ x: x, y: t.e[k] }));
  const datasets = groups.map((g, l) => line(joined(g.map(points)), rgba(colour(l), Math.max(0.1, Math.min(0.6, 14 / (g.length + 1)))), 1, 3));
  const chosen = traces.filter((t) => t.s === state.site); // each half of each cycle
  if (chosen.length) datasets.push(line(joined(chosen.map(points)), "#000", 2, 1));
  draw("gs", { type: "scatter", data: { datasets: datasets }, options: options(axis("time since the current started / s"), axis("E / V vs " + D.reference), { events: [] }) });
  const q = rising(traces.map((t) => t.q));
  $("gs-note").textContent = "n = " + new Set(traces.map((t) => t.s)).size + " of " + D.sites.filter((s, k) => isIn(k)).length + " measured sites; mean current " +
    (q.length && q[q.length - 1] - q[0] > 1e-3 * Math.abs(q[0]) ? show(q[0]) + " to " + show(q[q.length - 1]) : show(q[0])) + " pA (oxidation positive).";
}

// --- health of the probe ---------------------------------------------------------------------------------------
function drawHealth() {
  const d = D.health, host = $("health");
  if (!d.attempts) return;
  host.hidden = false;
  HealthCharts.make(host, { ink: "#1a1f24", soft: "#5b6670", grid: "#eceff1", accent: "#0072b2", bad: "#b3261e", show: show }).draw(d);
  const list = D.told.map((t) => (t.site ? "Site " + t.site + ": " : "") + t.text + ".");
  element("p", "The run said: " + (list.length ? list.join(" ") : "nothing."), host, "note").id = "health-told";
  element("p", "Points are landings, by site; the line is their exponentially weighted moving average (λ = 0.2) of robust scores, dashed its limits (" + d.sigmas + " standard deviations, wider while few landings are known; the first " +
    d.baseline + " in a region, up to 50 while nothing is suspicious, say what is usual). What is shown was recorded before any technique began, at the bias of the approach." +
    (d.attempts > d.site.length ? " The newest " + d.site.length + " of " + d.attempts + " attempts." : ""), host, "note");
}

// --- controls ------------------------------------------------------------------------------------------------
function choose(site) {
  state.site = site;
  const p = $("picked");
  p.hidden = site < 0;
  if (site >= 0) p.textContent = describe(site).join(" · ");
  drawAll();
}
function drawAll() {
  const f = feature();
  $("about").textContent = f.description + " Method: " + f.method + ".";
  drawMap();
  drawOutcomes();
  drawHeight();
  drawStrip();
  drawHistogram();
  drawStats();
  drawDrift();
  if (D.cv.length) drawCv();
  if (D.gs.length) drawGs();
}
function option(select, text, v, chosen) {
  const o = element("option", text, select);
  o.value = v;
  o.selected = chosen;
}
const hasValues = (f) => f.v.some(isNumber);
const family = (f) => (f.step ? f.step + "." : "") + f.name;
// The one of these with the most values; otherwise the first feature that has any.
function firstFeature() {
  const wanted = ["q_sei_film", "q_sei", "q_red", "q_irr", "capacity"];
  const count = (f) => f.v.filter(isNumber).length;
  let best = Math.max(0, D.features.findIndex(hasValues)), most = 0;
  wanted.forEach((name) => D.features.forEach((f, k) => {
    if (f.name === name && f.cycle < 2 && count(f) > most) { best = k; most = count(f); }
  }));
  return best;
}
function fillCycles() {
  const now = feature(), same = D.features.map((f, k) => [f, k]).filter(([f]) => family(f) === family(now) && f.cycle > 0);
  const select = $("cycle");
  clear(select);
  same.forEach(([f, k]) => option(select, String(f.cycle) + (hasValues(f) ? "" : " (no values)"), k, k === state.feature));
  $("cycle-label").hidden = same.length < 2;
}
function fillFeatures() {
  const select = $("feature"), seen = {}, groups = {};
  D.features.forEach((f, k) => {
    const name = family(f), known = D.features.some((g) => family(g) === name && hasValues(g));
    if (seen[name] || !known) return;
    seen[name] = true;
    const step = f.step || "site";
    if (!groups[step]) { groups[step] = element("optgroup", null, select); groups[step].label = step; }
    option(groups[step], withUnit(name, f.unit), k, name === family(feature()));
  });
}
function fillSteps(id, list) {
  const steps = Array.from(new Set(list.map((t) => t.k))), select = $(id);
  steps.forEach((k) => option(select, D.steps[k], k, false));
  $(id + "-label").hidden = steps.length < 2;
}
function fillCvCycles() {
  const step = Number($("cv-step").value), select = $("cv-cycle"), now = select.value;
  clear(select);
  Array.from(new Set(D.cv.filter((t) => t.k === step).map((t) => t.c))).sort((a, b) => a - b).forEach((c) => option(select, String(c), c, String(c) === now));
}
function start() {
  if (!D.features.some(hasValues)) {
    $("controls").hidden = true;
    $("about").textContent = "No feature has a value yet.";
    if (!D.features.length) D.features.push({ step: "", name: "feature", unit: "", description: "No features in the file.", method: "none", cycle: 0, v: D.sites.map(() => null), u: [], missing: {} });
  }
  state.feature = firstFeature();
  fillFeatures();
  fillCycles();
  D.factors.forEach((f, k) => option($("factor"), f.name, k, k === state.factor));
  if (D.factors.length) option($("factor"), "nothing", -1, false);
  $("factor-label").hidden = !D.factors.length;
  $("without-label").hidden = !D.sites.some((s, k) => s.outcome === "measured" && isUnverified(k));
  $("cv-card").hidden = !D.cv.length;
  $("gs-card").hidden = !D.gs.length;
  if (!D.gs.length) $("lower").classList.add("one");
  fillSteps("cv-step", D.cv);
  fillSteps("gs-step", D.gs);
  fillCvCycles();
  $("cv-blank").checked = D.blank.some((b) => b);
  $("cv-blank").parentNode.hidden = !D.blank.some((b) => b);
  $("feature").onchange = (e) => { state.feature = Number(e.target.value); fillCycles(); drawAll(); };
  $("cycle").onchange = (e) => { state.feature = Number(e.target.value); drawAll(); };
  $("factor").onchange = (e) => { state.factor = Number(e.target.value); drawAll(); };
  $("without").onchange = (e) => { state.without = e.target.checked; drawAll(); };
  $("level").onchange = drawHeight;
  $("cv-step").onchange = () => { fillCvCycles(); drawCv(); };
  $("cv-cycle").onchange = drawCv;
  $("cv-blank").onchange = drawCv;
  $("gs-step").onchange = drawGs;
  drawAll();
  drawHealth();
}
start();
})();
