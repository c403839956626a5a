//! The same jobs on the real-time thread of a page.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use js_sys::Promise;
use js_sys::futures::JsFuture;
use wasm_bindgen::{JsCast, JsValue};

use super::{
    agent::{Agent, within},
    glue,
    handle::Handle,
    job, js, time,
};
use crate::{Error, TIMEOUT, slot::Slot};

/// An audio worklet that shares this page's memory. It has no `TextDecoder`: what runs there must not turn a Rust string into one
/// of JS.
pub struct AudioWorklet {
    context: JsValue,
    agent: Agent,
    /// Renders as fast as it can when it is told to, or else in real time from the start.
    offline: bool,
}

/// Samples a second.
const RATE: u32 = 44_100;

impl AudioWorklet {
    /// Starts one; resolves when it has answered. Only a window can.
    pub async fn start() -> Result<Self, Error> {
        let class = js::global("OfflineAudioContext");
        // One channel; long enough for some thousand calls of `process()`.
        let length = 4_000 * 128;
        let context = js::construct(&class, &[1.into(), length.into(), RATE.into()])?;
        Self::start_in(context, true).await
    }

    /// Starts one whose `process()` is called in real time.
    pub async fn start_playing() -> Result<Self, Error> {
        let options = js::object(&[("sampleRate", RATE.into())]);
        let context = js::construct(&js::global("AudioContext"), &[options])?;
        let resumed: Promise = js::call(&context, "resume", &[])?.unchecked_into();
        if within(TIMEOUT, resumed).await.is_none() {
            return Err(Error::new("the audio context does not play"));
        }
        Self::start_in(context, false).await
    }

    async fn start_in(context: JsValue, offline: bool) -> Result<Self, Error> {
        const TEXT: &str = include_str!("worklet.js");
        let url = js::blob_url(&format!(
            "import * as glue from {:?};\n{TEXT}",
            glue::url()?
        ))?;
        let worklet = js::get(&context, "audioWorklet");
        let added: Promise = js::call(&worklet, "addModule", &[url])?.unchecked_into();
        JsFuture::from(added).await.map_err(js::describe)?;
        let class = js::global("AudioWorkletNode");
        let node = js::construct(&class, &[context.clone(), "testkit".into()])?;
        js::call(&node, "connect", &[js::get(&context, "destination")])?;
        let agent = Agent::start(js::get(&node, "port"), glue::STACK)?;
        let answer = agent.ready(TIMEOUT).await;
        answer.map_err(|error| Error::new(format!("the worklet {error}")))?;
        Ok(Self {
            context,
            agent,
            offline,
        })
    }

    /// Runs a job when the worklet gets its message.
    pub fn run<T: Send + 'static>(&self, job: impl FnOnce() -> T + Send + 'static) -> Handle<T> {
        let slot = Arc::new(Slot::new());
        let address = job::boxed(&slot, job);
        self.send(slot, address, &[])
    }

    /// Runs an async job on the event loop of the worklet.
    pub fn run_async<T: Send + 'static, F: Future<Output = T> + 'static>(
        &self,
        job: impl FnOnce() -> F + Send + 'static,
    ) -> Handle<T> {
        let slot = Arc::new(Slot::new());
        let address = job::boxed_async(&slot, job);
        self.send(slot, address, &[])
    }

    /// Runs a job inside `process()`, while the audio is rendered. The rendering ends with it, so this is the worklet's last job.
    pub async fn process<T: Send + 'static>(
        self,
        job: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Error> {
        let slot = Arc::new(Slot::new());
        let address = job::boxed(&slot, job);
        self.inside(slot, address).await
    }

    /// Runs a step in each call of `process()`, until one returns something. This is the worklet's last job.
    pub async fn process_each<T: Send + 'static>(
        self,
        step: impl FnMut() -> Option<T> + Send + 'static,
    ) -> Result<T, Error> {
        let slot = Arc::new(Slot::new());
        let address = job::boxed_steps(&slot, step);
        self.inside(slot, address).await
    }

    async fn inside<T>(self, slot: Arc<Slot<T>>, address: u32) -> Result<T, Error> {
        let handle = self.send(slot, address, &[("process", true.into())]);
        let deadline = time::now() + TIMEOUT;
        while !self.agent.has_queued(address) {
            if time::now() > deadline {
                return Err(Error::new("the worklet did not queue the job in time"));
            }
            time::sleep(Duration::from_millis(1)).await;
        }
        if self.offline {
            js::call(&self.context, "startRendering", &[])?;
        }
        let result = handle.join_async().await;
        if !self.offline {
            js::call(&self.context, "close", &[])?;
        }
        result
    }

    fn send<T>(&self, slot: Arc<Slot<T>>, address: u32, more: &[(&str, JsValue)]) -> Handle<T> {
        let done = self.agent.send(address, more);
        Handle::new(slot, done, "the worklet".into())
    }
}
