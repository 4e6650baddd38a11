#![no_main]
fuzz::target!("lb");
