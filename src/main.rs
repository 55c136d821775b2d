//! Parses arguments, chooses a front end, and maps the outcome to an exit code.

fn main() {}
