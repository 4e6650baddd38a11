#![no_main]
fuzz::target!("sie");
