//! The scenes that loom explores, on a page's agents: each role in turn on the agent that runs the tests, the others on workers.
//!
//! Three modules are not played here: in `park` the agent that sets the scene is the one that parks, and in `once` and `once_lock` it begins
//! what another agent is to end, which on the web counts as a recursion. Their bodies are in `thread`, `once` and `once_lock` beside this file.
#![cfg(target_arch = "wasm32")]

use std::hint::spin_loop;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use wasm_bindgen_test::{console_log, wasm_bindgen_test};
use web_sync_browser_tests as _;
use web_sync_loom_tests::{Model, Role, models};
use web_sync_testkit::Pool;

/// How often each scene is played with each role here. (A role repeats what it does about thirty times.)
const PLAYS: usize = 3;

/// No scene has more roles than loom has threads.
const MOST_ROLES: usize = 4;

/// Plays one scene, the role `here` on this agent. Returns how many roles there are.
async fn play(model: &Model, pool: &Pool, here: usize) -> usize {
    let (roles, end) = (model.scene)().into_roles();
    let count = roles.len();
    let gate = Arc::new(AtomicUsize::new(0));
    // Lets the roles begin together, or the first would be over before the last is there.
    let pass = move |gate: &AtomicUsize| {
        gate.fetch_add(1, Ordering::Relaxed);
        while gate.load(Ordering::Relaxed) < count {
            spin_loop();
        }
    };
    let mut mine = None;
    let mut others = Vec::new();
    for (index, role) in roles.into_iter().enumerate() {
        let gate = gate.clone();
        others.push(match role {
            role if index == here => {
                mine = Some(role);
                continue;
            }
            Role::Thread(act) => pool.run(index, move || {
                pass(&gate);
                act();
            }),
            Role::Task(act) => pool.run_async(index, move || {
                pass(&gate);
                act()
            }),
        });
    }
    for other in &others {
        other.started().await.unwrap();
    }
    pass(&gate);
    match mine.expect("a role with this index") {
        Role::Thread(act) => act(),
        Role::Task(act) => act().await,
    }
    for other in others {
        other.join_async().await.unwrap();
    }
    end();
    count
}

async fn play_all(module: &str) {
    let pool = Pool::start(MOST_ROLES).await.unwrap();
    let chosen = models();
    let chosen = chosen
        .iter()
        .filter(|model| model.name.split("::").next() == Some(module));
    let mut played = 0;
    for model in chosen {
        console_log!("{}", model.name);
        for _ in 0..PLAYS {
            let roles = play(model, &pool, 0).await;
            for here in 1..roles {
                play(model, &pool, here).await;
            }
            played += roles;
        }
    }
    assert!(played > 0, "no model of {module}");
}

#[wasm_bindgen_test]
async fn mutex() {
    play_all("mutex").await;
}

#[wasm_bindgen_test]
async fn tasks() {
    play_all("tasks").await;
}

#[wasm_bindgen_test]
async fn drops() {
    play_all("drops").await;
}

#[wasm_bindgen_test]
async fn rwlock() {
    play_all("rwlock").await;
}

#[wasm_bindgen_test]
async fn condvar() {
    play_all("condvar").await;
}

#[wasm_bindgen_test]
async fn barrier() {
    play_all("barrier").await;
}

#[wasm_bindgen_test]
async fn reentrant() {
    play_all("reentrant").await;
}

#[wasm_bindgen_test]
async fn semaphore() {
    play_all("semaphore").await;
}

#[wasm_bindgen_test]
async fn event() {
    play_all("event").await;
}

#[wasm_bindgen_test]
async fn spsc() {
    play_all("spsc").await;
}

#[wasm_bindgen_test]
async fn triple_buffer() {
    play_all("triple_buffer").await;
}

#[wasm_bindgen_test]
async fn lazy_lock() {
    play_all("lazy_lock").await;
}

#[wasm_bindgen_test]
async fn channel() {
    play_all("channel").await;
}

#[wasm_bindgen_test]
async fn meeting() {
    play_all("meeting").await;
}

#[wasm_bindgen_test]
async fn select() {
    play_all("select").await;
}

#[wasm_bindgen_test]
async fn alloc() {
    play_all("alloc").await;
}

#[wasm_bindgen_test]
async fn never_wait() {
    play_all("never_wait").await;
}
