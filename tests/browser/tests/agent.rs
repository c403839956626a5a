//! Which agents may block.
#![cfg(target_arch = "wasm32")]

use js_sys::Reflect;
use wasm_bindgen_test::wasm_bindgen_test;
use web_sync::agent::{self, Policy};
use web_sync_browser_tests as _;
use web_sync_testkit::Pool;

fn global(name: &str) -> bool {
    Reflect::has(&js_sys::global(), &name.into()).unwrap()
}

#[wasm_bindgen_test]
async fn a_worker_may_block_and_a_window_may_not() {
    assert_eq!(agent::may_block(), !global("document"));
    let pool = Pool::start(1).await.unwrap();
    assert!(pool.spawn(agent::may_block).join_async().await.unwrap());
}

#[wasm_bindgen_test]
async fn a_policy_is_its_agents_alone() {
    let pool = Pool::start(2).await.unwrap();
    let policy = pool.run(0, || {
        agent::set_policy(Policy::Spin);
        agent::may_block()
    });
    assert!(!policy.join_async().await.unwrap());
    assert!(!pool.run(0, agent::may_block).join_async().await.unwrap());
    assert!(pool.run(1, agent::may_block).join_async().await.unwrap());
}
