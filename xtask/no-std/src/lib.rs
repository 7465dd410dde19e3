//! Links uid2-core without the standard library; see `xtask/src/check/no_std.rs`.

#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

use dlmalloc::GlobalDlmalloc;
use uid2_core::operation::{Caller, Refresh, Response};
use uid2_core::{Dii, Identity, Timestamp};

#[global_allocator]
static ALLOCATOR: GlobalDlmalloc = GlobalDlmalloc;

#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    loop {}
}

/// Something of each part, so that it is compiled and not just parsed.
pub extern "C" fn exercise() -> u32 {
    let mut score = 0;
    if let (Ok(api_key), Ok(secret)) = ("LEGACY".parse(), "".parse()) {
        let caller = Caller::new(api_key, secret);
        if let Ok(identity) = Identity::from_json(b"{}") {
            let (_, pending) = Refresh::new(&identity).prepare(&caller);
            score += u32::from(pending.finish(Response::new(200, b"{}")).is_ok());
            score += u32::from(identity.next_due(Timestamp::EPOCH).is_some());
        }
    }
    score + u32::from(Dii::email("user@example.com").is_ok())
}
