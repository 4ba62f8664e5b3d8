// The log of a run: fetches what is new, searches, wraps, follows and copies.
(() => {
  const log = document.getElementById("log");
  if (!log) return;
  const most = 5000; // lines kept on the page
  const box = (name) => document.querySelector("[data-" + name + "]");
  const search = box("logsearch"), wrap = box("wrap"), follow = box("follow");
  let busy = false;

  const sieve = () => {
    const wanted = search.value.trim().toLowerCase();
    for (const line of log.children) line.classList.toggle("miss", wanted !== "" && !line.textContent.toLowerCase().includes(wanted));
  };
  const down = () => { if (follow.checked) log.scrollTop = log.scrollHeight; };
  const fetchMore = async () => {
    if (busy || document.hidden) return;
    busy = true;
    try {
      for (;;) {
        const last = log.lastElementChild;
        const answer = await fetch(log.dataset.log + "?after=" + (last ? last.dataset.seq : 0), { headers: { "HX-Request": "true" } });
        if (!answer.ok) break;
        const text = await answer.text();
        if (!text.trim()) break;
        log.insertAdjacentHTML("beforeend", text);
        while (log.children.length > most) log.firstElementChild.remove();
        window.crons.place(log);
        sieve();
        down();
      }
    } catch { /* the next event or tick retries */ }
    busy = false;
  };
  search.addEventListener("input", sieve);
  wrap.addEventListener("change", () => log.classList.toggle("wrapped", wrap.checked));
  follow.addEventListener("change", down);
  log.addEventListener("scroll", () => { follow.checked = log.scrollTop + log.clientHeight >= log.scrollHeight - 24; }, { passive: true });
  box("copy").addEventListener("click", async (e) => {
    const button = e.currentTarget;
    const text = [...log.children].filter((l) => !l.classList.contains("miss")).map((l) => l.innerText.trim()).join("\n");
    try {
      await navigator.clipboard.writeText(text);
      button.textContent = "Copied";
    } catch {
      getSelection().selectAllChildren(log); // not allowed on plain http: leave it selected
      button.textContent = "Selected";
    }
    setTimeout(() => { button.textContent = "Copy"; }, 1500);
  });
  document.addEventListener("crons:shown", () => { if (log.isConnected) fetchMore(); });
  down();
})();
