// Shows the view that the address's hash names, draws its charts, and filters the feed.
// Data becomes text or numbers only; no HTML is made here.
"use strict";
(() => {
  const charts = JSON.parse(document.getElementById("charts").textContent);
  const views = [...document.querySelectorAll(".view")];
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const drawn = new Map();
  const COLOURS = 6;
  const DASHES = [[], [8, 4], [2, 3]];
  const ZONE = Intl.DateTimeFormat().resolvedOptions().timeZone || "local";
  const JUST_AFTER = 0.001; // seconds after a value, where a gap begins
  let bridged = true;
  let local = false; // whether times are in the reader's zone

  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

  // The line of a series: each value until its last confirmation, then nothing until the next value.
  function solid(steps) {
    const xs = [], ys = [];
    steps.forEach(([start, seen, , value], i) => {
      xs.push(start);
      ys.push(value);
      if (seen > start) { xs.push(seen); ys.push(value); }
      const next = steps[i + 1];
      const end = Math.max(start, seen) + JUST_AFTER;
      if (!next || next[0] > end) { xs.push(end); ys.push(null); }
    });
    return [xs, ys];
  }

  // The gaps in the line between two values that follow each other.
  function gaps(steps) {
    const xs = [], ys = [];
    const put = (x, y) => { if (xs.at(-1) !== x) { xs.push(x); ys.push(y); } };
    steps.forEach(([, seen, until, value], i) => {
      const next = steps[i + 1];
      if (!next || until !== next[0] || seen >= until) return;
      put(seen, value);
      put(until, next[3]);
      if (next[1] > until) put(until + JUST_AFTER, null);
    });
    return [xs, ys];
  }

  const counts = (steps) => [steps.map((s) => s[0]), steps.map((s) => s[3])];

  function line(series, i, chart) {
    const stroke = colour(`--s${i % COLOURS}`);
    const starts = new Set(series.steps.map((s) => s[0]));
    return {
      label: series.label,
      stroke,
      width: 2,
      dash: DASHES[Math.floor(i / COLOURS) % DASHES.length],
      paths: chart.stepped ? uPlot.paths.stepped({ align: 1 }) : uPlot.paths.linear(),
      points: {
        show: true,
        size: 6,
        fill: stroke,
        filter: (u) => u.data[0].flatMap((x, at) => (starts.has(x) && u.data[i + 1][at] != null ? [at] : [])),
      },
      value: (u, value) => (value == null ? "\u2013" : String(value)),
    };
  }

  function bridge(i) {
    return {
      label: "",
      stroke: colour(`--s${i % COLOURS}`),
      width: 1,
      dash: [2, 4],
      paths: uPlot.paths.stepped({ align: 1 }),
      points: { show: false },
    };
  }

  const short = (count) => (count == null ? "" : Number(count).toLocaleString("en"));

  function axes(chart) {
    // uPlot's format, largest step first: seconds, label, and what is added where a larger unit begins.
    const DAY = 86400, TIME = "{HH}:{mm}", DATE = "{YYYY}-{MM}-{DD}", BELOW = `\n${DATE}`;
    const times = [
      [365 * DAY, "{YYYY}", null, null, null, null, null, null, 1],
      [28 * DAY, "{YYYY}-{MM}", null, null, null, null, null, null, 1],
      [DAY, "{MM}-{DD}", "\n{YYYY}", null, null, null, null, null, 1],
      [60, TIME, BELOW, null, BELOW, null, null, null, 1],
      [1, `${TIME}:{ss}`, BELOW, null, BELOW, null, null, null, 1],
      [0.001, "{ss}.{fff}", `${BELOW} ${TIME}`, null, `${BELOW} ${TIME}`, null, `${BELOW} ${TIME}`, null, 1],
    ];
    const look = { stroke: colour("--quiet"), grid: { stroke: colour("--rule"), width: 1 }, ticks: { stroke: colour("--rule") } };
    const wide = { ...look, size: 60 };
    const most = Math.max(1, ...chart.series.flatMap((s) => s.steps.map((step) => step[3])));
    const splits = [0, 1, 10, 100, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8].filter((count) => count <= most * 1.6);
    const powers = { splits: () => splits, values: (u, all) => all.map(short) };
    return [{ ...look, values: times, space: 80 }, chart.stepped ? wide : { ...wide, ...powers }];
  }

  function draw(element) {
    const chart = charts[Number(element.dataset.chart)];
    const tables = chart.series.map((s) => (chart.stepped ? solid(s.steps) : counts(s.steps)));
    const series = chart.series.map((s, i) => line(s, i, chart));
    if (bridged && chart.stepped) {
      chart.series.forEach((s, i) => {
        const open = gaps(s.steps);
        if (open[0].length) { tables.push(open); series.push(bridge(i)); }
      });
    }
    const data = uPlot.join(tables, tables.map((t) => t[1].map(() => 2)));
    const xs = data[0];
    const room = (xs.at(-1) - xs[0]) * 0.03 || 43200;
    const most = Math.max(1, ...tables.flatMap((t) => t[1]));
    const scales = {
      x: { range: () => [xs[0] - room, xs.at(-1) + room] },
      y: chart.stepped ? {} : { distr: 4, asinh: 1, range: () => [0, most * 1.6] },
    };
    const options = {
      width: element.clientWidth || 300,
      height: 230,
      tzDate: (seconds) => (local ? new Date(seconds * 1000) : uPlot.tzDate(new Date(seconds * 1000), "Etc/UTC")),
      series: [{ label: local ? ZONE : "UTC", value: "{YYYY}-{MM}-{DD} {HH}:{mm}:{ss}" }, ...series],
      legend: { live: false },
      cursor: { drag: { x: true, y: false } },
      scales,
      axes: axes(chart),
    };
    drawn.get(element)?.destroy();
    const plot = new uPlot(options, data, element);
    drawn.set(element, plot);
    hideBridgesInLegend(element, chart.series.length);
  }

  function hideBridgesInLegend(element, own) {
    [...element.querySelectorAll(".u-series")].forEach((row, i) => { row.hidden = i >= own; });
  }

  const shown = () => { const open = views.filter((view) => !view.hidden); return open.length === 1 ? open[0] : null; };
  const redraw = () => shown().querySelectorAll(".chart").forEach(draw);

  function show(moveFocus) {
    const wanted = document.getElementById(location.hash.slice(1));
    const view = views.includes(wanted) ? wanted : shown() || views[0];
    if (wanted && wanted !== view && moveFocus) return;
    views.forEach((each) => { each.hidden = each !== view; });
    document.querySelectorAll("nav a").forEach((link) => {
      if (link.hash === `#${view.id}`) link.setAttribute("aria-current", "page");
      else link.removeAttribute("aria-current");
    });
    const title = view.querySelector("h2");
    document.title = `${title.textContent} - Snapshot report`;
    redraw();
    if (moveFocus) { title.focus({ preventScroll: true }); scrollTo(0, 0); }
  }

  const two = (number) => String(number).padStart(2, "0");

  // A text such as 2026-03-01 12:00:00 in UTC as the same moment in the reader's zone.
  function inMyZone(text) {
    const at = new Date(`${text.replace(" ", "T")}Z`);
    const date = `${String(at.getFullYear()).padStart(4, "0")}-${two(at.getMonth() + 1)}-${two(at.getDate())}`;
    return `${date} ${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`;
  }

  function showTimes() {
    document.querySelectorAll(".time").forEach((element) => {
      element.dataset.utc ??= element.textContent;
      const text = element.dataset.utc;
      if (/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$/.test(text)) element.textContent = local ? inMyZone(text) : text;
    });
    document.getElementById("zone").textContent = local ? ZONE : "UTC";
    filter();
    redraw();
  }

  function filter() {
    const [text, table, kind] = ["text", "table", "kind"].map((name) => document.getElementById(`filter-${name}`).value);
    const rows = [...document.querySelectorAll("#feed > li")];
    const looked = text.trim().toLowerCase();
    let count = 0;
    rows.forEach((row) => {
      const fits = (!table || row.dataset.table === table) && (!kind || row.dataset.kind === kind)
        && row.textContent.toLowerCase().includes(looked);
      row.hidden = !fits;
      count += fits;
    });
    document.getElementById("filter-count").textContent = `${count} of ${rows.length} changes`;
  }

  document.documentElement.classList.add("one-view");
  const form = document.getElementById("filter");
  form.hidden = false;
  form.addEventListener("input", filter);
  form.addEventListener("change", filter);
  form.addEventListener("submit", (event) => event.preventDefault());
  document.querySelectorAll(".bridge").forEach((label) => {
    label.hidden = false;
    label.addEventListener("change", (event) => {
      bridged = event.target.checked;
      document.querySelectorAll(".bridge input").forEach((box) => { box.checked = bridged; });
      redraw();
    });
  });
  const mine = document.getElementById("local");
  mine.hidden = false;
  mine.addEventListener("change", (event) => { local = event.target.checked; showTimes(); });
  addEventListener("hashchange", () => show(true));
  let width = innerWidth;
  // Only the width counts: a phone's address bar changes the height whenever it comes and goes.
  addEventListener("resize", () => { if (innerWidth !== width) { width = innerWidth; redraw(); } });
  dark.addEventListener("change", redraw);
  filter();
  show(false);
})();
