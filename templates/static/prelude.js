// What a script adds to pages that work without one: the design system's behaviours, a question before an action that
// cannot be undone, and results that follow the typing.
import { initAll } from "./govuk-frontend.js";

initAll();

document.addEventListener("submit", (event) => {
  const asked = event.submitter?.dataset.confirm ?? event.target.dataset.confirm;
  if (asked && !window.confirm(asked)) event.preventDefault();
});

for (const form of document.querySelectorAll("form[data-live]")) live(form);

function live(form) {
  const selector = form.dataset.live;
  let waiting;
  let latest;
  const ask = async () => {
    const address = new URL(form.action);
    address.search = new URLSearchParams(new FormData(form)).toString();
    const mine = (latest = new AbortController());
    const target = document.querySelector(selector);
    if (!target) return;
    target.setAttribute("aria-busy", "true");
    try {
      const answer = await fetch(address, { headers: { "X-Live": "1" }, signal: mine.signal });
      if (!answer.ok) throw new Error(`${answer.status}`);
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const fresh = page.querySelector(selector);
      if (fresh && mine === latest) {
        // What the person folded open stays open.
        const open = new Set(Array.from(target.querySelectorAll("details[open] > summary"), (each) => each.textContent));
        target.replaceChildren(...document.adoptNode(fresh).childNodes);
        for (const each of target.querySelectorAll("details > summary")) if (open.has(each.textContent)) each.parentNode.open = true;
        document.title = page.title;
        history.replaceState(null, "", address);
        // A status that was there before is what is read out; one that arrives with the results is often passed over.
        const status = document.querySelector(`${selector}-words`);
        if (status) status.textContent = target.querySelector(".pre-summary, [role=status]")?.textContent.trim() ?? "";
      }
    } catch {
      // The button still searches: a failed or overtaken request leaves the page as it was.
    } finally {
      if (mine === latest) target.removeAttribute("aria-busy");
    }
  };
  form.addEventListener("input", () => {
    clearTimeout(waiting);
    latest?.abort();
    waiting = setTimeout(ask, 200);
  });
  form.addEventListener("submit", () => {
    clearTimeout(waiting);
    latest?.abort();
  });
}
