// The text of a worker of the pool: in a browser and in Node, whatever target the glue was made for.
// In:  {start: {url, module, memory, stack}}, then {job: address}, perhaps {end: number} at last.
// Out: {ready: true} or {broken: text}; {done: address} or {failed: address, text}.
(() => {
    "use strict";
    const node = typeof process === "object" && !!process.getBuiltinModule;
    const port = node ? process.getBuiltinModule("node:worker_threads").parentPort : self;
    const running = new Set();
    let glue, wasm;

    const describe = error => String((error && error.message && `${error.name}: ${error.message}`) || error);

    function fail(job, error) {
        running.delete(job);
        port.postMessage({ failed: job, text: describe(error) });
    }

    // A panic in an async job surfaces here: it may have been any of those that are under way.
    function failAll(error) {
        for (const job of running) fail(job, error);
    }

    async function start({ url, module, memory, stack }) {
        try {
            glue = await import(url);
            if (!glue.initSync && glue.default && glue.default.initSync) glue = glue.default;
            if (!glue.initSync) {
                importScripts(url); // made for `no-modules`
                glue = { testkit_run: wasm_bindgen.testkit_run, initSync: wasm_bindgen.initSync };
            }
            wasm = glue.initSync({ module, memory, thread_stack_size: stack });
            port.postMessage({ ready: true });
        } catch (error) {
            port.postMessage({ broken: describe(error) });
        }
    }

    async function run(job) {
        running.add(job);
        try {
            await glue.testkit_run(job);
            if (running.delete(job)) port.postMessage({ done: job });
        } catch (error) {
            fail(job, error);
        }
    }

    // Frees this agent's thread-local memory and its stack: nothing of the module can run here afterwards.
    function end(number) {
        try {
            wasm.__wbindgen_thread_destroy();
            port.postMessage({ done: number });
        } catch (error) {
            fail(number, error);
        }
    }

    function receive(message) {
        if (message.start) start(message.start);
        else if (message.end) end(message.end);
        else run(message.job);
    }

    if (node) {
        port.on("message", receive);
        process.on("uncaughtException", failAll);
        process.on("unhandledRejection", failAll);
    } else {
        self.onmessage = event => receive(event.data);
        self.addEventListener("error", event => failAll(event.error || event.message));
        self.addEventListener("unhandledrejection", event => failAll(event.reason));
    }
})();
