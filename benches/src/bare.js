// The floor for a task of the main thread that waits for a worker: Atomics.waitAsync and nothing else.
// The three are indices of words: the one to wait on, the one that tells the worker to go, and the worker's own delay in
// nanoseconds, which does not count. Returns the microseconds of each wait.
export async function bare(memory, word, go, delay, waits) {
    const words = new Int32Array(memory.buffer);
    const samples = new Float64Array(waits);
    for (let wait = 0; wait < waits; wait++) {
        const result = Atomics.waitAsync(words, word, wait);
        if (!result.async) throw new Error(`waitAsync did not wait: ${result.value}`);
        const start = performance.now();
        Atomics.store(words, go, wait + 1);
        await result.value;
        samples[wait] = (performance.now() - start) * 1e3 - Atomics.load(words, delay) / 1e3;
    }
    return samples;
}
