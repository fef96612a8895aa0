// Says what an event really was; `movinet-edge teach --from-events` learns from it.

import { get, mayControl, post } from "./api.js";
import { element, setText } from "./dom.js";
import * as words from "./words.js";

const NOTHING = "background";

export class EventLabel {
  constructor(event, path) {
    this.event = event;
    this.path = `${path}/label`;
    this.told = element("p", { class: "small", role: "status" });
    this.field = element("input", { type: "text", maxLength: 64, required: true, autocomplete: "off", "aria-label": "What it was instead" });
    this.element = element(
      "form",
      { class: "label", "aria-label": "What was it really?", onsubmit: (submit) => { submit.preventDefault(); this.say(this.field.value.trim()); } },
      element("button", { type: "button", onclick: () => this.say("right") }, "Right"),
      element("button", { type: "button", onclick: () => this.say("wrong") }, "Wrong"),
      this.field,
      element("button", { type: "submit" }, "It was this"),
      this.told,
    );
    this.load();
  }

  // Nothing for those who may only look.
  static of(event, path) {
    return mayControl() ? new EventLabel(event, path).element : null;
  }

  load() {
    return this.ask(() => get(this.path));
  }

  say(said) {
    return this.ask(() => post(this.path, { said }));
  }

  async ask(request) {
    try {
      this.show(await request());
    } catch (error) {
      setText(this.told, words.sentence(error.message));
    }
  }

  show({ action, clip }) {
    if (action === null) return setText(this.told, "What was it really? Heads can learn from it.");
    const what = action === NOTHING ? "none of the actions" : action;
    return setText(this.told, `Kept as ${what}${clip ? ", with its clip." : ". There is no clip of it to learn from, at least not yet."}`);
  }
}
