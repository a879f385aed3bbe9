"use strict";
(() => {
  const LEFT = 118, RIGHT = 938, WIDEST = 200;
  const svg = document.querySelector("svg.lab-timeline");
  if (!svg) return;
  const frame = svg.parentElement;
  const plot = svg.querySelector(".lab-plot");
  const number = (element, name) => parseFloat(element.getAttribute(name)) || 0;
  const parts = [...plot.children].map((element) => {
    const kind = element.tagName;
    if (kind === "line") return { element, kind, a: number(element, "x1"), b: number(element, "x2") };
    if (kind === "rect") return { element, kind, a: number(element, "x"), b: number(element, "x") + number(element, "width") };
    if (kind === "text") return { element, kind, a: number(element, "x") };
    const box = element.getBBox();
    return { element, kind, a: box.x + box.width / 2 };
  });
  let zoom = 1, start = 0;

  // A time is a share of the plot; `start` is the share at its left edge.
  const moved = (x) => LEFT + ((x - LEFT) / (RIGHT - LEFT) - start) * zoom * (RIGHT - LEFT);
  function draw() {
    start = Math.min(Math.max(0, start), 1 - 1 / zoom);
    for (const { element, kind, a, b } of parts) {
      if (kind === "line") { element.setAttribute("x1", moved(a)); element.setAttribute("x2", moved(b)); }
      else if (kind === "rect") { element.setAttribute("x", moved(a)); element.setAttribute("width", Math.max(3, moved(b) - moved(a))); }
      else if (kind === "text") element.setAttribute("x", moved(a));
      else element.setAttribute("transform", `translate(${moved(a) - a} 0)`);
    }
    out.textContent = zoom > 1 ? `${Math.round(zoom * 10) / 10}x` : "";
    less.disabled = reset.disabled = zoom <= 1;
  }
  function scale(factor, share = 0.5) {
    const at = start + share / zoom;
    zoom = Math.min(WIDEST, Math.max(1, zoom * factor));
    start = at - share / zoom;
    draw();
  }
  const share = (event) => {
    const box = svg.getBoundingClientRect();
    const x = (event.clientX - box.left) * 960 / box.width;
    return Math.min(1, Math.max(0, (x - LEFT) / (RIGHT - LEFT)));
  };

  const bar = document.createElement("div");
  bar.className = "zoom";
  bar.setAttribute("role", "group");
  bar.setAttribute("aria-label", "Zoom of the time line");
  const button = (label, name, act) => {
    const element = document.createElement("button");
    element.type = "button"; element.textContent = label; element.setAttribute("aria-label", name);
    element.addEventListener("click", act);
    bar.append(element);
    return element;
  };
  const less = button("−", "Zoom out", () => scale(1 / 1.6));
  const more = button("+", "Zoom in", () => scale(1.6));
  const reset = button("Whole run", "Show the whole run", () => { zoom = 1; start = 0; draw(); });
  const out = document.createElement("span");
  out.setAttribute("role", "status");
  const hint = document.createElement("span");
  hint.className = "hint";
  hint.textContent = "Drag to move, Ctrl and wheel to zoom; with the keyboard + − and the arrows.";
  bar.append(out, hint);
  frame.before(bar);

  frame.addEventListener("wheel", (event) => {
    if (!event.ctrlKey) return;
    event.preventDefault();
    scale(event.deltaY < 0 ? 1.25 : 0.8, share(event));
  }, { passive: false });
  frame.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: -0.2, ArrowRight: 0.2 }[event.key];
    if (step && zoom > 1) { event.preventDefault(); start += step / zoom; draw(); }
    else if (event.key === "+" || event.key === "=") scale(1.6);
    else if (event.key === "-") scale(1 / 1.6);
    else if (event.key === "0") { zoom = 1; start = 0; draw(); }
  });
  let held = null;
  svg.addEventListener("pointerdown", (event) => {
    if (zoom <= 1 || event.button) return;
    held = { at: share(event), start };
    svg.setPointerCapture(event.pointerId);
  });
  svg.addEventListener("pointermove", (event) => {
    if (!held) return;
    start = held.start - (share(event) - held.at) / zoom;
    draw();
  });
  for (const name of ["pointerup", "pointercancel"]) svg.addEventListener(name, () => { held = null; });

  const tip = document.createElement("div");
  tip.className = "tip"; tip.hidden = true;
  document.body.append(tip);
  svg.addEventListener("pointermove", (event) => {
    const title = event.target.closest("g, line, rect, text, circle, path")?.querySelector(":scope > title")
      ?? event.target.parentElement?.querySelector(":scope > title");
    tip.hidden = !title || Boolean(held);
    if (tip.hidden) return;
    tip.textContent = title.textContent;
    const left = Math.min(event.clientX + 14, document.documentElement.clientWidth - tip.offsetWidth - 8);
    tip.style.left = `${Math.max(8, left)}px`;
    tip.style.top = `${event.clientY + 16}px`;
  });
  svg.addEventListener("pointerleave", () => { tip.hidden = true; });
  draw();
})();
