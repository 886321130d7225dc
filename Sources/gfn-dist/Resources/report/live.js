(() => {
  "use strict";
  const main = document.querySelector("main");
  const numberOf = page => Number(page.querySelector("meta[name=gfn-page]").content);
  const keyOf = part => part.id || part.className;
  const parts = page => [...page.querySelectorAll("main > *")];
  // As they came: what the reader does to them is no difference.
  const sources = new Map(parts(document).map(part => [keyOf(part), part.outerHTML]));
  let shown = numberOf(document), known = shown, isFetching = false, waiting = null;
  // The newest step that is known, how the run ended, and the number of the page that has all of it.
  let newest = 0, ending = null, last = null;

  const bar = document.createElement("p"), state = document.createElement("b"), figures = document.createElement("span");
  bar.setAttribute("role", "status");
  bar.setAttribute("aria-live", "off");
  bar.append(state, figures);
  document.body.prepend(bar);
  const say = (style, text) => { bar.className = `live ${style}`; state.textContent = text; };
  say("", "connecting");

  const sayEnd = () => {
    const texts = { done: "The run is done", interrupted: "The run was interrupted and can be resumed", failed: "The run has failed" };
    if (ending === "done" && shown === last && !waiting) {
      say(ending, "The run is done, and this is all of it. gfn-dist report makes a file of it.");
      return;
    }
    const stage = document.querySelector(".stage"), reached = stage ? Number(stage.dataset.last) : 0;
    const steps = newest > reached ? `step ${reached} of ${newest}` : `step ${reached}`;
    say(ending, `${texts[ending] ?? "The run has ended"}. This page was made at ${steps} and may lack what came later: `
      + "gfn-dist report makes the last one.");
  };

  const show = line => {
    newest = line.step;
    const number = (name, key, digits) => typeof line[key] === "number" ? `${name} ${Number(line[key].toPrecision(digits))}` : "";
    const tokens = line.tokens_sampled ?? line.tokens_learned;
    const speed = tokens && line.seconds_step > 0 ? `${Math.round(tokens / line.seconds_step)} tokens/s` : "";
    figures.textContent = [`step ${line.step}`, number("loss", "loss", 4), number("reward", "reward_mean", 4),
      number("accuracy", "accuracy", 3), number("distinct correct", "distinct_correct", 3), speed].filter(text => text).join(" · ");
  };

  // Where an element is below a part, as places among siblings.
  const pathTo = (element, part) => {
    const path = [];
    for (; element !== part; element = element.parentNode) path.unshift([...element.parentNode.children].indexOf(element));
    return path;
  };

  const replace = (old, part) => {
    const all = (root, selector) => [...root.querySelectorAll(selector)];
    const open = all(old, "details").map(one => one.open);
    const scrolls = all(old, ".scroll").map(one => [one.scrollLeft, one.scrollTop]);
    const sorts = all(old, "table.sortable").map(table => {
      const heads = [...table.tHead.rows[0].cells], column = heads.findIndex(head => head.getAttribute("aria-sort") !== "none");
      return column < 0 ? null : { text: heads[column].textContent, order: heads[column].getAttribute("aria-sort") };
    });
    const focus = old.contains(document.activeElement) ? pathTo(document.activeElement, old) : null;
    old.replaceWith(part);
    window.enlivenReport(part);
    all(part, "details").forEach((one, index) => { if (index < open.length) one.open = open[index]; });
    all(part, "table.sortable").forEach((table, index) => {
      const sort = sorts[index];
      const head = sort && [...table.tHead.rows[0].cells].find(cell => cell.textContent === sort.text);
      // A click turns the order round; two reach either.
      for (let click = 0; head && click < 2 && head.getAttribute("aria-sort") !== sort.order; click += 1) head.firstChild.click();
    });
    all(part, ".scroll").forEach((one, index) => { if (scrolls[index]) [one.scrollLeft, one.scrollTop] = scrolls[index]; });
    const target = focus && focus.reduce((element, place) => element && element.children[place], part);
    if (target) target.focus({ preventScroll: true });
  };

  // Puts in what differs. A part whose values somebody reads stays until they have done.
  const put = page => {
    const isRead = part => part.querySelector(".cursor, .bins hr") !== null;
    const anchor = parts(document).find(part => part.getBoundingClientRect().bottom > 0);
    const key = anchor && keyOf(anchor), top = anchor && anchor.getBoundingClientRect().top;
    const old = new Map(parts(document).map(part => [keyOf(part), part]));
    let isWhole = true, last = null;
    for (const part of parts(page)) {
      const name = keyOf(part), source = part.outerHTML;
      let here = old.get(name);
      old.delete(name);
      if (!here) {
        here = document.importNode(part, true);
        if (last) last.after(here); else main.prepend(here);
        window.enlivenReport(here);
        sources.set(name, source);
      } else if (sources.get(name) !== source) {
        if (isRead(here)) { isWhole = false; } else {
          const fresh = document.importNode(part, true);
          replace(here, fresh);
          here = fresh;
          sources.set(name, source);
        }
      }
      last = here;
    }
    for (const [name, part] of old) { part.remove(); sources.delete(name); }
    const moved = key && parts(document).find(part => keyOf(part) === key);
    if (moved && scrollY > 0) window.scrollBy({ top: moved.getBoundingClientRect().top - top, behavior: "instant" });
    document.title = page.title;
    return isWhole;
  };

  const update = async () => {
    if (known === shown || isFetching) return;
    isFetching = true;
    let isFetched = false;
    try {
      const answer = await fetch(location.pathname + location.search, { cache: "no-store" });
      if (answer.ok) {
        const page = new DOMParser().parseFromString(await answer.text(), "text/html");
        shown = numberOf(page);
        known = Math.max(known, shown);
        waiting = put(page) ? null : page;
        isFetched = true;
        if (ending) sayEnd();
      }
    } catch {
      // The stream of events says that the connection is lost.
    } finally {
      isFetching = false;
    }
    // There may be a newer one by now, and no event any more that says so.
    if (isFetched) update();
  };

  // Also after the end of the run, when no event comes any more.
  setInterval(() => {
    if (!waiting || !put(waiting)) return;
    waiting = null;
    if (ending) sayEnd();
  }, 1000);

  const follow = () => {
    const source = new EventSource(`events${location.search}`);
    source.addEventListener("open", () => say("running", "running"));
    source.addEventListener("step", event => { show(JSON.parse(event.data)); update(); });
    source.addEventListener("report", event => { known = Math.max(known, Number(event.data)); update(); });
    source.addEventListener("last", event => { last = known = Number(event.data); update(); });
    source.addEventListener("end", event => {
      source.close();
      ending = event.data;
      sayEnd();
    });
    source.addEventListener("error", () => {
      say("lost", "No connection: what this page shows may not be the newest. Trying again.");
      // A browser tries again by itself after a loss, and not after a refusal, as where too many pages follow.
      if (source.readyState === EventSource.CLOSED) setTimeout(follow, 5000);
    });
  };
  follow();
})();
