// The client side of the client-server integration: takes the identity from the
// server once, then refreshes it at the operator by itself.
"use strict";
(async () => {
  const root = document.getElementById("client");
  if (!root) return;
  const { now, words } = window.uid2Site;
  const state = document.getElementById("client-state");
  const button = document.getElementById("client-refresh");
  const forget = document.getElementById("client-forget");
  const log = document.getElementById("client-log");
  let identity = null;
  let busy = false;
  let notBefore = 0;

  const show = (tone, text) => {
    state.className = `badge ${tone}`;
    state.textContent = text;
  };
  const tell = (tone, title, text) => {
    const item = document.createElement("li");
    item.className = tone;
    const head = document.createElement("p");
    head.className = "event";
    const strong = document.createElement("strong");
    strong.textContent = title;
    const time = document.createElement("time");
    time.textContent = new Date(now()).toLocaleTimeString();
    head.append(strong, time);
    const body = document.createElement("p");
    body.className = "muted";
    body.textContent = text;
    item.append(head, body);
    log.prepend(item);
  };
  const draw = () => {
    document.getElementById("client-token").textContent = identity ? identity.advertising_token : "none";
    for (const [id, name] of [["refresh-from", "refresh_from"], ["identity-expires", "identity_expires"], ["refresh-expires", "refresh_expires"]]) {
      document.getElementById(id).textContent = identity ? words(identity[name] - now()) : "–";
    }
    if (identity && !busy) show(now() < identity.refresh_from ? "good" : "warn", now() < identity.refresh_from ? "Fresh" : "Refresh due");
    button.disabled = !identity;
    forget.disabled = !identity;
  };
  const bytes = (base64) => Uint8Array.from(atob(base64), (c) => c.charCodeAt(0));

  // The answer is sealed with the key that came with the identity: an IV of 12
  // bytes, then AES-256-GCM. Refusals are plain JSON.
  const open = async (text, key) => {
    const sealed = bytes(text);
    const imported = await crypto.subtle.importKey("raw", bytes(key), "AES-GCM", false, ["decrypt"]);
    const plain = await crypto.subtle.decrypt({ name: "AES-GCM", iv: sealed.subarray(0, 12) }, imported, sealed.subarray(12));
    return JSON.parse(new TextDecoder().decode(plain));
  };
  const ask = async () => {
    const response = await fetch(`${root.dataset.operator}/v2/token/refresh`, {
      method: "POST",
      headers: { "Content-Type": "text/plain", "X-UID2-Client-Version": root.dataset.version },
      body: identity.refresh_token,
      credentials: "omit",
      redirect: "error",
      signal: AbortSignal.timeout(10000),
    });
    const text = await response.text();
    if (!response.ok) return { failed: response.status, ended: response.status === 400 };
    return identity.refresh_response_key ? open(text, identity.refresh_response_key) : JSON.parse(text);
  };
  const drop = (tone, word) => {
    identity = null;
    draw();
    show(tone, word);
  };
  const refresh = async () => {
    if (busy || !identity) return;
    busy = true;
    show("quiet", "Refreshing");
    const asked = identity;
    try {
      const answer = await ask();
      if (identity !== asked) return; // Forgotten meanwhile: that stands.
      if (answer.status === "success") {
        identity = answer.body;
        tell("good", "Refreshed by the browser", "The operator’s answer was opened with the key of the identity before.");
      } else if (answer.status === "optout") {
        tell("stop", "Opt-out learnt", "The operator says that this person has opted out. The identity was deleted.");
        drop("stop", "Opted out");
      } else if (answer.ended) {
        tell("stop", "Refresh token refused", "Only signing in again helps.");
        drop("warn", "Sign in again");
      } else {
        throw new Error("unavailable");
      }
    } catch {
      notBefore = now() + 5000;
      tell("warn", "Refresh failed", "The operator did not answer as it should. It is tried again in a moment; the token stays in use while it is valid.");
    } finally {
      busy = false;
      draw();
      if (!identity && state.textContent === "Refreshing") show("quiet", "Forgotten");
    }
  };

  button.addEventListener("click", refresh);
  forget.addEventListener("click", () => {
    drop("quiet", "Forgotten");
    tell("quiet", "Identity forgotten", "Reload the page to take it from the server again.");
  });
  root.hidden = false;
  const handed = await fetch("/identity.json", { cache: "no-store" }).catch(() => null);
  if (!handed || !handed.ok) {
    drop("warn", "No identity");
    tell("warn", "No identity", "The server had none to hand over.");
    return;
  }
  identity = await handed.json();
  tell("good", "Identity taken over", "From the server, for this page only.");
  draw();
  setInterval(() => {
    if (identity && now() >= identity.refresh_expires) drop("warn", "Sign in again");
    else if (identity && now() >= identity.refresh_from && now() >= notBefore) refresh();
    draw();
  }, 1000);
})();
