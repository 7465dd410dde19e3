// Keeps the countdowns of a page up to date, and shows what has changed. All
// pages work without it.
"use strict";
(() => {
  const main = document.querySelector("main[data-now]");
  if (!main) return;
  // The site's clock may be ahead of this machine's.
  let ahead = Number(main.dataset.now) - Date.now();
  const now = () => Date.now() + ahead;

  // As the server writes it: the two largest units, and no gap between them.
  const words = (millis) => {
    let left = Math.floor(millis / 1000);
    if (left <= 0) return "now";
    const parts = [];
    for (const [unit, name] of [[86400, "d"], [3600, "h"], [60, "min"], [1, "s"]]) {
      const count = Math.floor(left / unit);
      left %= unit;
      if (count > 0) parts.push(`${count} ${name}`);
      else if (parts.length > 0) break;
      if (parts.length === 2) break;
    }
    return `in ${parts.join(" ")}`;
  };
  window.uid2Site = { now, words };

  const tick = () => {
    for (const time of document.querySelectorAll("[data-until]")) {
      const text = words(Number(time.dataset.until) - now());
      if (time.textContent !== text) time.textContent = text;
    }
    for (const bar of document.querySelectorAll("[data-bar]")) {
      bar.value = Math.max(0, (Number(bar.dataset.bar) - now()) / 1000);
    }
  };
  tick();
  setInterval(tick, 1000);

  for (const button of document.querySelectorAll("[data-copy]")) {
    if (!navigator.clipboard) break;
    button.hidden = false;
    button.addEventListener("click", async () => {
      try {
        await navigator.clipboard.writeText(document.getElementById(button.dataset.copy).textContent);
        button.textContent = "Copied";
      } catch {
        button.textContent = "Not copied";
      }
      setTimeout(() => { button.textContent = "Copy"; }, 2000);
    });
  }

  // The page of an account is shown anew when the background refresher, another
  // tab or the operator has changed something. Others only follow the clock.
  const shown = main.dataset.live;
  if (shown === undefined && !("clock" in main.dataset)) return;
  const look = async () => {
    if (document.hidden) return;
    try {
      const answer = await fetch("/status.json", { cache: "no-store" });
      if (!answer.ok) return;
      const status = await answer.json();
      ahead = status.now - Date.now();
      if (shown !== undefined && status.revision !== shown) location.replace("/account");
    } catch {
      // The site is away for a moment; the next look will tell.
    }
  };
  setInterval(look, 3000);
})();
