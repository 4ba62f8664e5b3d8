// Refreshes the page on the server's events, or by a timer if it has none: at most once a second, less often if
// responses are slow, not while the tab is hidden, and at once when it is shown again.
(() => {
  const main = () => document.getElementById("main");
  const events = document.getElementById("events");
  const poll = 5000;
  let least = 1000; // between two requests, in milliseconds
  let streaming = false, asked = 0, waiting = 0, busy = false, again = false, failed = false;

  const link = () => {
    const node = document.getElementById("link");
    node.classList.toggle("on", !failed && (streaming || !events));
    node.classList.toggle("off", failed);
    const says = failed ? "not connected, retrying" : streaming ? "live" : "every 5 seconds";
    const text = node.querySelector(".says");
    if (text.textContent !== says) text.textContent = says;
  };
  const ask = () => {
    waiting = 0;
    if (document.hidden) return;
    if (busy) { again = true; return; }
    asked = Date.now();
    htmx.trigger(main(), "crons:refresh");
  };
  const refresh = (now) => {
    if (document.hidden || !("live" in main().dataset)) return;
    if (now === true) { clearTimeout(waiting); ask(); return; }
    waiting ||= setTimeout(ask, Math.max(0, asked + least - Date.now()));
  };
  window.crons.refresh = refresh;
  document.addEventListener("htmx:after:swap", () => { window.crons.show(); document.dispatchEvent(new Event("crons:shown")); });
  if (!("live" in main().dataset)) return;

  document.addEventListener("htmx:before:request", (e) => { if (e.target === main()) busy = true; });
  document.addEventListener("htmx:finally:request", (e) => { if (e.target.id === "main") { busy = false; if (again) { again = false; refresh(); } } });
  document.addEventListener("htmx:after:request", (e) => { if (e.target.id === "main") { failed = false; least = Math.max(1000, 10 * (Date.now() - asked)); link(); } });
  document.addEventListener("htmx:error", (e) => { if (e.target.id === "main") { busy = false; failed = true; link(); } });
  document.addEventListener("visibilitychange", () => { if (!document.hidden) refresh(true); });
  window.addEventListener("online", refresh);
  window.addEventListener("pageshow", (e) => { if (e.persisted) refresh(); });

  if (events) {
    events.addEventListener("htmx:sse:after:connection", () => { streaming = true; failed = false; link(); refresh(); });
    events.addEventListener("htmx:sse:error", () => { streaming = false; failed = true; link(); });
    events.addEventListener("htmx:sse:close", () => { streaming = false; link(); });
    events.addEventListener("htmx:sse:before:message", () => { failed = false; refresh(); });
  }
  setInterval(() => { if (!streaming || Date.now() - asked > 30000) refresh(); }, poll);
  link();
})();
