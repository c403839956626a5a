//! The futex's contract between agents: this one is a window, a worker or Node's main thread, the others are workers; and, where one
//! agent suffices, inside an audio worklet.
#![cfg(target_arch = "wasm32")]

use std::time::Duration;

use wasm_bindgen_test::wasm_bindgen_test;
use web_sync::__conformance::bodies::{self, World};
use web_sync_browser_tests as _;
use web_sync_testkit::{Handle, Pool, time};

struct Workers(Pool);

impl World for Workers {
    type Job = Handle<()>;

    async fn spawn(&self, job: impl FnOnce() + Send + 'static) -> Handle<()> {
        let handle = self.0.spawn(job);
        handle.started().await.unwrap();
        handle
    }

    async fn join(&self, job: Handle<()>) {
        job.join_async().await.unwrap();
    }

    async fn settle(&self) {
        time::sleep(Duration::from_millis(10)).await;
    }
}

macro_rules! run {
    ($($name:ident $budgets:tt;)*) => {
        $(#[wasm_bindgen_test]
        async fn $name() {
            let workers = Workers(Pool::start(2).await.unwrap());
            bodies::$name(&workers).await;
        })*
    };
}

web_sync::__for_each_lone_body!(run);
web_sync::__for_each_shared_body!(run);
run! {
    timers_complete_in_time();
    a_late_poll_finds_the_timer_ready();
}
