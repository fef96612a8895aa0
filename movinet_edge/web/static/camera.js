// This device as a camera: shows what it sees and what the model makes of it.

import { get, openSession } from "./api.js";
import { CameraLink } from "./camera_link.js";
import { byId, element, setText } from "./dom.js";

class CameraPage {
  constructor(cameras) {
    this.facing = "environment";
    this.video = byId("video");
    const select = byId("stream");
    select.append(...cameras.map(({ stream }) => element("option", { value: stream }, stream)));
    const wanted = decodeURIComponent(location.hash.slice(1));
    if (cameras.some(({ stream }) => stream === wanted)) select.value = wanted;
    select.hidden = cameras.length < 2 && cameras.length > 0;
    select.addEventListener("change", () => this.link && this.connect());
    byId("start").addEventListener("click", () => (this.media ? this.stop() : this.start()));
    byId("turn").addEventListener("click", () => this.turn());
    document.addEventListener("visibilitychange", () => !document.hidden && this.media && this.keepAwake());
    if (!cameras.length) this.refuse("No stream takes pictures of a phone. Add one with the source “type: browser”.");
    else if (!isSecureContext || !navigator.mediaDevices) this.refuse("Browsers allow the camera over HTTPS alone. On the daemon’s machine, “movinet-edge web cert” makes a certificate.");
  }

  refuse(text) {
    this.note(text);
    byId("start").disabled = true;
  }

  note(text) {
    setText(byId("note"), text);
    byId("note").hidden = !text;
  }

  async start() {
    this.note("");
    byId("start").disabled = true;
    try {
      await this.openMedia();
    } catch (error) {
      const reasons = { NotAllowedError: "The camera was not allowed. Allow it for this page in the browser’s settings.", NotFoundError: "This device has no camera.", NotReadableError: "Another program uses the camera." };
      this.note(reasons[error.name] ?? `The camera does not start: ${error.message}`);
      byId("start").disabled = false;
      return;
    }
    byId("start").disabled = false;
    setText(byId("start"), "Stop");
    byId("start").classList.remove("primary");
    byId("turn").hidden = false;
    byId("hint").hidden = true;
    this.keepAwake();
    this.connect();
  }

  async openMedia() {
    const wanted = { facingMode: { ideal: this.facing }, width: { ideal: 640 }, height: { ideal: 480 }, frameRate: { ideal: 15 } };
    this.closeMedia(); // first, since many phones open one camera at a time
    const media = await navigator.mediaDevices.getUserMedia({ video: wanted, audio: false });
    this.media = media;
    // A phone ends it when a call comes in, or another page takes the camera.
    media.getVideoTracks()[0].addEventListener("ended", () => {
      if (this.media !== media) return;
      this.stop();
      this.note("The camera was taken away. Start it again.");
    });
    this.video.srcObject = media;
    await this.video.play();
  }

  closeMedia() {
    for (const track of this.media?.getTracks() ?? []) track.stop();
    this.media = null;
  }

  connect() {
    this.link?.close();
    this.link = new CameraLink(byId("stream").value, this.video, {
      state: (text, kind) => { setText(byId("state"), text); byId("state").className = `chip ${kind}`; },
      scores: (message) => this.scores(message),
      traffic: (text) => setText(byId("traffic"), text),
      ended: (text) => { this.stop(); this.note(text); },
    });
  }

  stop() {
    this.link?.close();
    this.link = null;
    this.closeMedia();
    this.video.srcObject = null;
    this.lock?.release().catch(() => null);
    setText(byId("start"), "Start the camera");
    byId("start").classList.add("primary");
    byId("turn").hidden = true;
    byId("hint").hidden = false;
    byId("top").replaceChildren();
    byId("active").replaceChildren();
    setText(byId("traffic"), "");
    setText(byId("state"), "off");
    byId("state").className = "chip";
  }

  async turn() {
    const other = () => { this.facing = this.facing === "environment" ? "user" : "environment"; };
    byId("turn").disabled = byId("start").disabled = true;
    other();
    try {
      await this.openMedia();
    } catch (error) {
      other();
      await this.openMedia().catch(() => this.stop());
      this.note(`The other camera does not start: ${error.message}`);
    }
    byId("turn").disabled = byId("start").disabled = false;
  }

  // A dark screen ends the camera. The lock is lost whenever the page is hidden.
  async keepAwake() {
    try {
      this.lock = await navigator.wakeLock?.request("screen");
    } catch {
      // The battery is low, or the browser does not know it.
    }
  }

  scores({ top, active }) {
    byId("active").replaceChildren(...active.map((name) => element("li", {}, name)));
    byId("top").replaceChildren(...top.map(([label, score]) => {
      const fill = element("i");
      fill.style.width = `${100 * score}%`;
      return element("li", {}, element("span", {}, label), element("span", { class: "score" }, score.toFixed(2)), element("div", { class: "bar" }, fill));
    }));
  }
}

try {
  await openSession();
  new CameraPage((await get("/api/cameras")).cameras);
} catch (error) {
  if (error.status === 401 || error.status === 403) location.assign("/login#camera");
  setText(byId("note"), error.message);
  byId("note").hidden = false;
}
