//! Globals that may be absent on some agent, so they are looked up when they are used.

use js_sys::{Array, Function, Object, Reflect};
use wasm_bindgen::{JsCast, JsValue};

use crate::Error;

pub(crate) fn global(name: &str) -> JsValue {
    get(&js_sys::global(), name)
}

/// A property; `undefined` where there is none.
pub(crate) fn get(object: &JsValue, name: &str) -> JsValue {
    Reflect::get(object, &name.into()).unwrap_or(JsValue::UNDEFINED)
}

pub(crate) fn set(object: &JsValue, name: &str, value: &JsValue) {
    Reflect::set(object, &name.into(), value).expect("an object that takes this field");
}

pub(crate) fn function(object: &JsValue, name: &str) -> Result<Function, Error> {
    let found = get(object, name).dyn_into();
    found.map_err(|_| Error::new(format!("this agent has no `{name}`")))
}

pub(crate) fn call(object: &JsValue, name: &str, args: &[JsValue]) -> Result<JsValue, Error> {
    let args: Array = args.iter().collect();
    function(object, name)?
        .apply(object, &args)
        .map_err(describe)
}

pub(crate) fn construct(class: &JsValue, args: &[JsValue]) -> Result<JsValue, Error> {
    let class: &Function = class
        .dyn_ref()
        .ok_or_else(|| Error::new("not a constructor"))?;
    Reflect::construct(class, &args.iter().collect()).map_err(describe)
}

pub(crate) fn object(fields: &[(&str, JsValue)]) -> JsValue {
    let object = Object::new();
    for (name, value) in fields {
        set(&object, name, value);
    }
    object.into()
}

/// The URL of a Blob with that text.
pub(crate) fn blob_url(text: &str) -> Result<JsValue, Error> {
    let kind = object(&[("type", "text/javascript".into())]);
    let parts = Array::of1(&text.into());
    let blob = construct(&global("Blob"), &[parts.into(), kind])?;
    call(&global("URL"), "createObjectURL", &[blob])
}

pub(crate) fn describe(error: JsValue) -> Error {
    match error.dyn_ref::<js_sys::Error>() {
        Some(error) => Error::new(format!(
            "{}: {}",
            String::from(error.name()),
            String::from(error.message())
        )),
        None => Error::new(format!("{error:?}")),
    }
}
