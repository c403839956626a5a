//! The rivals' channels, through one adapter: [`Channel`], and [`ChannelTasks`] for those that a task can receive from.
//!
//! Each kind of channel of a crate is a type of its own, `Unbounded` or `Bounded`. Every call does what a user of that crate would write.
//! Where a crate has no blocking calls on this target, they are made of its `try_` calls and an executor that runs one future.

use super::block_on::block_on;
use std::future::{Future, poll_fn};

/// How much a bounded channel holds.
pub const BOUND: usize = 128;

/// A kind of channel.
pub trait Channel: 'static {
    /// The crate's name in the results.
    const NAME: &'static str;
    /// Its end for sending.
    type Sender: Clone + Send + 'static;
    /// Its end for receiving.
    type Receiver: Send + 'static;

    /// A new channel.
    fn new() -> (Self::Sender, Self::Receiver);
    /// Sends, on a worker; where there is a bound, when there is room.
    fn send(sender: &mut Self::Sender, message: u32);
    /// Receives, on any agent.
    fn recv(receiver: &mut Self::Receiver) -> u32;
}

/// A kind of channel that a task can receive from.
pub trait ChannelTasks: Channel {
    /// Receives without blocking the agent.
    fn recv_async(receiver: &mut Self::Receiver) -> impl Future<Output = u32>;
}

/// Both kinds of a crate that has blocking calls with std's names.
macro_rules! blocking {
    ($module:ident, $name:literal, $Receiver:ty,
        $Sender:ty: $unbounded:expr, $BoundedSender:ty: $bounded:expr) => {
        pub mod $module {
            use super::*;

            blocking!(Unbounded, $name, $Sender, $Receiver, $unbounded);
            blocking!(Bounded, $name, $BoundedSender, $Receiver, $bounded(BOUND));
        }
    };
    ($Kind:ident, $name:literal, $Sender:ty, $Receiver:ty, $new:expr) => {
        pub struct $Kind;

        impl Channel for $Kind {
            const NAME: &'static str = $name;
            type Sender = $Sender;
            type Receiver = $Receiver;

            fn new() -> (Self::Sender, Self::Receiver) {
                $new
            }

            #[inline(always)]
            fn send(sender: &mut Self::Sender, message: u32) {
                sender.send(message).unwrap();
            }

            #[inline(always)]
            fn recv(receiver: &mut Self::Receiver) -> u32 {
                receiver.recv().unwrap()
            }
        }
    };
}

blocking!(web_sync_mpsc, "web-sync", web_sync::mpsc::Receiver<u32>,
    web_sync::mpsc::Sender<u32>: web_sync::mpsc::channel(),
    web_sync::mpsc::SyncSender<u32>: web_sync::mpsc::sync_channel);
blocking!(web_sync_mpmc, "web-sync mpmc", web_sync::mpmc::Receiver<u32>,
    web_sync::mpmc::Sender<u32>: web_sync::mpmc::channel(),
    web_sync::mpmc::Sender<u32>: web_sync::mpmc::sync_channel);
blocking!(std_mpsc, "std mpsc", std::sync::mpsc::Receiver<u32>,
    std::sync::mpsc::Sender<u32>: std::sync::mpsc::channel(),
    std::sync::mpsc::SyncSender<u32>: std::sync::mpsc::sync_channel);
blocking!(std_mpmc, "std mpmc", std::sync::mpmc::Receiver<u32>,
    std::sync::mpmc::Sender<u32>: std::sync::mpmc::channel(),
    std::sync::mpmc::Sender<u32>: std::sync::mpmc::sync_channel);
blocking!(crossbeam, "crossbeam-channel", crossbeam_channel::Receiver<u32>,
    crossbeam_channel::Sender<u32>: crossbeam_channel::unbounded(),
    crossbeam_channel::Sender<u32>: crossbeam_channel::bounded);
blocking!(flume, "flume", ::flume::Receiver<u32>,
    ::flume::Sender<u32>: ::flume::unbounded(),
    ::flume::Sender<u32>: ::flume::bounded);
blocking!(flume_spin, "flume 0.11, spin", ::flume_spin::Receiver<u32>,
    ::flume_spin::Sender<u32>: ::flume_spin::unbounded(),
    ::flume_spin::Sender<u32>: ::flume_spin::bounded);
blocking!(kanal, "kanal", ::kanal::Receiver<u32>,
    ::kanal::Sender<u32>: ::kanal::unbounded(),
    ::kanal::Sender<u32>: ::kanal::bounded);

