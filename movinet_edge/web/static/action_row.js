// One action: its score as a bar, with the thresholds drawn in; the one at which it starts can be moved.

import { post } from "./api.js";
import { element, setText } from "./dom.js";
import * as words from "./words.js";

export class ActionRow {
  constructor(stream, name, colour, card) {
    this.stream = stream;
    this.name = name;
    this.colour = colour;
    this.card = card;
    this.isMoving = false;
    this.isSending = false;
    this.build();
  }

  build() {
    this.scoreText = element("span", { class: "score" }, "0.00");
    this.limits = element("span", { class: "limits" });
    this.fill = element("div", { class: "fill" });
    this.off = element("div", { class: "off" });
    this.on = element("div", { class: "on", hidden: this.card.mayControl });
    this.meter = element(
      "div",
      { class: "meter", role: "meter", "aria-label": `Score of ${this.name}`, "aria-valuemin": "0", "aria-valuemax": "1", "aria-valuenow": "0" },
      this.fill, this.off, this.on,
    );
    this.slider = element("input", {
      type: "range", min: "0", max: "1", step: "0.01", "aria-label": `Score at which ${this.name} starts`,
      oninput: () => this.moving(), onchange: () => this.moved(), onpointerdown: () => { this.isMoving = true; },
      // A touch that changes nothing is not followed by a change.
      onpointerup: () => this.letGo(), onpointercancel: () => this.letGo(),
    });
    const row = [
      element("span", { class: "name" }, element("i", { class: "dot" }), element("b", { title: this.name }, this.name), this.limits),
      this.scoreText,
      element("div", { class: "bar" }, this.meter, this.card.mayControl ? this.slider : null),
    ];
    this.element = element("li", { class: "action" }, ...row);
    this.element.style.setProperty("--colour", `var(${this.colour})`);
  }

  status(action) {
    this.ratio = action.on > 0 ? action.off / action.on : 0;
    this.score(action.score, action.active);
    if (this.isMoving) return;
    this.slider.value = String(action.on);
    this.showLimits(action.on, action.off);
  }

  score(value, active) {
    setText(this.scoreText, words.score(value));
    this.fill.style.width = `${100 * value}%`;
    this.meter.setAttribute("aria-valuenow", words.score(value));
    this.element.classList.toggle("active", active);
  }

  showLimits(on, off) {
    setText(this.limits, `starts at ${words.score(on)}, stops under ${words.score(off)}`);
    this.slider.setAttribute("aria-valuetext", words.score(on));
    this.off.style.left = `${100 * off}%`;
    this.on.style.left = `${100 * on}%`;
  }

  moving() {
    this.isMoving = true;
    const on = Number(this.slider.value);
    this.showLimits(on, on * this.ratio);
  }

  letGo() {
    setTimeout(() => { this.isMoving = this.isSending; });
  }

  // One after the other and the newest at last, however fast somebody presses a key: what the daemon answers to the
  // first must not take the slider back.
  async moved() {
    this.wanted = Math.max(0.01, Number(this.slider.value)); // zero would mean that the action never ends
    if (this.isSending) return;
    this.isSending = true;
    while (this.wanted !== null) {
      const on = this.wanted;
      this.wanted = null;
      try {
        await post(`/api/streams/${encodeURIComponent(this.stream)}/threshold`, { action: this.name, on });
      } catch (error) {
        this.card.onTrouble(error);
      }
    }
    this.isMoving = this.isSending = false;
  }
}
