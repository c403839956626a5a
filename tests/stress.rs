//! The stress bodies on native threads: plain, under Miri and under ThreadSanitizer. `tests/browser` runs the same bodies on the
//! workers and the main thread of a page.
//!
//! Each body runs twice: with a thread here that sleeps when it waits, and with one that spins as a page's main thread does.
#![cfg(not(target_arch = "wasm32"))]

use std::time::Duration;

use web_sync::agent::{self, Policy};
use web_sync_testkit::{Pool, block_on};

/// Under Miri about thirty operations of each thread find what there is to find: fifteen under each policy. On threads the figure
/// makes each test last a fraction of a second.
const fn rounds(native: u32) -> u32 {
    if cfg!(miri) { 15 } else { native }
}

/// Runs the body under both policies, and ends the process with the body's name if it hangs.
fn stress(name: &'static str, workers: usize, body: impl AsyncFn(Pool)) {
    let limit = Duration::from_secs(if cfg!(miri) { 600 } else { 120 });
    let (finished, hung) = std::sync::mpsc::channel::<()>();
    let watchdog = std::thread::spawn(move || {
        if hung.recv_timeout(limit) == Err(std::sync::mpsc::RecvTimeoutError::Timeout) {
            eprintln!("{name} hangs");
            std::process::abort();
        }
    });
    for policy in [Policy::Auto, Policy::Spin] {
        agent::set_policy(policy);
        block_on(async { body(Pool::start(workers).await.unwrap()).await });
    }
    drop(finished);
    watchdog.join().unwrap();
}

/// One module of tests for each module of bodies.
macro_rules! bodies {
    ($($module:ident { $($(#[$meta:meta])* $body:ident: $workers:literal workers, $rounds:literal rounds;)* })*) => {$(
        mod $module {
            $(#[test]
            $(#[$meta])*
            fn $body() {
                super::stress(stringify!($module::$body), $workers, async |pool| {
                    web_sync_test_bodies::$module::$body(&pool, super::rounds($rounds)).await;
                });
            })*
        }
    )*};
}

bodies! {
    mutex {
        mutual_exclusion: 3 workers, 20_000 rounds;
        threads_and_tasks: 3 workers, 5_000 rounds;
        cancelled_tasks_lose_nothing: 2 workers, 5_000 rounds;
        timed_out_waiters_lose_nothing: 2 workers, 1_000 rounds;
        no_waiter_starves: 2 workers, 500 rounds;
        #[cfg(not(miri))] // An interpreted wake takes longer than any critical section: races are lost for other reasons.
        lost_races_are_bounded: 2 workers, 20 rounds;
    }
    rwlock {
        readers_and_writers: 3 workers, 20_000 rounds;
        upgrades_and_downgrades: 3 workers, 10_000 rounds;
        threads_and_tasks: 3 workers, 5_000 rounds;
        cancelled_tasks_lose_nothing: 2 workers, 5_000 rounds;
        upgrades_wait_for_readers: 1 workers, 100 rounds;
        hundreds_of_readers: 2 workers, 200 rounds;
        no_writer_starves: 2 workers, 500 rounds;
    }
    reentrant_lock {
        agents_exclude_each_other: 3 workers, 10_000 rounds;
        timed_out_waiters_lose_nothing: 2 workers, 1_000 rounds;
    }
    semaphore {
        never_more_than_there_are: 3 workers, 10_000 rounds;
        threads_and_tasks: 3 workers, 5_000 rounds;
        cancelled_tasks_lose_nothing: 2 workers, 5_000 rounds;
        timed_out_waiters_lose_nothing: 2 workers, 1_000 rounds;
        made_and_used_up: 3 workers, 5_000 rounds;
    }
    event {
        all_go_on: 3 workers, 5_000 rounds;
        threads_and_tasks: 3 workers, 3_000 rounds;
        pulses_reach_all_who_wait: 2 workers, 1_000 rounds;
    }
    condvar {
        ping_pong: 1 workers, 5_000 rounds;
        bounded_queue: 2 workers, 5_000 rounds;
        no_lost_wakeup: 3 workers, 5_000 rounds;
        threads_and_tasks: 3 workers, 2_000 rounds;
        cancelled_waits_lose_nothing: 3 workers, 500 rounds;
        notify_all_wakes_all: 3 workers, 1_000 rounds;
        time_outs: 2 workers, 20 rounds;
        different_mutexes: 2 workers, 500 rounds;
    }
    barrier {
        nobody_is_ahead: 3 workers, 5_000 rounds;
        threads_and_tasks: 3 workers, 3_000 rounds;
        who_leaves_has_not_arrived: 2 workers, 3_000 rounds;
    }
    once {
        done_once: 3 workers, 5_000 rounds;
        threads_and_tasks: 3 workers, 3_000 rounds;
        cancelled_tasks_lose_nothing: 3 workers, 3_000 rounds;
    }
    thread {
        one_token_goes_round: 3 workers, 5_000 rounds;
        threads_and_tasks: 3 workers, 5_000 rounds;
        time_outs_lose_nothing: 2 workers, 2_000 rounds;
        cancelled_tasks_lose_nothing: 2 workers, 5_000 rounds;
    }
    channel {
        many_send: 3 workers, 10_000 rounds;
        many_receive: 3 workers, 5_000 rounds;
        round_trips: 2 workers, 3_000 rounds;
        cancelled_receives_lose_nothing: 3 workers, 3_000 rounds;
        cancelled_sends_end_once: 2 workers, 3_000 rounds;
        time_outs_lose_nothing: 2 workers, 500 rounds;
        ends_go_at_any_moment: 2 workers, 3_000 rounds;
        questions_and_answers: 2 workers, 3_000 rounds;
    }
    select {
        many_channels: 3 workers, 5_000 rounds;
        all_exchange: 2 workers, 2_000 rounds;
        cancelled_selects_lose_nothing: 3 workers, 2_000 rounds;
        work_until_told: 2 workers, 3_000 rounds;
    }
    spsc {
        a_pipeline: 2 workers, 1_000 rounds;
        boxes_come_back: 1 workers, 5_000 rounds;
        ends_go_at_any_moment: 1 workers, 5_000 rounds;
    }
    triple_buffer {
        never_torn_never_older: 2 workers, 10_000 rounds;
        ends_go_at_any_moment: 1 workers, 5_000 rounds;
    }
    once_lock {
        made_once: 3 workers, 5_000 rounds;
        threads_and_tasks: 3 workers, 3_000 rounds;
        cancelled_tasks_lose_nothing: 3 workers, 3_000 rounds;
    }
    lazy_lock {
        made_once: 3 workers, 5_000 rounds;
        threads_and_tasks: 3 workers, 3_000 rounds;
    }
}
