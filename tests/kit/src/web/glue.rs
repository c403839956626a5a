//! Where the JS file is that wasm-bindgen made for this module.

use std::cell::RefCell;

use wasm_bindgen::JsValue;

use super::js;
use crate::Error;

thread_local! {
    static URL: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Names the URL from which workers import the JS file that wasm-bindgen made, for pages where it cannot be found.
pub fn set_glue_url(url: &str) {
    URL.set(Some(url.into()));
}

/// That URL: as set, or the first script on the stack of a JS error, which the glue constructs for us.
pub(crate) fn url() -> Result<String, Error> {
    if let Some(url) = URL.with_borrow(Clone::clone) {
        return Ok(url);
    }
    let stack = js::get(&js_sys::Error::new("where is the glue?"), "stack");
    let stack = stack.as_string().unwrap_or_default();
    let url = first_script(&stack);
    url.ok_or_else(|| {
        Error::new(format!(
            "no script on this stack; use set_glue_url:\n{stack}"
        ))
    })
}

/// The first place of a stack that is not wasm, in either form: `at name (URL:line:column)` and `name@URL:line:column`; Node names
/// the files of CommonJS by their path.
fn first_script(stack: &str) -> Option<String> {
    stack.lines().find_map(|line| {
        let place = line.rsplit_once(':')?.0.rsplit_once(':')?.0;
        let schemes = ["http://", "https://", "blob:", "file://"];
        let from = schemes.iter().filter_map(|scheme| place.find(scheme)).min();
        match from {
            Some(from) => Some(place[from..].to_string()),
            None => Some(format!("file://{}", &place[place.find('/')?..])),
        }
        .filter(|url| !url.ends_with(".wasm"))
    })
}

/// What a worker needs to become an agent of this module, with so many bytes of stack.
pub(crate) fn start_message(stack: u32) -> Result<JsValue, Error> {
    Ok(js::object(&[
        ("url", url()?.into()),
        ("module", wasm_bindgen::module()),
        ("memory", wasm_bindgen::memory()),
        ("stack", stack.into()),
    ]))
}

/// Bytes of stack for each worker that asks for nothing else; a multiple of 64 KiB.
pub(crate) const STACK: u32 = 1 << 20;
