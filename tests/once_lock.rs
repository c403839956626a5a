//! `OnceLock`: a value that is made one time, by whom, and what happens when that fails.

mod common;

use std::cell::Cell;
use std::rc::Rc;

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use common::{Gate, Task, now};
use web_sync::OnceLock;

/// Counts its drops.
struct Counted<'a>(&'a Cell<i32>);

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.0.set(self.0.get() + 1);
    }
}

#[test]
fn the_first_value_stays() {
    let lock = OnceLock::new();
    assert_eq!(lock.get(), None);
    assert_eq!(lock.get_or_init(|| 1), &1);
    assert_eq!(lock.get_or_init(|| unreachable!()), &1);
    assert_eq!(lock.get_or_try_init(|| Err(())), Ok(&1));
    assert_eq!(lock.set(2), Err(2));
    assert_eq!(lock.try_insert(3), Err((&1, 3)));
    assert_eq!(now(lock.set_async(2)), Err(2));
    assert_eq!(now(lock.try_insert_async(3)), Err((&1, 3)));
    assert_eq!(now(lock.get_or_init_async(async || 4)), &1);
    assert_eq!(now(lock.get_or_try_init_async(async || Err(()))), Ok(&1));
    assert_eq!(lock.wait(), &1);
    assert_eq!(now(lock.wait_async()), &1);
    assert_eq!(lock.get(), Some(&1));
}

#[test]
fn each_call_puts_the_value_in() {
    fn made(by: impl FnOnce(&OnceLock<i32>)) -> OnceLock<i32> {
        let lock = OnceLock::new();
        by(&lock);
        lock
    }
    let locks = [
        made(|lock| assert_eq!(lock.set(1), Ok(()))),
        made(|lock| assert_eq!(lock.try_insert(1), Ok(&1))),
        made(|lock| assert_eq!(now(lock.set_async(1)), Ok(()))),
        made(|lock| assert_eq!(now(lock.try_insert_async(1)), Ok(&1))),
        made(|lock| assert_eq!(lock.get_or_init(|| 1), &1)),
        made(|lock| assert_eq!(lock.get_or_try_init(|| Ok::<_, ()>(1)), Ok(&1))),
        made(|lock| assert_eq!(now(lock.get_or_init_async(async || 1)), &1)),
        made(|lock| {
            let made = lock.get_or_try_init_async(async || Ok::<_, ()>(1));
            assert_eq!(now(made), Ok(&1));
        }),
        OnceLock::from(1),
        OnceLock::new_init(1),
    ];
    for lock in locks {
        assert_eq!(lock.get(), Some(&1));
        assert_eq!(lock.into_inner(), Some(1));
    }
}

#[test]
fn a_failure_leaves_the_place_empty() {
    let lock = OnceLock::<i32>::new();
    assert_eq!(lock.get_or_try_init(|| Err("one")), Err("one"));
    assert_eq!(
        now(lock.get_or_try_init_async(async || Err("two"))),
        Err("two")
    );
    assert_eq!(lock.get(), None);
    assert_eq!(lock.set(1), Ok(()));
}

#[test]
fn a_failure_gives_those_who_wait_their_turn() {
    let (lock, gate) = (OnceLock::new(), Gate::default());
    let mut fails = Task::waiting(lock.get_or_try_init_async(async || {
        gate.pass().await;
        Err("failed")
    }));
    let mut makes = Task::waiting(lock.get_or_init_async(async || 1));
    let mut waits = Task::waiting(lock.wait_async());
    gate.open();
    assert_eq!(fails.poll(), Some(Err("failed")));
    assert_eq!((makes.wakes(), waits.wakes()), (1, 0));
    assert!(waits.poll().is_none());
    assert_eq!(makes.poll(), Some(&1));
    assert_eq!(waits.poll(), Some(&1));
}

#[test]
fn a_dropped_future_leaves_the_place_empty() {
    let (lock, drops) = (OnceLock::new(), Cell::new(0));
    let run = Task::waiting(lock.get_or_init_async(async || {
        let counted = Counted(&drops);
        core::future::pending::<()>().await;
        counted
    }));
    let mut next = Task::waiting(lock.get_or_init_async(async || Counted(&drops)));
    assert!(lock.get().is_none());
    drop(run);
    assert_eq!((drops.get(), next.wakes()), (1, 1));
    assert!(next.poll().is_some());
    drop(next);
    drop(lock);
    assert_eq!(drops.get(), 2);
}

