// The history of a store of feedback.
"use strict";
(() => {
  const adapter = (release) => {
    const name = release.adapter === "" ? "none, as before the first" : release.adapter.split("/").pop();
    return release.run === null ? el("span", { title: visible(release.adapter) }, visible(name)) : el("a", { href: "/runs/" + release.run }, visible(name));
  };
  const load = async () => {
    try {
      const { sides, releases } = await get("/api/learning");
      const lines = sides.length === 0 ? ["no answers yet"] : sides;
      byId("sides").replaceChildren(...lines.map((line) => el("li", {}, visible(line.trim()))));
      byId("releases").replaceChildren(...releases.map((release) => el("tr", {},
        el("th", { scope: "row", class: "number" }, String(release.number)),
        el("td", {}, visible(release.model) + (release.in_force ? " (in force)" : "")),
        el("td", { title: release.time }, age(release.time) + " ago"),
        el("td", {}, adapter(release)),
        el("td", {}, visible(release.evidence)))));
      byId("history").hidden = false;
      tell(byId("told"), "");
    } catch (e) {
      tell(byId("told"), e.message, true);
    }
  };
  whileSeen(5000, load);
})();
