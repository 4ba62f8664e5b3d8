// Shows instants in the reader's zone, with UTC in the title, and keeps relative times up to date.
(() => {
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone || "UTC";
  const format = (options) => {
    const f = new Intl.DateTimeFormat("en-GB", options);
    return (at) => f.format(at).replace(",", "");
  };
  const full = format({ weekday: "short", day: "numeric", month: "short", year: "numeric", hour: "2-digit", minute: "2-digit", second: "2-digit" });
  const utc = format({ weekday: "short", day: "numeric", month: "short", hour: "2-digit", minute: "2-digit", second: "2-digit", timeZone: "UTC" });
  const second = format({ day: "numeric", month: "short", hour: "2-digit", minute: "2-digit", second: "2-digit" });
  const dated = format({ day: "numeric", month: "short", year: "numeric", hour: "2-digit", minute: "2-digit", second: "2-digit" });
  const clock = format({ hour: "2-digit", minute: "2-digit", second: "2-digit", fractionalSecondDigits: 3 });
  const hour = format({ hour: "2-digit", minute: "2-digit" });
  const day = format({ weekday: "short", day: "numeric", month: "short" });

  // Times are relative to the server's clock, because the reader's may be wrong.
  let offset = 0;
  const two = (s, large, name, small, part) => {
    const rest = Math.floor((s % large) / small), n = Math.floor(s / large);
    return n + name + (rest > 0 && n < 10 ? " " + rest + part : "");
  };
  const span = (ms) => {
    const s = Math.round(ms / 1000);
    if (s < 60) return s + "s";
    if (s < 3600) return two(s, 60, "m", 1, "s");
    if (s < 86400) return two(s, 3600, "h", 60, "m");
    return two(s, 86400, "d", 3600, "h");
  };
  const relative = (ms) => {
    const text = span(Math.abs(ms));
    return text === "0s" ? "now" : ms < 0 ? text + " ago" : "in " + text;
  };
  const write = (node, text) => { if (node.textContent !== text) node.textContent = text; };

  const tick = () => {
    const now = Date.now() + offset;
    for (const t of document.querySelectorAll("time[data-rel]")) write(t, relative(Date.parse(t.dateTime) - now));
    for (const t of document.querySelectorAll("[data-since]")) write(t, span(Math.max(0, now - Date.parse(t.dataset.since))));
  };
  const place = (root) => {
    for (const t of root.querySelectorAll("time")) {
      const at = new Date(t.dateTime);
      t.title = full(at) + " " + zone + "\n" + utc(at) + " UTC";
      if ("abs" in t.dataset) write(t, second(at));
      if ("date" in t.dataset) write(t, dated(at));
      if ("clock" in t.dataset) write(t, clock(at));
    }
    for (const t of root.querySelectorAll("[data-at]")) write(t, (t.dataset.as === "day" ? day : hour)(new Date(t.dataset.at)));
    for (const t of root.querySelectorAll("[data-zone]")) write(t, t.textContent.replace("UTC", zone));
    for (const t of root.querySelectorAll("input[data-utc]")) local(t);
  };
  const show = () => {
    const main = document.getElementById("main");
    offset = Date.parse(main.dataset.now) - Date.now();
    place(main);
    tick();
  };
  // A field has the server's instant in UTC. It shows the local time, once, and remembers it: a local time may be that of
  // two instants, so a field that was not changed goes back as the instant it came as.
  const local = (input) => {
    const at = new Date(input.dataset.utc);
    if ("local" in input.dataset || isNaN(at)) return;
    const text = new Date(at - at.getTimezoneOffset() * 60000).toISOString().slice(0, at % 1000 ? 23 : 19);
    if (Date.parse(input.value) === Date.parse(input.defaultValue)) input.value = text; // not what the browser restored
    input.dataset.local = text;
  };
  // A local time in a form goes to the server as an instant.
  document.addEventListener("formdata", (e) => {
    for (const input of e.target.querySelectorAll("[data-instant]")) {
      e.formData.delete(input.name);
      if (!input.value) continue;
      const same = input.dataset.local && Date.parse(input.value) === Date.parse(input.dataset.local);
      e.formData.set(input.dataset.instant, same ? input.dataset.utc : new Date(input.value).toISOString());
    }
  });
  window.crons = { show, place, zone };
  show();
  setInterval(() => { if (!document.hidden) tick(); }, 1000);
})();
