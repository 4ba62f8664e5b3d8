// A ready link carries the token in its fragment, which the browser sends to nobody. Take it out of
// the address bar and the history, and hand it over in the body of a POST.
(() => {
  const token = new URLSearchParams(location.hash.slice(1)).get("token");
  if (!token) return;
  history.replaceState(null, "", location.pathname + location.search);
  const message = document.getElementById("message");
  message.textContent = "Logging in…";
  fetch(document.getElementById("login").action, {
    method: "POST",
    headers: { "Content-Type": "application/json", Accept: "application/json" },
    body: JSON.stringify({ token, next: document.getElementById("next").value }),
  })
    .then(async (answer) => {
      const body = await answer.json();
      if (answer.ok) location.replace(body.next);
      else message.textContent = answer.status === 401
        ? "This link is of an earlier start of the server; it prints a new one each time."
        : body.detail;
    })
    .catch(() => { message.textContent = "The server does not answer."; });
})();
