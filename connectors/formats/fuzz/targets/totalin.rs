#![no_main]
fuzz::target!("totalin");
