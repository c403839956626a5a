//! The latest-value cell: which value is seen, which are dropped.

#[path = "common/allocations.rs"]
mod allocations;

use std::cell::Cell;
use std::rc::Rc;

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use allocations::{allocations, bytes_kept};
use web_sync::triple_buffer::{triple_buffer, triple_buffer_with};

#[test]
fn the_newest_value_is_read() {
    let (mut input, mut output) = triple_buffer(&0);
    assert_eq!((output.updated(), output.read()), (false, &0));
    for number in 1..20 {
        for more in 0..number % 4 {
            input.write(100 * number + more);
        }
        let published = number % 4 > 0;
        assert_eq!(
            (output.updated(), input.consumed()),
            (published, !published)
        );
        assert_eq!(output.update(), published);
        assert!(!output.update() && input.consumed());
        if published {
            assert_eq!(*output.read(), 100 * number + number % 4 - 1);
        }
    }
}

#[test]
fn publishing_says_whether_a_value_was_skipped() {
    let (mut input, mut output) = triple_buffer(&0);
    for _ in 0..3 {
        assert!(!input.publish());
        assert!(input.publish());
        assert!(input.publish());
        assert!(output.update());
    }
}

#[test]
fn a_value_stays_with_its_reader() {
    let (mut input, mut output) = triple_buffer(&0);
    input.write(1);
    let seen = output.read();
    for number in 2..9 {
        input.write(number);
        assert_eq!(*seen, 1);
    }
    assert_eq!(output.output_buffer(), &1);
    assert_eq!(output.read(), &8);
}

#[test]
fn what_the_reader_changes_goes_back_to_the_writer() {
    let (mut input, mut output) = triple_buffer(&"new".to_owned());
    output.output_buffer_mut().push_str(", read");
    let mut found = Vec::new();
    for _ in 0..2 {
        found.push(input.input_buffer().clone());
        input.publish();
        output.update();
    }
    found.push(input.input_buffer().clone());
    assert_eq!(found, ["new", "new", "new, read"]);
}

#[test]
fn a_publisher_publishes_when_it_ends() {
    let (mut input, mut output) = triple_buffer(&[0; 2]);
    let mut publisher = input.input_buffer_publisher();
    publisher[0] = 1;
    assert_eq!(*publisher, [1, 0]);
    assert!(!output.update());
    drop(publisher);
    assert_eq!(output.read(), &[1, 0]);
}

#[test]
fn each_value_is_dropped_once() {
    struct Counted(Rc<Cell<i32>>);
    impl Drop for Counted {
        fn drop(&mut self) {
            self.0.set(self.0.get() - 1);
        }
    }
    for input_first in [true, false] {
        let alive = Rc::new(Cell::new(0));
        let make = || {
            alive.set(alive.get() + 1);
            Counted(Rc::clone(&alive))
        };
        let (mut input, mut output) = triple_buffer_with(make);
        assert_eq!(alive.get(), 3);
        for round in 0..7 {
            input.write(make());
            assert_eq!(alive.get(), 3, "the writer has dropped an old one");
            if round % 2 == 0 {
                output.update();
            }
        }
        assert!(!input.is_abandoned() && !output.is_abandoned());
        if input_first {
            drop(input);
            assert!(output.is_abandoned());
            assert_eq!(alive.get(), 3);
            drop(output);
        } else {
            drop(output);
            assert!(input.is_abandoned());
            assert_eq!(alive.get(), 3);
            drop(input);
        }
        assert_eq!(alive.get(), 0);
    }
}

#[test]
fn nothing_allocates_but_making_it() {
    let (mut input, mut output) = triple_buffer(&[0_u32; 64]);
    let mut number = 0;
    let ((), kept) = bytes_kept(|| {
        let count = allocations(|| {
            for _ in 0..100 {
                number += 1;
                input.write([number; 64]);
                input.input_buffer_publisher()[0] = number;
                assert!(!input.consumed() && !input.is_abandoned());
                assert!(output.updated() && !output.is_abandoned());
                assert_eq!(output.read()[0], number);
            }
        });
        assert_eq!(count, 0);
        // The first end that goes frees nothing either.
        drop(input);
    });
    assert_eq!(kept, 0);
    let ((), kept) = bytes_kept(|| drop(output));
    assert!(kept <= -3 * size_of::<[u32; 64]>().cast_signed());
}

#[test]
fn ends_are_printed() {
    let (mut input, output) = triple_buffer(&7);
    assert_eq!(format!("{input:?}"), "Input { input_buffer: 7, .. }");
    assert_eq!(format!("{output:?}"), "Output { output_buffer: 7, .. }");
    assert_eq!(format!("{:?}", input.input_buffer_publisher()), "7");
}
