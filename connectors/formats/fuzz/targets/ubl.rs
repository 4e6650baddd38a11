#![no_main]
fuzz::target!("ubl");
