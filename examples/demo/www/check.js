// `/?check`: a visitor who uses each control, looks at what the page shows, and posts the outcome to /report.

const sleep = seconds => new Promise(resolve => setTimeout(resolve, seconds * 1e3));
const element = id => document.getElementById(id);
const change = target => target.dispatchEvent(new Event("input", { bubbles: true }));

function set(id, value) {
  element(id).value = value;
  change(element(id));
}

function choose(mode) {
  const radio = document.querySelector(`[name=mode][value=${mode}]`);
  radio.checked = true;
  change(radio);
}

async function until(condition, seconds) {
  const end = performance.now() + seconds * 1e3;
  while (!condition() && performance.now() < end) await sleep(0.05);
  return condition();
}

// What goes wrong without anybody asking.
function collectErrors() {
  const errors = [];
  const log = console.error;
  console.error = (...words) => {
    errors.push(words.join(" "));
    log(...words);
  };
  addEventListener("error", event => errors.push(event.message));
  addEventListener("unhandledrejection", event => errors.push(String(event.reason)));
  document.addEventListener("securitypolicyviolation", event => errors.push(`CSP: ${event.violatedDirective}`));
  return errors;
}

export async function check(stats, rounds) {
  const lines = [];
  let ok = true;
  const expect = (what, holds, figures = "") => {
    ok &&= holds;
    lines.push(`${holds ? "ok  " : "FAIL"} ${what}${figures && ` (${figures})`}`);
  };
  try {
    await visit(expect, stats, rounds);
  } catch (error) {
    expect("the check ends", false, String(error));
  }
  await fetch("/report", { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify({ ok, lines }) });
}

async function visit(expect, stats, rounds) {
  const errors = collectErrors();
  // How often each agent has had the lock, as the next frame sees it.
  const nextVisits = async () => {
    const last = stats.visits;
    await until(() => stats.visits !== last && stats.visits.length > 0, 15);
    return stats.visits;
  };
  // Nothing recorded is no growth.
  const grew = (growth, agents) => growth.length >= agents && growth.slice(0, agents).every(visits => visits > 0);
  // Every one of the first agents gets the lock, within a second or, on a busy machine, a little later.
  const allGrow = async (what, agents) => {
    const before = await nextVisits();
    const sofar = () => stats.visits.slice(0, agents).map((visits, agent) => visits - before[agent]);
    await sleep(1);
    expect(what, await until(() => grew(sofar(), agents), 15), sofar().join(", "));
  };
  const milliseconds = time => `${time.toFixed(2)} ms`;

  set("workers", 2);
  const start = performance.now();
  expect("workers start", await until(() => grew(stats.visits, 3), 20), milliseconds(performance.now() - start));
  element("reset").click();
  await allGrow("2 workers and the main thread all get the lock", 3);
  expect("workers that are not wanted sleep", stats.visits.slice(3).every(visits => visits === 0));

  set("workers", 4);
  await until(() => grew(stats.visits, 5), 20);
  await allGrow("4 workers and the main thread all get the lock", 5);

  expect("waits for the Mutex are recorded", await until(() => stats.mutex.total > 100, 15), `${stats.mutex.total}, longest ${milliseconds(stats.mutex.max)}`);
  expect("waits for the RwLock are recorded", await until(() => stats.rwlock.total > 10, 15), `${stats.rwlock.total}, longest ${milliseconds(stats.rwlock.max)}`);
  const { middle, max } = stats.frameFigures();
  expect("the animation runs", stats.frames.length > 1 && middle < 500, `typical frame ${milliseconds(middle)}, longest ${milliseconds(max)}`);

  element("pause").click();
  const paused = await nextVisits();
  await sleep(0.3);
  const later = await nextVisits();
  expect("paused workers sleep, the main thread goes on", later.every((visits, agent) => (agent === 0 ? visits > paused[0] : visits === paused[agent])));
  element("pause").click();
  expect("notify_all wakes them", await until(() => grew(stats.rates, 5), 15));

  set("visits", 40);
  const before = stats.mutex.total;
  expect("visits per frame follow the slider", await until(() => stats.mutex.total > before, 15) && (stats.mutex.total - before) % 40 === 0);
  set("visits", 16);
  const shown = element("controls").querySelector("[for=steps]");
  const short = shown.value;
  set("steps", 4);
  await sleep(0.3);
  expect("a visit's length follows the slider", shown.value !== short, `${short}, then ${shown.value}`);
  set("steps", 2);

  choose("async");
  const awaited = rounds();
  await allGrow("lock_async: every agent gets the lock", 5);
  expect("its waits are recorded", stats.mutex.total > 0, `${stats.mutex.total}, longest ${milliseconds(stats.mutex.max)}`);
  expect("Condvar::wait_while_async is notified by workers", await until(() => rounds() > awaited, 15), `${rounds()} rounds`);

  choose("std");
  const notice = element("notice");
  // In Firefox the wait instruction puts the window to sleep; everywhere else it must trap, once all workers are at work.
  const sleeps = navigator.userAgent.includes("Firefox");
  await until(() => !notice.hidden && (sleeps || notice.className === "trap"), 15);
  const trapped = notice.className === "trap";
  expect("std::sync: the page says what happened", trapped || (sleeps && notice.className === "warn"), notice.textContent);

  choose("lock");
  expect("web_sync works again after that", await until(() => grew(stats.rates, 5), 20));
  expect("the notice is gone", notice.hidden);
  expect("no error on the console", errors.length === 0, errors.join(" | "));

  // For the picture: a flower in full bloom.
  await sleep(3);
}
