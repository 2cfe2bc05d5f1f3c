// The figures of a model server, from its text for Prometheus.
"use strict";
(() => {
  const HISTOGRAMS = { time_to_first_token_seconds: "from a request to its first token", inter_token_latency_seconds: "between tokens", e2e_request_latency_seconds: "from a request to its answer's end" };
  let before = null;

  const parse = (text) => text.split("\n").filter((line) => line !== "" && !line.startsWith("#")).map((line) => {
    const [, name, labels, value] = /^\w+:(\w+)(?:\{(.*)\})? (\S+)$/.exec(line) ?? [];
    return { name, labels: Object.fromEntries([...(labels ?? "").matchAll(/(\w+)="([^"]*)"/g)].map((m) => [m[1], m[2]])), value: Number(value) };
  });

  const quantile = (buckets, share) => {
    const all = buckets[buckets.length - 1].value;
    const at = buckets.findIndex((bucket) => bucket.value >= share * all);
    const low = at === 0 ? 0 : Number(buckets[at - 1].labels.le);
    const high = Number(buckets[at].labels.le.replace("+Inf", "Infinity"));
    const below = at === 0 ? 0 : buckets[at - 1].value;
    return Number.isFinite(high) ? low + ((share * all - below) / (buckets[at].value - below)) * (high - low) : low;
  };

  const time = (seconds) => (seconds < 1 ? figure(1000 * seconds) + " ms" : figure(seconds) + " s");

  const load = async () => {
    try {
      const [text, models] = await Promise.all([ask("/api/serve/metrics").then((r) => r.text()), get("/api/models")]);
      const samples = parse(text);
      const one = (name) => samples.find((s) => s.name === name)?.value ?? 0;
      const now = { at: performance.now(), tokens: one("generation_tokens_total") };
      const rate = before === null ? null : (1000 * (now.tokens - before.tokens)) / (now.at - before.at);
      before = now;
      byId("tiles").replaceChildren(...[
        ["answers under way", one("num_requests_running")], ["waiting", one("num_requests_waiting")],
        ["tokens a second", rate === null ? "–" : figure(Math.max(0, rate))], ["sampled tokens", grouped(now.tokens)],
        ["tokens of prompts", grouped(one("prompt_tokens_total"))], ["refused as too many", one("requests_refused_total")],
      ].map(([name, value]) => el("div", {}, el("dt", {}, name), el("dd", {}, String(value)))));
      byId("models").replaceChildren(...models.data.map((m) => el("tr", {}, el("th", { scope: "row" }, visible(m.id)), el("td", {}, visible(m.parent ?? "–")))));
      byId("latency").replaceChildren(...Object.entries(HISTOGRAMS).map(([name, words]) => {
        const buckets = samples.filter((s) => s.name === name + "_bucket");
        const count = one(name + "_count");
        const cells = count === 0 ? ["–", "–", "–"] : [one(name + "_sum") / count, quantile(buckets, 0.5), quantile(buckets, 0.95)].map(time);
        return el("tr", {}, el("th", { scope: "row" }, words), [grouped(count), ...cells].map((c) => el("td", { class: "number" }, c)));
      }));
      const counted = (name, label, words) => samples.filter((s) => s.name === name).map((s) => el("tr", {}, el("th", { scope: "row" }, words + visible(s.labels[label])), el("td", { class: "number" }, grouped(s.value))));
      byId("answers").replaceChildren(...counted("request_success_total", "finished_reason", "ended by "), ...counted("http_responses_total", "status", "status "));
      byId("figures").hidden = false;
      tell(byId("told"), "");
    } catch (e) {
      tell(byId("told"), e.message, true);
    }
  };
  whileSeen(2000, load);
})();
