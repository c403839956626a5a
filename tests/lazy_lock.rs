//! `LazyLock`: a value that is made when it is first used.

mod common;

use std::cell::Cell;
use std::rc::Rc;

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use common::now;
use web_sync::LazyLock;

#[test]
fn the_first_use_makes_the_value() {
    let count = Cell::new(0);
    let lazy = LazyLock::new(|| count.set(count.get() + 1));
    assert_eq!(count.get(), 0);
    assert_eq!(LazyLock::get(&lazy), None);
    LazyLock::force(&lazy);
    LazyLock::force(&lazy);
    now(LazyLock::force_async(&lazy));
    assert_eq!(
        (*lazy, LazyLock::get(&lazy), count.get()),
        ((), Some(&()), 1)
    );
}

#[test]
fn a_task_makes_the_value_if_nobody_else_does() {
    let lazy = LazyLock::new(|| 1);
    let force = LazyLock::force_async(&lazy);
    assert_eq!(LazyLock::get(&lazy), None);
    assert_eq!(now(force), &1);
    assert_eq!(LazyLock::get(&lazy), Some(&1));
}

#[test]
fn a_static_makes_its_value_itself() {
    static LAZY: LazyLock<Vec<i32>> = LazyLock::new(|| vec![1, 2]);
    assert_eq!(LAZY.len(), 2);
    assert_eq!(&**LAZY, [1, 2]);
}

#[test]
fn who_has_the_lock_alone_needs_no_waiting() {
    let mut lazy = LazyLock::new(|| 1);
    assert_eq!(LazyLock::get_mut(&mut lazy), None);
    *LazyLock::force_mut(&mut lazy) += 1;
    *LazyLock::force_mut(&mut lazy) += 1;
    *lazy += 1;
    *LazyLock::get_mut(&mut lazy).unwrap() += 1;
    assert_eq!((*lazy, LazyLock::get(&lazy)), (5, Some(&5)));
    assert_eq!(LazyLock::into_inner(lazy).ok(), Some(5));
}

#[test]
fn what_makes_the_value_comes_back_unused() {
    let lazy = LazyLock::new(|| 1);
    assert_eq!(LazyLock::into_inner(lazy).map_err(|f| f() + 1), Err(2));
}

#[test]
fn values_come_from_elsewhere_as_well() {
    let lazy: LazyLock<i32> = LazyLock::from(1);
    assert_eq!((LazyLock::get(&lazy), *lazy), (Some(&1), 1));
    let lazy = LazyLock::<String>::default();
    assert_eq!(LazyLock::get(&lazy), None);
    assert_eq!(*lazy, "");
}

/// What it holds is dropped once: what makes the value, or the value.
#[test]
fn nothing_is_dropped_twice() {
    let held = Rc::new(());
    let lazy = |held: &Rc<()>| {
        let held = held.clone();
        LazyLock::new(move || held)
    };
    drop(lazy(&held));
    assert_eq!(Rc::strong_count(&held), 1);
    let used = lazy(&held);
    LazyLock::force(&used);
    assert_eq!(Rc::strong_count(&held), 2);
    drop(used);
    assert_eq!(Rc::strong_count(&held), 1);
    drop(LazyLock::into_inner(lazy(&held)));
    assert_eq!(Rc::strong_count(&held), 1);
}

#[test]
fn it_shows_what_is_there() {
    let lazy = LazyLock::new(|| 1);
    assert_eq!(format!("{lazy:?}"), "LazyLock(<uninit>)");
    LazyLock::force(&lazy);
    assert_eq!(format!("{lazy:?}"), "LazyLock(1)");
}

#[cfg(panic = "unwind")]
mod panics {
    use super::*;
    use common::panic_of;

    type Lazy = LazyLock<i32>;

    fn poisoned() -> Lazy {
        let lazy: Lazy = LazyLock::new(|| panic!("mine"));
        assert_eq!(panic_of(|| *lazy), "mine");
        lazy
    }

