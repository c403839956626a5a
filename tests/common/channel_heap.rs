//! Channels by their bytes, which are the same natively and on wasm32, but for those that hold nothing.

use super::allocations::bytes_kept;
use web_sync::{mpmc, mpsc, oneshot};

/// The handles, and what else there is.
const CHANNEL: isize = 320;
/// Where sender and receiver of a channel meet that holds nothing.
const MEETING: isize = if cfg!(target_pointer_width = "32") {
    64
} else {
    88
};
/// 31 messages of four bytes, their states, the way to the next block.
const BLOCK: isize = 256;
/// Blocks of that size that a channel keeps.
const KEPT: isize = 7;

/// Channels that hold nothing.
pub fn empty_channels() {
    let (_channel, bytes) = bytes_kept(mpsc::channel::<u32>);
    assert_eq!(bytes, CHANNEL + BLOCK);
    let (_channel, bytes) = bytes_kept(mpmc::channel::<u32>);
    assert_eq!(bytes, CHANNEL + BLOCK);
    let (_channel, bytes) = bytes_kept(|| mpsc::sync_channel::<u32>(128));
    assert_eq!(bytes, CHANNEL + 128 * 8);
    let (_channel, bytes) = bytes_kept(|| mpsc::sync_channel::<u32>(0));
    assert_eq!(bytes, CHANNEL + MEETING);
    let (_channel, bytes) = bytes_kept(oneshot::channel::<u32>);
    assert_eq!(bytes, CHANNEL + 8);
    // Room for a message is there once, with four bytes beside it, or as many as its alignment asks for.
    let (_channel, bytes) = bytes_kept(oneshot::channel::<[u8; 1 << 16]>);
    assert_eq!(bytes, CHANNEL + (1 << 16) + 4);
    let (_channel, bytes) = bytes_kept(|| mpsc::sync_channel::<u64>(128));
    assert_eq!(bytes, CHANNEL + 128 * 16);
    let (_channel, bytes) = bytes_kept(|| mpsc::sync_channel::<[u8; 1 << 16]>(0));
    assert!(bytes <= CHANNEL + MEETING + (1 << 16), "{bytes}");
}

/// What messages add to that.
pub fn messages() {
    const BLOCKS: isize = if cfg!(miri) { 20 } else { 1000 };
    let (sender, receiver) = mpsc::channel::<u32>();
    let send = || (0..31 * BLOCKS as u32).for_each(|number| sender.send(number).unwrap());
    let ((), bytes) = bytes_kept(send);
    assert_eq!(bytes, BLOCKS * BLOCK);
    let (count, bytes) = bytes_kept(|| receiver.try_iter().count());
    assert_eq!(count as isize, 31 * BLOCKS);
    assert_eq!(-bytes, (BLOCKS - KEPT) * BLOCK);

    // Of large messages one block is kept.
    let (sender, receiver) = mpsc::channel::<[u32; 256]>();
    let send = || (0..31 * 3).for_each(|number| sender.send([number; 256]).unwrap());
    let ((), all) = bytes_kept(send);
    let (count, bytes) = bytes_kept(|| receiver.try_iter().count());
    assert_eq!(count, 31 * 3);
    assert_eq!(-bytes, all / 3 * 2);

    let (sender, _receiver) = mpsc::sync_channel::<u32>(128);
    let ((), bytes) = bytes_kept(|| (0..128).for_each(|number| sender.send(number).unwrap()));
    assert_eq!(bytes, 0);
}
