#![no_main]
fuzz::target!("camt_statement");
