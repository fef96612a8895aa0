// Events by day, filtered, each with its picture and the curve of its scores.

import { get } from "./api.js";
import { byId, element, setText } from "./dom.js";
import { EventRow } from "./event_row.js";

const AGAIN_MS = 1000;
const day = (date) => [date.getFullYear(), date.getMonth() + 1, date.getDate()].map((n) => String(n).padStart(2, "0")).join("-");

export class EventsView {
  constructor(onTrouble) {
    this.onTrouble = onTrouble;
    this.rows = new Map();
    this.isShown = false;
    this.day = byId("day");
    this.day.value = day(new Date());
    const reload = () => this.load();
    for (const id of ["day", "by-stream", "by-action"]) byId(id).addEventListener("change", reload);
    byId("by-score").addEventListener("input", () => this.showScore());
    byId("by-score").addEventListener("change", reload);
    byId("day-before").addEventListener("click", () => this.move(-1));
    byId("day-after").addEventListener("click", () => this.move(1));
    byId("day-today").addEventListener("click", () => { this.day.value = day(new Date()); this.load(); });
    byId("filters").addEventListener("submit", (event) => event.preventDefault());
  }

  show() {
    this.isShown = true;
    this.load();
  }

  hide() {
    this.isShown = false;
  }

  showScore() {
    setText(byId("score-value"), Number(byId("by-score").value).toFixed(2));
  }

  move(days) {
    const [year, month, date] = this.day.value.split("-").map(Number);
    this.day.value = day(new Date(year, month - 1, date + days));
    this.load();
  }

  // The streams and actions that can be chosen.
  choices(streams) {
    fill(byId("by-stream"), streams.map((stream) => stream.name));
    fill(byId("by-action"), [...new Set(streams.flatMap((stream) => stream.actions.map((action) => action.name)))].sort());
  }

  // Something has happened: at once, and then once a second at most.
  happened() {
    if (!this.isShown || this.waiting) return;
    const since = Date.now() - (this.loadedAt ?? 0);
    this.waiting = setTimeout(() => { this.waiting = null; this.load(); }, Math.max(0, AGAIN_MS - since));
  }

  async load() {
    if (!this.day.value) return;
    this.loadedAt = Date.now();
    const [year, month, date] = this.day.value.split("-").map(Number);
    const query = new URLSearchParams({
      since: new Date(year, month - 1, date).toISOString(),
      until: new Date(year, month - 1, date + 1).toISOString(),
      stream: byId("by-stream").value,
      action: byId("by-action").value,
      min_score: byId("by-score").value,
    });
    try {
      const { events, complete } = await get(`/api/events?${query}`);
      this.showRows(events);
      const many = events.length === 1 ? "1 event" : `${events.length} events`;
      setText(byId("event-count"), events.length ? `${many}${complete ? "" : " (the newest of this day)"}` : "No events on this day that fit.");
    } catch (error) {
      this.onTrouble(error);
    }
  }

  showRows(events) {
    const list = byId("event-list");
    const wanted = new Set(events.map((event) => event.id));
    for (const [id, row] of this.rows) {
      if (!wanted.has(id)) {
        row.element.remove();
        this.rows.delete(id);
      }
    }
    events.forEach((event, index) => {
      let row = this.rows.get(event.id);
      if (!row) this.rows.set(event.id, (row = new EventRow(event.id)));
      row.update(event);
      if (list.children[index] !== row.element) list.insertBefore(row.element, list.children[index] ?? null);
    });
  }
}

function fill(select, names) {
  const known = [...select.options].slice(1).map((option) => option.value);
  for (const name of names) {
    if (!known.includes(name)) select.append(element("option", { value: name }, name));
  }
}
