// Small comforts; every page works without them. Moments in the reader's own zone, addresses without empty filters,
// the count of chosen rows, a menu that closes.

(() => {
  "use strict";

  const zoned = new Intl.DateTimeFormat("en-GB", {
    day: "numeric", month: "short", hour: "2-digit", minute: "2-digit", timeZoneName: "short",
  });
  const localise = (root) => {
    for (const time of root.querySelectorAll("time[data-local]")) {
      const at = new Date(time.dateTime);
      if (Number.isNaN(at.getTime())) continue;
      time.removeAttribute("data-local");
      if (at.getTimezoneOffset() === 0) continue;
      time.title = time.title ? `${time.textContent}, ${time.title}` : time.textContent;
      time.textContent = zoned.format(at);
    }
  };
  localise(document);
  document.addEventListener("htmx:after:swap", () => localise(document));

  // An address says only what was asked.
  document.addEventListener("formdata", (event) => {
    if (!event.target.matches("[data-filter]")) return;
    for (const [name, value] of [...event.formData.entries()]) {
      if (value === "") event.formData.delete(name);
    }
  });

  const chosen = document.querySelector("[data-chosen]");
  if (chosen) {
    document.addEventListener("change", (event) => {
      if (event.target.name !== "problem") return;
      const number = document.querySelectorAll("input[name=problem]:checked").length;
      chosen.textContent = number ? `${number} chosen` : "With the chosen exceptions";
    });
  }

  document.addEventListener("click", (event) => {
    for (const menu of document.querySelectorAll("details.account[open]")) {
      if (!menu.contains(event.target)) menu.open = false;
    }
    if (event.target.closest?.("[data-reload]")) {
      event.preventDefault();
      location.reload();
    }
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    for (const menu of document.querySelectorAll("details.account[open]")) {
      menu.open = false;
      menu.querySelector("summary").focus();
    }
  });
})();
