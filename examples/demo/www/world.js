// A world: an instance of the module with memory, locks and workers of its own. A page needs one; this page starts a new one after
// a trap, because a trap leaves the locks of its instance as they were.

let started = 0;
let compiled; // the module, compiled once

export class World {
  // `locks`: a name of the enum `Locks`. `onError` is told when a worker breaks.
  static async start(locks, onError) {
    // The query makes the browser load the file anew, so that each world has its own. Without that: import it as worker.js does.
    const glue = await import(`./pkg/demo.js?world=${++started}`);
    await glue.default(compiled && { module_or_path: compiled });
    compiled = glue.sharedModule();
    return new World(glue, locks, onError);
  }

  constructor(glue, locks, onError) {
    this.glue = glue;
    this.locks = glue.Locks[locks];
    this.onError = onError;
    this.garden = new glue.Garden(this.locks);
    this.workers = [];
  }

  // Starts the workers that are missing, then says how many are to work; the others sleep.
  setWorkers(count) {
    while (this.workers.length < count) this.workers.push(this.#startWorker(this.workers.length + 1));
    this.garden.setWorkers(count);
  }

  // What the main thread does each frame: a write to the RwLock, some visits under the Mutex, a look.
  frame({ steps, frame, visits }) {
    return {
      rwlock: this.garden.setRules(steps, frame),
      mutex: this.garden.visit(visits),
      seeds: this.garden.seeds(),
      visits: this.garden.visits(),
    };
  }

  // The same by `await`: nothing waits while the locks are taken, not even the main thread.
  async frameAsync({ steps, frame, visits }) {
    return {
      rwlock: await this.glue.setRulesAsync(steps, frame),
      mutex: await this.glue.visitAsync(visits),
      seeds: await this.glue.seedsAsync(),
      visits: await this.glue.visitsAsync(),
    };
  }

  #startWorker(agent) {
    // In this form every bundler finds the file.
    const worker = new Worker(new URL("./worker.js", import.meta.url), { type: "module", name: `worker ${agent}` });
    worker.onerror = event => this.onError(`worker ${agent}: ${event.message ?? "did not start"}`);
    worker.postMessage({ module: this.glue.sharedModule(), memory: this.glue.sharedMemory(), locks: this.locks, agent });
    return worker;
  }

  // Ends the workers. They may hold a lock then, so nothing of this world can be used afterwards.
  close() {
    this.garden.close();
    for (const worker of this.workers) worker.terminate();
  }
}
