// One run, or several over each other. Lines that are added to their metrics come as events, from the byte on that the
// page was made at, so nothing is lost between the two, nor while the page is in the background.
"use strict";
(() => {
  const page = byId("page");
  const ids = page.dataset.run.split(",");
  const single = ids.length === 1;
  const sources = new Map();
  let offsets = page.dataset.offset.split(",").map(Number);
  let charts = startCharts(JSON.parse(byId("data").textContent));
  let refreshing = false;
  let refreshed = Date.now();
  let waiting = 0;
  let steps = [];

  // The whole page again, where more has changed than points of curves. What the reader has opened stays open.
  const refresh = async () => {
    if (refreshing) {
      return;
    }
    refreshing = true;
    try {
      const made = new DOMParser().parseFromString(await (await ask(location.pathname + location.search)).text(), "text/html");
      const settings = charts.end();
      const open = new Set([...document.querySelectorAll("details[open] > summary")].map((s) => s.textContent));
      const kept = [...page.querySelectorAll("[data-room]")].map((room) => [room.dataset.room, [...room.childNodes]]);
      const next = made.getElementById("page");
      page.replaceChildren(...next.childNodes);
      kept.forEach(([name, nodes]) => page.querySelector('[data-room="' + name + '"]')?.replaceChildren(...nodes));
      page.querySelectorAll("details > summary").forEach((s) => (s.parentNode.open ||= open.has(s.textContent)));
      offsets = next.dataset.offset.split(",").map(Number);
      charts = startCharts(JSON.parse(made.getElementById("data").textContent), settings);
      furnish();
      unfollow(); // the next events begin behind what the page has now
      follow();
    } catch (e) {
      status(e.message, true);
    } finally {
      refreshing = false;
      refreshed = Date.now();
    }
  };

  const soon = () => {
    clearTimeout(waiting);
    waiting = setTimeout(refresh, Math.max(300, 5000 - (Date.now() - refreshed)));
  };

  const follow = () => ids.forEach((id, which) => {
    const source = new EventSource("/api/runs/" + id + "/events?after=" + offsets[which]);
    sources.set(id, source);
    source.addEventListener("lines", (event) => {
      let lines;
      try {
        lines = JSON.parse(event.data);
      } catch {
        soon(); // a line that was cut short
        return;
      }
      offsets[which] = Number(event.lastEventId);
      const hasNew = charts.append(which, lines);
      if (hasNew || lines.some((line) => Object.keys(line).some((key) => key.startsWith("eval_")))) {
        soon();
      }
      if (single) {
        rounds();
      }
    });
    source.addEventListener("anew", soon);
    source.addEventListener("state", (event) => single && stands(JSON.parse(event.data)));
  });

  const unfollow = () => {
    sources.forEach((source) => source.close());
    sources.clear();
  };

  // A page in the background follows nothing: browsers allow few open streams.
  document.addEventListener("visibilitychange", () => {
    unfollow();
    if (!document.hidden) {
      follow();
    }
  });

  const status = (text, isBad) => byId("told") && tell(byId("told"), text, isBad);
  let before;

  const stands = (run) => {
    if (run.state === undefined) {
      return;
    }
    const underWay = run.state === "running" || run.state === "silent";
    const line = page.querySelector(".state");
    if (line) {
      const share = run.planned_steps > 0 ? " · step " + run.step + " of " + run.planned_steps + " (" + Math.floor((100 * run.step) / run.planned_steps) + " %)" : "";
      const left = underWay && run.step > 0 && run.planned_steps > run.step ? " · about " + left_(run) + " left" : "";
      const rate = underWay && run.tokens_per_second > 0 ? " · " + grouped(run.tokens_per_second) + " tokens/s" : "";
      line.replaceChildren(el("span", { class: "state-of " + run.state }, run.state), " " + (run.method ?? "") + share + left + rate);
    }
    if (byId("stop")) {
      byId("stop").hidden = run.state !== "running" || !run.is_here;
    }
    if (before !== undefined && before !== run.state) {
      soon();
    }
    before = run.state;
  };

  const left_ = (run) => {
    const seconds = ((Date.parse(run.beat) - Date.parse(run.started)) / 1000 / run.step) * (run.planned_steps - run.step);
    return seconds < 90 ? Math.ceil(seconds) + " s" : seconds < 5400 ? Math.ceil(seconds / 60) + " min" : (seconds / 3600).toFixed(1) + " h";
  };

  const stop = async (event) => {
    const button = event.target;
    if (button.dataset.sure === undefined) {
      button.dataset.sure = "";
      button.textContent = "Stop it: it writes a checkpoint";
      setTimeout(() => {
        delete button.dataset.sure;
        button.textContent = "Stop";
      }, 5000);
      return;
    }
    button.disabled = true;
    try {
      await post("/api/runs/" + ids[0] + "/stop", {});
      status("The run was asked to stop. It writes a checkpoint first.");
    } catch (e) {
      status(e.message, true);
      button.disabled = false;
    }
  };

  // What the page has beside the report's parts.
  const furnish = () => {
    const actions = el("p", { class: "actions" },
      single ? el("button", { id: "stop", type: "button", hidden: true, onclick: stop }, "Stop") : null,
      el("a", { href: "/api/report?ids=" + ids.join(","), download: "report.html" }, "Report as one file"),
      single ? el("a", { href: "/chat?run=" + ids[0] }, "Chat with its adapter") : null);
    page.querySelector("header nav").before(actions, el("p", { id: "told", class: "told", role: "status", hidden: true }));
    if (single) {
      completions();
      rows();
      log();
    }
  };

  // ---- completions of every logged step
  const room = (name) => page.querySelector('[data-room="' + name + '"]');
  const view = { step: null, rows: [], sort: "", page: 0 };
  const PAGE = 50;

  const rounds = async () => {
    try {
      steps = await get("/api/runs/" + ids[0] + "/completions");
    } catch {
      return; // said by whatever else asks
    }
    const range = byId("step");
    if (range && steps.length > 0) {
      const last = Number(range.value) === Number(range.max);
      range.max = steps.length - 1;
      if (view.step === null || (last && steps[range.max] !== view.step)) {
        range.value = range.max;
        round();
      }
    } else if (steps.length > 0 && !room("completions")) {
      soon();
    }
  };

  const completions = () => {
    const place = room("completions");
    if (!place || place.childNodes.length > 0) {
      return;
    }
    place.append(
      el("form", { class: "controls", onsubmit: (event) => event.preventDefault() },
        el("label", {}, "step ", el("input", { type: "range", id: "step", min: 0, max: 0, value: 0, oninput: () => round() }), el("output", { id: "step-shown", for: "step" }, "")),
        el("label", {}, "sort ", el("select", { id: "sort", onchange: () => list() })),
        el("label", {}, el("select", { id: "bounded", "aria-label": "column with bounds", onchange: () => list() }), " from ", el("input", { type: "number", id: "least", step: "any", oninput: () => list() }), " to ", el("input", { type: "number", id: "most", step: "any", "aria-label": "to", oninput: () => list() })),
        el("label", {}, "search ", el("input", { type: "search", id: "search", oninput: () => list() })),
        el("a", { id: "judge", href: "/label" }, "Judge these")),
      el("p", { class: "hint", id: "shown", role: "status" }),
      el("div", { class: "wide", tabindex: 0, role: "region", "aria-label": "Completions" }, el("table", { id: "completions-table" })));
    rounds();
  };

  let asked = 0;
  const round = async () => {
    const step = steps[Number(byId("step").value)];
    const mine = ++asked;
    view.step = step;
    byId("step-shown").textContent = step;
    byId("step").setAttribute("aria-valuetext", "step " + step);
    byId("judge").href = "/label?run=" + ids[0] + "&step=" + step;
    try {
      const found = await get("/api/runs/" + ids[0] + "/completions/" + step);
      if (mine !== asked) {
        return;
      }
      view.rows = found;
    } catch (e) {
      tell(byId("shown"), e.message, true);
      return;
    }
    const numbers = columns().filter((name) => view.rows.some((row) => typeof row[name] === "number"));
    const keep = (select, values) => {
      const old = select.value;
      select.replaceChildren(...values.map(([value, text]) => el("option", { value }, text)));
      select.value = values.some(([value]) => value === old) ? old : values[0][0];
    };
    keep(byId("sort"), [["", "as recorded"], ...numbers.flatMap((n) => [["-" + n, n + ", high to low"], ["+" + n, n + ", low to high"]])]);
    keep(byId("bounded"), numbers.length ? numbers.map((n) => [n, n]) : [["", "nothing"]]);
    list();
  };

  const columns = () => [...new Set(view.rows.flatMap((row) => Object.keys(row)))].filter((name) => !["group", "prompt", "completion", "pictures"].includes(name));

  const list = () => {
    const words = byId("search").value.toLowerCase();
    const [least, most] = [byId("least").value, byId("most").value];
    const column = byId("bounded").value;
    let some = view.rows.filter((row) => {
      const value = row[column];
      const bounded = least === "" && most === "" ? true : typeof value === "number" && (least === "" || value >= Number(least)) && (most === "" || value <= Number(most));
      return bounded && (words === "" || (row.prompt + "\n" + row.completion).toLowerCase().includes(words));
    });
    const sort = byId("sort").value;
    if (sort) {
      const sign = sort[0] === "-" ? -1 : 1;
      const value = (row) => (typeof row[sort.slice(1)] === "number" ? row[sort.slice(1)] : sign * Infinity);
      some = [...some].sort((a, b) => sign * (value(a) - value(b)) || 0);
    }
    const means = columns().filter((n) => some.some((r) => typeof r[n] === "number")).map((n) => {
      const values = some.map((r) => r[n]).filter((v) => typeof v === "number");
      return n + " " + figure(values.reduce((a, b) => a + b, 0) / values.length);
    });
    const all = view.rows.length;
    tell(byId("shown"), (some.length === all ? all + " completions" : some.length + " of " + all + " completions") + (means.length ? "; means: " + means.join(", ") : "") + (some.length > PAGE ? "; the first " + PAGE + " are shown" : ""));
    const names = columns();
    let group = null;
    // The first completion of a prompt has its pictures.
    const pictures = (of) => (view.rows.find((row) => row.group === of && row.pictures)?.pictures ?? []).map((address) => el("img", { src: address, alt: "", class: "shown" }));
    byId("completions-table").replaceChildren(
      el("thead", {}, el("tr", {}, ["prompt", "completion", ...names].map((name) => el("th", { scope: "col", class: names.includes(name) ? "number" : null }, name)))),
      el("tbody", {}, some.slice(0, PAGE).map((row) => {
        const same = row.group === group && !sort;
        group = row.group;
        return el("tr", { class: same ? "same" : null },
          el("th", { scope: "row", class: "said", dir: "auto" }, same ? null : pictures(row.group), same ? el("span", { class: "unseen" }, visible(row.prompt)) : visible(row.prompt)),
          el("td", { class: "said", dir: "auto" }, visible(row.completion)),
          names.map((name) => el("td", { class: "number" }, typeof row[name] === "number" ? figure(row[name]) : visible(row[name] ?? "–"))));
      })));
  };

  // ---- rows and log
  const rows = () => {
    const place = room("rows");
    if (!place || place.childNodes.length > 0) {
      return;
    }
    const out = el("pre", { class: "said whole", tabindex: 0, hidden: true, "aria-label": "rows" });
    const button = el("button", {
      type: "button", onclick: async () => {
        button.disabled = true;
        out.hidden = false;
        out.textContent = "reading …";
        try {
          out.textContent = visible(await (await ask("/api/runs/" + ids[0] + "/preview")).text());
        } catch (e) {
          out.textContent = visible(e.message);
        }
        button.disabled = false;
      },
    }, "Show the first rows");
    place.append(el("p", { class: "hint" }, "Trained tokens are marked; lengths, and what is dropped or cut, are counted. The files of data are read anew."), button, out);
  };

  const log = async () => {
    const text = await (await ask("/api/runs/" + ids[0] + "/log")).text().catch(() => "");
    if (text === "" || byId("log-of-run")) {
      return;
    }
    const lines = el("pre", { class: "said whole", tabindex: 0, "aria-label": "log" }, visible(text));
    page.querySelector("main").append(el("section", { id: "log-of-run" }, el("h2", {}, "Log"), lines));
    page.querySelector("header nav ul").append(el("li", {}, el("a", { href: "#log-of-run" }, "Log")));
    lines.scrollTop = lines.scrollHeight;
  };

  furnish();
  if (!document.hidden) {
    follow();
  }
})();
