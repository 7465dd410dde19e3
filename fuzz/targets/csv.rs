#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| uid2_cli::fuzzing::csv(data));