/// Until then it is not known whether there is a value.
#[test]
fn a_value_waits_until_the_initialiser_has_ended() {
    let (lock, gate) = (OnceLock::new(), Gate::default());
    let mut run = Task::waiting(lock.get_or_try_init_async(async || {
        gate.pass().await;
        Err("failed")
    }));
    let mut sets = Task::waiting(lock.set_async(1));
    let mut inserts = Task::waiting(lock.try_insert_async(2));
    gate.open();
    assert_eq!(run.poll(), Some(Err("failed")));
    assert_eq!((sets.wakes(), inserts.wakes()), (1, 1));
    assert_eq!(sets.poll(), Some(Ok(())));
    assert_eq!(inserts.poll(), Some(Err((&1, 2))));
    assert_eq!(lock.get(), Some(&1));

    // The initialiser has made a value.
    let (lock, gate) = (OnceLock::new(), Gate::default());
    let mut run = Task::waiting(lock.get_or_init_async(async || {
        gate.pass().await;
        1
    }));
    let sets = Task::waiting(lock.set_async(2));
    gate.open();
    assert_eq!(run.poll(), Some(&1));
    assert_eq!(sets.finish(), Err(2));
}

#[test]
fn a_value_is_dropped_with_the_future_that_has_not_put_it_in() {
    let (lock, drops) = (OnceLock::new(), Cell::new(0));
    drop(lock.set_async(Counted(&drops)));
    assert_eq!(drops.get(), 1);
    let run = Task::waiting(lock.get_or_init_async(core::future::pending));
    let sets = Task::waiting(lock.set_async(Counted(&drops)));
    let inserts = Task::waiting(lock.try_insert_async(Counted(&drops)));
    let mut next = Task::waiting(lock.set_async(Counted(&drops)));
    drop(sets);
    drop(inserts);
    assert_eq!((drops.get(), next.wakes()), (3, 0));
    assert!(lock.get().is_none());
    drop(run);
    assert!(next.poll().is_some_and(|set| set.is_ok()));
    drop(next);
    assert_eq!(drops.get(), 3);
    drop(lock);
    assert_eq!(drops.get(), 4);
}

/// Nobody runs an initialiser when somebody has the lock alone: a run that is still on has been leaked.
#[test]
fn a_leaked_run_does_not_matter_to_who_has_the_lock_alone() {
    fn with_leaked_run() -> OnceLock<i32> {
        let lock = OnceLock::new();
        std::mem::forget(Task::waiting(lock.get_or_init_async(core::future::pending)));
        assert_eq!(lock.get(), None);
        lock
    }
    let mut lock = with_leaked_run();
    assert_eq!(lock.get_mut(), None);
    assert_eq!(lock.get_mut_or_try_init(|| Err(())), Err(()));
    assert_eq!(lock.get_mut_or_init(|| 1), &1);
    assert_eq!(lock.get(), Some(&1));
    let mut lock = with_leaked_run();
    assert_eq!(lock.take(), None);
    assert_eq!(lock.set(2), Ok(()));
    assert_eq!(with_leaked_run().into_inner(), None);
}

#[test]
fn who_has_the_lock_alone_needs_no_initialiser() {
    let mut lock = OnceLock::new();
    assert_eq!(lock.get_mut(), None);
    assert_eq!(lock.take(), None);
    *lock.get_mut_or_init(|| 1) += 1;
    *lock.get_mut_or_init(|| unreachable!()) += 1;
    *lock.get_mut_or_try_init(|| Err(())).unwrap() += 1;
    *lock.get_mut().unwrap() += 1;
    assert_eq!(lock.get(), Some(&5));
    assert_eq!(lock.take(), Some(5));
    assert_eq!(lock.get(), None);
    assert_eq!(lock.get_or_init(|| 6), &6);
    assert_eq!(lock.into_inner(), Some(6));
}

