// A sweep: its trials, the best one first, their curves, and which values led to which results.
"use strict";
(() => {
  const MOST_CURVES = 40;
  const id = location.pathname.split("/").pop();
  let shown = "";
  let sweep = null;
  let plot = null;

  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

  // What has no result comes last.
  const ordered = () => {
    const worth = (trial) => (trial.result === null ? Infinity : (sweep.smaller_is_better ? 1 : -1) * trial.result);
    return [...sweep.trials].sort((a, b) => worth(a) - worth(b) || a.number - b.number);
  };

  const isBest = (trial) => trial.number === sweep.best;

  const state = (trial) => {
    const run = sweep.runs[trial.folder];
    return trial.state === "running" && run ? run.state : trial.state;
  };

  const table = (trials) => {
    const head = (text, isNumber) => el("th", { scope: "col", class: isNumber ? "number" : null }, visible(text));
    byId("heads").replaceChildren(head("trial"), head("state"), ...sweep.keys.map((key) => head(key, true)), head(sweep.metric ?? "result", true), head("curve"));
    byId("trials").replaceChildren(...trials.map((trial) => {
      const run = sweep.runs[trial.folder];
      const name = "trial " + trial.number;
      return el("tr", { class: isBest(trial) ? "best" : null },
        el("th", { scope: "row" }, run ? el("a", { href: "/runs/" + run.id }, name) : name, isBest(trial) ? el("strong", { class: "good" }, " best") : null),
        el("td", {}, el("span", { class: "state-of " + state(trial) }, state(trial))),
        sweep.keys.map((key) => el("td", { class: "number" }, visible(trial.values[key] ?? ""))),
        el("td", { class: "number" }, trial.result === null ? "" : figure(trial.result)),
        el("td", {}, sparkline(trial.line.map((point) => point[1]), sweep.metric ?? "result")));
    }));
  };

  const curves = () => {
    const all = ordered().filter((trial) => trial.line.length > 0);
    const some = all.slice(0, MOST_CURVES);
    byId("lines").hidden = some.length === 0;
    byId("lines-of").textContent = visible((sweep.metric ?? "held out") + " by step");
    tell(byId("drawn"), some.length < all.length ? "The " + MOST_CURVES + " best of " + all.length + " are drawn." : "");
    plot?.destroy();
    plot = null;
    if (some.length === 0) {
      return;
    }
    const quiet = colour("--quiet");
    const axis = { stroke: quiet, grid: { stroke: colour("--edge"), width: 1 }, ticks: { stroke: colour("--edge"), width: 1 }, font: "11px system-ui, sans-serif" };
    const line = (trial) => ({
      label: "trial " + trial.number + (isBest(trial) ? " (best)" : ""), stroke: colour("--c" + ((trial.number - 1) % 8)), width: isBest(trial) ? 3.5 : 1.25,
      spanGaps: true, points: { show: trial.line.length < 40, size: isBest(trial) ? 8 : 5 }, value: (u, v) => figure(v),
    });
    plot = new uPlot({
      width: Math.max(200, byId("curves").clientWidth - 30), height: 320,
      scales: { x: { time: false } },
      axes: [axis, { ...axis, size: 58, values: (u, values) => values.map(figure) }],
      series: [{ label: "step" }, ...some.map(line)],
    }, uPlot.join(some.map((trial) => [trial.line.map((point) => point[0]), trial.line.map((point) => point[1])])), byId("curves"));
    byId("curves").dataset.curves = some.length;
    const canvas = plot.root.querySelector("canvas");
    canvas.setAttribute("role", "img");
    canvas.setAttribute("aria-label", (sweep.metric ?? "held out") + " by step, a curve for each of " + some.length + " trials");
  };

  // Where values of a key stand on their axis, 0 to 1. Words stand apart; factors count where numbers are far from each other.
  const scale = (values) => {
    const numbers = values.map(Number);
    if (numbers.some((number) => !Number.isFinite(number))) {
      return { at: (value) => (values.length > 1 ? values.indexOf(value) / (values.length - 1) : 0.5), ends: [] };
    }
    const [low, high] = [Math.min(...numbers), Math.max(...numbers)];
    const along = low > 0 && high / low >= 50 ? Math.log : (number) => number;
    return { at: (value) => (high > low ? (along(Number(value)) - along(low)) / (along(high) - along(low)) : 0.5), ends: [figure(low), figure(high)] };
  };

  // Parallel coordinates: an axis for each key and one for the result, a line for each trial.
  const parallel = () => {
    const trials = ordered().filter((trial) => trial.result !== null);
    byId("values").hidden = trials.length < 2 || sweep.keys.length === 0;
    if (byId("values").hidden) {
      return;
    }
    const axes = [...sweep.keys.map((key) => [key, (trial) => trial.values[key] ?? ""]), [sweep.metric ?? "result", (trial) => String(trial.result)]];
    const width = 150 * axes.length;
    const drawing = draw("svg", { viewBox: "0 0 " + width + " 260", class: "parallel", role: "img", "aria-label": "values and results of " + trials.length + " trials, as in the table above" });
    drawing.style.width = width + "px";
    const text = (x, y, what) => draw("text", { x, y, "text-anchor": "middle" }, visible(what));
    const scales = axes.map(([, of]) => scale([...new Set(trials.map(of))]));
    const x = (i) => 75 + 150 * i;
    const y = (i, trial) => (225 - 180 * scales[i].at(axes[i][1](trial))).toFixed(1);
    axes.forEach(([name], i) => {
      drawing.append(draw("line", { class: "grid", x1: x(i), x2: x(i), y1: 45, y2: 225 }), text(x(i), 16, name));
      if (scales[i].ends.length === 2) {
        drawing.append(text(x(i), 36, scales[i].ends[1]), text(x(i), 244, scales[i].ends[0]));
      } else {
        [...new Set(trials.map(axes[i][1]))].forEach((value) => drawing.append(draw("text", { x: x(i) + 5, y: 229 - 180 * scales[i].at(value) }, visible(value))));
      }
    });
    [...trials].reverse().forEach((trial) => drawing.append(draw("polyline", { class: isBest(trial) ? "line c0 best" : "line c7", points: axes.map((_, i) => x(i) + "," + y(i, trial)).join(" ") })));
    byId("parallel").replaceChildren(drawing);
  };

  const show = () => {
    const words = sweep.trials.length + (sweep.trials.length === 1 ? " trial" : " trials");
    byId("name").textContent = visible(sweep.name);
    document.title = visible(sweep.name) + " · Attune";
    byId("state").replaceChildren(el("span", { class: "state-of " + sweep.state }, sweep.state), " sweep · " + words + (sweep.metric ? " · " + visible(sweep.metric) + ", " + (sweep.smaller_is_better ? "smaller" : "larger") + " is better" : ""));
    table(ordered());
    byId("sweep").hidden = false; // a chart takes the width of what is seen
    curves();
    parallel();
    byId("take").hidden = !sweep.has_best;
    byId("best").href = "/api/sweeps/" + id + "/best";
  };

  const load = async () => {
    try {
      const text = await (await ask("/api/sweeps/" + id)).text();
      if (text !== shown) {
        shown = text;
        sweep = JSON.parse(text);
        show();
      }
      tell(byId("told"), "");
    } catch (e) {
      tell(byId("told"), e.message, true);
    }
  };

  let width = innerWidth;
  addEventListener("resize", () => {
    if (sweep && innerWidth !== width) {
      width = innerWidth;
      curves();
    }
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => sweep && curves());
  whileSeen(2000, load);
})();
