//! Tests on the agents of a page: each file in `tests/` is one page, one worker or one Node process of its own.
