#![no_main]
fuzz::target!("swish");
