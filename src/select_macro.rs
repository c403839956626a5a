//! The macros of [`select`](mod@crate::select).

/// Waits for the first of several channels, and does what is said for it. See the [module](mod@crate::select).
///
/// ```text
/// recv(RECEIVER) -> PATTERN => EXPRESSION,          the pattern takes each `Result<T, RecvError>`
/// send(SENDER, MESSAGE) -> PATTERN => EXPRESSION,   the pattern takes each `Result<(), SendError<T>>`
/// default => EXPRESSION,                            if none can be done at once
/// default(TIMEOUT) => EXPRESSION,                   if none can be done in that time
/// ```
///
/// There can be up to 12 cases, and one `default`. Receivers and senders are passed by reference, that of [`oneshot`](crate::oneshot) by
/// `&mut`. (Where it is a `&mut` already, and there is a loop around, by `&mut *receiver`.) All of them, and the messages, are evaluated
/// first, in this order, and the time of a `default` after them, wherever that stands. A message that is not sent is dropped in the end.
///
/// # Blocking
/// Without `default` it sleeps as long as no case can be done; on an agent that must not sleep, as a page's main thread, it spins. There use
/// [`select_async!`](crate::select_async!).
///
/// # Fairness
/// See the [module](mod@crate::select#fairness).
///
/// # Panics
/// In a module that was built without threads, if it would wait for ever.
///
/// # Examples
/// ```
/// use web_sync::{mpsc, select};
///
/// let (questions, asked) = mpsc::sync_channel(0);
/// let (answers, given) = mpsc::channel();
/// let other = std::thread::spawn(move || {
///     questions.send("how many?").unwrap();
///     given.recv()
/// });
/// let (_nobody, silent) = mpsc::channel::<()>();
/// select! {
///     recv(&asked) -> question => {
///         assert_eq!(question, Ok("how many?"));
///         answers.send(5).unwrap();
///     }
///     recv(&silent) -> _ => unreachable!("nobody sends that"),
/// }
/// assert_eq!(other.join().unwrap(), Ok(5));
///
/// let (sender, _receiver) = mpsc::sync_channel(1);
/// let sent = select! {
///     send(&sender, 1) -> sent => sent.is_ok(),
///     default => false,
/// };
/// assert!(sent);
/// ```
///
/// A pattern that does not take every result does not compile:
///
/// ```compile_fail,E0005
/// let (_sender, receiver) = web_sync::mpsc::channel::<u32>();
/// web_sync::select! {
///     recv(&receiver) -> Ok(number) => drop(number),
/// }
/// ```
#[macro_export]
macro_rules! select {
    ($($cases:tt)+) => {
        $crate::__select!(@parse blocking [] $($cases)+)
    };
}

