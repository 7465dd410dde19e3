#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| uid2_emulator::fuzzing::emulator_request(data));
