// The live page: polls the run's numbers, shows them, and passes the operator's wishes on. Texts are set as text, never
// as HTML. The status is asked for once a second and is small; the rest only when its version has changed.
"use strict";
(function () {
const $ = (id) => document.getElementById(id);
const OUTCOMES = {
  "measured": ["#009e73", "circle", "measured"], "no-contact": ["#9aa3ab", "crossRot", "no contact"],
  "unconfirmed": ["#56b4e9", "rect", "contact not confirmed"], "already-wet": ["#0072b2", "rectRot", "already wet"],
  "not-detached": ["#a5892a", "rect", "drop not detached"], "overload": ["#e69f00", "triangle", "current too large"],
  "meniscus-lost": ["#d55e00", "triangle", "drop lost"], "suspected-crash": ["#d3221b", "star", "suspected crash"],
  "landing-rejected": ["#cc79a7", "rectRot", "landing rejected"], "out-of-range": ["#7a8894", "cross", "out of range"],
  "fault": ["#d3221b", "crossRot", "fault"], "skipped": ["#b48ead", "rect", "skipped"], "interrupted": ["#e69f00", "cross", "interrupted"],
  "aborted": ["#d55e00", "cross", "aborted"], "not-visited": ["#9aa3ab", "circle", "not visited"],
};
const PHASES = {
  upload: "preparing", travel: "moving to the site", alive: "checking the signal in air", blank: "recording the blank in air",
  descent: "going down", approach: "approaching the surface", confirm: "confirming the contact", measure: "measuring",
  detach: "letting go of the surface", retract: "going up", safe: "making the rig safe", recover: "waiting before the next try", paused: "waiting", idle: "between sites",
};
// Viridis (CC0), 6 stops; the bar below the map has the same.
const VIRIDIS = ["440154", "414487", "2a788e", "22a884", "7ad151", "fde725"].map((h) => [0, 2, 4].map((k) => parseInt(h.substr(k, 2), 16)));
const state = { status: null, etag: null, version: {}, sites: new Map(), features: [], factors: [], feature: "", against: "", curve: null,
  token: "", picked: 0, missed: 0, asking: null };
let map = null, curve = null;

// --- numbers and texts -----------------------------------------------------------------------------------------
const isNumber = (v) => typeof v === "number" && isFinite(v);
const PREFIX = { "-15": "f", "-12": "p", "-9": "n", "-6": "µ", "-3": "m", "0": "", "3": "k", "6": "M", "9": "G" };
// The power of ten in which a set of values of this unit reads well.
function scaleFor(values, unit) {
  const most = Math.max(0, ...values.filter(isNumber).map(Math.abs));
  if (!most || unit === "1" || unit === "m2" || /\//.test(unit)) return { factor: 1, unit: unit === "1" ? "" : unit };
  const e = Math.max(-15, Math.min(9, 3 * Math.floor(Math.log10(most) / 3 + 1e-9)));
  return { factor: Math.pow(10, -e), unit: PREFIX[String(e)] + unit };
}
function show(v, digits) {
  if (!isNumber(v)) return "–";
  const a = Math.abs(v), d = digits || 3;
  const text = a !== 0 && (a >= 1e5 || a < 1e-3) ? v.toExponential(d - 1) : String(Number(v.toPrecision(d)));
  return text.replace("-", "−");
}
function withUnit(v, unit, digits) {
  const s = scaleFor([v], unit);
  return isNumber(v) ? show(v * s.factor, digits) + (s.unit ? " " + s.unit : "") : "–";
}
function duration(seconds) {
  if (!isNumber(seconds)) return "";
  const m = Math.round(seconds / 60);
  if (seconds < 60) return Math.round(seconds) + " s";
  return m < 60 ? m + " min" : Math.floor(m / 60) + " h " + String(m % 60).padStart(2, "0") + " min";
}
const isVirtual = () => state.status && state.status.mode === "virtual";
// Clock time of the viewer; a virtual run has no clock but its own.
function clock(utc) {
  const t = new Date(utc);
  if (isNaN(t)) return "";
  if (isVirtual()) return utc.slice(11, 19);
  const today = t.toDateString() === new Date().toDateString();
  return (today ? "" : t.toLocaleDateString([], { weekday: "short" }) + " ") + t.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", hour12: false });
}
function element(tag, text, parent, className) {
  const e = document.createElement(tag);
  if (text !== undefined && text !== null) e.textContent = text;
  if (className) e.className = className;
  if (parent) parent.appendChild(e);
  return e;
}
const clear = (e) => { while (e.firstChild) e.removeChild(e.firstChild); };
const colourOf = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const look = (outcome) => OUTCOMES[outcome] || ["#7a8894", "circle", outcome];

// --- state and progress ----------------------------------------------------------------------------------------
function headline(s) {
  const of = s.site ? "Site " + s.site : "", done = (s.planned - s.left) + " of " + s.planned + " done";
  if (s.ended) {
    const measured = (s.outcomes.measured || 0) + " of " + s.planned + " sites measured.";
    const rig = s.safe ? " The probe is retracted and the cell open." : " THE RIG IS NOT VERIFIED SAFE: look at it.";
    if (s.state === "finished") return [s.safe && !s.reason ? "done" : "bad", "Finished", measured + rig + (s.reason ? " " + s.reason + "." : "")];
    const who = /\bby SIG/.test(s.reason) ? "Stopped by a signal" : "Stopped by the operator";
    const word = { paused: "Stopped by its rules", aborted: "Aborted by its rules", interrupted: who, fault: "Stopped by a fault" }[s.state] || s.state;
    const again = s.state === "aborted" ? " When rig and sample are in order, go on with: seccm resume --accept " : " Go on with: seccm resume ";
    return [s.safe && s.state !== "fault" ? "hold" : "bad", word, measured + rig + (s.reason ? " Reason: " + s.reason + "." : "") + again + s.file];
  }
  if (s.wishes.paused) return ["hold", "Paused · " + done, "Waiting for you: the probe is retracted and the cell open."];
  if (s.wishes.stopping) return ["hold", "Stopping safely …", of];
  if (s.state === "recovering") return ["hold", "Recovering · " + done, (s.reason || "") + ". The rig was sent to its safe state; nothing moves meanwhile."];
  if (s.state === "starting") return ["wait", "Starting …", ""];
  const phase = PHASES[s.phase] || s.phase, named = s.phase === "measure" && s.step ? ": " + s.step + (s.cycle > 0 ? ", cycle " + s.cycle : "") : "";
  let more = phase.charAt(0).toUpperCase() + phase.slice(1) + named;
  if (s.wishes.skipping) more = "Skipping this site …";
  else if (s.wishes.pausing) more += ". Pauses after this site.";
  return ["run", (of ? of + " · " : "") + done, more];
}
function drawStatus() {
  const s = state.status, [kind, words, detail] = headline(s);
  $("kind").textContent = "SECCM run" + (isVirtual() ? " · simulated, virtual time" : s.mode === "scaled" ? " · simulated, " + show(s.speed) + " times faster" : "");
  $("name").textContent = s.run || s.file;
  $("banner").className = "banner " + kind;
  $("state").textContent = words;
  $("detail").textContent = detail;
  const soon = !s.ended && s.left > 0;
  $("finish").textContent = soon && !s.wishes.paused ? (isVirtual() ? duration(s.time_left.value) + " to go" : "Done by about " + clock(s.finish_utc)) : "";
  $("left").textContent = soon ? (isVirtual() ? "in the run's own time" : s.wishes.paused ? duration(s.time_left.value / s.speed) + " of work left" : "in " + duration(s.time_left.value / s.speed)) : "";
  document.title = (s.ended ? words : s.wishes.paused ? "Paused" : Math.round(100 * (s.planned - s.left) / Math.max(1, s.planned)) + " %") + " · " + (s.run || "seccm");
  $("footer").textContent = s.program + " · " + s.file + " · " + (isVirtual() ? "virtual time " + clock(s.utc) : "as of " + clock(s.utc));
  drawBar(s);
  drawControls(s);
}
function drawBar(s) {
  const bar = $("bar"), counts = $("counts"), names = Object.keys(s.outcomes), visited = names.reduce((n, o) => n + s.outcomes[o], 0);
  const whole = Math.max(1, visited + s.left);
  clear(bar);
  clear(counts);
  names.forEach((o) => {
    const part = element("span", null, bar);
    part.style.flex = "0 0 " + 100 * s.outcomes[o] / whole + "%";
    part.style.background = look(o)[0];
    const count = element("span", null, counts);
    element("i", null, count).style.background = look(o)[0];
    count.appendChild(document.createTextNode(s.outcomes[o] + " " + look(o)[2]));
  });
  if (s.left) {
    const count = element("span", null, counts);
    element("i", null, count).style.background = colourOf("--todo");
    count.appendChild(document.createTextNode(s.left + " to go"));
  }
  bar.setAttribute("aria-label", counts.textContent);
}

// --- controls --------------------------------------------------------------------------------------------------
function drawControls(s) {
  const unlocked = !!state.token && !s.ended;
  $("buttons").hidden = !unlocked;
  $("unlock").hidden = !!state.token || s.ended;
  if (s.ended) $("confirm").hidden = true;
  const pausing = s.wishes.pausing || s.wishes.paused;
  $("pause").hidden = pausing;
  $("continue").hidden = !pausing;
  $("continue").textContent = s.wishes.paused ? "Continue" : "Do not pause";
  $("pause").disabled = $("continue").disabled = s.wishes.stopping;
  $("skip").disabled = s.wishes.stopping || !s.site || !!s.wishes.skipping;
  $("stop").disabled = s.wishes.stopping;
}
let fading = 0;
function answer(text, bad) {
  clearTimeout(fading);
  if (text && !bad) fading = setTimeout(() => { $("answer").textContent = ""; }, 10000);
  $("answer").textContent = text;
  $("answer").className = "answer" + (bad ? " bad" : "");
}
async function post(path) {
  try {
    const r = await fetch(path, { method: "POST", headers: { "X-Seccm-Token": state.token }, cache: "no-store" });
    const said = await r.json();
    if (r.status === 403 && path !== "check") forget();
    return { ok: r.ok, text: said.text };
  } catch (e) {
    return { ok: false, text: "The run can not be reached." };
  }
}
async function wish(path) {
  const said = await post(path);
  answer(said.text.charAt(0).toUpperCase() + said.text.slice(1) + (/[.!?]$/.test(said.text) ? "" : "."), !said.ok);
  poll();
}
function forget() {
  state.token = "";
  try { sessionStorage.removeItem("token"); } catch (e) { /* the browser keeps nothing */ }
  if (state.status) drawControls(state.status);
}
async function unlock(token) {
  state.token = token.trim();
  const said = await post("check");
  if (said.ok) {
    try { sessionStorage.setItem("token", state.token); } catch (e) { /* it is asked for again next time */ }
    answer("");
  } else {
    forget();
    answer(said.text.charAt(0).toUpperCase() + said.text.slice(1) + ".", true);
  }
  $("token").value = "";
  if (state.status) drawControls(state.status);
}
function ask(question, path) {
  state.asking = path;
  $("question").textContent = question;
  $("confirm").hidden = false;
  $("no").focus();
}
function startControls() {
  $("pause").onclick = () => wish("pause");
  $("continue").onclick = () => wish("continue");
  $("skip").onclick = () => { const n = state.status.site; ask("End site " + n + " now? Its spot is lost if it was touched; the run goes on with the next site.", "skip?site=" + n); };
  $("stop").onclick = () => ask("Stop the whole run? The probe is retracted and the cell opened; it can be continued later with “seccm resume”.", "stop");
  $("yes").onclick = () => { $("confirm").hidden = true; wish(state.asking); };
  $("no").onclick = () => { $("confirm").hidden = true; };
  $("lock").onclick = () => { forget(); answer("Controls are locked."); };
  $("unlock").onsubmit = (e) => { e.preventDefault(); unlock($("token").value); };
  // A link with #TOKEN unlocks the page; the code does not stay in the address bar.
  const given = location.hash.slice(1);
  let kept = "";
  try { kept = sessionStorage.getItem("token") || ""; } catch (e) { /* none */ }
  if (given) history.replaceState(null, "", location.pathname);
  if (given || kept) unlock(given || kept);
}

// --- map -------------------------------------------------------------------------------------------------------
function axis(title) {
  return { type: "linear", title: { display: true, text: title, color: colourOf("--ink") }, grid: { color: colourOf("--grid") },
    ticks: { color: colourOf("--soft"), maxTicksLimit: 8, includeBounds: false, callback: (v) => show(v, 4) } };
}
function viridis(x) {
  const at = Math.max(0, Math.min(0.99999, x)) * (VIRIDIS.length - 1), k = Math.floor(at), f = at - k;
  return "rgb(" + VIRIDIS[k].map((c, j) => Math.round(c + f * (VIRIDIS[k + 1][j] - c))).join(",") + ")";
}
// The same length on paper for a micrometre along both axes.
function square(chart) {
  const a = chart.chartArea, b = state.bounds;
  if (!a || !b || a.right - a.left < 20 || a.bottom - a.top < 20) return;
  const w = Math.max(b.x1 - b.x0, 1) * 1.12, h = Math.max(b.y1 - b.y0, 1) * 1.12, per = Math.max(w / (a.right - a.left), h / (a.bottom - a.top));
  const cx = (b.x0 + b.x1) / 2, cy = (b.y0 + b.y1) / 2, dx = per * (a.right - a.left) / 2, dy = per * (a.bottom - a.top) / 2;
  Object.assign(chart.options.scales.x, { min: cx - dx, max: cx + dx });
  Object.assign(chart.options.scales.y, { min: cy - dy, max: cy + dy });
}
function describe(s) {
  const lines = ["Site " + s.site];
  state.factors.forEach((f, k) => { if (s.levels[k]) lines.push(f + " = " + s.levels[k]); });
  if (s.stands_for) lines.push("spare for site " + s.stands_for);
  if (state.status && s.site === state.status.site) lines.push("under way");
  else lines.push(s.outcome ? look(s.outcome)[2] + (s.reason ? ": " + s.reason : "") : "to be visited");
  if (state.feature && isNumber(s.value)) lines.push(state.feature + " = " + withUnit(s.value, unitOf(state.feature), 4));
  if (isNumber(s.contact_z)) lines.push("contact at " + show(s.contact_z * 1e6, 5) + " µm");
  return lines;
}
const unitOf = (name) => (state.features.find((f) => f.name === name) || { unit: "1" }).unit;
function newMap() {
  return new Chart($("map"), { type: "scatter", data: { datasets: [] }, options: { animation: false, maintainAspectRatio: false,
    scales: { x: axis("x / µm"), y: axis("y / µm") }, interaction: { mode: "nearest", intersect: true },
    onResize: (c) => setTimeout(() => { square(c); c.update(); }, 0),
    onClick: (e, hits) => { state.picked = hits.length ? map.data.datasets[hits[0].datasetIndex].data[hits[0].index].site : 0; drawMap(); },
    plugins: { legend: { display: false }, tooltip: { displayColors: false, callbacks: { title: () => "", label: (c) => describe(state.sites.get(c.raw.site)) } } } } });
}
function radius(n) { return Math.max(2.5, Math.min(9, 130 / Math.sqrt(n + 1))); }
function drawMap() {
  const all = Array.from(state.sites.values()).filter((s) => !s.spare || s.outcome || s.stands_for);
  if (!all.length) return;
  map = map || newMap();
  const now = state.status ? state.status.site : 0, r = radius(all.length), values = all.map((s) => s.value).filter(isNumber).sort((a, b) => a - b);
  const x = all.map((s) => s.x * 1e6), y = all.map((s) => s.y * 1e6);
  state.bounds = { x0: Math.min(...x), x1: Math.max(...x), y0: Math.min(...y), y1: Math.max(...y) };
  // The outer hundredths do not stretch the colours.
  const low = values[Math.floor(values.length * 0.01)], high = values[Math.ceil(values.length * 0.99) - 1], span = high - low || 1;
  const fill = (s) => !s.outcome ? "transparent" : !state.feature ? look(s.outcome)[0] : isNumber(s.value) ? viridis((s.value - low) / span) : "transparent";
  const edge = (s) => s.site === state.picked ? colourOf("--ink") : s.outcome && (!state.feature || !isNumber(s.value)) ? look(s.outcome)[0] : s.outcome ? fill(s) : colourOf("--todo");
  map.data.datasets = [{ data: all.map((s, k) => ({ x: x[k], y: y[k], site: s.site })), pointBackgroundColor: all.map(fill), pointBorderColor: all.map(edge),
    pointStyle: all.map((s) => s.outcome ? look(s.outcome)[1] : "circle"), pointRadius: all.map((s) => s.outcome === "measured" || !s.outcome ? r : r * 0.9), pointHoverRadius: r * 1.3,
    pointBorderWidth: all.map((s) => s.site === state.picked ? 3 : 1.5) }];
  const under = state.sites.get(now);
  if (under) map.data.datasets.push({ data: [{ x: under.x * 1e6, y: under.y * 1e6, site: now }], pointRadius: r * 1.5, pointHoverRadius: r * 1.5, pointStyle: "circle",
    pointBackgroundColor: "transparent", pointBorderColor: colourOf("--accent"), pointBorderWidth: 3 });
  map.update(); // the axes take their room first
  square(map);
  map.update();
  drawScale(values, low, high);
  const p = state.sites.get(state.picked);
  $("picked").hidden = !p;
  if (p) $("picked").textContent = describe(p).join(" · ");
}
function drawScale(values, low, high) {
  const s = scaleFor([low, high], unitOf(state.feature)), key = $("key");
  $("scale").hidden = !state.feature || !values.length;
  $("low").textContent = values.length ? show(low * s.factor) + " " + s.unit : "";
  $("high").textContent = values.length ? show(high * s.factor) + " " + s.unit : "";
  clear(key);
  if (state.feature) { key.textContent = values.length ? values.length + " sites with a value." : "No site has a value yet."; return; }
  element("i", null, element("span", null, key)).style.cssText = "border-radius: 50%; border: 3px solid " + colourOf("--accent");
  key.firstChild.appendChild(document.createTextNode("under way"));
}
function fillFeatures(list) {
  const select = $("feature");
  state.features = list;
  list.slice(select.options.length - 1).forEach((f) => { const o = element("option", f.name, select); o.value = f.name; });
}
async function loadSites(all) {
  const since = all ? 0 : state.version.sites || 0;
  const d = await get("sites.json?since=" + since + (state.feature ? "&feature=" + encodeURIComponent(state.feature) : ""));
  if (!d) return;
  if ((d.feature || "") !== state.feature) return; // another one was chosen meanwhile
  if (!since) state.sites.clear();
  d.sites.forEach((s) => state.sites.set(s.site, s));
  state.version.sites = d.version;
  state.factors = d.factors;
  fillFeatures(d.features);
  drawMap();
}

// --- curve -----------------------------------------------------------------------------------------------------
// What is shown against what, by kind of step; the first is the usual one.
const VIEWS = { "time": ["t", "i"], "potential": ["e", "i"], "height": ["z", "i"], "potential over time": ["t", "e"] };
function usual(c) {
  if (c.kind === "cv" && c.phase !== "alive") return "potential";
  if (c.kind === "galvanostatic" || c.kind === "ocp") return "potential over time";
  return c.phase === "approach" || c.phase === "detach" ? "height" : "time";
}
// A charging pulse of a sample or two must not flatten all the rest: limits around the bulk of the values, null if all fit.
function bulk(values) {
  const v = values.filter(isNumber).sort((a, b) => a - b), low = v[Math.floor(v.length * 0.01)], high = v[Math.ceil(v.length * 0.99) - 1];
  const span = (high - low) || Math.abs(high) || 1e-15;
  return v.length < 30 || (v[0] > low - span && v[v.length - 1] < high + span) ? null : [Math.max(v[0], low - 0.4 * span), Math.min(v[v.length - 1], high + 0.4 * span)];
}
function newCurve() {
  return new Chart($("curve"), { type: "scatter", data: { datasets: [{ data: [], showLine: true, pointRadius: 0, borderWidth: 1.6 }] }, options: { animation: false, maintainAspectRatio: false,
    scales: { x: axis(""), y: axis("") }, plugins: { legend: { display: false }, tooltip: { enabled: false } }, events: [] } });
}
function drawCurve() {
  const c = state.curve;
  if (!c || !c.t.length) { $("curve-note").textContent = "Nothing is being measured."; return; }
  curve = curve || newCurve();
  const view = state.against || usual(c), [kx, ky] = VIEWS[view], x = c[kx].map((v) => v === null ? NaN : v), y = c[ky];
  const title = { t: "time", e: "E vs " + c.reference, i: "current", z: "height" };
  const sx = kx === "e" || kx === "t" ? { factor: 1, unit: c.unit[kx] } : kx === "z" ? { factor: 1e6, unit: "µm" } : scaleFor(x, c.unit[kx]);
  const sy = ky === "e" ? { factor: 1, unit: "V" } : scaleFor(bulk(y) || y, c.unit[ky]);
  const data = curve.data.datasets[0], scales = curve.options.scales;
  data.data = x.map((v, k) => ({ x: v * sx.factor, y: y[k] * sy.factor }));
  data.borderColor = colourOf("--accent");
  data.showLine = true;
  Object.assign(scales.x, axis(title[kx] + " / " + sx.unit));
  const cut = ky === "i" ? bulk(y) : null;
  Object.assign(scales.y, axis(title[ky] + " / " + sy.unit), { min: undefined, max: undefined }, cut ? { min: cut[0] * sy.factor, max: cut[1] * sy.factor } : {});
  curve.update();
  $("curve-title").textContent = "Site " + c.site + ": " + c.name;
  $("curve-note").textContent = c.samples + " samples" + (c.samples > 1.5 * c.t.length ? ", thinned for this figure (highest and lowest kept)" : "") + (ky === "i" ? "; oxidation positive" : "") +
    (cut ? "; short pulses are cut off at the edge" : "") + ".";
  $("against").options[0].textContent = "as usual (" + usual(c) + ")";
}
async function loadCurve() {
  const d = await get("curve.json");
  if (!d) return;
  state.curve = d;
  state.version.curve = d.version;
  drawCurve();
}

// --- events ----------------------------------------------------------------------------------------------------
async function loadEvents() {
  const d = await get("events.json"), list = $("events");
  if (!d) return;
  state.version.events = d.version;
  clear(list);
  const same = (a, b) => a.kind === b.kind && a.site === b.site && a.text.replace(/[\d.]+/g, "#") === b.text.replace(/[\d.]+/g, "#");
  const kept = []; // repetitions count only
  d.events.slice().reverse().forEach((e) => {
    if (kept.length && same(kept[kept.length - 1], e)) kept[kept.length - 1].times++;
    else kept.push(Object.assign(e, { times: 1 }));
  });
  kept.slice(0, 60).forEach((e) => {
    const li = element("li", null, list, e.kind);
    element("time", clock(e.utc), li).dateTime = e.utc;
    element("span", e.kind, li);
    element("b", (e.site ? "Site " + e.site + ": " : "") + e.text + (e.times > 1 ? " (" + e.times + " times)" : ""), li);
  });
  $("events-note").textContent = kept.length ? "newest first" : "none so far";
}

// --- health of the probe -----------------------------------------------------------------------------------------
let health = null;
function drawHealth() {
  const d = state.health;
  if (!d || !d.series) return;
  $("health").hidden = false; // before the charts are made, which ask for their size
  health = health || HealthCharts.make($("health"), { ink: colourOf("--ink"), soft: colourOf("--soft"), grid: colourOf("--grid"), accent: colourOf("--accent"), bad: colourOf("--bad"), show: show });
  health.draw(d);
}
async function loadHealth() {
  const d = await get("health.json");
  if (!d) return;
  state.health = d.health;
  state.version.health = d.version;
  drawHealth();
}

// --- polling ---------------------------------------------------------------------------------------------------
// null: nothing new, or out of reach.
async function get(path, etag) {
  const r = await fetch(path, { headers: etag ? { "If-None-Match": etag } : {}, cache: "no-store" });
  if (r.status === 304 || !r.ok) return null;
  const d = await r.json();
  d.etag = r.headers.get("ETag");
  return d;
}
let timer = 0, busy = false;
async function poll() {
  clearTimeout(timer);
  if (busy) { timer = setTimeout(poll, 100); return; }
  busy = true;
  try {
    const s = await get("status.json", state.etag);
    state.missed = 0;
    if (s) {
      const site = state.status ? state.status.site : 0;
      state.status = s;
      state.etag = null; // kept once all that belongs to it is here: what did not come is asked for again
      drawStatus();
      if (s.versions.sites !== state.version.sites) await loadSites(!state.version.sites);
      else if (s.site !== site) drawMap();
      if (s.versions.curve !== state.version.curve) await loadCurve();
      if (s.versions.events !== state.version.events) await loadEvents();
      if (s.versions.health !== state.version.health) await loadHealth();
      if (["sites", "curve", "events", "health"].every((part) => s.versions[part] === state.version[part])) state.etag = s.etag;
    } else if (state.status) {
      drawStatus();
    }
  } catch (e) {
    state.missed++;
    lost();
  }
  busy = false;
  // Behind its end the program stays for a moment only: what is still missing is asked for soon.
  const missing = state.status && state.status.ended && !state.etag && !state.missed;
  const pause = missing ? 200 : document.hidden ? 5000 : state.missed > 5 ? 5000 : 1000;
  timer = setTimeout(poll, pause);
}
function lost() {
  const s = state.status;
  if (state.missed < 3 || (s && s.ended)) return;
  $("banner").className = "banner wait";
  $("state").textContent = "No connection";
  $("detail").textContent = s ? "Last heard at " + clock(s.utc) + ": " + headline(s)[1] + ". The program has ended, or the network is down." : "The run does not answer.";
  $("finish").textContent = $("left").textContent = "";
  $("buttons").hidden = true;
  state.etag = null;
}

function start() {
  Chart.defaults.font.family = getComputedStyle(document.body).fontFamily;
  Chart.defaults.font.size = 13;
  const against = $("against");
  element("option", "as usual", against).value = "";
  Object.keys(VIEWS).forEach((v) => { element("option", v, against).value = v; });
  against.onchange = () => { state.against = against.value; drawCurve(); };
  $("feature").onchange = () => { state.feature = $("feature").value; loadSites(true).catch(() => {}); };
  document.addEventListener("visibilitychange", () => { if (!document.hidden) poll(); });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
    if (map) { map.destroy(); map = null; }
    if (curve) { curve.destroy(); curve = null; }
    if (health) { health.destroy(); health = null; }
    if (state.status) drawStatus();
    drawMap();
    drawCurve();
    drawHealth();
  });
  startControls();
  poll();
}
start();
})();
