"use strict";
(() => {
  const byId = (id) => document.getElementById(id);
  const rows = [...document.querySelectorAll("details.row")].map((element) => ({
    element, text: element.textContent.toLowerCase(), top: element.closest(".group").dataset.top,
  }));
  const groups = [...document.querySelectorAll(".group")];
  const buttons = [...document.querySelectorAll("button[data-verdict]")];
  const fields = { q: byId("q"), section: byId("section"), stage: byId("stage"), must: byId("must"), claimed: byId("claimed") };

  function apply() {
    const wanted = new Set(buttons.filter((b) => b.getAttribute("aria-pressed") === "true").map((b) => b.dataset.verdict));
    const words = fields.q.value.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    for (const { element, text, top } of rows) {
      const data = element.dataset;
      const keep = (!wanted.size || wanted.has(data.verdict)) &&
        (!fields.section.value || top === fields.section.value) &&
        (!fields.stage.value || data.stage === fields.stage.value) &&
        (!fields.must.checked || data.must === "1") &&
        (!fields.claimed.checked || data.claimed === "1") &&
        words.every((word) => text.includes(word));
      element.hidden = !keep;
      shown += keep ? 1 : 0;
    }
    for (const group of groups) group.hidden = !group.querySelector("details.row:not([hidden])");
    byId("shown").textContent = shown === rows.length ? `${rows.length} rows` : `${shown} of ${rows.length} rows`;
    byId("reset").hidden = shown === rows.length;
    byId("nothing").hidden = shown > 0;
  }

  function reset() {
    fields.q.value = ""; fields.section.value = ""; fields.stage.value = "";
    fields.must.checked = false; fields.claimed.checked = false;
    for (const button of buttons) button.setAttribute("aria-pressed", "false");
    apply();
  }

  function follow() {
    const target = location.hash.length > 1 ? byId(decodeURIComponent(location.hash.slice(1))) : null;
    if (!target || !target.matches("details.row")) return;
    if (target.hidden) reset();
    target.open = true;
    const summary = target.querySelector("summary");
    summary.scrollIntoView({ block: "center" });
    summary.focus({ preventScroll: true });
  }

  for (const button of buttons) {
    button.addEventListener("click", () => {
      button.setAttribute("aria-pressed", String(button.getAttribute("aria-pressed") !== "true"));
      apply();
    });
  }
  for (const field of Object.values(fields)) field.addEventListener("input", apply);
  document.querySelector("form.filters").addEventListener("submit", (event) => event.preventDefault());
  byId("reset").addEventListener("click", () => { reset(); fields.q.focus(); });
  window.addEventListener("hashchange", follow);
  window.addEventListener("beforeprint", () => { for (const { element } of rows) element.open = !element.hidden; });
  // Once more after loading: the browser's own jump to the fragment takes the focus away again.
  window.addEventListener("load", () => setTimeout(follow, 0));
  apply();
  follow();
})();
