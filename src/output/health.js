// Control charts of the probe's health: small ones, one for each series. The live page and the report use the same.
"use strict";
const HealthCharts = (function () {
const PREFIX = { "-18": "a", "-15": "f", "-12": "p", "-9": "n", "-6": "µ", "-3": "m", "0": "", "3": "k", "6": "M", "9": "G" };
const isNumber = (v) => typeof v === "number" && isFinite(v);
function element(tag, text, parent, className) {
  const e = document.createElement(tag);
  if (text) e.textContent = text;
  if (className) e.className = className;
  if (parent) parent.appendChild(e);
  return e;
}
// The power of ten in which these values of a unit read well.
function scaleFor(values, unit) {
  const most = Math.max(0, ...values.map(Math.abs));
  if (!most || unit === "1") return { factor: 1, unit: "" };
  const e = Math.max(-18, Math.min(9, 3 * Math.floor(Math.log10(most) / 3 + 1e-9)));
  return { factor: Math.pow(10, -e), unit: PREFIX[String(e)] + unit };
}
const isJudged = (s) => s.name === "misses" ? Math.abs(s.reach) > 0 : (s.ewma || []).some(isNumber);
function words(s) {
  if (s.name === "misses" && !isJudged(s)) return "none so far";
  if (!isJudged(s)) return "learning: " + s.v.filter(isNumber).length + " of " + s.baseline;
  if (Math.abs(s.reach) < 1) return "inside";
  return s.reach > 0 ? "above its limit" : "below its limit";
}
const isOutside = (s) => / its limit$/.test(words(s));
// Without a verdict; one chart alone may be beyond its limit and say nothing of the probe for certain.
function unsuspected(charts, last) {
  const outside = charts.filter(isOutside).map((s) => s.title + " " + words(s));
  if (outside.length) return "No diagnosis, but look at the probe: " + outside.join(", ") + ".";
  return "Nothing is wrong with the probe" + (last ? " now: " + last.text : "") + ".";
}
// Where a verdict came: a line through all charts.
const verdicts = { id: "verdicts", beforeDatasetsDraw(chart) {
  const c = chart.ctx, a = chart.chartArea;
  c.save();
  c.strokeStyle = chart.$look.bad;
  c.lineWidth = 1.5;
  (chart.$marks || []).forEach((k) => {
    const x = chart.scales.x.getPixelForValue(k);
    c.beginPath();
    c.moveTo(x, a.top);
    c.lineTo(x, a.bottom);
    c.stroke();
  });
  c.restore();
} };
function newChart(canvas, look) {
  const line = (colour, width, dash, order) => ({ data: [], showLine: true, pointRadius: 0, pointHitRadius: 0, borderWidth: width, borderColor: colour, borderDash: dash, order: order, spanGaps: true });
  const chart = new Chart(canvas, { type: "scatter", plugins: [verdicts, { id: "look", beforeInit(c) { c.$look = look; } }],
    data: { datasets: [
      { data: [], pointRadius: 2, pointHoverRadius: 4, pointBackgroundColor: look.accent, pointBorderWidth: 0, order: 3 },
      Object.assign(line(look.ink, 2, [], 1), { segment: { borderColor: (c) => c.p1.raw.beyond ? look.bad : look.ink } }),
      line(look.soft, 1, [], 5), line(look.bad, 1, [5, 4], 4), line(look.bad, 1, [5, 4], 4)] },
    options: { animation: false, maintainAspectRatio: false, interaction: { mode: "nearest", intersect: true }, plugins: { legend: { display: false },
      tooltip: { displayColors: false, callbacks: { title: () => "", label: (c) => c.raw.text || "" }, filter: (c) => c.datasetIndex === 0 } },
      scales: { x: { type: "linear", grid: { display: false }, ticks: { color: look.soft, maxTicksLimit: 6, precision: 0, maxRotation: 0 } },
        y: { type: "linear", grid: { color: look.grid }, ticks: { color: look.soft, maxTicksLimit: 5, callback: (v) => look.show(v, 4) } } } } });
  return chart;
}
function fill(chart, s, d) {
  const known = s.v.concat(s.level || [], s.low || [], s.high || []).filter(isNumber), unit = scaleFor(s.v.filter(isNumber), s.unit);
  const misses = s.name === "misses", data = chart.data.datasets, by = (list) => (list || []).map((v, k) => ({ x: k, y: isNumber(v) ? v * unit.factor : NaN })).filter((p) => isNumber(p.y));
  data[0].data = by(s.v).map((p) => Object.assign(p, { text: "site " + d.site[p.x] + ": " + chart.$look.show(p.y, 4) + (unit.unit ? " " + unit.unit : "") }));
  data[1].data = misses ? by(s.v).map((p) => Object.assign(p, { beyond: p.y >= 1 })) :
    by(s.ewma).map((p) => Object.assign(p, { beyond: s.ewma[p.x] > s.high[p.x] || s.ewma[p.x] < s.low[p.x] }));
  data[2].data = by(s.centre);
  data[3].data = by(s.low);
  data[4].data = misses ? [{ x: 0, y: 1 }, { x: Math.max(1, s.v.length - 1), y: 1 }] : by(s.high);
  const positive = known.filter((v) => v > 0);
  chart.options.scales.y.type = s.log && positive.length && Math.max(...positive) > 20 * Math.min(...positive) ? "logarithmic" : "linear";
  chart.options.scales.x.min = -0.4;
  chart.options.scales.x.max = Math.max(1, d.site.length - 1) + 0.4;
  chart.options.scales.x.ticks.callback = (v) => Number.isInteger(v) && d.site[v] !== undefined ? d.site[v] : "";
  chart.$marks = d.news.filter((n) => n.verdict).map((n) => d.attempt.indexOf(n.attempt)).filter((k) => k >= 0);
  chart.update();
  return unit.unit;
}
const capital = (t) => t.charAt(0).toUpperCase() + t.slice(1);
// A place for the charts in `host`; `look`: colours, and show(value, digits) as the page writes numbers.
function make(host, look) {
  const said = element("p", "", host, "health-said"), grid = element("div", "", host, "health-charts"), parts = new Map();
  function part(s) {
    if (parts.has(s.name)) return parts.get(s.name);
    const div = element("div", "", grid, "health-chart"), head = element("h3", "", div), state = element("span", "", head), plot = element("div", "", div, "plot");
    const p = { div: div, head: head, state: state, chart: newChart(element("canvas", "", plot), look) };
    p.chart.canvas.setAttribute("role", "img");
    parts.set(s.name, p);
    return p;
  }
  return {
    draw(d) {
      const last = d.news.length ? d.news[d.news.length - 1] : null, charts = d.series.filter((s) => s.v.some(isNumber));
      said.textContent = d.verdict && last ? capital(last.text) + "." : charts.some(isJudged) ? unsuspected(charts, last) :
        "Too few landings yet to judge the probe: the first " + d.baseline + " say what is usual.";
      said.classList.toggle("bad", !!d.verdict);
      charts.forEach((s) => {
        const p = part(s), unit = fill(p.chart, s, d), state = words(s);
        p.head.textContent = capital(s.title) + (unit ? " (" + unit + ") " : " ");
        p.state.textContent = state;
        p.head.appendChild(p.state);
        p.div.classList.toggle("bad", isOutside(s));
        p.chart.canvas.setAttribute("aria-label", "Control chart: " + s.title + ", " + state);
      });
    },
    destroy() {
      parts.forEach((p) => p.chart.destroy());
      host.removeChild(said);
      host.removeChild(grid);
    },
  };
}
return { make: make };
})();
