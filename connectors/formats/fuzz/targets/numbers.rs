#![no_main]
fuzz::target!("numbers");