    #[test]
    fn a_panic_poisons_every_use() {
        let mut lazy = poisoned();
        let is_poisoned = |text: String, name: &str| {
            assert!(
                text.starts_with(name) && text.contains("poisoned"),
                "{text}"
            );
        };
        is_poisoned(panic_of(|| *lazy), "LazyLock::force:");
        is_poisoned(
            panic_of(|| now(LazyLock::force_async(&lazy))),
            "LazyLock::force_async:",
        );
        assert_eq!(LazyLock::get(&lazy), None);
        assert_eq!(LazyLock::get_mut(&mut lazy), None);
        assert_eq!(format!("{lazy:?}"), "LazyLock(<uninit>)");
        is_poisoned(
            panic_of(|| *LazyLock::force_mut(&mut lazy)),
            "LazyLock::force_mut:",
        );
        is_poisoned(panic_of(|| *lazy), "LazyLock::force:");
        is_poisoned(
            panic_of(|| LazyLock::into_inner(lazy).is_ok()),
            "LazyLock::into_inner:",
        );
    }

    #[test]
    fn a_panic_of_who_has_the_lock_alone_poisons() {
        let mut lazy: Lazy = LazyLock::new(|| panic!("mine"));
        assert_eq!(panic_of(|| *LazyLock::force_mut(&mut lazy)), "mine");
        assert!(panic_of(|| *lazy).contains("poisoned"));
        assert!(panic_of(|| now(LazyLock::force_async(&lazy))).contains("poisoned"));
    }

    #[test]
    fn a_panic_of_a_task_poisons() {
        let lazy: Lazy = LazyLock::new(|| panic!("mine"));
        assert_eq!(panic_of(|| now(LazyLock::force_async(&lazy))), "mine");
        assert!(panic_of(|| *lazy).contains("poisoned"));
    }

    /// What made the value is dropped with the panic, once.
    #[test]
    fn a_panic_drops_what_should_have_made_the_value() {
        let held = Rc::new(());
        let theirs = held.clone();
        let lazy = LazyLock::new(move || {
            let _theirs = theirs;
            panic!("mine")
        });
        assert_eq!(panic_of(|| -> () { *lazy }), "mine");
        assert_eq!(Rc::strong_count(&held), 1);
        drop(lazy);
    }

    #[test]
    fn a_value_that_needs_itself_panics() {
        static LAZY: LazyLock<i32> = LazyLock::new(|| *LAZY + 1);
        let text = panic_of(|| *LAZY);
        for word in [
            "LazyLock::force at",
            file!(),
            "this agent runs the initialiser already",
        ] {
            assert!(text.contains(word), "no {word:?} in {text:?}");
        }
    }
}

#[cfg(not(target_family = "wasm"))]
mod threads {
    use std::thread;

    use super::*;
    use common::{Gate, SHORT, Spinning, Task};

    #[test]
    fn threads_and_tasks_wait_for_the_one_that_makes_it() {
        for spins in [false, true] {
            let (begun, leave) = (Gate::default(), Gate::default());
            let lazy = LazyLock::new(|| {
                begun.open();
                while !leave.is_open() {
                    thread::yield_now();
                }
                1
            });
            thread::scope(|scope| {
                scope.spawn(|| assert_eq!(*lazy, 1));
                while !begun.is_open() {
                    thread::yield_now();
                }
                let task = Task::waiting(LazyLock::force_async(&lazy));
                drop(Task::waiting(LazyLock::force_async(&lazy)));
                let waits = scope.spawn(|| {
                    let _spinning = spins.then(Spinning::new);
                    *lazy
                });
                thread::sleep(SHORT);
                assert!(!waits.is_finished() && task.wakes() == 0);
                leave.open();
                assert_eq!(waits.join().unwrap(), 1);
                // The one that makes it wakes the thread first.
                while task.wakes() == 0 {
                    thread::yield_now();
                }
                assert_eq!(task.finish(), &1);
            });
        }
    }
}
