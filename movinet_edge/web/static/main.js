// The page: opens the session, shows the view that the address names, and hands on what arrives.

import { get, openSession, post } from "./api.js";
import { byId, element, setText } from "./dom.js";
import { EventsView } from "./events.js";
import { HealthView } from "./health.js";
import { Live } from "./live.js";
import { StreamCard } from "./stream_card.js";
import * as words from "./words.js";

const VIEWS = ["streams", "events", "health"];
const MOST_LATEST = 8;

class Page {
  constructor(session) {
    this.mayControl = session.role === "control";
    this.cards = new Map();
    this.cameras = [];
    this.latest = new Map();
    this.events = new EventsView((error) => this.trouble(error));
    this.health = new HealthView();
    byId("logout").hidden = !session.password;
    byId("logout").addEventListener("click", () => this.logOut());
    addEventListener("hashchange", () => this.route());
    addEventListener("resize", () => this.look());
    new ResizeObserver(() => this.look()).observe(byId("cards"));
    this.seen = new IntersectionObserver((entries) => {
      for (const entry of entries) entry.target.isSeen = entry.isIntersecting;
      this.look();
    });
    this.live = new Live({
      connection: (isOpen) => this.connection(isOpen),
      status: (message) => this.status(message),
      scores: (message) => this.cards.get(message.stream)?.scores(message),
      picture: (stream, blob) => this.cards.get(stream)?.picture(blob),
      event: (message) => this.event(message.event),
    });
    this.route();
    this.loadLatest();
  }

  route() {
    const wanted = location.hash.slice(1);
    this.view = VIEWS.includes(wanted) ? wanted : "streams";
    for (const view of VIEWS) {
      byId(`view-${view}`).hidden = view !== this.view;
      const link = document.querySelector(`nav a[href="#${view}"]`);
      if (view === this.view) link.setAttribute("aria-current", "page");
      else link.removeAttribute("aria-current");
    }
    scrollTo(0, 0);
    document.title = `${words.sentence(this.view)} · movinet-edge`;
    if (this.view === "events") this.events.show();
    else this.events.hide();
    if (this.view === "health" && this.lastStatus) this.health.show(this.lastStatus, this.cameras);
    this.look();
  }

  // Only what is on the screen is asked for.
  look() {
    const widths = {};
    if (this.view === "streams") {
      for (const [name, card] of this.cards) {
        if (card.element.isSeen && card.isOn && card.width) widths[name] = card.width;
        card.drawSoon();
      }
    }
    this.live?.watch(widths);
  }

  async connection(isOpen) {
    const shown = byId("connection");
    setText(shown, isOpen ? "Live" : "Reconnecting…");
    shown.classList.toggle("live", isOpen);
    if (isOpen) {
      byId("trouble").hidden = true;
      if (this.wasAway) {
        for (const card of this.cards.values()) card.loadHistory();
        this.events.happened();
      }
      return;
    }
    this.wasAway = true;
    // The daemon may have been restarted, and has forgotten all sessions then.
    try {
      await openSession();
    } catch (error) {
      if (error.status === 401) location.assign("/login");
    }
  }

  status({ status, cameras }) {
    this.lastStatus = status;
    this.cameras = cameras;
    byId("camera-link").hidden = !(this.mayControl && cameras.length);
    const names = status.streams.map((stream) => stream.name);
    for (const [name, card] of this.cards) {
      if (!names.includes(name)) {
        card.element.remove();
        this.cards.delete(name);
      }
    }
    for (const stream of status.streams) {
      if (!this.cards.has(stream.name)) this.addCard(stream.name);
      this.cards.get(stream.name).status(stream, cameras.includes(stream.name));
    }
    this.events.choices(status.streams);
    if (this.view === "health") this.health.show(status, cameras);
    this.look();
  }

  addCard(name) {
    const card = new StreamCard(name, { mayControl: this.mayControl, onTrouble: (error) => this.trouble(error) });
    this.cards.set(name, card);
    byId("cards").append(card.element);
    this.seen.observe(card.element);
  }

  event(event) {
    if (event.event_type === "start") setText(byId("say"), `${event.action} began on ${event.stream}`);
    this.latest.set(event.id, { ...event, stopped: event.event_type === "stop" });
    this.showLatest();
    this.events.happened();
  }

  async loadLatest() {
    const today = new Date();
    today.setHours(0, 0, 0, 0);
    const query = new URLSearchParams({ since: today.toISOString(), until: new Date(Date.now() + 60000).toISOString() });
    try {
      const { events } = await get(`/api/events?${query}`);
      for (const event of events.slice(0, MOST_LATEST)) if (!this.latest.has(event.id)) this.latest.set(event.id, event);
      this.showLatest();
    } catch (error) {
      if (error.status !== 503) this.trouble(error); // 503: nothing was ever stored
    }
  }

  showLatest() {
    const events = [...this.latest.values()].sort((a, b) => (a.started_at < b.started_at ? 1 : -1)).slice(0, MOST_LATEST);
    this.latest = new Map(events.map((event) => [event.id, event]));
    byId("latest-none").hidden = events.length > 0;
    byId("latest").replaceChildren(...events.map((event) => element(
      "li",
      {},
      element("b", {}, event.action),
      event.stopped ? element("span", { class: "muted" }, words.duration(event.duration_s)) : element("span", { class: "chip good" }, "going on"),
      element("span", { class: "where" }, `${words.time(event.started_at)} · ${event.stream} · peak ${words.score(event.peak_score)}`),
    )));
  }

  trouble(error) {
    if (error.status === 401) location.assign("/login");
    const shown = byId("trouble");
    setText(shown, words.sentence(error.message));
    shown.hidden = false;
    clearTimeout(this.troubleTimer);
    this.troubleTimer = setTimeout(() => { shown.hidden = true; }, 12000);
  }

  async logOut() {
    await post("/api/logout", {}).catch(() => null);
    location.assign("/login");
  }
}

try {
  new Page(await openSession());
} catch (error) {
  if (error.status === 401) location.assign("/login");
  else setText(byId("connection"), error.message);
}
