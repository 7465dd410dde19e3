#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| uid2_core::fuzzing::identity_json(data));
