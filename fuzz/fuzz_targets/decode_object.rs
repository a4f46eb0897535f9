#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| restatectl::fuzz::decode_object(bytes));
