//! What runs together, what is left out, and why. An entry that fits nothing fails the run, so that nothing stays here longer than
//! it must.

/// Files of std that make one test program: on the web each program starts a browser and its threads, which takes longer than most
/// of the tests.
pub struct Together {
    /// The program's name.
    pub program: &'static str,
    /// The files, without folder and extension. A file that is nowhere here is a program of its own.
    pub files: &'static [&'static str],
    /// As many threads as any of the tests has at one time.
    pub threads: usize,
}

/// The threads of a program that is not in the table, and of the examples.
pub const THREADS: usize = 24;

/// The test programs.
pub const TOGETHER: &[Together] = &[
    Together {
        program: "locks",
        files: &["condvar", "mutex", "reentrant_lock", "rwlock"],
        threads: THREADS,
    },
    Together {
        program: "once",
        files: &["barrier", "lazy_lock", "once", "once_lock"],
        threads: THREADS,
    },
    Together {
        program: "channels",
        files: &["mpmc", "mpsc", "oneshot"],
        threads: THREADS,
    },
    Together {
        program: "rendezvous",
        files: &["mpsc_sync"],
        // `shared_chan_stress` has 101 threads that send, before it receives from the first.
        threads: 104,
    },
];

/// A test that is left out.
pub struct Skip {
    /// The file of std, from `library/std` on.
    pub file: &'static str,
    /// The test; of a pair that std makes by a macro, either of the two, and both are left out.
    pub test: &'static str,
    /// Why.
    pub why: &'static str,
}

/// The tests that are left out.
pub const SKIPS: &[Skip] = &[
    Skip {
        file: "tests/sync/rwlock.rs",
        test: "test_rwlock_max_readers",
        why: "counts std's limit of 1,073,741,822 readers; ours is 16,777,214",
    },
    Skip {
        file: "tests/sync/lazy_lock.rs",
        test: "const_lazy_default",
        why: "`impl const Default` is unstable in Rust",
    },
];
