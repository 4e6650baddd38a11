#![no_main]
fuzz::target!("abw");
