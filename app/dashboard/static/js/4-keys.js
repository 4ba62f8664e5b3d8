// Keys: / searches, j and k walk over rows, Enter opens, x selects, g goes, ? helps.
(() => {
  const rows = () => [...document.querySelectorAll("#main [data-row]")];
  let at = null, going = 0;

  const go = (step) => {
    const all = rows();
    if (!all.length) return;
    const i = all.findIndex((r) => r.id === at);
    const row = all[Math.max(0, Math.min(all.length - 1, i < 0 ? (step > 0 ? 0 : all.length - 1) : i + step))];
    at = row.id;
    mark();
    const target = row.querySelector("a.name, a, input");
    if (target) target.focus({ preventScroll: true });
    row.scrollIntoView({ block: "nearest" });
  };
  const mark = () => { for (const r of rows()) r.classList.toggle("at", r.id !== "" && r.id === at); };
  const count = () => {
    const picked = document.querySelectorAll("#bulk [name=job]:checked").length;
    const bar = document.querySelector("[data-picked]");
    if (!bar) return;
    bar.textContent = picked ? picked + (picked === 1 ? " job" : " jobs") + " selected" : "Select jobs to act on several";
    for (const b of document.querySelectorAll("#bulkbar button")) b.disabled = picked === 0;
  };
  const places = { o: "", j: "/jobs", c: "/schedules", t: "/timeline", i: "/instances", a: "/audit", s: "/settings" };

  document.addEventListener("keydown", (e) => {
    if (e.ctrlKey || e.metaKey || e.altKey || e.isComposing) return;
    const typing = e.target.matches("input:not([type=checkbox]), textarea, select");
    if (e.key === "Escape" && typing && e.target.matches("[data-search]")) { e.target.blur(); return; }
    if (typing || document.querySelector(".panel:popover-open") && e.key !== "?") return;
    if (going) {
      clearTimeout(going);
      going = 0;
      if (e.key in places) { location.href = document.querySelector(".brand").getAttribute("href") + places[e.key]; return; }
    }
    switch (e.key) {
      case "/": { const s = document.querySelector("[data-search]"); if (s) { s.focus(); s.select(); } break; }
      case "j": go(1); break;
      case "k": go(-1); break;
      case "x": { const c = document.getElementById(at)?.querySelector("[name=job]"); if (c) { c.checked = !c.checked; count(); } break; }
      case "g": going = setTimeout(() => { going = 0; }, 1000); break;
      case "?": document.getElementById("help").togglePopover(); break;
      default: return;
    }
    e.preventDefault();
  });
  document.addEventListener("change", (e) => {
    if (e.target.matches("[data-all]")) for (const c of document.querySelectorAll("#bulk [name=job]")) c.checked = e.target.checked;
    if (e.target.closest("#bulk")) count();
  });
  // The search of a list updates while typing.
  let typed = 0;
  document.addEventListener("input", (e) => {
    const form = e.target.closest("form.search");
    if (!form) return;
    clearTimeout(typed);
    typed = setTimeout(() => {
      const query = new URLSearchParams([...new FormData(form)].filter(([, v]) => v));
      const url = form.getAttribute("action") + (query.size ? "?" + query : "");
      history.replaceState(null, "", url);
      document.getElementById("main").setAttribute("hx-get", url);
      window.crons.refresh(true);
    }, 200);
  });
  document.addEventListener("crons:shown", () => { mark(); count(); });
  // Show a result only once, not after a reload.
  const url = new URL(location.href);
  if (url.searchParams.has("did")) {
    for (const name of ["did", "n", "refused"]) url.searchParams.delete(name);
    history.replaceState(null, "", url);
    setTimeout(() => document.querySelector(".flash")?.remove(), 8000);
  }
  count();
})();
