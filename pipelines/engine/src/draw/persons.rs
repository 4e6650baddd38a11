//! Test persons in the place of real ones.
//!
//! What is the same stays the same and what differs stays different, word by word, so that rules that compare names
//! and numbers say of the test persons what they said of the real ones.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{Datelike as _, NaiveDate};
use schemas::identity::{OrganisationNumber, PersonNumber};
use schemas::reference::luhn_check_digit;
use serde_json::Value;

/// Words of test names, streets and messages.
const WORDS: [&str; 24] = [
    "Alfa", "Beta", "Gamma", "Delta", "Epsilon", "Zeta", "Eta", "Theta", "Jota", "Kappa", "Lambda", "My", "Ny", "Xi",
    "Omikron", "Pi", "Rho", "Sigma", "Tau", "Ypsilon", "Fi", "Chi", "Psi", "Omega",
];

/// What of a birth date is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kept {
    /// The year.
    Year,
    /// Year and month, for rules that count months of age.
    Month,
}

/// Who stands for whom.
#[derive(Debug)]
pub struct Persons {
    today: NaiveDate,
    kept: Kept,
    words: BTreeMap<String, String>,
    numbers: BTreeMap<String, String>,
    /// Real values that must not be seen any more.
    real: BTreeSet<String>,
}

impl Persons {
    /// Nobody yet.
    pub fn new(today: NaiveDate, kept: Kept) -> Self {
        Self { today, kept, words: BTreeMap::new(), numbers: BTreeMap::new(), real: BTreeSet::new() }
    }

    /// Puts test persons into what stands at `path` of a column's value: the parts of the path below the column, none
    /// for all of it. `field` is the last name of the path.
    pub fn replace(&mut self, value: &mut Value, path: &[&str], field: &str) {
        match (value, path) {
            (Value::Array(items), _) => items.iter_mut().for_each(|item| self.replace(item, path, field)),
            (Value::Object(fields), [first, rest @ ..]) => {
                if let Some(value) = fields.get_mut(*first) {
                    self.replace(value, rest, field);
                }
            }
            (Value::Object(fields), []) => {
                for (name, value) in fields.iter_mut() {
                    self.replace(value, &[], name);
                }
            }
            (Value::String(text), []) => *text = self.text(text, field),
            _ => {}
        }
    }

    /// Whether a real value is still to be seen in a text.
    pub fn is_seen_in(&self, text: &str) -> bool {
        self.real.iter().any(|real| text.contains(real.as_str()))
    }

    fn text(&mut self, text: &str, field: &str) -> String {
        if field.contains("country") {
            return text.to_owned();
        }
        if let Ok(date) = text.parse::<NaiveDate>() {
            return self.date(date).to_string();
        }
        let mut replaced = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(start) = rest.find(char::is_alphanumeric) {
            replaced.push_str(&rest[..start]);
            rest = &rest[start..];
            let end = rest.find(|c: char| !(c.is_alphanumeric() || "-+@._".contains(c))).unwrap_or(rest.len());
            let word = rest[..end].trim_end_matches(|c: char| !c.is_alphanumeric());
            replaced.push_str(&self.word(word, field));
            rest = &rest[word.len()..];
        }
        replaced + rest
    }

    fn date(&self, date: NaiveDate) -> NaiveDate {
        let first = date.with_day(1).unwrap_or(date);
        match self.kept {
            Kept::Month => first,
            Kept::Year => first.with_month(1).unwrap_or(first),
        }
    }

    fn word(&mut self, word: &str, field: &str) -> String {
        // Banks write a person's ten digits into twelve as 00YYMMDDNNNN.
        let (prefix, digits) = match word.strip_prefix("00") {
            Some(digits) if digits.len() == 10 => ("00", digits),
            _ => ("", word),
        };
        if let Some(number) = PersonNumber::parse(digits, self.today) {
            return format!("{prefix}{}", self.number(digits, &number));
        }
        if word.contains('@') {
            self.real.insert(word.to_owned());
            return "testperson@example.com".to_owned();
        }
        if word.chars().any(char::is_alphabetic) {
            return self.name(word);
        }
        // Elsewhere figures are references, which are no persons, and which rules look for.
        let is_place = ["phone", "postcode", "street"].iter().any(|part| field.contains(part));
        let is_unknown = field.contains("identity") && OrganisationNumber::parse(digits).is_none();
        if is_place || is_unknown { zeros(word) } else { word.to_owned() }
    }

