(() => {
  "use strict";
  const words = text => text ? text.split(" ") : [];
  const numbers = text => words(text).map(Number);
  const short = value => String(Number(value.toPrecision(4)));

  // Where in ascending steps the one nearest to `step` is.
  const nearest = (steps, step) => {
    let low = 0, high = steps.length - 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (steps[middle] < step) low = middle + 1; else high = middle;
    }
    return low > 0 && step - steps[low - 1] <= steps[low] - step ? low - 1 : low;
  };

  // What a slider's keys do: the new place among `count`, or null for other keys.
  const moved = (key, place, count) => {
    const leap = Math.max(1, Math.round(count / 10));
    const to = { ArrowLeft: place - 1, ArrowDown: place - 1, ArrowRight: place + 1, ArrowUp: place + 1, PageDown: place - leap,
      PageUp: place + leap, Home: 0, End: count - 1 }[key];
    return to === undefined ? null : Math.min(count - 1, Math.max(0, to));
  };

  const drawn = (within, name, attributes) => {
    const element = document.createElementNS(within.namespaceURI, name);
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
    return element;
  };

  class Plot {
    constructor(figure) {
      this.stage = figure.querySelector(".stage");
      this.svg = figure.querySelector("svg");
      this.at = figure.querySelector(".at");
      this.outputs = [...figure.querySelectorAll(".readout .run b")];
      this.first = [this.at, ...this.outputs].map(output => output.textContent);
      this.said = ["aria-valuenow", "aria-valuetext"].map(name => [name, this.stage.getAttribute(name)]);
      const data = this.stage.dataset;
      for (const key of ["last", "left", "width", "top", "height", "low", "high"]) this[key] = Number(data[key]);
      this.paths = [...figure.querySelectorAll("path[data-run]")].filter(path => path.dataset.steps);
      this.cursor = null;
    }

    // Read when it is first asked for, so that the page opens at once.
    get series() {
      return this.known ||= this.paths.map(path => ({
        style: path.getAttribute("class").split(" ").filter(name => /^[rs]\d+$/.test(name)).join(" "), path,
        label: path.dataset.label, steps: numbers(path.dataset.steps), values: numbers(path.dataset.values),
        means: path.dataset.means && numbers(path.dataset.means), texts: path.dataset.texts && path.dataset.texts.split("|"),
      }));
    }

    get longest() { return this.series.reduce((one, other) => other.steps.length > one.steps.length ? other : one); }

    step(event) {
      const box = this.svg.getBoundingClientRect(), scale = this.svg.viewBox.baseVal.width / box.width;
      const x = (event.clientX - box.left) * scale;
      return Math.min(this.last, Math.max(0, (x - this.left) / this.width * this.last));
    }

    show(step) {
      const x = at => this.left + at / this.last * this.width;
      const y = value => this.top + this.height * (this.high - value) / (this.high - this.low);
      const cursor = drawn(this.svg, "g", { class: "cursor" });
      cursor.append(drawn(this.svg, "path", { d: `M${x(step)} ${this.top}v${this.height}` }));
      const texts = this.series.map((one, index) => {
        const place = nearest(one.steps, step), value = one.values[place];
        const isOff = one.path.classList.contains("off");
        if (!isOff) cursor.append(drawn(this.svg, "circle", { class: one.style, cx: x(one.steps[place]), cy: y(value), r: 3.5 }));
        const last = one.steps[one.steps.length - 1];
        const text = (one.texts ? one.texts[place] : short(value) + (one.means ? `, mean ${short(one.means[place])}` : ""))
          + (one.means && last < step ? ` at ${last}` : "");
        this.outputs[index].textContent = text;
        return isOff ? "" : `${one.label} ${text}`;
      });
      this.at.textContent = `step ${Math.round(step)}`;
      this.stage.setAttribute("aria-valuenow", Math.round(step));
      this.stage.setAttribute("aria-valuetext", `step ${Math.round(step)}: ${texts.filter(text => text).join("; ")}`);
      this.clear();
      this.svg.append(this.cursor = cursor);
    }

    clear() { if (this.cursor) this.cursor.remove(); this.cursor = null; }

    reset() {
      this.clear();
      [this.at, ...this.outputs].forEach((output, index) => { output.textContent = this.first[index]; });
      for (const [name, text] of this.said) this.stage.setAttribute(name, text);
    }
  }

  // Puts life into what is below `root`; a live page calls it again for what it puts in.
  const enliven = root => {
    const plots = [...root.querySelectorAll(".plot")].map(figure => new Plot(figure));
    let asked = null, frame = 0;
    // All plots show one step; once for each time the screen is drawn.
    const ask = step => {
      asked = step;
      frame ||= requestAnimationFrame(() => {
        frame = 0;
        for (const plot of plots) if (asked === null) plot.reset(); else plot.show(asked);
      });
    };
    for (const plot of plots) {
      const { stage } = plot;
      const point = event => {
        const { steps } = plot.longest;
        ask(steps[nearest(steps, plot.step(event))]);
      };
      stage.addEventListener("pointermove", point);
      stage.addEventListener("pointerdown", point);
      stage.addEventListener("pointerleave", event => { if (event.pointerType === "mouse" && document.activeElement !== stage) ask(null); });
      stage.addEventListener("blur", () => ask(null));
      stage.addEventListener("keydown", event => {
        if (event.key === "Escape") { ask(null); return; }
        const { steps } = plot.longest;
        const place = moved(event.key, asked === null ? steps.length - 1 : nearest(steps, asked), steps.length);
        if (place === null || event.ctrlKey || event.metaKey || event.altKey) return;
        event.preventDefault();
        ask(steps[place]);
      });
    }

    for (const box of root.querySelectorAll(".legend input")) {
      box.addEventListener("change", () => {
        for (const element of root.querySelectorAll(`.plot .r${box.dataset.run}`)) element.classList.toggle("off", !box.checked);
      });
    }

    // Shares of a rank's time: all ranks of a run show the same steps.
    for (const timeline of root.querySelectorAll(".timeline")) {
      const ranks = [...timeline.querySelectorAll(".rank")].map(rank => {
        const stage = rank.querySelector(".bins"), outputs = [rank.querySelector(".at"), ...rank.querySelectorAll(".share b")];
        return { stage, outputs, texts: outputs.map(output => output.textContent), first: words(stage.dataset.first),
          last: words(stage.dataset.last), shares: words(stage.dataset.shares).map(bin => bin.split(",")), line: document.createElement("hr"),
          said: ["aria-valuenow", "aria-valuetext"].map(name => [name, stage.getAttribute(name)]) };
      });
      let shown = null;
      const show = place => {
        shown = place;
        for (const rank of ranks) {
          const count = rank.first.length;
          if (place === null) {
            rank.line.remove();
            rank.outputs.forEach((output, index) => { output.textContent = rank.texts[index]; });
            for (const [name, text] of rank.said) rank.stage.setAttribute(name, text);
            continue;
          }
          const bin = Math.min(count - 1, place);
          const steps = rank.first[bin] === rank.last[bin] ? `step ${rank.first[bin]}` : `${rank.first[bin]} – ${rank.last[bin]}`;
          const shares = rank.shares[bin].map(share => `${share} %`);
          [steps, ...shares].forEach((text, index) => { rank.outputs[index].textContent = text; });
          rank.line.style.left = `${100 * (bin + 0.5) / count}%`;
          rank.stage.append(rank.line);
          rank.stage.setAttribute("aria-valuenow", bin + 1);
          rank.stage.setAttribute("aria-valuetext",
            `${steps}: sample ${shares[0]}, score ${shares[1]}, learn ${shares[2]}, wait ${shares[3]}`);
        }
      };
      for (const { stage, first } of ranks) {
        const point = event => {
          const box = stage.getBoundingClientRect();
          show(Math.min(first.length - 1, Math.max(0, Math.floor((event.clientX - box.left) / box.width * first.length))));
        };
        stage.addEventListener("pointermove", point);
        stage.addEventListener("pointerdown", point);
        stage.addEventListener("pointerleave", event => { if (event.pointerType === "mouse" && document.activeElement !== stage) show(null); });
        stage.addEventListener("blur", () => show(null));
        stage.addEventListener("keydown", event => {
          if (event.key === "Escape") { show(null); return; }
          const place = moved(event.key, shown === null ? first.length - 1 : shown, first.length);
          if (place === null || event.ctrlKey || event.metaKey || event.altKey) return;
          event.preventDefault();
          show(place);
        });
      }
    }

    for (const table of root.querySelectorAll("table.sortable")) {
      const heads = [...table.tHead.rows[0].cells], body = table.tBodies[0];
      heads.forEach((head, column) => head.querySelector("button").addEventListener("click", () => {
        const isUp = head.getAttribute("aria-sort") !== "ascending";
        for (const other of heads) other.setAttribute("aria-sort", other === head ? (isUp ? "ascending" : "descending") : "none");
        const key = row => row.cells[column].dataset.sort;
        const compared = (a, b) => a !== "" && b !== "" && !isNaN(a) && !isNaN(b) ? a - b : a.localeCompare(b);
        // What is not known is last either way.
        const order = (a, b) => key(a) === "" || key(b) === "" ? (key(a) === "") - (key(b) === "")
          : (isUp ? 1 : -1) * compared(key(a), key(b));
        body.append(...[...body.rows].sort(order));
      }));
    }
  };
  window.enlivenReport = enliven;
  enliven(document);
})();
