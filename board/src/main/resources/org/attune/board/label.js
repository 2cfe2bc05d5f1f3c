"use strict";
(() => {
  let questions = [];
  let counts = {};
  let busy = false;
  const skipped = new Set();

  const name = (question) => JSON.stringify([question.prompt, question.first, question.second]);

  const show = () => {
    const question = questions[0];
    byId("question").hidden = question === undefined;
    tell(byId("count"), (counts.open - skipped.size) + " to judge · " + counts.pairs + (counts.pairs === 1 ? " pair" : " pairs") + " in " + counts.file + (counts.ties ? " · " + counts.ties + (counts.ties === 1 ? " tie" : " ties") : "") + (skipped.size ? " · " + skipped.size + " skipped" : ""));
    if (question === undefined) {
      tell(byId("told"), counts.all === 0 ? "There are no two different answers to a prompt here." : "All is judged" + (skipped.size ? ", but for what was skipped. Reload the page to see that again." : "."));
      return;
    }
    let pictures = 0;
    const picture = (address) => {
      const img = el("img", { src: address, class: "shown", alt: "picture " + ++pictures });
      img.addEventListener("error", () => get(address).catch((e) => img.replaceWith("[" + e.message + "]")));
      return img;
    };
    const said = (content) =>
      Array.isArray(content)
        ? content.map((part) => (part.type === "image" ? picture(part.image) : visible(part.text ?? JSON.stringify(part))))
        : [visible(content ?? "")];
    const calls = (turn) => (turn.tool_calls ? " " + visible(JSON.stringify(turn.tool_calls)) : "");
    const turns = (value, isAlone) => {
      if (!Array.isArray(value)) {
        return [visible(value)];
      }
      const isPlain = isAlone && value.length === 1 && !value[0].tool_calls;
      return value.flatMap((turn, i) => [i ? "\n\n" : "", isPlain || !turn.role ? "" : visible(turn.role) + ": ", ...said(turn.content), calls(turn)]);
    };
    byId("prompt").replaceChildren(...turns(question.prompt, false));
    byId("first").replaceChildren(...turns(question.first, true));
    byId("second").replaceChildren(...turns(question.second, true));
  };

  const load = async () => {
    try {
      counts = await get("/api/label" + location.search);
      questions = counts.questions.filter((question) => !skipped.has(name(question)));
      show();
      if (counts.faults.length > 0) {
        tell(byId("told"), "Left out: " + counts.faults.join(" · "), true);
      }
    } catch (e) {
      tell(byId("told"), e.message, true);
    }
  };

  const judge = async (choice) => {
    if (busy || questions.length === 0) {
      return;
    }
    busy = true;
    const question = questions[0];
    try {
      if (choice === "skip") {
        skipped.add(name(question));
      } else {
        Object.assign(counts, await (await post("/api/pairs", { ...question, choice })).json());
        counts.open--;
      }
      questions.shift();
      tell(byId("told"), "");
      if (questions.length === 0 && counts.open > skipped.size) {
        await load();
      } else {
        show();
      }
    } catch (e) {
      tell(byId("told"), e.message, true);
    }
    busy = false;
  };

  document.querySelectorAll("button[data-choice]").forEach((button) => button.addEventListener("click", () => judge(button.dataset.choice)));
  document.addEventListener("keydown", (event) => {
    const choice = { 1: "first", 2: "second", 0: "tie", s: "skip" }[event.key];
    if (choice && !event.ctrlKey && !event.metaKey && !event.altKey) {
      judge(choice);
    }
  });
  load();
})();
