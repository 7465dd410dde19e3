#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| uid2_token::fuzzing::refresh_token(data));
