//! Identity numbers: personnummer, samordningsnummer and organisationsnummer.
