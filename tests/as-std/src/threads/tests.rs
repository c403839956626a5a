use super::*;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

/// Natively the pool serves one test at a time, as on the web.
fn test(body: impl FnOnce()) {
    static ONE: std::sync::Mutex<()> = std::sync::Mutex::new(());
    let one = ONE.lock();
    web_sync_testkit::block_on(ready(6));
    body();
    drop(one);
}

fn text(payload: Box<dyn std::any::Any + Send>) -> String {
    let text = payload.downcast_ref::<&str>().map(|text| text.to_string());
    text.unwrap_or_else(|| *payload.downcast::<String>().expect("a text"))
}

#[test]
fn join_gives_the_value_or_the_panic() {
    test(|| {
        assert_eq!(spawn(|| 6 * 7).join().unwrap(), 42);
        assert_eq!(text(spawn(|| panic!("seven")).join().unwrap_err()), "seven");
    });
}

#[test]
fn a_thread_spawns_threads() {
    test(|| {
        let outer = spawn(|| spawn(|| 1).join().unwrap() + 1);
        assert_eq!(outer.join().unwrap(), 2);
    });
}

#[test]
fn a_handle_tells_of_the_end() {
    test(|| {
        let gate = Arc::new(web_sync::Mutex::new(()));
        let closed = gate.lock().unwrap();
        let theirs = gate.clone();
        let handle = Builder::new().spawn(move || drop(theirs.lock().unwrap()));
        let handle = handle.unwrap();
        assert!(!handle.is_finished());
        drop(closed);
        while !handle.is_finished() {
            yield_now();
        }
    });
}

#[test]
fn a_scope_waits_for_its_threads() {
    test(|| {
        let count = AtomicU32::new(0);
        let value = scope(|scope| {
            for _ in 0..3 {
                scope.spawn(|| {
                    sleep(Duration::from_millis(5));
                    scope.spawn(|| count.fetch_add(1, Ordering::Relaxed));
                });
            }
            scope.spawn(|| "borrowed").join().unwrap()
        });
        assert_eq!((value, count.into_inner()), ("borrowed", 3));
    });
}

#[test]
fn a_scope_tells_of_panics_that_nobody_has_seen() {
    test(|| {
        let seen = scope(|scope| text(scope.spawn(|| panic!("eight")).join().unwrap_err()));
        assert_eq!(seen, "eight");
        let unseen = catch_unwind(|| scope(|scope| drop(scope.spawn(|| panic!("nine")))));
        assert_eq!(text(unseen.unwrap_err()), "a scoped thread panicked");
    });
}

#[test]
fn an_exhausted_pool_says_so() {
    test(|| {
        let gate = Arc::new(web_sync::Mutex::new(()));
        let closed = gate.lock().unwrap();
        let error = catch_unwind(AssertUnwindSafe(|| {
            loop {
                let gate = gate.clone();
                spawn(move || drop(gate.lock().unwrap()));
            }
        }));
        let Err(error) = error;
        drop(closed);
        assert!(text(error).contains("all threads of the pool are busy"));
    });
}

#[test]
fn threads_that_are_left_behind_are_replaced() {
    let stuck = Arc::new(web_sync::Mutex::new(()));
    let held = stuck.lock().unwrap();
    test(|| {
        let stuck = stuck.clone();
        spawn(move || drop(stuck.lock().unwrap()));
    });
    test(|| {
        let handles: Vec<_> = (0..6).map(|_| spawn(|| ())).collect();
        for handle in handles {
            handle.join().unwrap();
        }
    });
    drop(held);
}
