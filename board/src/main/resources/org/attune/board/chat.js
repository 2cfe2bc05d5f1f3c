// Two models or adapters answer the same messages with the same seed. A judgement is a row for attune dpo.
"use strict";
(() => {
  const NOTHING = "";
  const sides = ["a", "b"].map((name) => ({ name, model: byId("model-" + name), place: byId("turns-" + name), history: [], answer: null }));
  const told = (text, bad) => tell(byId("told"), text, bad);
  let running = null;
  let last = null; // what was asked last, to ask it again

  const models = async (wanted) => {
    try {
      const { data } = await get("/api/models");
      sides.forEach((side, i) => {
        const old = side.model.value;
        side.model.replaceChildren(...(i === 1 ? [el("option", { value: NOTHING }, "nobody")] : []), ...data.map((m) => el("option", { value: m.id }, visible(m.id))));
        side.model.value = i === 1 && wanted ? wanted : old || (i === 1 ? (data[1]?.id ?? NOTHING) : data[0].id);
      });
    } catch (e) {
      told(e.message, true);
      byId("send").disabled = true;
    }
  };

  const asked = (side) => side.model.value !== NOTHING;

  const json = (id, what) => {
    const text = byId(id).value.trim();
    try {
      return text === "" ? undefined : JSON.parse(text);
    } catch (e) {
      throw new Error(what + " is no JSON: " + e.message);
    }
  };

  const request = (side) => {
    const system = byId("system").value.trim();
    const schema = json("schema", "the schema");
    const body = {
      model: side.model.value,
      messages: [...(system ? [{ role: "system", content: system }] : []), ...side.history],
      temperature: Number(byId("temperature").value),
      top_p: Number(byId("top-p").value),
      seed: Number(byId("seed").value),
      logprobs: true,
      top_logprobs: 5,
    };
    const tools = json("tools", "the list of tools");
    if (byId("tokens").value !== "") {
      body.max_tokens = Number(byId("tokens").value);
    }
    if (tools) {
      body.tools = tools;
    }
    if (schema) {
      body.response_format = { type: "json_schema", json_schema: { name: "answer", schema } };
    }
    return body;
  };

  // Events of a stream as they come.
  const events = async function* (response) {
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    let rest = "";
    for (;;) {
      const { value, done } = await reader.read();
      if (done) {
        return;
      }
      const lines = (rest + value).split("\n");
      rest = lines.pop();
      for (const line of lines) {
        if (line.startsWith("data: ") && line !== "data: [DONE]") {
          yield JSON.parse(line.slice(6));
        }
      }
    }
  };

  const turn = (who, ...content) => el("div", { class: "turn" }, el("span", { class: "who" }, who), ...content);

  // The token that is pointed at, or that the arrow keys have reached, with what could have stood there.
  const alternatives = (answer, place, entries) => {
    let here = null;
    const show = (token) => {
      here?.classList.remove("here");
      here = token;
      here.classList.add("here");
      const entry = entries[token.place];
      place.textContent = entry
        ? visible(JSON.stringify(entry.token)) + " " + percent(entry.logprob) + "; likeliest: " + entry.top_logprobs.map((t) => visible(JSON.stringify(t.token)) + " " + percent(t.logprob)).join(", ")
        : "no probabilities were told of this token";
    };
    answer.addEventListener("mouseover", (event) => event.target.tagName === "SPAN" && show(event.target));
    answer.addEventListener("keydown", (event) => {
      const next = event.key === "ArrowRight" ? (here ? here.nextSibling : answer.firstChild) : event.key === "ArrowLeft" ? here?.previousSibling : null;
      if (next) {
        event.preventDefault();
        show(next);
      }
    });
  };

  const percent = (logprob) => (100 * Math.exp(logprob)).toPrecision(3) + " %";

  const answer = async (side, signal) => {
    const text = el("div", { class: "answer", tabindex: 0, role: "group", "aria-label": "answer of " + side.name.toUpperCase() });
    const others = el("p", { class: "alternatives" }, "Point at a token, or go through them by the arrow keys, to see what else was likely.");
    const end = el("p", { class: "hint" });
    const place = turn(visible(side.model.value), text, others, end);
    side.place.append(place);
    let content = "";
    const calls = [];
    const entries = []; // of tokens; a token's text may come later, or earlier
    alternatives(text, others, entries);
    const begun = performance.now();
    let count = 0;
    let first = 0;
    let reason = "";
    let id;
    try {
      for await (const event of events(await post("/api/chat", request(side), { signal }))) {
        if (event.error) {
          throw new Error(event.error.message);
        }
        id ??= event.id;
        const choice = event.choices?.[0];
        if (!choice) {
          continue;
        }
        reason = choice.finish_reason ?? reason;
        entries.push(...(choice.logprobs?.content ?? []));
        const said = (choice.delta.reasoning_content ?? "") + (choice.delta.content ?? "");
        (choice.delta.tool_calls ?? []).forEach((call) => {
          calls.push(call);
          text.append(el("span", {}, visible(call.function.name + "(" + call.function.arguments + ")")));
        });
        if (said) {
          first ||= performance.now() - begun;
          content += choice.delta.content ?? "";
          const token = el("span", {}, visible(said));
          token.place = count++;
          text.append(token);
        }
      }
    } catch (e) {
      if (e.name !== "AbortError") {
        end.textContent = visible(e.message);
        end.classList.add("bad");
        return null;
      }
      reason = "stopped";
    }
    const seconds = (performance.now() - begun - first) / 1000;
    end.textContent = count + " tokens" + (count > 2 && seconds > 0 ? ", " + ((count - 1) / seconds).toFixed(1) + " a second" : "") + ", the first after " + (first / 1000).toFixed(2) + " s" + (reason && reason !== "stop" ? ", ended by " + reason : "");
    const message = { role: "assistant", content };
    if (calls.length) {
      message.tool_calls = calls.map(({ id, type, function: f }) => ({ id, type, function: f }));
    }
    return { message, place, id };
  };

  const run = async () => {
    running = new AbortController();
    busy(true);
    byId("judge").hidden = true;
    const some = sides.filter(asked);
    try {
      some.forEach(request); // what is wrong with settings is said before anything is asked
      told("");
      const answers = await Promise.all(some.map((side) => answer(side, running.signal)));
      some.forEach((side, i) => (side.answer = answers[i]));
    } catch (e) {
      told(e.message, true);
    }
    running = null;
    busy(false);
    const [a, b] = sides;
    byId("judge").hidden = !(a.answer && b.answer && asked(b) && JSON.stringify(a.history) === JSON.stringify(b.history));
  };

  const busy = (is) => {
    byId("send").disabled = is;
    byId("stop").disabled = !is;
    byId("again").disabled = is || last === null;
    byId("anew").disabled = is || last === null;
  };

  // A message that nobody answered is not asked again with the next one.
  const settle = () => sides.forEach((side) => {
    if (side.answer) {
      side.history.push(side.answer.message);
      side.answer = null;
    } else if (side.history.at(-1)?.role === "user") {
      side.history.pop();
    }
  });

  // Bytes of the chosen files, as addresses that hold them.
  const pictures = () =>
    Promise.all(
      [...byId("pictures").files].map(
        (file) =>
          new Promise((done, failed) => {
            const reader = new FileReader();
            reader.onload = () => done(reader.result);
            reader.onerror = () => failed(new Error(file.name + " can't be read: " + reader.error.message));
            reader.readAsDataURL(file);
          }),
      ),
    );

  const send = async (message) => {
    busy(true);
    let shown;
    try {
      shown = await pictures();
    } catch (e) {
      told(e.message, true);
      busy(false);
      return;
    }
    settle();
    last = message;
    const content = shown.length ? [...shown.map((url) => ({ type: "image_url", image_url: { url } })), { type: "text", text: message }] : message;
    sides.forEach((side) => {
      side.history.push({ role: "user", content });
      side.place.append(turn("you", shown.map((src, i) => el("img", { src, class: "shown", alt: "picture " + (i + 1) })), el("p", {}, visible(message))));
    });
    byId("message").value = "";
    byId("pictures").value = "";
    run();
  };

  byId("ask").addEventListener("submit", (event) => {
    event.preventDefault();
    const message = byId("message").value.trim();
    if (message !== "" && !byId("send").disabled) {
      send(message);
    }
  });
  byId("message").addEventListener("keydown", (event) => {
    if (event.key === "Enter" && !event.shiftKey) {
      event.preventDefault();
      byId("ask").requestSubmit();
    }
  });
  byId("stop").addEventListener("click", () => running?.abort());
  byId("again").addEventListener("click", () => {
    sides.forEach((side) => {
      side.answer?.place.remove();
      side.answer = null;
    });
    byId("seed").value = Number(byId("seed").value) + 1;
    run();
  });
  byId("anew").addEventListener("click", () => {
    sides.forEach((side) => {
      side.history = [];
      side.answer = null;
      side.place.replaceChildren();
    });
    last = null;
    byId("judge").hidden = true;
    busy(false);
  });

  const judge = async (choice) => {
    const [a, b] = sides;
    const system = byId("system").value.trim();
    const tools = json("tools", "the list of tools");
    const body = {
      prompt: [...(system ? [{ role: "system", content: system }] : []), ...a.history],
      first: [a.answer.message],
      second: [b.answer.message],
      choice,
    };
    if (a.answer.id && b.answer.id) {
      Object.assign(body, { first_id: a.answer.id, second_id: b.answer.id });
    }
    if (tools) {
      body.tools = tools;
    }
    try {
      const counts = await (await post("/api/pairs", body)).json();
      const better = choice === "second" ? b : a;
      sides.filter((side) => side !== better).forEach((side) => (side.answer.message = better.answer.message));
      byId("judge").hidden = true;
      told(choice === "tie" ? "A tie is no pair; the chat goes on with A's answer." : "Kept: " + counts.pairs + (counts.pairs === 1 ? " pair" : " pairs") + " in " + counts.file + (counts.server_keeps ? "; the server keeps the judgement too." : "."));
    } catch (e) {
      told(e.message, true);
    }
  };
  byId("judge").querySelectorAll("button").forEach((button) => button.addEventListener("click", () => judge(button.dataset.choice)));
  document.addEventListener("keydown", (event) => {
    const choice = { 1: "first", 2: "second", 0: "tie" }[event.key];
    if (choice && !byId("judge").hidden && !event.target.closest("input,textarea,select")) {
      judge(choice);
    }
  });

  (async () => {
    const run = new URLSearchParams(location.search).get("run");
    let wanted;
    if (run) {
      try {
        wanted = (await (await post("/api/chat/adapter", { run })).json()).model;
      } catch (e) {
        told(e.message, true);
      }
    }
    await models(wanted);
  })();
})();
