// What a page owes to whoever cannot see it or has a small screen. Every line that comes back is a fault.
() => {
  const faults = [];
  const shown = (e) => e.checkVisibility({ checkOpacity: false, checkVisibilityCSS: true }) && e.getClientRects().length > 0;
  const name = (e) => {
    const ids = (e.getAttribute("aria-labelledby") ?? "").split(/\s+/);
    const by = ids.map((id) => document.getElementById(id)?.textContent ?? "").join("");
    const labels = [...(e.labels ?? [])].map((l) => l.textContent).join("");
    return (e.getAttribute("aria-label") || by || labels || e.getAttribute("title") || "").trim();
  };
  const say = (what, e) => faults.push(`${what}: ${e.outerHTML.slice(0, 160)}`);
  const root = document.scrollingElement;
  const room = root.clientWidth; // a scroll bar takes some
  if (root.scrollWidth > room + 1) {
    const wide = [...document.body.querySelectorAll("*")].filter((e) => e.getBoundingClientRect().right > room + 1 && !e.closest(".scroll"));
    faults.push(`${root.scrollWidth} px wide on ${room} px: ${wide.slice(0, 3).map((e) => e.outerHTML.slice(0, 120)).join(" | ")}`);
  }
  for (const e of document.querySelectorAll("input, select, textarea")) {
    if (e.type !== "hidden" && shown(e) && !name(e)) say("a field without a label", e);
  }
  for (const e of document.querySelectorAll("button, a[href], summary")) {
    if (shown(e) && !(e.textContent.trim() || name(e) || e.querySelector("img[alt]:not([alt=''])"))) say("nothing to read on it", e);
  }
  for (const e of document.querySelectorAll("img:not([alt])")) say("a picture without words", e);
  for (const e of document.querySelectorAll("svg[role=img]:not([aria-label])")) say("a picture without words", e);
  for (const e of document.querySelectorAll("progress")) if (shown(e) && !name(e)) say("a bar without words", e);
  for (const e of document.querySelectorAll("table")) {
    if (!e.caption?.textContent.trim()) say("a table without a name", e);
    if (!e.querySelector("th[scope]")) say("a table without heads", e);
  }
  for (const e of document.querySelectorAll("[tabindex]")) if (e.tabIndex > 0) say("an order of its own", e);
  const ids = [...document.querySelectorAll("[id]")].map((e) => e.id);
  for (const id of new Set(ids.filter((id, i) => ids.indexOf(id) !== i))) faults.push(`an id twice: ${id}`);
  for (const e of document.querySelectorAll("dialog[open]")) if (!name(e)) say("a dialog without a name", e);
  return faults;
}