/// Tasks, by an expression that is a future.
macro_rules! tasks {
    ($($Kind:ty: $receiver:ident => $receive:expr;)*) => {$(
        impl ChannelTasks for $Kind {
            async fn recv_async($receiver: &mut Self::Receiver) -> u32 {
                $receive.await.unwrap()
            }
        }
    )*};
}

tasks! {
    web_sync_mpsc::Unbounded: receiver => receiver.recv_async();
    flume::Unbounded: receiver => receiver.recv_async();
    flume_spin::Unbounded: receiver => receiver.recv_async();
    kanal::Unbounded: receiver => receiver.as_async().recv();
    async_channel::Unbounded: receiver => receiver.recv();
    futures_channel::Unbounded: receiver => receiver.recv();
    wasm_safe_mutex::Unbounded: receiver => receiver.recv_async();
}

pub mod async_channel {
    use super::*;
    use ::async_channel::{Receiver, Sender, TrySendError};

    fn send(sender: &Sender<u32>, message: u32) {
        match sender.try_send(message) {
            Ok(()) => {}
            Err(TrySendError::Full(message)) => block_on(sender.send(message)).unwrap(),
            Err(TrySendError::Closed(_)) => panic!("a receiver is left"),
        }
    }

    macro_rules! kind {
        ($Kind:ident, $new:expr) => {
            pub struct $Kind;

            impl Channel for $Kind {
                const NAME: &'static str = "async-channel";
                type Sender = Sender<u32>;
                type Receiver = Receiver<u32>;

                fn new() -> (Self::Sender, Self::Receiver) {
                    $new
                }

                #[inline(always)]
                fn send(sender: &mut Self::Sender, message: u32) {
                    send(sender, message);
                }

                #[inline(always)]
                fn recv(receiver: &mut Self::Receiver) -> u32 {
                    match receiver.try_recv() {
                        Ok(message) => message,
                        Err(_) => block_on(receiver.recv()).unwrap(),
                    }
                }
            }
        };
    }
    kind!(Unbounded, ::async_channel::unbounded());
    kind!(Bounded, ::async_channel::bounded(BOUND));
}

pub mod futures_channel {
    use super::*;
    use ::futures_channel::mpsc;

    pub struct Unbounded;

    impl Channel for Unbounded {
        const NAME: &'static str = "futures-channel";
        type Sender = mpsc::UnboundedSender<u32>;
        type Receiver = mpsc::UnboundedReceiver<u32>;

        fn new() -> (Self::Sender, Self::Receiver) {
            mpsc::unbounded()
        }

        #[inline(always)]
        fn send(sender: &mut Self::Sender, message: u32) {
            sender.unbounded_send(message).unwrap();
        }

        #[inline(always)]
        fn recv(receiver: &mut Self::Receiver) -> u32 {
            match receiver.try_recv() {
                Ok(message) => message,
                Err(_) => block_on(receiver.recv()).unwrap(),
            }
        }
    }

    pub struct Bounded;

    impl Channel for Bounded {
        const NAME: &'static str = "futures-channel";
        type Sender = mpsc::Sender<u32>;
        type Receiver = mpsc::Receiver<u32>;

        fn new() -> (Self::Sender, Self::Receiver) {
            mpsc::channel(BOUND)
        }

        #[inline(always)]
        fn send(sender: &mut Self::Sender, message: u32) {
            if let Err(error) = sender.try_send(message) {
                let message = error.into_inner();
                block_on(poll_fn(|context| sender.poll_ready(context))).unwrap();
                sender.start_send(message).unwrap();
            }
        }

        #[inline(always)]
        fn recv(receiver: &mut Self::Receiver) -> u32 {
            match receiver.try_recv() {
                Ok(message) => message,
                Err(_) => block_on(receiver.recv()).unwrap(),
            }
        }
    }
}

/// It has no bounded channel.
pub mod wasm_safe_mutex {
    use super::*;
    use ::wasm_safe_mutex::mpsc;

    pub struct Unbounded;

    impl Channel for Unbounded {
        const NAME: &'static str = "wasm_safe_mutex";
        type Sender = mpsc::Sender<u32>;
        type Receiver = mpsc::Receiver<u32>;

        fn new() -> (Self::Sender, Self::Receiver) {
            mpsc::channel()
        }

        #[inline(always)]
        fn send(sender: &mut Self::Sender, message: u32) {
            sender.send_sync(message).unwrap();
        }

        #[inline(always)]
        fn recv(receiver: &mut Self::Receiver) -> u32 {
            receiver.recv_sync().unwrap()
        }
    }
}
