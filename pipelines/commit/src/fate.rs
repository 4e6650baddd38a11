//! What can become of a conditional put, in the models.

use proptest::prelude::*;

/// How a put fares.
#[derive(Debug, Clone, Copy)]
pub enum Fate {
    Answered,
    /// It arrives, and nobody is told.
    AnswerLost,
    /// It arrives some time, or never, and nobody is told.
    Late,
    /// It arrives twice, as a client does that tries again; the second is read back.
    Twice,
}

/// Any.
pub fn fate() -> impl Strategy<Value = Fate> {
    prop_oneof![
        5 => Just(Fate::Answered),
        1 => Just(Fate::AnswerLost),
        2 => Just(Fate::Late),
        1 => Just(Fate::Twice),
    ]
}
