"use strict";
(() => {
  const MOST = 8;
  const selected = new Set();
  let shown = "";
  let runs = [];

  const row = (run) => {
    const name = visible(run.run_name ? run.name + " (" + run.run_name + ")" : run.name);
    const check = el("input", {
      type: "checkbox", "aria-label": "compare " + name, onchange: (event) => {
        event.target.checked ? selected.add(run.id) : selected.delete(run.id);
        compared();
      },
    });
    check.checked = selected.has(run.id);
    const held = run.held_out;
    const step = run.planned_steps > 0 ? run.step + " of " + run.planned_steps : run.step ?? "";
    return el("tr", {},
      el("td", {}, check),
      el("th", { scope: "row", class: "name" }, el("a", { href: "/runs/" + run.id }, name)),
      el("td", {}, el("span", { class: "state-of " + run.state, title: run.failure ? visible(run.failure) : null }, run.state)),
      el("td", {}, run.method ?? ""),
      el("td", {}, visible(run.model ?? "")),
      el("td", { class: "number" }, String(step)),
      el("td", {}, sparkline(run.line, run.metric)),
      el("td", {}, held ? held.key : ""),
      el("td", { class: "number" }, held ? figure(held.before) : ""),
      el("td", { class: "number" }, held ? figure(held.after) : ""),
      el("td", { class: "number" }, run.tokens_per_second > 0 ? grouped(run.tokens_per_second) : ""),
      el("td", { title: run.started ?? null }, run.started ? age(run.started) + " ago" : ""));
  };

  const compared = () => {
    const button = byId("compare");
    button.disabled = selected.size < 2 || selected.size > MOST;
    button.textContent = selected.size < 2 ? "Compare" : "Compare " + selected.size;
  };

  const choices = (select, values) => {
    const known = [...select.options].map((o) => o.value);
    values.filter((v) => v && !known.includes(v)).sort().forEach((v) => select.append(el("option", { value: v }, v)));
  };

  const show = () => {
    const words = byId("words").value.toLowerCase().split(/\s+/).filter(Boolean);
    const some = runs.filter((run) => {
      const text = [run.name, run.run_name, run.method, run.model, run.state].join(" ").toLowerCase();
      return words.every((word) => text.includes(word)) && (!byId("method").value || run.method === byId("method").value) && (!byId("state").value || run.state === byId("state").value);
    });
    const focused = document.activeElement?.getAttribute("aria-label") ?? document.activeElement?.getAttribute("href");
    byId("rows").replaceChildren(...some.map(row));
    if (focused) { // rows are made anew, and who goes through them by keys stays where they are
      [...byId("rows").querySelectorAll("input,a")].find((e) => (e.getAttribute("aria-label") ?? e.getAttribute("href")) === focused)?.focus();
    }
    tell(byId("count"), some.length === runs.length ? runs.length + (runs.length === 1 ? " run" : " runs") : some.length + " of " + runs.length + " runs");
    byId("empty").hidden = runs.length > 0;
  };

  const sweeps = async () => {
    const all = await get("/api/sweeps");
    byId("sweeps").hidden = all.length === 0;
    byId("sweeps").replaceChildren("Sweeps: ", ...all.flatMap((sweep, i) => [i > 0 ? ", " : "", el("a", { href: "/sweeps/" + sweep.id }, visible(sweep.name)), " (" + sweep.trials + (sweep.trials === 1 ? " trial)" : " trials)")]));
  };

  const order = ["running", "silent", "stopped", "dead", "failed", "finished"];
  const load = async () => {
    try {
      const text = await (await ask("/api/runs")).text();
      if (text === shown) {
        return;
      }
      shown = text;
      runs = JSON.parse(text).sort((a, b) => order.indexOf(a.state) - order.indexOf(b.state) || (b.started ?? "").localeCompare(a.started ?? ""));
      choices(byId("method"), runs.map((run) => run.method));
      choices(byId("state"), runs.map((run) => run.state));
      show();
      await sweeps();
    } catch (e) {
      tell(byId("count"), e.message, true);
    }
  };

  byId("filter").addEventListener("submit", (event) => event.preventDefault());
  ["words", "method", "state"].forEach((id) => byId(id).addEventListener("input", show));
  byId("compare").addEventListener("click", () => (location.href = "/compare?ids=" + [...selected].join(",")));
  whileSeen(2000, load);
})();
