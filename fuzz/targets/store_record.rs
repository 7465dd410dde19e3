#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| uid2_store::fuzzing::store_record(data));
