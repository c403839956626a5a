// The text of the audio worklet, after `import * as glue from "…"`. No TextDecoder, no clock, no timer here.
// In:  {start: {module, memory, stack}}, then {job: address}, or {job: address, process: true} to run it inside process(). A job may leave
//      steps behind, which run in each process() from then on.
// Out: {ready: true} or {broken: text}; {queued: address}; {done: address} or {failed: address, text}.
const describe = error => String((error && error.message && `${error.name}: ${error.message}`) || error);

registerProcessor("testkit", class extends AudioWorkletProcessor {
    constructor() {
        super();
        this.queue = [];
        this.inside = 0;
        this.port.onmessage = event => this.receive(event.data);
    }

    receive(message) {
        if (message.start) {
            this.start(message.start);
        } else if (message.process) {
            this.queue.push(message.job);
            this.port.postMessage({ queued: message.job });
        } else {
            this.run(message.job);
        }
    }

    start({ module, memory, stack }) {
        try {
            glue.initSync({ module, memory, thread_stack_size: stack });
            this.ready = true;
            this.port.postMessage({ ready: true });
        } catch (error) {
            this.port.postMessage({ broken: describe(error) });
        }
    }

    run(job) {
        const fail = error => this.port.postMessage({ failed: job, text: describe(error) });
        try {
            const promise = glue.testkit_run(job);
            const done = () => this.port.postMessage({ done: job });
            promise ? promise.then(done, fail) : done();
        } catch (error) {
            fail(error);
        }
    }

    process() {
        for (const job of this.queue.splice(0)) {
            this.inside = job;
            this.run(job);
        }
        try {
            if (this.ready) glue.testkit_step();
        } catch (error) {
            this.ready = false;
            this.port.postMessage({ failed: this.inside, text: describe(error) });
        }
        return true;
    }
});
