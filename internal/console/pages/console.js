// What script adds to pages that are complete without it: comfort, and nothing that a person could not do otherwise. Each part stands for itself; a page says
// by data- attributes what it has for them.
"use strict";
{
  const one = (selector, within = document) => within.querySelector(selector);
  const all = (selector, within = document) => [...within.querySelectorAll(selector)];
  const live = () => one("#list[hx-get]"); // the log's list, where it can be asked for again
  const rows = () => all("table.log tbody tr");
  const rowOf = (e) => e?.closest?.("table.log tbody tr") ?? null;
  const tick = (row) => one('[name="id"]', row);
  const idOf = (row) => tick(row).value;

  document.documentElement.classList.add("with-script"); // style.css shows what is for script alone

  // A browser may refuse to keep anything; a choice then lasts as long as the page.
  const chosen = new Map();
  const choose = (name, value) => {
    chosen.set(name, value);
    try {
      localStorage.setItem(name, value);
    } catch {}
  };
  const choice = (name) => {
    try {
      return localStorage.getItem(name) ?? chosen.get(name);
    } catch {
      return chosen.get(name);
    }
  };

  // say tells one short sentence to who sees and who hears; it is never the only place where something stands.
  let silence;
  const say = (text) => {
    one("#news").textContent = text;
    clearTimeout(silence);
    silence = setTimeout(() => (one("#news").textContent = ""), 8_000);
  };

  /* What is ticked: how many, how much, all of the page, and a range with the Shift key. */

  const cents = (row) => Number(one(".a", row).textContent.replaceAll(/[^\d-]/g, "")); // "-$1,000.00" is -100000
  const dollars = (cents) => new Intl.NumberFormat("en-US", { style: "currency", currency: "USD" }).format(cents / 100);

  const count = () => {
    const every = one("[data-tick-all]");
    if (!every) return;
    const ticked = rows().filter((r) => tick(r).checked);
    every.checked = ticked.length === rows().length;
    every.indeterminate = ticked.length > 0 && !every.checked;
    one("[data-ticked]").textContent = ticked.length ? `${ticked.length} ticked, ${dollars(ticked.reduce((sum, r) => sum + cents(r), 0))}` : "Nothing ticked";
  };

  let tickedLast; // id of the row whose tick was changed last: a range begins there
  const range = (row, checked) => {
    const ids = rows().map(idOf);
    const ends = [ids.indexOf(tickedLast), ids.indexOf(idOf(row))];
    if (ends[0] < 0) return;
    for (const r of rows().slice(Math.min(...ends), Math.max(...ends) + 1)) tick(r).checked = checked;
  };

  document.addEventListener("click", (e) => {
    const row = rowOf(e.target);
    if (e.target.matches("[data-tick-all]")) {
      for (const r of rows()) tick(r).checked = e.target.checked;
    } else if (row && e.target === tick(row)) {
      if (e.shiftKey) range(row, e.target.checked);
      tickedLast = idOf(row);
    } else return;
    count();
  });
  document.addEventListener("mousedown", (e) => e.shiftKey && e.target.matches('.log [name="id"]') && e.preventDefault()); // a range of rows, not of text

  /* The list refreshes itself. htmx asks for the page at its own address and puts the new list in the place of the old one; here is when, and what is kept. */

  const interval = 15_000;
  let ended = false;

  const typing = (e) => e.matches("textarea, select, [contenteditable], input:not([type=checkbox], [type=radio])");

  // Nothing moves under the hands of a person: not while a menu or the sheet is open, a button of the mouse is down, something is typed, or text is selected.
  const busy = () => typing(document.activeElement) || one("details.menu[open], dialog[open], :active") !== null || !getSelection().isCollapsed;

  const paused = () => choice("passare-live") === "off";
  const refresh = () => {
    if (live() && !ended && !paused() && !document.hidden && !busy()) htmx.trigger(live(), "refresh");
  };
  setInterval(refresh, interval);
  addEventListener("focus", refresh);
  document.addEventListener("visibilitychange", refresh);

  // note says how fresh the list is, in UTC like every time of the console.
  let asOf = new Date();
  const note = (text = "Live, as of", trouble = false) => {
    const time = asOf.toLocaleTimeString("en-US", { timeZone: "UTC" });
    one("[data-live]").textContent = `${paused() && !ended ? "Paused, as of" : text} ${time} UTC${trouble ? "." : ""}`;
    one("[data-live]").className = trouble ? "trouble" : paused() ? "paused" : "";
    one("[data-pause]").textContent = paused() ? "Go live" : "Pause";
  };

  // stops are what can have the focus in the same row; outside the rows, in the rest of the list.
  const stops = (e) => all("a, button, input, summary, [tabindex]", rowOf(e) ?? one("#list")).filter((x) => rowOf(x) === rowOf(e));

  const seen = () => {
    const at = document.activeElement;
    const anchor = rowOf(at) ?? (one("#list").getBoundingClientRect().top < 0 ? rows().find((r) => r.getBoundingClientRect().bottom > 0) : undefined);
    return {
      ids: rows().map(idOf),
      ticked: new Set(rows().filter((r) => tick(r).checked).map(idOf)),
      read: new Set(rows().filter((r) => one("details.why[open]", r)).map(idOf)),
      everything: one('[name="all"]')?.checked,
      sideways: one("#list > .scroll")?.scrollLeft,
      anchor: anchor && { id: idOf(anchor), top: anchor.getBoundingClientRect().top },
      focus: one("#list").contains(at) && { row: rowOf(at) && idOf(rowOf(at)), nth: stops(at).indexOf(at) },
    };
  };

  const restore = (was) => {
    const is = new Map(rows().map((r) => [idOf(r), r]));
    for (const [id, row] of is) {
      tick(row).checked = was.ticked.has(id);
      const why = one("details.why", row);
      if (why) why.open = was.read.has(id);
    }
    if (one('[name="all"]')) one('[name="all"]').checked = was.everything ?? false;
    count(); // before it is measured where things are
    if (one("#list > .scroll")) one("#list > .scroll").scrollLeft = was.sideways ?? 0;
    const anchor = is.get(was.anchor?.id);
    if (anchor) scrollBy(0, anchor.getBoundingClientRect().top - was.anchor.top);
    if (was.focus) {
      // Where a row has left, the focus is on the list and on no other row: the next key must not act on what nobody chose.
      const gone = was.focus.row && !is.has(was.focus.row);
      const again = gone ? undefined : stops(is.get(was.focus.row) ?? one("#list"))[was.focus.nth];
      (again ?? one("#list")).focus({ preventScroll: true });
    }
  };

  const news = (was) => {
    const is = rows().map(idOf);
    const entries = (n, did) => (n ? [`${n === 1 ? "1 entry" : `${n} entries`} ${did}`] : []);
    const parts = [...entries(is.filter((id) => !was.includes(id)).length, "came"), ...entries(was.filter((id) => !is.includes(id)).length, "left")];
    if (parts.length) say(`${parts.join(", ")}.`);
  };

  let was;
  document.addEventListener("htmx:beforeSwap", (e) => {
    if (e.detail.target.id !== "list") return;
    if (busy()) e.detail.shouldSwap = false; // a person began something while the answer was under way
    else was = seen();
  });
  document.addEventListener("htmx:afterSwap", (e) => {
    if (e.target.id !== "list") return;
    restore(was);
    news(was.ids);
    asOf = new Date();
    note();
  });
  const trouble = () => live() && !ended && note("Not live: it cannot be refreshed right now, and is tried again. As of", true);
  document.addEventListener("htmx:sendError", trouble);
  document.addEventListener("htmx:timeout", trouble);
  document.addEventListener("htmx:responseError", (e) => {
    if (!live() || e.detail.xhr.status !== 401) return trouble();
    ended = true;
    note("Your sign-in has run out. The list is as of", true);
    one("[data-pause]").replaceWith(Object.assign(document.createElement("a"), { href: location.href, textContent: "Sign in again", className: "button quiet" }));
    say("Your sign-in has run out. The list is no longer refreshed.");
  });
  document.addEventListener("click", (e) => {
    if (!e.target.matches("[data-pause]")) return;
    choose("passare-live", paused() ? "on" : "off");
    note();
    setTimeout(refresh); // once the button is let go
  });

  /* A menu of a row closes like menus do: by Escape, and by a click beside it. */

  document.addEventListener("click", (e) => {
    for (const menu of all("details.menu[open]")) if (!menu.contains(e.target)) menu.open = false;
  });
  document.addEventListener("keydown", (e) => {
    const menu = e.key === "Escape" && one("details.menu[open]");
    if (!menu) return;
    if (menu.contains(document.activeElement)) one("summary", menu).focus();
    menu.open = false;
  });

  /* Keys. They press what is on the page, so that they can do what its person may do, and no more. */

  const sheet = () => one("#keys");
  const off = () => choice("passare-keys") === "off";
  const open = () => {
    one("[data-keys]").checked = !off();
    sheet().showModal();
  };

  let place = { id: undefined, index: -1 }; // of the row that had the focus last
  document.addEventListener("focusin", (e) => {
    const row = rowOf(e.target);
    if (row) place = { id: idOf(row), index: rows().indexOf(row) };
  });
  const step = (by) => {
    const list = rows();
    const index = list.findIndex((r) => idOf(r) === place.id);
    const from = index < 0 && by > 0 ? place.index - (place.id ? 1 : 0) : index < 0 ? place.index : index; // a row that has left is where the next one is now
    const row = list[Math.max(0, Math.min(from + by, list.length - 1))];
    if (row) one(".k a", row).focus();
  };
  const here = () => rowOf(document.activeElement);
  const inRow = (act) => () => (here() ? act(here()) : rows().length > 0 && say("Go to a row first, with the key j."));
  const press = (within, button) => {
    if (one(button, within)) one(button, within).click();
    else say("That is not possible for this entry now.");
  };
  const act = (button) => () => (one(".do") ? press(one(".do"), button) : inRow((row) => press(row, button))()); // on the page of an entry, or in the list
  const find = () => {
    const words = one('.filter [name="q"]');
    if (!words) return false;
    words.closest("details").open = true;
    words.select();
    words.focus();
  };
  const keys = {
    j: () => step(1),
    k: () => step(-1),
    o: inRow((row) => one(".k a", row).click()),
    x: inRow((row) => tick(row).click()),
    s: act('[name="do"][value^="sync "]'),
    r: act('[name="do"][value^="retry "]'),
    "#": act('[formaction$="/delete"], [href*="/delete?"]'),
    "/": find,
    "?": open,
    g: () => (going = performance.now()),
  };
  let going = -Infinity; // when g was pressed: the next key, soon after, says where to
  const patience = 2_000;

  document.addEventListener("keydown", (e) => {
    if (!sheet() || off() || e.ctrlKey || e.altKey || e.metaKey || e.isComposing || e.defaultPrevented || typing(e.target) || one("dialog[open]")) return;
    const to = performance.now() - going < patience ? one(`[data-go="${CSS.escape(e.key)}"]`) : null;
    going = -Infinity;
    if (to) to.click();
    else if (e.key === "Enter" && here() && e.target === tick(here())) keys.o(); // a box that has the focus would send the form of all that are ticked
    else if (!Object.hasOwn(keys, e.key) || (e.repeat && !"jk".includes(e.key)) || keys[e.key]() === false) return;
    e.preventDefault();
  });
  document.addEventListener("click", (e) => e.target.matches("[data-sheet]") && open());
  document.addEventListener("change", (e) => e.target.matches("[data-keys]") && choose("passare-keys", e.target.checked ? "on" : "off"));

  /* Forms: what is sent once is not sent twice, and work in portions goes on by itself. */

  const sent = new Set();
  const dim = (form, yes) => [...form.elements].filter((e) => e.type === "submit").forEach((e) => (yes ? e.setAttribute("aria-disabled", "true") : e.removeAttribute("aria-disabled")));
  document.addEventListener("submit", (e) => {
    const form = e.target;
    const method = e.submitter?.getAttribute("formmethod") ?? form.getAttribute("method");
    if (e.defaultPrevented || method !== "post" || e.submitter?.hasAttribute("data-file")) return; // a file leaves the page where it is
    if (sent.has(form)) return e.preventDefault();
    sent.add(form);
    dim(form, true); // by ARIA: a button that is really disabled would lose the focus, and its value would not be sent
    setTimeout(release, 10_000); // where the person stopped it, the page is still there
  });
  const release = () => {
    for (const form of sent) dim(form, false);
    sent.clear();
  };
  addEventListener("pageshow", () => {
    release();
    count(); // a browser that comes back has kept the ticks
  });

  const glance = 400; // ms, in which a person sees how far it is, and may leave
  addEventListener("load", () => {
    const form = one("form[data-continue]");
    const [visit] = performance.getEntriesByType("navigation");
    if (form && visit?.type === "navigate") setTimeout(() => form.requestSubmit(), glance); // who comes back to look does not begin again
  });

  if (one("[data-live]")) note();
  count();
}
