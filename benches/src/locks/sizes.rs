//! How large the types are.

use crate::report::{Better, Report, Subject};

pub fn run(report: &mut Report) {
    let mut add = |rival, [mutex, rwlock, condvar]: [Option<usize>; 3]| {
        let cells = [
            ("Mutex<()>", mutex),
            ("RwLock<()>", rwlock),
            ("Condvar", condvar),
        ];
        for (cell, size) in cells {
            let subject = Subject {
                case: "size",
                cell,
                unit: "bytes",
                better: Better::Low,
            };
            if let Some(size) = size {
                report.add(subject, rival, &[vec![size as f64]]);
            }
        }
    };
    macro_rules! sizes {
        ($mutex:ty, $rwlock:ty, $condvar:ty) => {
            [
                Some(size_of::<$mutex>()),
                Some(size_of::<$rwlock>()),
                Some(size_of::<$condvar>()),
            ]
        };
    }
    add(
        "web-sync",
        sizes!(web_sync::Mutex<()>, web_sync::RwLock<()>, web_sync::Condvar),
    );
    add(
        "std",
        sizes!(
            std::sync::Mutex<()>,
            std::sync::RwLock<()>,
            std::sync::Condvar
        ),
    );
    add(
        "parking_lot",
        sizes!(
            parking_lot::Mutex<()>,
            parking_lot::RwLock<()>,
            parking_lot::Condvar
        ),
    );
    add(
        "wasm_safe_mutex",
        sizes!(
            wasm_safe_mutex::Mutex<()>,
            wasm_safe_mutex::rwlock::RwLock<()>,
            wasm_safe_mutex::condvar::Condvar
        ),
    );
    add(
        "wasm_sync",
        sizes!(
            wasm_sync::Mutex<()>,
            wasm_sync::RwLock<()>,
            wasm_sync::Condvar
        ),
    );
    let [mutex, rwlock, _] = sizes!(async_lock::Mutex<()>, async_lock::RwLock<()>, ());
    add("async-lock", [mutex, rwlock, None]);
}
