// Single-key shortcuts. Every one is also a visible link or button; they are silent while somebody types, and off
// when the reader says so in the help.

(() => {
  "use strict";
  const STORED = "counterfoil-keys";
  let waitsForPlace = 0;

  const help = () => document.getElementById("shortcuts");
  const rows = () => [...document.querySelectorAll("[data-row]")];
  const here = () => document.activeElement?.closest("[data-row]");

  const switchedOff = () => {
    try { return localStorage.getItem(STORED) === "off"; } catch { return false; }
  };

  const isTyping = (target) =>
    target.closest?.("input:not([type=checkbox]), textarea, select, [contenteditable]") !== null;

  const move = (step) => {
    const all = rows();
    if (!all.length) return;
    const at = all.indexOf(here());
    const next = at < 0 ? (step > 0 ? 0 : all.length - 1) : Math.min(Math.max(at + step, 0), all.length - 1);
    all[next].focus();
    all[next].scrollIntoView({ block: "nearest" });
  };

  // Opens the row's panel and puts the focus on one of its buttons, or on the reason. On a page about one thing, the
  // thing itself is the row.
  const act = (key) => {
    const row = here() || document.querySelector("[data-thing]");
    const stands = row?.querySelector(`:scope > * [data-act="${key}"]:not(:disabled), :scope > [data-act="${key}"]`);
    if (row?.matches("[data-thing]")) { stands?.focus(); return Boolean(stands); }
    const opener = row?.querySelector("[data-open-act]");
    const panel = opener && document.getElementById(opener.getAttribute("popovertarget"));
    if (!panel) return false;
    panel.showPopover({ source: opener });
    const button = key && panel.querySelector(`[data-act="${key}"]:not(:disabled)`);
    (button || panel.querySelector("textarea, input:not([type=hidden])"))?.focus();
    return true;
  };

  const keys = {
    "?": () => help()?.showModal(),
    "/": () => (document.querySelector("[data-slash]") || document.getElementById("search"))?.focus(),
    j: () => move(1),
    k: () => move(-1),
    x: () => here()?.querySelector("input[type=checkbox]")?.click(),
    r: () => act("retry"),
    e: () => act(""),
    a: () => act("assign"),
    z: () => act("snooze"),
    s: () => act("snooze"),
    c: () => act("comment") || document.querySelector("textarea[name=text]")?.focus(),
    u: () => document.querySelector("[data-undo]")?.focus(),
    X: () => { for (const box of document.querySelectorAll("[data-row] input[type=checkbox]")) box.click(); },
    g: () => { waitsForPlace = Date.now(); },
    Enter: () => here() === document.activeElement && here()?.querySelector("a[href]")?.click(),
  };

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || switchedOff()) return;
    if (isTyping(event.target)) {
      if (event.key === "Escape" && !event.target.closest("[popover], dialog")) event.target.blur();
      return;
    }
    if (document.querySelector("dialog[open], [popover]:popover-open")) return;
    if (event.key === "Enter" && document.activeElement !== here()) return;
    const place = /^[a-z]$/.test(event.key) && document.querySelector(`[data-go="${event.key}"]`);
    if (Date.now() - waitsForPlace < 1500 && place) {
      waitsForPlace = 0;
      place.click();
      event.preventDefault();
      return;
    }
    const action = keys[event.key];
    if (action) {
      action();
      event.preventDefault();
    }
  });

  // A closed panel gives the focus back to its row, so that j and k go on from there.
  document.addEventListener("toggle", (event) => {
    if (event.target.matches?.("[popover]") && event.newState === "closed") {
      event.target.closest("[data-row]")?.focus();
    }
  }, true);

  const box = document.getElementById("keys-on");
  if (box) {
    box.checked = !switchedOff();
    box.addEventListener("change", () => {
      try { localStorage.setItem(STORED, box.checked ? "on" : "off"); } catch { /* kept for this page only */ }
    });
  }
  document.querySelector("[data-help]")?.addEventListener("click", () => help()?.showModal());
})();
