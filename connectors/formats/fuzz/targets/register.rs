#![no_main]
fuzz::target!("register");
