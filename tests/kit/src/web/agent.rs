//! Another agent of this page, as the one that started it sees it.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::panic::AssertUnwindSafe;
use std::rc::Rc;
use std::time::Duration;

use js_sys::futures::JsFuture;
use js_sys::{Array, Function, Promise};
use wasm_bindgen::prelude::{Closure, JsValue};

use super::{glue, job, js, time};
use crate::Error;

pub(crate) struct Agent {
    /// A worker, or the port of a worklet's node.
    port: JsValue,
    inner: Rc<Inner>,
    ready: Promise,
    _receive: Closure<dyn FnMut(JsValue)>,
    _broken: Closure<dyn FnMut(JsValue)>,
}

/// What its listeners share.
struct Inner {
    /// Resolves when the agent has answered: with `undefined`, or with the text of an error.
    ready: Function,
    /// The same for each job under way, by the address of its closure.
    jobs: RefCell<HashMap<u32, Function>>,
    /// Set when the agent can run nothing any more.
    broken: Cell<bool>,
    /// The last job that the agent says it has queued.
    queued: Cell<u32>,
}

impl Agent {
    /// Listens to the port and sends what the agent needs to start, with so many bytes of stack.
    pub(crate) fn start(port: JsValue, stack: u32) -> Result<Self, Error> {
        job::install_panic_hook();
        let (ready, resolve) = promise();
        let inner = Rc::new(Inner {
            ready: resolve,
            jobs: RefCell::default(),
            broken: Cell::new(false),
            queued: Cell::new(0),
        });
        let receive = closure(&inner, Inner::receive);
        let broken = closure(&inner, |inner, event| {
            let text = js::get(&event, "message").as_string();
            inner.fail_all(&text.unwrap_or_else(|| "the worker broke".into()));
        });
        if js::get(&port, "on").is_function() {
            js::call(&port, "on", &["message".into(), receive.as_ref().clone()])?;
            js::call(&port, "on", &["error".into(), broken.as_ref().clone()])?;
        } else {
            js::set(&port, "onmessage", receive.as_ref());
            js::set(&port, "onerror", broken.as_ref());
        }
        let message = js::object(&[("start", glue::start_message(stack)?)]);
        js::call(&port, "postMessage", &[message])?;
        Ok(Self {
            port,
            inner,
            ready,
            _receive: receive,
            _broken: broken,
        })
    }

    /// Resolves when the agent has answered.
    pub(crate) async fn ready(&self, timeout: Duration) -> Result<(), Error> {
        let answer = within(timeout, self.ready.clone()).await;
        match answer.map(|answer| answer.as_string()) {
            Some(None) => Ok(()),
            Some(Some(text)) => Err(Error::new(format!("did not start: {text}"))),
            None => Err(Error::new("did not start in time")),
        }
    }

    /// Sends the address of a job; resolves when the job is done: with `undefined`, or with the text of an error.
    pub(crate) fn send(&self, address: u32, more: &[(&str, JsValue)]) -> Promise {
        let (promise, done) = promise();
        self.inner.jobs.borrow_mut().insert(address, done);
        let message = js::object(more);
        js::set(&message, "job", &address.into());
        let sent = js::call(&self.port, "postMessage", &[message]);
        if let Err(error) = sent {
            job::discard(address);
            self.inner.finish(address, &error.text().into());
        } else if self.inner.broken.get() {
            self.inner.fail_all("the worker broke before");
        }
        promise
    }

    /// Lets the agent free its stack and its thread-local memory; resolves as [`Self::send`] does.
    pub(crate) fn end(&self) -> Promise {
        // No closure lies at an odd address.
        const END: u32 = 1;
        let (promise, done) = promise();
        self.inner.jobs.borrow_mut().insert(END, done);
        let message = js::object(&[("end", END.into())]);
        if let Err(error) = js::call(&self.port, "postMessage", &[message]) {
            self.inner.finish(END, &error.text().into());
        }
        promise
    }

    pub(crate) fn is_idle(&self) -> bool {
        self.inner.jobs.borrow().is_empty() && !self.inner.broken.get()
    }

    pub(crate) fn has_queued(&self, address: u32) -> bool {
        self.inner.queued.get() == address
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        if js::get(&self.port, "on").is_function() {
            let _ = js::call(&self.port, "removeAllListeners", &[]);
        } else {
            js::set(&self.port, "onmessage", &JsValue::NULL);
            js::set(&self.port, "onerror", &JsValue::NULL);
        }
        for end in ["terminate", "close"] {
            let _ = js::call(&self.port, end, &[]); // a worker has the one, a port the other
        }
    }
}

impl Inner {
    fn receive(&self, message: JsValue) {
        if let Some(text) = js::get(&message, "broken").as_string() {
            self.fail_all(&text);
        } else if let Some(address) = js::get(&message, "done").as_f64() {
            self.finish(address as u32, &JsValue::UNDEFINED);
        } else if let Some(address) = js::get(&message, "failed").as_f64() {
            self.finish(address as u32, &js::get(&message, "text"));
        } else if let Some(address) = js::get(&message, "queued").as_f64() {
            self.queued.set(address as u32);
        } else {
            self.resolve(&self.ready, &JsValue::UNDEFINED);
        }
    }

    fn finish(&self, address: u32, answer: &JsValue) {
        let done = self.jobs.borrow_mut().remove(&address);
        if let Some(done) = done {
            self.resolve(&done, answer);
        }
    }

    fn fail_all(&self, text: &str) {
        self.broken.set(true);
        self.resolve(&self.ready, &text.into());
        for done in self.jobs.take().into_values() {
            self.resolve(&done, &text.into());
        }
    }

    fn resolve(&self, resolve: &Function, value: &JsValue) {
        resolve
            .call1(&JsValue::UNDEFINED, value)
            .expect("the resolve function of a promise does not throw");
    }
}

fn closure(inner: &Rc<Inner>, method: fn(&Inner, JsValue)) -> Closure<dyn FnMut(JsValue)> {
    let inner = inner.clone();
    Closure::own_assert_unwind_safe(move |event: JsValue| {
        // A browser wraps the message in an event, Node does not.
        let data = js::get(&event, "data");
        method(&inner, if data.is_undefined() { event } else { data });
    })
}

pub(crate) fn promise() -> (Promise, Function) {
    let mut slot = None;
    let mut executor = AssertUnwindSafe(&mut slot);
    let promise = Promise::new(&mut move |resolve, _| **executor = Some(resolve));
    (promise, slot.expect("a promise calls its executor at once"))
}

/// The value of a promise that never rejects; `None` when it takes too long.
pub(crate) async fn within(timeout: Duration, promise: Promise) -> Option<JsValue> {
    let late = JsValue::symbol(None);
    let timer = time::Timer::start(timeout, late.clone());
    let race = Promise::race(&Array::of2(&promise, timer.promise()));
    let value = JsFuture::from(race).await.expect("neither rejects");
    (value != late).then_some(value)
}
