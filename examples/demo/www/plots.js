// The drawings. Each takes a canvas and the figures; colours come from the style sheet.

import { Histogram, SECONDS, count, duration } from "./stats.js";

const TICKS = [1e-3, 1e-2, 1e-1, 1, 10, 100, 1e3, 1e4]; // 1 µs … 10 s

const style = getComputedStyle(document.documentElement);
const colour = name => style.getPropertyValue(`--${name}`);
const agentColour = agent => colour(`agent-${agent}`);

// A context whose unit is a CSS pixel, and the size in those.
function prepare(canvas) {
  const ratio = devicePixelRatio;
  const [width, height] = [canvas.clientWidth, canvas.clientHeight];
  if (canvas.width !== Math.round(width * ratio) || canvas.height !== Math.round(height * ratio)) {
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(height * ratio);
  }
  const context = canvas.getContext("2d");
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, width, height);
  context.font = "11px system-ui, sans-serif";
  context.textBaseline = "middle";
  return { context, width, height };
}

// Seeds where a sunflower has them, each in the colour of the agent that visited it last, large while that is fresh.
const GOLDEN = Math.PI * (3 - Math.sqrt(5));

export function flower(canvas, { seeds, frame, now }) {
  const { context, width, height } = prepare(canvas);
  const radius = Math.min(width, height) * 0.48;
  const colours = [colour("nobody"), ...Array.from({ length: 9 }, (_, agent) => agentColour(agent))];
  context.translate(width / 2, height / 2);
  context.rotate(now / 9000);
  const size = (radius / Math.sqrt(seeds.length)) * 0.72;
  for (let seed = 0; seed < seeds.length; seed++) {
    const owner = seeds[seed] & 0xf;
    const age = (frame - (seeds[seed] >> 4)) & 0xfff;
    const fresh = owner ? Math.exp(-age / 12) : 0;
    const distance = radius * Math.sqrt((seed + 0.5) / seeds.length);
    const angle = seed * GOLDEN;
    context.globalAlpha = owner ? 0.62 + 0.38 * fresh : 0.5;
    context.fillStyle = colours[owner];
    context.beginPath();
    context.arc(distance * Math.cos(angle), distance * Math.sin(angle), size * (0.8 + 0.55 * fresh), 0, 7);
    context.fill();
  }
  context.globalAlpha = 1;
}

const axis = tick => duration(tick).replace(".0", "");
const LEFT = 46;
const BOTTOM = 16;

function waitY(wait, height) {
  const share = Math.log10(Math.max(wait, TICKS[0]) / TICKS[0]) / Histogram.DECADES;
  return height - BOTTOM - share * (height - BOTTOM - 8);
}

function waitGrid(context, width, height, left) {
  for (const tick of TICKS) {
    const y = waitY(tick, height);
    context.fillStyle = colour("grid");
    context.fillRect(left, y, width - left, 1);
    context.fillStyle = colour("faint");
    context.textAlign = "right";
    if (left > 0) context.fillText(tick === TICKS[0] ? "0" : axis(tick), left - 6, y);
  }
}

function timeAxis(context, width, height) {
  context.fillStyle = colour("faint");
  context.textAlign = "left";
  context.fillText(`${SECONDS} s ago`, LEFT, height - 6);
  context.textAlign = "right";
  context.fillText("now", width, height - 6);
}

// A strip chart: of each frame the span of its waits.
export function waits(canvas, stats, now) {
  const { context, width, height } = prepare(canvas);
  waitGrid(context, width, height, LEFT);
  timeAxis(context, width, height);
  for (const { at, least, most, rwlock } of stats.waits) {
    const x = width - 3 - ((now - at) / (SECONDS * 1e3)) * (width - LEFT - 3);
    if (x < LEFT) continue;
    const [top, bottom] = [waitY(most, height), waitY(least, height)];
    context.fillStyle = agentColour(0);
    context.globalAlpha = 0.3;
    context.fillRect(x, top, 2, bottom - top);
    context.globalAlpha = 1;
    context.fillRect(x - 0.5, top - 1.5, 3, 3);
    context.fillStyle = colour("rwlock");
    context.fillRect(x, waitY(rwlock, height) - 1, 2, 2);
  }
}

// All waits since the last reset; the bars are logarithmic too, or the rare long waits would not be seen.
export function histogram(canvas, { mutex, rwlock }) {
  const { context, width, height } = prepare(canvas);
  waitGrid(context, width, height, 0);
  const most = Math.log10(1 + Math.max(...mutex.counts, ...rwlock.counts, 9));
  const bar = (height - BOTTOM - 8) / mutex.counts.length;
  const draw = (histogram, fill, alpha) => {
    context.fillStyle = fill;
    context.globalAlpha = alpha;
    histogram.counts.forEach((number, bucket) => {
      const y = height - BOTTOM - (bucket + 1) * bar;
      context.fillRect(0, y, (Math.log10(1 + number) / most) * (width - 4), Math.max(bar - 0.5, 1));
    });
    context.globalAlpha = 1;
  };
  draw(mutex, agentColour(0), 0.85);
  draw(rwlock, colour("rwlock"), 0.7);
  context.fillStyle = colour("faint");
  context.textAlign = "left";
  context.fillText(`${count(mutex.total)} waits`, 0, height - 6);
}

export function frames(canvas, stats, now) {
  const { context, width, height } = prepare(canvas);
  const top = Math.max(40, ...stats.frames.map(frame => frame.time)) * 1.05;
  const y = time => height - BOTTOM - (time / top) * (height - BOTTOM - 8);
  const step = [10, 20, 50, 100, 200, 500, 1e3, 2e3, 5e3].find(step => top / step <= 4) ?? 1e4;
  for (let tick = 0; tick <= top; tick += step) {
    context.fillStyle = colour("grid");
    context.fillRect(LEFT, y(tick), width - LEFT, 1);
    context.fillStyle = colour("faint");
    context.textAlign = "right";
    context.fillText(tick === 0 ? "0" : axis(tick), LEFT - 6, y(tick));
  }
  timeAxis(context, width, height);
  context.strokeStyle = colour("frames");
  context.lineWidth = 1.5;
  context.lineJoin = "round";
  context.beginPath();
  for (const { at, time } of stats.frames) {
    const x = width - ((now - at) / (SECONDS * 1e3)) * (width - LEFT);
    if (x >= LEFT) context.lineTo(x, y(time));
  }
  context.stroke();
}

// A bar for each agent, logarithmic from 1 to 10 million per second.
export function agents(canvas, { rates }, workers) {
  const { context, width, height } = prepare(canvas);
  const row = height / 9;
  for (let agent = 0; agent < 9; agent++) {
    const [rate, y] = [rates[agent] ?? 0, (agent + 0.5) * row];
    const awake = agent <= workers;
    context.fillStyle = colour(awake ? "text" : "faint");
    context.textAlign = "left";
    context.fillText(agent === 0 ? "main thread" : `worker ${agent}`, 0, y);
    const [from, to] = [80, width - 48];
    context.fillStyle = colour("grid");
    context.fillRect(from, y - row * 0.32, to - from, row * 0.64);
    context.fillStyle = agentColour(agent);
    const share = Math.min(Math.log10(Math.max(rate, 1)) / 7, 1);
    context.fillRect(from, y - row * 0.32, share * (to - from), row * 0.64);
    context.fillStyle = colour(rate > 0 ? "text" : "faint");
    context.textAlign = "right";
    context.fillText(awake || rate > 0 ? count(rate) : "asleep", width, y);
  }
}
