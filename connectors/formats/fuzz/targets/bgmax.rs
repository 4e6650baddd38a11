#![no_main]
fuzz::target!("bgmax");
