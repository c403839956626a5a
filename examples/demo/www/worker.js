// A worker: joins the page's module and memory, then runs Rust until the garden is closed.
import init, { Garden } from "./pkg/demo.js";

self.onmessage = async ({ data: { module, memory, locks, agent } }) => {
  await init({ module_or_path: module, memory });
  new Garden(locks).work(agent); // does not return for now: from here on this agent is Rust's
  self.close();
};
