// Asks for the password, and goes on to the page that wanted it.

import { post } from "./api.js";
import { byId, setText } from "./dom.js";

byId("login").addEventListener("submit", async (event) => {
  event.preventDefault();
  const button = event.target.querySelector("button");
  button.disabled = true;
  byId("wrong").hidden = true;
  try {
    const { role } = await post("/api/login", { password: byId("password").value });
    location.assign(location.hash.startsWith("#camera") && role === "control" ? "/camera" : "/");
  } catch (error) {
    setText(byId("wrong"), error.message.charAt(0).toUpperCase() + error.message.slice(1) + ".");
    byId("wrong").hidden = false;
    button.disabled = false;
    byId("password").select();
  }
});
