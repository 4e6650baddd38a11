#![no_main]
fuzz::target!("autogiro");