    fn name(&mut self, word: &str) -> String {
        let next = self.words.len();
        let again = next / WORDS.len();
        let test = self.words.entry(word.to_lowercase()).or_insert_with(|| {
            let number = if again > 0 { (again + 1).to_string() } else { String::new() };
            format!("{}{number}", WORDS[next % WORDS.len()])
        });
        let is_upper = word.chars().all(|c| !c.is_lowercase());
        if is_upper && word.chars().count() > 1 { test.to_uppercase() } else { test.clone() }
    }

    /// A number of Skatteverket's test series, written as the real one was.
    fn number(&mut self, written: &str, number: &PersonNumber) -> String {
        let real = number.digits().to_owned();
        self.real.insert(written.to_owned());
        self.real.insert(real.clone());
        let month = match self.kept {
            Kept::Year => "01",
            Kept::Month => number.birth_date().map_or("01", |_| real.get(4..6).unwrap_or("01")),
        };
        let next = self.numbers.len();
        let test = self.numbers.entry(real.clone()).or_insert_with(|| {
            // 28 days, two birth numbers a day.
            let (day, series) = (next % 28 + 1, 238 + (next / 28) % 2);
            let short = format!("{}{month}{day:02}{series}", real.get(2..4).unwrap_or("90"));
            let check = luhn_check_digit(&short).unwrap_or_default();
            format!("{}{short}{check}", real.get(..2).unwrap_or("19"))
        });
        let digits = written.chars().filter(char::is_ascii_digit).count();
        let test = if digits >= 12 { test.as_str() } else { test.get(2..).unwrap_or(test) };
        match written.chars().find(|c| matches!(c, '-' | '+')) {
            Some(sign) => {
                let (date, last) = test.split_at(test.len() - 4);
                format!("{date}{sign}{last}")
            }
            None => test.to_owned(),
        }
    }
}

fn zeros(word: &str) -> String {
    word.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn persons() -> Persons {
        Persons::new(NaiveDate::from_ymd_opt(2026, 3, 31).unwrap(), Kept::Year)
    }

    fn replaced(persons: &mut Persons, value: &str, field: &str) -> String {
        let mut value = Value::String(value.to_owned());
        persons.replace(&mut value, &[], field);
        value.as_str().unwrap().to_owned()
    }

    #[test]
    fn a_number_becomes_a_test_number_written_in_the_same_way() {
        let mut persons = persons();
        // Skatteverket's own test number stands for a real one.
        let test = replaced(&mut persons, "19900107-2397", "payer_identity");
        let parsed = PersonNumber::parse(&test, persons.today).unwrap();
        assert!(parsed.is_in_test_series(), "{test}");
        assert_eq!((test.len(), &test[8..9]), (13, "-"));
        assert_eq!(replaced(&mut persons, "199001072397", "child_id"), test.replace('-', ""));
        assert_eq!(replaced(&mut persons, "9001072397", "child_id"), test.replace('-', "")[2..]);
        assert_eq!(
            replaced(&mut persons, "009001072397", "payer_identity"),
            format!("00{}", &test.replace('-', "")[2..])
        );
        assert_eq!(replaced(&mut persons, "(199001072397)/2", "messages"), format!("({})/2", test.replace('-', "")));
        assert_eq!(replaced(&mut persons, "199001072398", "payer_identity"), "000000000000", "no number at all");
        assert_eq!(replaced(&mut persons, "165560000167", "payer_identity"), "165560000167", "an organisation");
        assert!(persons.is_seen_in("| 199001072397 |") && !persons.is_seen_in(&test));
    }

    #[test]
    fn the_same_word_stays_the_same_and_references_stay() {
        let mut persons = persons();
        assert_eq!(replaced(&mut persons, "Åsa Öberg", "payer_name"), "Alfa Beta");
        assert_eq!(replaced(&mut persons, "ÖBERG 10000016", "messages"), "BETA 10000016");
        assert_eq!(replaced(&mut persons, "08-123 45", "contact_phone"), "00-000 00");
        assert_eq!(replaced(&mut persons, "2019-05-17", "child_birth_date"), "2019-01-01");
        assert_eq!(replaced(&mut persons, "SE", "payer_country_code"), "SE");
    }

    #[test]
    fn only_the_marked_field_of_a_record_is_replaced() {
        let mut value = serde_json::json!({"name": "Papper AB", "contact_name": "Åsa"});
        persons().replace(&mut value, &["contact_name"], "contact_name");
        assert_eq!(value, serde_json::json!({"name": "Papper AB", "contact_name": "Alfa"}));
    }
}
