"use strict";
(() => {
  byId("method").append(...JSON.parse(byId("data").textContent).map((name) => el("option", { value: name }, name)));
  const told = (text, bad) => tell(byId("problems"), text, bad);
  const body = () => ({ method: byId("method").value, yaml: byId("yaml").value });

  const check = async () => {
    told("checking …");
    try {
      const problems = await (await post("/api/check", body())).json();
      told(problems.length === 0 ? "Nothing is wrong with it." : problems.join("\n"), problems.length > 0);
      byId("problems").classList.toggle("good", problems.length === 0);
      byId("command").hidden = problems.length > 0;
      byId("words").textContent = "attune " + byId("method").value + " run.yaml";
    } catch (e) {
      told(e.message, true);
    }
  };

  byId("run").addEventListener("submit", (event) => {
    event.preventDefault();
    check();
  });
  byId("start").addEventListener("click", async () => {
    try {
      const item = await (await post("/api/queue", body())).json();
      told("Run " + item.number + " is " + item.state + ".");
      await queue();
    } catch (e) {
      told(e.message, true);
    }
  });

  const cancel = async (number) => {
    try {
      await post("/api/queue/cancel", { number });
      await queue();
    } catch (e) {
      told(e.message, true);
    }
  };

  let shown = "";
  const queue = async () => {
    try {
      const { allowed, items } = await get("/api/queue");
      byId("start").hidden = !allowed;
      byId("queue-told").textContent = allowed ? (items.length ? "One run works at a time." : "The queue is empty.") : "This board checks files and starts no runs; attune board --allow-start permits it.";
      if (JSON.stringify(items) === shown) {
        return;
      }
      shown = JSON.stringify(items);
      byId("items").replaceChildren(...items.map((item) => el("tr", {},
        el("th", { scope: "row" }, String(item.number)), el("td", {}, item.method), el("td", {}, visible(item.output)), el("td", {}, visible(item.state)),
        el("td", {}, item.state === "waiting" || item.state === "running" ? el("button", { type: "button", onclick: () => cancel(item.number) }, item.state === "running" ? "Stop" : "Cancel") : ""))));
    } catch (e) {
      byId("queue-told").textContent = visible(e.message);
    }
  };
  whileSeen(2000, queue);
})();
