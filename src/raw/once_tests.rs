//! What each state of a once means.

use super::*;

const WISHES: [Wish; 4] = [Wish::Call, Wish::CallForce, Wish::Wait, Wish::WaitForce];

/// Every state that there is: the phase, by name, with and without somebody who waits.
fn all_states() -> impl Iterator<Item = (&'static str, State)> {
    let phases = [
        ("incomplete", 0),
        ("running", RUNNING | 7 << RUNNER_SHIFT),
        ("running, unknown where", RUNNING),
        ("poisoned", POISONED),
        ("complete", COMPLETE),
    ];
    let queued = [0, QUEUED].into_iter();
    queued.flat_map(move |queued| phases.map(|(name, bits)| (name, State(bits | queued))))
}

#[test]
fn wishes_are_fulfilled_as_they_say() {
    for (phase, state) in all_states() {
        let running = phase.starts_with("running");
        let (poisoned, complete) = (phase == "poisoned", phase == "complete");
        for wish in WISHES {
            let fulfilled = match wish {
                Wish::Call | Wish::CallForce => !running,
                Wish::Wait => poisoned || complete,
                Wish::WaitForce => complete,
            };
            assert_eq!(state.fulfils(wish), fulfilled, "{state:?} {wish:?}");
            assert_eq!(Wish::from_u8(wish as u8), wish);
        }
    }
}

#[test]
fn the_runner_is_there_while_it_runs() {
    for (phase, state) in all_states() {
        let runner = if phase == "running" { 7 } else { 0 };
        assert_eq!(state.runner(), runner, "{state:?}");
    }
}
