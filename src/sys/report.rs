//! The report of a long spin: what waits, where it was called, and what to use instead.
//!
//! It is written by an agent that spins, perhaps under the allocator's own lock, so it allocates nothing on the way.

use core::sync::atomic::{AtomicU32, Ordering};
use core::time::Duration;

use super::{Call, platform};

/// How long an agent spins before it says so.
const AFTER_MS: u32 = 1_000;

static AFTER: AtomicU32 = AtomicU32::new(AFTER_MS);

/// How long an agent spins before it says so, now: milliseconds.
pub(crate) fn after_millis() -> u32 {
    // Relaxed: a number by itself, publishes nothing.
    AFTER.load(Ordering::Relaxed)
}

/// Sets how long agents spin before they say so on the console: 1 s unless told, saturating at 49 days.
///
/// # Blocking
///
/// Never blocks.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
///
/// // A game that wants to hear of every dropped frame:
/// web_sync::agent::report_spins_after(Duration::from_millis(16));
/// ```
pub fn report_spins_after(duration: Duration) {
    let millis = u32::try_from(duration.as_millis()).unwrap_or(u32::MAX);
    // Relaxed: see `after_millis`.
    AFTER.store(millis, Ordering::Relaxed);
}

/// Writes the report to the console, after a spin of so many milliseconds.
#[cold]
pub(crate) fn spinning(call: &Call, millis: u32) {
    let mut text = Text::new();
    text.push("web-sync: `");
    text.push(call.name);
    text.push("`, called at ");
    text.push(call.caller.file());
    text.push(":");
    text.push_number(call.caller.line());
    text.push(":");
    text.push_number(call.caller.column());
    text.push(", has been spinning for ");
    text.push_number(millis);
    text.push(" ms on an agent that must not sleep; use `");
    text.push(call.instead);
    text.push("` there");
    platform::warn(text.codes());
}

/// Ends a wait that nobody can end.
#[cold]
#[track_caller]
pub(crate) fn would_wait_for_ever(call: &Call) -> ! {
    panic!(
        "`{}`, called at {}, would wait for ever: this module was built without threads; use `{}` here",
        call.name, call.caller, call.instead
    );
}

/// A line of ASCII text of limited length, on the stack, in the characters of JS. It needs nothing of `core::fmt` or `str`, and
/// nothing here can panic: either would add kilobytes to a module that has no other use for them.
struct Text {
    codes: [u16; 512],
    length: usize,
}

impl Text {
    const fn new() -> Self {
        Self {
            codes: [0; 512],
            length: 0,
        }
    }

    /// Adds what fits; what is not ASCII (in the path of a file) becomes question marks.
    fn push(&mut self, text: &str) {
        let room = self.codes.get_mut(self.length..).unwrap_or_default();
        for (place, byte) in room.iter_mut().zip(text.bytes()) {
            *place = if byte.is_ascii() {
                byte.into()
            } else {
                b'?'.into()
            };
            self.length += 1;
        }
    }

    fn push_number(&mut self, number: u32) {
        if number >= 10 {
            self.push_number(number / 10);
        }
        const DIGITS: [&str; 10] = ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"];
        self.push(DIGITS[(number % 10) as usize]);
    }

    fn codes(&self) -> &[u16] {
        self.codes.get(..self.length).unwrap_or_default()
    }
}

#[cfg(all(test, not(web_sync_loom)))]
mod tests {
    use super::*;

    impl Text {
        fn text(&self) -> String {
            String::from_utf16(self.codes()).unwrap()
        }
    }

    #[test]
    fn a_long_text_is_cut() {
        let mut text = Text::new();
        text.push(&"x".repeat(510));
        text.push("yzz");
        text.push("z");
        assert_eq!(text.text(), "x".repeat(510) + "yz");
    }

    #[test]
    fn what_is_not_ascii_is_masked() {
        let mut text = Text::new();
        text.push("src/é.rs");
        assert_eq!(text.text(), "src/??.rs");
    }

    #[test]
    fn numbers_are_written_in_full() {
        for number in [0, 7, 10, 1_000, u32::MAX] {
            let mut text = Text::new();
            text.push_number(number);
            assert_eq!(text.text(), number.to_string());
        }
    }

    #[test]
    fn the_panic_names_the_call_and_its_place() {
        let here = core::panic::Location::caller();
        let call = Call {
            name: "Mutex::lock",
            instead: "Mutex::lock_async",
            caller: here,
        };
        let panic = std::panic::catch_unwind(|| would_wait_for_ever(&call)).unwrap_err();
        let text = panic.downcast::<String>().unwrap();
        assert!(text.contains("`Mutex::lock`"), "{text}");
        assert!(text.contains(file!()), "{text}");
        assert!(text.contains("without threads"), "{text}");
    }
}
