// The page: controls, the loop that runs once a frame, and what happens when std's lock traps.

import * as plots from "./plots.js";
import { Stats, count, duration } from "./stats.js";
import { World } from "./world.js";

const element = id => document.getElementById(id);
const controls = element("controls");

export const stats = new Stats();
let world; // none while one starts and after a trap
let rounds = 0;
let paused = false;
let shown = { seeds: new Uint16Array(1000), frame: 0 }; // the flower, as last seen
let busy = false; // an async frame is under way
let frame = 0;
let last = performance.now();

// The clock of a page does not tell shorter times apart.
const within = time => duration(Math.max(time, 5e-3));
const mode = () => new FormData(controls).get("mode");
const workers = () => (paused ? 0 : element("workers").valueAsNumber);
const steps = () => Math.round(10 ** element("steps").valueAsNumber);

function notice(text, kind = "") {
  element("notice").textContent = text;
  element("notice").className = kind;
  element("notice").hidden = text === "";
}

// Calls Rust; where std's lock traps, the world has come to its end.
function attempt(work) {
  try {
    return work();
  } catch (error) {
    broken(error);
  }
}

function broken(error) {
  if (!world) return;
  const visits = stats.visits[0] ?? 0;
  world.close();
  world = undefined;
  if (mode() === "std") {
    notice(`${error.name}: ${error.message}. The main thread met a taken std::sync lock after ${count(visits)} visits. ` +
      `That cannot be caught in Rust, and this instance of the module is lost. Choose web_sync to start another.`, "trap");
  } else {
    notice(String(error), "trap");
    console.error(error);
  }
}

// Ends this world and starts another.
async function restart() {
  world?.close();
  world = undefined;
  stats.reset();
  notice("");
  const chosen = mode();
  let next;
  try {
    next = await World.start(chosen === "std" ? "Std" : "WebSync", message => console.error(message));
  } catch (error) {
    notice(`The module did not start: ${error}`, "trap");
    return console.error(error);
  }
  if (chosen !== mode()) return next.close(); // changed meanwhile
  world = next;
  busy = false;
  rounds = 0;
  frame = 0; // the seeds of a new garden count from there
  element("may-block").textContent = world.glue.mayBlock() ? "yes" : "no";
  showSettings();
  attempt(() => world.setWorkers(workers()));
  if (chosen === "std") setTimeout(noTrap, 2000, world);
  else awaitRounds(world);
}

function noTrap(then) {
  if (world !== then || workers() === 0) return;
  notice(`No trap so far. Either the lock was free each time, or this browser lets the main thread sleep, as Firefox does. ` +
    `Longest wait: ${duration(stats.mutex.max)}.`, "warn");
}

// Condvar::wait_while_async on the main thread, notified by the workers.
async function awaitRounds(here) {
  while (world === here) {
    const reached = await here.glue.roundsAsync(rounds);
    if (world === here) rounds = reached;
  }
}

function showSettings() {
  controls.querySelector("[for=workers]").value = element("workers").value;
  controls.querySelector("[for=visits]").value = element("visits").value;
  controls.querySelector("[for=steps]").value = world ? `about ${duration(world.glue.visitTime(steps()) / 1e3)}` : "…";
}

function record(seen) {
  const now = performance.now();
  stats.addWaits(now, seen.mutex, seen.rwlock);
  stats.addVisits(now, seen.visits);
  shown = { seeds: seen.seeds, frame: seen.frame };
}

function visit() {
  const rules = { steps: steps(), frame, visits: element("visits").valueAsNumber };
  if (mode() !== "async") {
    const seen = attempt(() => world.frame(rules));
    if (seen) record({ ...seen, frame });
  } else if (!busy) {
    busy = true;
    const here = world;
    here.frameAsync(rules).then(seen => {
      if (world !== here) return;
      busy = false;
      record({ ...seen, frame: rules.frame });
    }, broken);
  }
}

function loop(now) {
  requestAnimationFrame(loop);
  frame = (frame + 1) & 0xfff;
  stats.addFrame(now, now - last);
  last = now;
  if (world) visit();
  draw(now);
}

function draw(now) {
  plots.flower(element("flower"), { ...shown, now });
  plots.waits(element("waits"), stats, performance.now());
  plots.histogram(element("histogram"), stats);
  plots.frames(element("frames"), stats, now);
  plots.agents(element("agents"), stats, workers());
  const { mutex } = stats;
  const { middle, max } = stats.frameFigures();
  const all = stats.rates.reduce((sum, rate) => sum + rate, 0);
  element("waits-figures").textContent =
    `half within ${within(mutex.quantile(0.5))}, 99 % within ${within(mutex.quantile(0.99))}, longest ${within(mutex.max)}`;
  element("frames-figures").textContent = `typical ${duration(middle)}, longest ${duration(max)}`;
  element("agents-figures").textContent = `${count(all)} together`;
  element("rounds").textContent = count(rounds);
}

controls.addEventListener("input", event => {
  const { target } = event;
  // Both modes of web_sync use the same locks, at the same time if need be.
  if (target.name === "mode") {
    if (!world || world.locks !== world.glue.Locks[mode() === "std" ? "Std" : "WebSync"]) restart();
    else stats.reset();
  } else {
    if (target.id === "workers" && world) attempt(() => world.setWorkers(workers()));
    showSettings();
  }
});

element("pause").addEventListener("click", () => {
  paused = !paused;
  element("pause").textContent = paused ? "Wake workers" : "Pause workers";
  element("pause").setAttribute("aria-pressed", paused);
  if (world) attempt(() => world.setWorkers(workers()));
});

element("reset").addEventListener("click", () => stats.reset());

// A page that nobody sees leaves the processor to others.
document.addEventListener("visibilitychange", () => {
  if (world) attempt(() => world.setWorkers(document.hidden ? 0 : workers()));
  last = performance.now();
});

// One processor is for the main thread.
element("workers").value = Math.max(2, Math.min(4, navigator.hardwareConcurrency - 1));

if (!crossOriginIsolated) {
  notice("This page is not cross-origin isolated, so its memory cannot be shared. `cargo xtask demo` serves it with the two headers.", "trap");
} else {
  await restart();
}
requestAnimationFrame(loop);

if (new URLSearchParams(location.search).has("check")) {
  const { check } = await import("./check.js");
  await check(stats, () => rounds);
}
