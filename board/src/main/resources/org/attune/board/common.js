// What all pages need. Whatever comes from outside becomes text: nothing here makes markup of strings.
"use strict";
const byId = (id) => document.getElementById(id);

// An element. Properties that begin with "on" are listeners; "class", "data-…", "aria-…" and the like are attributes.
const el = (tag, properties = {}, ...children) => {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name.startsWith("on")) {
      element.addEventListener(name.slice(2), value);
    } else if (value === true) {
      element.setAttribute(name, "");
    } else if (value !== false && value !== null && value !== undefined) {
      element.setAttribute(name, value);
    }
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return element;
};

// An element of a drawing.
const draw = (tag, attributes, ...children) => {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  Object.entries(attributes).forEach(([name, value]) => element.setAttribute(name, value));
  element.append(...children);
  return element;
};

// A small curve of some values, of which a reader hears the first and the last.
const sparkline = (values, name) => {
  if (values.length < 2) {
    return "";
  }
  const low = Math.min(...values);
  const span = Math.max(...values) - low || 1;
  const points = values.map((value, i) => ((96 * i) / (values.length - 1) + 2).toFixed(1) + "," + (22 - (20 * (value - low)) / span).toFixed(1));
  const label = name + " from " + figure(values[0]) + " to " + figure(values[values.length - 1]);
  return draw("svg", { viewBox: "0 0 100 24", class: "spark", role: "img", "aria-label": label }, draw("polyline", { class: "line c0", points: points.join(" ") }));
};

// Characters that are invisible or turn the direction of the text around them are shown as \u202e.
const visible = (text) =>
  String(text).replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069\u2028\u2029]/g, (c) => "\\u" + c.charCodeAt(0).toString(16).padStart(4, "0"));

const figure = (value) => {
  if (typeof value !== "number" || !Number.isFinite(value)) {
    return "–";
  }
  const size = Math.abs(value);
  return size !== 0 && (size < 1e-3 || size >= 1e7) ? value.toExponential(2) : String(+value.toPrecision(4));
};

const grouped = (value) => Math.round(value).toString().replace(/\B(?=(\d{3})+$)/g, "\u202f");

const age = (time) => {
  const seconds = Math.max(0, (Date.now() - Date.parse(time)) / 1000);
  const [size, name] = seconds < 90 ? [1, "s"] : seconds < 5400 ? [60, "min"] : seconds < 129600 ? [3600, "h"] : [86400, "d"];
  return Math.round(seconds / size) + " " + name;
};

const problem = async (response) => {
  const text = await response.text();
  try {
    return JSON.parse(text).error.message;
  } catch {
    return text || "the board answered with status " + response.status;
  }
};

// Asks the board; an error has the board's own words.
const ask = async (path, options = {}) => {
  let response;
  try {
    response = await fetch(path, { ...options, cache: "no-store" });
  } catch (e) {
    if (e.name === "AbortError") {
      throw e;
    }
    throw new Error("the board doesn't answer; was it ended?");
  }
  if (!response.ok) {
    const error = new Error(await problem(response));
    error.status = response.status;
    throw error;
  }
  return response;
};

const get = async (path) => (await ask(path)).json();

const post = (path, body, options = {}) =>
  ask(path, { ...options, method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });

// Calls a function now and then while the page is seen; a page in the background asks nothing.
const whileSeen = (milliseconds, work) => {
  let timer = 0;
  const turn = async () => {
    clearTimeout(timer);
    if (!document.hidden) {
      await work();
      timer = setTimeout(turn, milliseconds);
    }
  };
  document.addEventListener("visibilitychange", turn);
  turn();
};

// Says something in an element that screen readers read out.
const tell = (element, text, isBad = false) => {
  element.textContent = visible(text);
  element.classList.toggle("bad", isBad);
  element.hidden = text === "";
};
