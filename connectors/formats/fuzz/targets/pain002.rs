#![no_main]
fuzz::target!("pain002");
