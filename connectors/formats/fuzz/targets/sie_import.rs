#![no_main]
fuzz::target!("sie_import");