/// The async twin of [`select!`](crate::select!): the task is suspended, and the agent free, while no case can be done.
///
/// # Cancel safety
/// The future that it is part of may be dropped at any time: no message is lost but those that were to be sent.
///
/// # Examples
/// ```
/// use std::time::Duration;
/// use web_sync::{mpsc, select_async};
///
/// # pollster::block_on(async {
/// let (sender, receiver) = mpsc::channel();
/// let (_nobody, silent) = mpsc::channel::<()>();
/// std::thread::spawn(move || sender.send(1).unwrap());
/// let number = select_async! {
///     recv(&receiver) -> number => number.unwrap(),
///     recv(&silent) -> _ => 2,
///     default(Duration::from_secs(10)) => 3,
/// };
/// assert_eq!(number, 1);
/// # });
/// ```
#[macro_export]
macro_rules! select_async {
    ($($cases:tt)+) => {
        $crate::__select!(@parse suspending [] $($cases)+)
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __select {
    // Reads the cases one by one, whatever their bodies end with.
    (@parse $how:ident [$($read:tt)*]) => {
        $crate::__select!(@sort $how [] [] $($read)*)
    };
    (@parse $how:ident $read:tt default => $($rest:tt)+) => {
        $crate::__select!(@parse $how $read default() -> _ => $($rest)+)
    };
    (@parse $how:ident $read:tt default($($timeout:expr)?) => $($rest:tt)+) => {
        $crate::__select!(@parse $how $read default($($timeout)?) -> _ => $($rest)+)
    };
    (@parse $how:ident [$($read:tt)*] $kind:ident $of:tt -> $result:pat => $body:block, $($rest:tt)*) => {
        $crate::__select!(@parse $how [$($read)* ($kind $of [$result] $body)] $($rest)*)
    };
    (@parse $how:ident [$($read:tt)*] $kind:ident $of:tt -> $result:pat => $body:block $($rest:tt)*) => {
        $crate::__select!(@parse $how [$($read)* ($kind $of [$result] $body)] $($rest)*)
    };
    (@parse $how:ident [$($read:tt)*] $kind:ident $of:tt -> $result:pat => $body:expr, $($rest:tt)*) => {
        $crate::__select!(@parse $how [$($read)* ($kind $of [$result] $body)] $($rest)*)
    };
    (@parse $how:ident [$($read:tt)*] $kind:ident $of:tt -> $result:pat => $body:expr) => {
        $crate::__select!(@parse $how [$($read)* ($kind $of [$result] $body)])
    };

    // Gives each case a variable of its own: each of these steps makes another one of this name.
    (@sort $how:ident [$($cases:tt)*] $default:tt (recv($receiver:expr $(,)?) $result:tt $body:expr) $($rest:tt)*) => {
        $crate::__select!(@sort $how
            [$($cases)* (case [$crate::select::recv($receiver)] $result $body)] $default $($rest)*)
    };
    (@sort $how:ident [$($cases:tt)*] $default:tt (send($sender:expr, $message:expr $(,)?) $result:tt $body:expr) $($rest:tt)*) => {
        $crate::__select!(@sort $how
            [$($cases)* (case [$crate::select::send($sender, $message)] $result $body)] $default $($rest)*)
    };
    (@sort $how:ident $cases:tt [] (default($($timeout:expr)?) $result:tt $body:expr) $($rest:tt)*) => {
        $crate::__select!(@sort $how $cases [($($timeout)?) $body] $($rest)*)
    };
    (@sort $how:ident [$(($case:ident [$make:expr] [$result:pat] $body:expr))+] [$($default:tt)*]) => {{
        $(let mut $case = $make;)+
        let select = $crate::select::Select::new(($(&mut $case,)+));
        let chosen = $crate::__select!(@wait $how select $($default)*);
        $crate::__select!(@do chosen [$($default)*] $(($case [$result] $body))+)
    }};

    (@wait blocking $select:ident) => {
        $select.select()
    };
    (@wait suspending $select:ident) => {
        $select.select_async().await
    };
    (@wait $how:ident $select:ident () $body:expr) => {
        $select.try_select().unwrap_or(usize::MAX)
    };
    (@wait blocking $select:ident ($timeout:expr) $body:expr) => {
        {
            // What the expression has borrowed is free while it waits.
            let timeout = $timeout;
            $select.select_timeout(timeout).unwrap_or(usize::MAX)
        }
    };
    (@wait suspending $select:ident ($timeout:expr) $body:expr) => {
        {
            let timeout = $timeout;
            $select.select_timeout_async(timeout).await.unwrap_or(usize::MAX)
        }
    };

    (@do $chosen:ident $default:tt ($case:ident [$result:pat] $body:expr) $($rest:tt)*) => {
        if $chosen == 0 {
            // By a `let` of its own: a pattern that does not take every result does not compile. In parentheses it may have alternatives.
            let ($result) = match $case.take() {
                ::core::option::Option::Some(result) => result,
                ::core::option::Option::None => ::core::unreachable!("it has been chosen"),
            };
            $body
        } else {
            let other = $chosen.wrapping_sub(1);
            $crate::__select!(@do other $default $($rest)*)
        }
    };
    (@do $chosen:ident []) => {
        ::core::unreachable!("one of the cases has been chosen: {}", $chosen)
    };
    (@do $chosen:ident [$timeout:tt $body:expr]) => {{
        let _ = $chosen;
        $body
    }};
}
