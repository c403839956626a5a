// What the plots show: the last seconds, and all waits since the last reset. Times are in milliseconds.

export const SECONDS = 10;

// Waits in buckets of equal width on a log scale, from 1 µs to 10 s.
export class Histogram {
  static PER_DECADE = 10;
  static DECADES = 7;
  static FIRST = 1e-3; // 1 µs

  counts = new Array(Histogram.PER_DECADE * Histogram.DECADES).fill(0);
  total = 0;
  max = 0;

  add(wait) {
    const decades = Math.log10(Math.max(wait, Histogram.FIRST) / Histogram.FIRST);
    const bucket = Math.min(Math.floor(decades * Histogram.PER_DECADE), this.counts.length - 1);
    this.counts[bucket]++;
    this.total++;
    this.max = Math.max(this.max, wait);
  }

  // At most this long are `share` of the waits: the upper end of a bucket, or the longest wait.
  quantile(share) {
    let left = Math.ceil(this.total * share);
    for (const [bucket, count] of this.counts.entries()) {
      left -= count;
      if (left <= 0 && this.total > 0) {
        return Math.min(Histogram.FIRST * 10 ** ((bucket + 1) / Histogram.PER_DECADE), this.max);
      }
    }
    return 0;
  }
}

export class Stats {
  constructor() {
    this.reset();
  }

  reset() {
    this.frames = []; // {at, time}
    this.waits = []; // {at, least, most, rwlock}, one for each frame
    this.mutex = new Histogram();
    this.rwlock = new Histogram();
    this.visits = []; // of each agent, in all
    this.rates = []; // of each agent, per second
    this.marks = []; // {at, visits}, for the rates
  }

  addFrame(at, time) {
    this.frames.push({ at, time });
    while (this.frames[0].at < at - SECONDS * 1e3) this.frames.shift();
  }

  addWaits(at, mutex, rwlock) {
    for (const wait of mutex) this.mutex.add(wait);
    this.rwlock.add(rwlock);
    this.waits.push({ at, least: Math.min(...mutex), most: Math.max(...mutex), rwlock });
    while (this.waits[0].at < at - SECONDS * 1e3) this.waits.shift();
  }

  addVisits(at, visits) {
    this.visits = [...visits];
    this.marks.push({ at, visits: this.visits });
    while (this.marks.length > 2 && this.marks[1].at < at - 500) this.marks.shift();
    const [first] = this.marks;
    const seconds = Math.max(at - first.at, 1) / 1e3;
    this.rates = this.visits.map((count, agent) => (count - first.visits[agent]) / seconds);
  }

  // Figures of the frames: the middle one and the longest.
  frameFigures() {
    const times = this.frames.map(frame => frame.time).sort((a, b) => a - b);
    return { middle: times[times.length >> 1] ?? 0, max: times.at(-1) ?? 0 };
  }
}

// 0.0042 -> "4.2 µs"
export function duration(milliseconds) {
  if (milliseconds >= 1e3) return `${(milliseconds / 1e3).toPrecision(2)} s`;
  if (milliseconds >= 1) return `${milliseconds < 10 ? milliseconds.toFixed(1) : Math.round(milliseconds)} ms`;
  const micro = milliseconds * 1e3;
  return `${micro < 10 ? micro.toFixed(1) : Math.round(micro)} µs`;
}

// 1234567 -> "1.2 M"
export function count(number) {
  for (const [unit, size] of [["M", 1e6], ["k", 1e3]]) {
    if (number >= size) return `${(number / size).toFixed(number < 10 * size ? 1 : 0)} ${unit}`;
  }
  return number.toFixed(0);
}
