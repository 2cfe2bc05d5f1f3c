// Puts uPlot's charts in the place of the drawings. Everything they show stands on the page without them, too.
// `append` takes further lines of a run's metrics.jsonl and tells whether one of their metrics has no curve yet; `end` lets
// go of the page; `settings` are those of an earlier start.
"use strict";
const startCharts = (data, settings) => {
  const figures = [...document.querySelectorAll("figure[data-chart]")];
  if (figures.length === 0) {
    return { append: (number, lines) => lines.length > 0, end: () => settings };
  }
  const controls = document.getElementById("controls");
  const axis = document.getElementById("axis");
  const smoothing = document.getElementById("smoothing");
  const smoothed = document.getElementById("smoothed");
  const logarithmic = document.getElementById("log");
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const sync = uPlot.sync("charts");
  const plots = new Map();
  const listening = new AbortController();
  const signal = listening.signal;
  const HEIGHT = 220;

  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const faint = (hex) => hex + "55";

  // The value of the other axis at a step, between the steps that the run logged.
  const at = (run, name, step) => {
    const steps = run.step;
    const values = run[name];
    let high = 0;
    while (high < steps.length - 1 && steps[high] < step) {
      high++;
    }
    if (high === 0 || steps[high] === steps[high - 1]) {
      return values[high];
    }
    const share = Math.min(1, (step - steps[high - 1]) / (steps[high] - steps[high - 1]));
    return values[high - 1] + share * (values[high] - values[high - 1]);
  };

  const along = (curve) => {
    if (axis.value === "step") {
      return curve.x;
    }
    const run = data.runs[curve.run];
    let last = -Infinity;
    return curve.x.map((step) => {
      const value = at(run, axis.value, step);
      last = value > last ? value : last + 1e-9 * Math.max(1, Math.abs(last)); // uPlot wants rising ones
      return last;
    });
  };

  // What is held out is measured rarely, and would lag behind.
  const smoothes = (curve, weight) => weight > 0 && !curve.heldOut && curve.x.length >= 3;

  // An exponential mean whose memory is counted in steps. Of a thinned curve the means of its stretches are smoothed,
  // since its points are the extremes.
  const smooth = (curve, weight) => {
    const count = curve.x.length;
    if (!smoothes(curve, weight)) {
      return curve.y;
    }
    const usual = (curve.x[count - 1] - curve.x[0]) / (count - 1);
    const values = curve.means === undefined ? curve.y : curve.means;
    let sum = 0;
    let whole = 0;
    return values.map((value, i) => {
      const kept = i === 0 ? 0 : Math.pow(weight, (curve.x[i] - curve.x[i - 1]) / usual);
      sum = kept * sum + (1 - weight) * value;
      whole = kept * whole + (1 - weight);
      return sum / whole;
    });
  };

  const shown = (value, digits = 4) => {
    if (value === null || value === undefined) {
      return "–";
    }
    const size = Math.abs(value);
    return size !== 0 && (size < 1e-3 || size >= 1e6) ? value.toExponential(digits - 2) : String(+value.toPrecision(digits));
  };

  // Labels of an axis, with as many digits as tell them apart.
  const labels = (all) => {
    const values = all.filter((v) => v !== null);
    let digits = 4;
    while (digits < 10 && new Set(values.map((v) => shown(v, digits))).size < values.length) {
      digits++;
    }
    return all.map((v) => (v === null ? "" : shown(v, digits)));
  };

  const duration = (seconds) => {
    const whole = Math.round(seconds);
    const two = (n) => String(n).padStart(2, "0");
    return whole < 3600
      ? Math.floor(whole / 60) + ":" + two(whole % 60)
      : Math.floor(whole / 3600) + ":" + two(Math.floor(whole / 60) % 60) + ":" + two(whole % 60);
  };

  const short = (value) => {
    if (axis.value === "time") {
      return duration(value);
    }
    return value >= 1e6 ? +(value / 1e6).toPrecision(3) + "M" : value >= 1e4 ? +(value / 1e3).toPrecision(3) + "k" : String(+value.toPrecision(4));
  };

  // Some room around the values; where all are the same, the line is in the middle.
  const room = (u, low, high) => {
    if (low === null || high === null) {
      return [0, 1];
    }
    const free = low === high ? Math.abs(low) / 2 || 1 : 0.06 * (high - low);
    return [low - free, high + free];
  };

  const series = (curve, faded) => {
    const line = colour("--c" + (curve.colour % 8));
    return {
      label: curve.name,
      stroke: faded ? faint(line) : line,
      width: faded ? 1 : 1.75,
      dash: curve.heldOut ? [5, 3] : [],
      spanGaps: true,
      points: { show: curve.x.length < 40 && !faded, size: 5 },
      value: (u, v) => shown(v),
    };
  };

  // The lines of a chart, and the numbers that they show.
  const drawn = (figure) => {
    const chart = data.charts[Number(figure.dataset.chart)];
    const weight = Number(smoothing.value);
    const parts = [];
    const lines = [{ label: axis.options[axis.selectedIndex].text, value: (u, v) => (v === null ? "–" : short(v)) }];
    chart.curves.forEach((curve) => {
      const x = along(curve);
      if (smoothes(curve, weight)) {
        const raw = series(curve, true);
        raw.label = curve.name + ", as logged";
        parts.push([x.slice(), curve.y.slice()]); // uPlot keeps what it gets, and curves grow
        lines.push(raw);
      }
      parts.push([x.slice(), smooth(curve, weight).slice()]);
      lines.push(series(curve, false));
    });
    return { lines, numbers: uPlot.join(parts), positive: chart.curves.every((curve) => curve.y.every((y) => y > 0)) };
  };

  const build = (figure) => {
    const { lines, numbers, positive } = drawn(figure);
    const quiet = colour("--quiet");
    const edge = { stroke: colour("--edge"), width: 1 };
    const font = "11px system-ui, sans-serif";
    const options = {
      width: Math.max(200, figure.clientWidth - 30),
      height: HEIGHT,
      scales: { x: { time: false }, y: logarithmic.checked && positive ? { distr: 3 } : { range: room } },
      axes: [
        { stroke: quiet, grid: edge, ticks: edge, font, values: (u, all) => all.map(short) },
        { stroke: quiet, grid: edge, ticks: edge, font, size: 58, values: (u, all) => labels(all) },
      ],
      series: lines,
      cursor: { sync: { key: sync.key, setSeries: false }, drag: { x: true, y: false } },
      legend: { live: true, markers: { dash: (u, i) => (lines[i].dash && lines[i].dash.length > 0 ? "dashed" : "solid") } },
    };
    const old = plots.get(figure);
    if (old !== undefined) {
      old.destroy();
    }
    let place = figure.querySelector(".plot");
    if (place === null) {
      place = document.createElement("div");
      place.className = "plot";
      figure.appendChild(place);
    }
    const plot = new uPlot(options, numbers, place);
    plot.root.querySelector("canvas").setAttribute("role", "img");
    plot.root.querySelector("canvas").setAttribute("aria-label", figure.querySelector("svg").getAttribute("aria-label"));
    plots.set(figure, plot);
    figure.dataset.points = numbers[0].length;
    figure.classList.add("live");
  };

  if (settings !== undefined) {
    [axis.value, smoothing.value, logarithmic.checked] = settings;
    smoothed.textContent = smoothing.value;
  } else if (data.charts.some((chart) => chart.curves.some((curve) => curve.means !== undefined))) {
    smoothing.value = "0.9";
    smoothed.textContent = smoothing.value;
  }

  // Charts are built when they come near the window: a run may have thirty.
  const near = new IntersectionObserver(
    (entries) => {
      entries.filter((entry) => entry.isIntersecting && !plots.has(entry.target)).forEach((entry) => build(entry.target));
    },
    { rootMargin: "600px" },
  );
  const seen = figures.map((figure) => figure.getBoundingClientRect().top < innerHeight); // before any of them changes
  figures.forEach((figure, i) => (seen[i] ? build(figure) : near.observe(figure)));

  const rebuild = () => [...plots.keys()].forEach(build);
  controls.hidden = false;
  controls.addEventListener("submit", (event) => event.preventDefault(), { signal });
  axis.addEventListener("change", rebuild, { signal });
  logarithmic.addEventListener("change", rebuild, { signal });
  const smoother = () => {
    smoothed.textContent = smoothing.value;
    rebuild();
  };
  smoothing.addEventListener("input", smoother, { signal });
  dark.addEventListener("change", rebuild, { signal });
  let waiting = 0;
  let width = innerWidth;
  const resized = () => {
    if (innerWidth !== width) {
      width = innerWidth;
      clearTimeout(waiting);
      waiting = setTimeout(rebuild, 150);
    }
  };
  addEventListener("resize", resized, { signal });

  const number = (line, key) => (typeof line[key] === "number" ? line[key] : 0);

  const lengthen = (run, line) => {
    const before = run.step.length - 1;
    if (typeof line.num_tokens !== "number" || line.step <= run.step[before]) {
      return;
    }
    const rate = number(line, "tokens_per_second");
    run.time.push(run.time[before] + (rate > 0 ? Math.max(0, line.num_tokens - run.tokens[before]) / rate : 0));
    run.step.push(line.step);
    run.epoch.push(number(line, "epoch"));
    run.tokens.push(line.num_tokens);
  };

  // Who has zoomed in stays where they are.
  const redraw = (plot, figure) => {
    const { lines, numbers } = drawn(figure);
    if (lines.length !== plot.series.length) {
      build(figure);
      return;
    }
    const x = plot.data[0];
    const zoomed = x.length > 1 && (plot.scales.x.min > x[0] || plot.scales.x.max < x[x.length - 1]);
    plot.setData(numbers, !zoomed);
    figure.dataset.points = numbers[0].length;
  };

  const NO_CURVE = /^(eval_)?(step|epoch|num_tokens|runtime|train_.*|samples_per_second|steps_per_second)$/;

  const append = (which, lines) => {
    const run = data.runs[which];
    const before = data.runs.length === 1 ? 0 : run.name.length + 3; // "NAME · " of the curves of several runs
    const curves = new Map();
    data.charts.forEach((chart, number) => chart.curves.forEach((curve) => {
      if (curve.run === which) {
        curves.set(curve.name.slice(before), [curve, number]);
      }
    }));
    const changed = new Set();
    let unknown = false;
    for (const line of lines) {
      lengthen(run, line);
      for (const [key, value] of Object.entries(line)) {
        const [curve, number] = curves.get(key) || [];
        if (curve === undefined) {
          unknown ||= typeof value === "number" && !NO_CURVE.test(key) && !run.seen?.has(key);
          (run.seen ||= new Set()).add(key);
        } else if (typeof value === "number" && line.step > curve.x[curve.x.length - 1]) {
          curve.x.push(line.step);
          curve.y.push(value);
          curve.means?.push(value);
          changed.add(number);
        }
      }
    }
    plots.forEach((plot, figure) => changed.has(Number(figure.dataset.chart)) && redraw(plot, figure));
    return unknown;
  };

  const end = () => {
    listening.abort();
    near.disconnect();
    plots.forEach((plot) => plot.destroy());
    return [axis.value, smoothing.value, logarithmic.checked];
  };
  return { append, end };
};