#[test]
fn a_value_is_dropped_once() {
    let drops = Cell::new(0);
    drop(OnceLock::<Counted<'_>>::new());
    drop(OnceLock::from(Counted(&drops)));
    assert_eq!(drops.get(), 1);
    let mut lock = OnceLock::from(Counted(&drops));
    drop(lock.take());
    assert_eq!(drops.get(), 2);
    assert!(lock.set(Counted(&drops)).is_ok());
    assert!(lock.set(Counted(&drops)).is_err());
    assert_eq!(drops.get(), 3);
    drop(lock.into_inner());
    assert_eq!(drops.get(), 4);
}

#[test]
fn locks_compare_and_clone_as_what_is_in_them() {
    let (empty, one) = (OnceLock::new(), OnceLock::from(1));
    assert!(empty == OnceLock::new() && one == OnceLock::from(1) && empty != one);
    assert!(one != OnceLock::from(2));
    let (copy, none) = (one.clone(), empty.clone());
    assert!(copy == one && none == empty);
    empty.set(1).unwrap();
    assert!(empty == copy && none == OnceLock::default());
}

/// The value may have a type that is bound to one thread, as long as the lock is.
#[test]
fn the_value_may_be_bound_to_its_thread() {
    let lock = OnceLock::new();
    let value = Rc::new(Cell::new(1));
    assert!(lock.set(Rc::clone(&value)).is_ok());
    lock.wait().set(2);
    assert_eq!(value.get(), 2);
}

#[cfg(panic = "unwind")]
mod panics {
    use super::*;
    use common::panic_of;

    #[test]
    fn a_panic_poisons_nothing() {
        let lock = OnceLock::new();
        assert_eq!(panic_of(|| lock.get_or_init(|| panic!("one"))), "one");
        let make = || now(lock.get_or_init_async(async || panic!("two")));
        assert_eq!(panic_of(make), "two");
        assert_eq!(lock.get(), None);
        assert_eq!(lock.get_or_init(|| 1), &1);
        let mut lock = OnceLock::new();
        assert_eq!(
            panic_of(|| lock.get_mut_or_init(|| panic!("three"))),
            "three"
        );
        assert_eq!(lock.get_mut_or_init(|| 1), &1);
    }

    #[test]
    fn a_panic_gives_those_who_wait_their_turn() {
        let (lock, gate) = (OnceLock::new(), Gate::default());
        let mut panics = Task::waiting(lock.get_or_init_async(async || {
            gate.pass().await;
            panic!("mine")
        }));
        let mut makes = Task::waiting(lock.get_or_init_async(async || 1));
        let waits = Task::waiting(lock.wait_async());
        gate.open();
        assert_eq!(panic_of(|| panics.poll().is_some()), "mine");
        assert_eq!((makes.wakes(), waits.wakes()), (1, 0));
        assert_eq!(makes.poll(), Some(&1));
        assert_eq!(waits.finish(), &1);
    }

    #[test]
    fn recursion_names_the_call() {
        let lock = OnceLock::<i32>::new();
        type Use = fn(&OnceLock<i32>) -> i32;
        let uses: [(&str, Use); 5] = [
            ("OnceLock::get_or_init", |lock| *lock.get_or_init(|| 1)),
            ("OnceLock::get_or_try_init", |lock| {
                *lock.get_or_try_init(|| Ok::<_, ()>(1)).unwrap()
            }),
            ("OnceLock::wait", |lock| *lock.wait()),
            ("OnceLock::set", |lock| lock.set(1).map_or(0, |()| 1)),
            ("OnceLock::try_insert", |lock| *lock.try_insert(1).unwrap()),
        ];
        for (name, used) in uses {
            let text = panic_of(|| lock.get_or_init(|| used(&lock)));
            for word in [name, file!(), "this agent runs the initialiser already"] {
                assert!(text.contains(word), "no {word:?} in {text:?}");
            }
        }
    }
}

#[cfg(not(target_family = "wasm"))]
mod threads {
    use std::thread;

    use super::*;
    use common::{SHORT, Spinning};

    #[test]
    fn threads_wait_for_the_one_that_makes_it() {
        for spins in [false, true] {
            let (lock, begun) = (OnceLock::new(), Gate::default());
            thread::scope(|scope| {
                scope.spawn(|| {
                    lock.get_or_init(|| {
                        begun.open();
                        thread::sleep(SHORT);
                        1
                    });
                });
                while !begun.is_open() {
                    thread::yield_now();
                }
                let waits: [fn(&OnceLock<i32>); 4] = [
                    |lock| assert_eq!(lock.get_or_init(|| unreachable!()), &1),
                    |lock| assert_eq!(lock.wait(), &1),
                    |lock| assert_eq!(lock.set(2), Err(2)),
                    |lock| assert_eq!(lock.get_or_try_init(|| Err(())), Ok(&1)),
                ];
                for wait in waits {
                    let lock = &lock;
                    scope.spawn(move || {
                        let _spinning = spins.then(Spinning::new);
                        wait(lock);
                    });
                }
            });
        }
    }

    /// What another thread has put in is dropped here.
    #[test]
    fn the_value_goes_with_the_lock() {
        let lock = OnceLock::new();
        thread::scope(|scope| {
            scope.spawn(|| lock.set(vec![1, 2]).unwrap());
            assert_eq!(lock.wait(), &[1, 2]);
        });
        assert_eq!(lock.into_inner(), Some(vec![1, 2]));
    }
}
