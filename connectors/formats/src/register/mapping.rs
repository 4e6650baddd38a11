//! A mapping that has been checked against its contract.

use std::collections::BTreeMap;

use schemas::Contract;

use super::cells::{Kind, Rule, Value};
use super::dates::{DateFormat, NamePattern};
use super::declaration::{self, Check, Declaration, Encoding, Names};
use super::numbers::NumberFormat;
use super::text::{folded, nearest};

/// How the files of a register fill a contract.
#[derive(Debug)]
pub struct Mapping {
    pub(super) name: String,
    pub(super) contract: &'static Contract,
    pub(super) source: Source,
    pub(super) extracted_on: Option<ExtractedOn>,
    /// Where each value column of the contract comes from, in the contract's order.
    pub(super) columns: Vec<Column>,
    pub(super) trailer: Option<Trailer>,
    pub(super) total: Option<Total>,
}

/// A mapping file that cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("mapping {mapping}: {}", problems.join("; "))]
pub struct MappingError {
    /// Name of the mapping.
    pub mapping: String,
    /// Everything that is wrong with it.
    pub problems: Vec<String>,
}

/// How rows are laid out.
#[derive(Debug)]
pub(super) enum Source {
    Delimited(Dialect),
}

#[derive(Debug)]
pub(super) struct Dialect {
    pub delimiter: u8,
    pub quote: u8,
    pub comment: Option<u8>,
    pub encoding: Encoding,
    pub numbers: NumberFormat,
    /// Nothing: the file has a header. A number: it has none, and rows have that many fields.
    pub headerless: Option<usize>,
    pub preamble: usize,
}

#[derive(Debug)]
pub(super) struct ExtractedOn {
    pub columns: Vec<String>,
    pub file_names: Vec<NamePattern>,
}

#[derive(Debug)]
pub(super) struct Column {
    /// Name in the contract.
    pub name: String,
    pub from: From,
    pub rule: Rule,
}

#[derive(Debug)]
pub(super) enum From {
    /// Every row has this value.
    Constant(Value<'static>),
    /// A field with one of these names, or numbers when the file has no header.
    Field { names: Vec<String>, optional: bool },
    /// The extract's date.
    ExtractedOn,
}

#[derive(Debug)]
pub(super) struct Trailer {
    pub marker: String,
    pub count: Option<usize>,
    /// Value column of the contract, its scale and digits, and the 0-based field with its sum.
    pub sums: Vec<DeclaredSum>,
    pub required: bool,
}

#[derive(Debug)]
pub(super) struct DeclaredSum {
    pub column: usize,
    pub field: usize,
}

#[derive(Debug)]
pub(super) struct Total {
    pub column: usize,
    pub currency: Currency,
}

#[derive(Debug)]
pub(super) enum Currency {
    Column(usize),
    Constant(String),
}

impl Mapping {
    /// Reads a mapping and checks it against its contract.
    ///
    /// # Errors
    /// With everything that is wrong: unknown keys, contract columns without a source, options that do not fit.
    pub fn parse(toml: &str, name: &str) -> Result<Self, MappingError> {
        let fail = |problems: Vec<String>| MappingError { mapping: name.to_owned(), problems };
        let declaration: Declaration = toml::from_str(toml).map_err(|error| fail(vec![error.to_string()]))?;
        let contract = schemas::contract(&declaration.contract).map_err(|error| fail(vec![error.to_string()]))?;
        let mut compiler = Compiler { contract, problems: Vec::new() };
        let mapping = compiler.compile(name, declaration);
        if compiler.problems.is_empty() { Ok(mapping) } else { Err(fail(compiler.problems)) }
    }

    /// Name of the format.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The contract that it fills.
    #[must_use]
    pub const fn contract(&self) -> &'static Contract {
        self.contract
    }
}

impl Column {
    /// What the source system calls the column: its first name there, or the contract's when it has none.
    pub(super) fn header(&self) -> &str {
        match &self.from {
            From::Field { names, .. } => names.first().unwrap_or(&self.name),
            From::Constant(_) | From::ExtractedOn => &self.name,
        }
    }
}

struct Compiler {
    contract: &'static Contract,
    problems: Vec<String>,
}

impl Compiler {
    fn compile(&mut self, name: &str, declaration: Declaration) -> Mapping {
        let Declaration { contract: _, kind, dialect, extracted_on, columns, trailer, total } = declaration;
        let defaults = Defaults {
            numbers: numbers(&dialect),
            dates: self.dates(&dialect.dates),
            nulls: dialect.null.iter().map(|null| folded(null)).collect(),
            snapshot: extracted_on.is_some(),
        };
        let columns = self.columns(columns, &defaults);
        let source = match kind {
            declaration::Kind::Delimited => Source::Delimited(self.dialect(dialect, defaults.numbers, &columns)),
        };
        Mapping {
            name: name.to_owned(),
            contract: self.contract,
            source,
            extracted_on: self.extracted_on(extracted_on),
            trailer: trailer.map(|trailer| self.trailer(trailer)),
            total: total.and_then(|total| self.total(total)),
            columns,
        }
    }

    fn dialect(&mut self, dialect: declaration::Dialect, numbers: NumberFormat, columns: &[Column]) -> Dialect {
        let delimiter = self.ascii("delimiter", dialect.delimiter);
        let quote = self.ascii("quote", dialect.quote);
        let comment = dialect.comment.map(|comment| self.ascii("comment", comment));
        if delimiter == quote || comment == Some(delimiter) || comment == Some(quote) {
            self.problems.push("delimiter, quote and comment must differ".to_owned());
        }
        if numbers.thousands.contains(&numbers.decimal) {
            self.problems.push("the decimal separator also separates thousands".to_owned());
        }
        let headerless = match (dialect.header, dialect.fields) {
            (true, None) => None,
            (false, Some(fields)) => Some(fields),
            (true, Some(_)) => {
                self.problems.push("`fields` is only for files without a header".to_owned());
                None
            }
            (false, None) => {
                self.problems.push("without a header `fields` must say how many fields a row has".to_owned());
                None
            }
        };
        if let Some(fields) = headerless {
            for column in columns {
                let From::Field { names, .. } = &column.from else { continue };
                let number = names.first().and_then(|name| name.parse::<usize>().ok());
                if !number.is_some_and(|number| (1..=fields).contains(&number)) {
                    self.problems.push(format!("column {}: `from` must be a number from 1 to {fields}", column.name));
                }
            }
        }
        let encoding = dialect.encoding;
        Dialect { delimiter, quote, comment, encoding, numbers, headerless, preamble: dialect.preamble }
    }

    fn ascii(&mut self, what: &str, c: char) -> u8 {
        u8::try_from(c).ok().filter(|byte| byte.is_ascii() && !matches!(byte, b'\n' | b'\r')).unwrap_or_else(|| {
            self.problems.push(format!("{what} must be an ASCII character, no line end"));
            b';'
        })
    }

    fn dates(&mut self, formats: &[String]) -> Vec<DateFormat> {
        let mut compiled = Vec::new();
        for format in formats {
            match DateFormat::compile(format) {
                Ok(format) => compiled.push(format),
                Err(problem) => self.problems.push(problem),
            }
        }
        compiled
    }

    fn extracted_on(&mut self, declared: Option<declaration::ExtractedOn>) -> Option<ExtractedOn> {
        let contract = &self.contract.name;
        let Some(declared) = declared else {
            if self.contract.snapshot {
                self.problems.push(format!("{contract} is a register: [extracted_on] must say where its date stands"));
            }
            return None;
        };
        if !self.contract.snapshot {
            self.problems.push(format!("{contract} is no register extract: it has no [extracted_on]"));
        }
        if declared.columns.is_empty() && declared.file_names.is_empty() {
            self.problems.push("[extracted_on] needs `columns` or `file_names`".to_owned());
        }
        let mut file_names = Vec::new();
        for pattern in &declared.file_names {
            match NamePattern::compile(pattern) {
                Ok(pattern) => file_names.push(pattern),
                Err(problem) => self.problems.push(problem),
            }
        }
        Some(ExtractedOn { columns: declared.columns, file_names })
    }

    fn columns(&mut self, mut declared: BTreeMap<String, declaration::Column>, defaults: &Defaults) -> Vec<Column> {
        let body = self.contract.body_schema();
        let mut columns = Vec::new();
        let mut missing = Vec::new();
        for field in body.fields().iter().skip(3) {
            let declaration = declared.remove(field.name());
            let kind = Kind::of(field.data_type());
            let is_date_of_extract = self.contract.snapshot && field.name() == "extracted_on";
            let column = match (kind, declaration) {
                (_, Some(_)) if is_date_of_extract => {
                    self.problems.push("column extracted_on is declared in [extracted_on]".to_owned());
                    continue;
                }
                (Some(kind), Some(declaration)) => {
                    self.column(field.name(), kind, field.is_nullable(), declaration, defaults)
                }
                (None, Some(_)) => {
                    self.problems.push(format!("column {}: a register cannot fill its type", field.name()));
                    continue;
                }
                (kind, None) if is_date_of_extract || field.is_nullable() => Column {
                    name: field.name().clone(),
                    from: if is_date_of_extract { From::ExtractedOn } else { From::Constant(Value::Null) },
                    rule: defaults.rule(kind.unwrap_or(Kind::Text), field.is_nullable()),
                },
                (_, None) => {
                    missing.push(field.name().clone());
                    continue;
                }
            };
            columns.push(column);
        }
        let unknown: Vec<String> = declared.into_keys().collect();
        for name in &unknown {
            let near = nearest(name, body.fields().iter().skip(3).map(|field| field.name().as_str()));
            let near = near.map(|near| format!("; did you mean {near}?")).unwrap_or_default();
            self.problems.push(format!("column {name}: {} has no such column{near}", self.contract.name));
        }
        if !missing.is_empty() {
            self.problems.push(format!("these columns may not be null and have no source: {}", missing.join(", ")));
        }
        columns
    }

    fn column(
        &mut self,
        name: &str,
        kind: Kind,
        nullable: bool,
        declared: declaration::Column,
        defaults: &Defaults,
    ) -> Column {
        let mut problem = |text: &str| self.problems.push(format!("column {name}: {text}"));
        let is_decimal = matches!(kind, Kind::Decimal { .. });
        if !is_decimal && (declared.negate || declared.implied_decimals.is_some()) {
            problem("`negate` and `implied_decimals` are for amounts");
        }
        if kind != Kind::Text && (declared.digits_only || declared.check.is_some()) {
            problem("`digits_only` and `check` are for texts");
        }
        if declared.check.is_none() && declared.on_invalid.is_some() {
            problem("`on_invalid` needs a `check`");
        }
        if matches!(declared.check, Some(Check::PersonalNumber | Check::Identity)) && !defaults.snapshot {
            problem("this check needs [extracted_on]: numbers of ten digits are read as of that date");
        }
        let reads_dates =
            matches!(kind, Kind::Date | Kind::Time) && declared.values.is_none() && declared.from.is_some();
        if reads_dates && defaults.dates.is_empty() && declared.dates.is_none() {
            problem("no date format is declared");
        }
        let mut rule = defaults.rule(kind, nullable);
        if let Some(nulls) = &declared.null {
            rule.nulls = nulls.iter().map(|null| folded(null)).collect();
        }
        if let Some(formats) = &declared.dates {
            rule.dates = self.dates(formats);
        }
        rule.trim = declared.trim;
        rule.digits_only = declared.digits_only;
        rule.negate = declared.negate;
        rule.implied_decimals = declared.implied_decimals;
        rule.check = declared.check;
        rule.on_invalid = declared.on_invalid.unwrap_or_default();
        rule.minimum = self.limit(name, kind, declared.minimum.as_deref());
        rule.maximum = self.limit(name, kind, declared.maximum.as_deref());
        rule.default = declared.default.and_then(|text| self.constant(name, kind, &text));
        rule.values = declared.values.map(|values| {
            let values = values
                .into_iter()
                .filter_map(|(source, text)| self.constant(name, kind, &text).map(|value| (folded(&source), value)));
            values.collect()
        });
        let from = match (declared.from, declared.constant) {
            (Some(names), None) => From::Field {
                names: match names {
                    Names::One(name) => vec![name],
                    Names::Many(names) => names,
                    Names::Number(number) => vec![number.to_string()],
                },
                optional: declared.optional,
            },
            (None, Some(text)) => From::Constant(self.constant(name, kind, &text).unwrap_or(Value::Null)),
            _ => {
                self.problems.push(format!("column {name}: needs either `from` or `const`"));
                From::Constant(Value::Null)
            }
        };
        if let From::Field { names, optional } = &from {
            if names.is_empty() {
                self.problems.push(format!("column {name}: `from` names no header"));
            }
            if *optional && !nullable && rule.default.is_none() {
                self.problems.push(format!("column {name}: may not be null, so `optional` needs a `default`"));
            }
        }
        Column { name: name.to_owned(), from, rule }
    }

    /// A value written as in the contract.
    fn constant(&mut self, name: &str, kind: Kind, text: &str) -> Option<Value<'static>> {
        let plain = NumberFormat { decimal: '.', thousands: Vec::new(), trailing_minus: false };
        let iso = DateFormat::compile("%Y-%m-%d").into_iter().collect();
        let rule = Rule { numbers: plain, dates: iso, trim: false, nulls: Vec::new(), ..Rule::plain(kind) };
        let value = match rule.convert(text.into(), None).map(|converted| converted.value) {
            Ok(Value::Text(text)) => Some(Value::Text(text.into_owned().into())),
            Ok(Value::Integer(number)) => Some(Value::Integer(number)),
            Ok(Value::Boolean(truth)) => Some(Value::Boolean(truth)),
            Ok(Value::Date(days)) => Some(Value::Date(days)),
            Ok(Value::Time(millis)) => Some(Value::Time(millis)),
            Ok(Value::Decimal(number)) => Some(Value::Decimal(number)),
            Ok(Value::Null) | Err(_) => None,
        };
        if value.is_none() {
            self.problems.push(format!("column {name}: `{text}` is no value of the column as the contract writes it"));
        }
        value
    }

    fn limit(&mut self, name: &str, kind: Kind, text: Option<&str>) -> Option<i128> {
        match self.constant(name, kind, text?)? {
            Value::Decimal(number) => Some(number),
            Value::Integer(number) => Some(i128::from(number)),
            _ => {
                self.problems.push(format!("column {name}: limits are for numbers"));
                None
            }
        }
    }

    fn trailer(&mut self, declared: declaration::Trailer) -> Trailer {
        let mut field = |number: usize| {
            number.checked_sub(2).map(|index| index + 1).unwrap_or_else(|| {
                self.problems.push("[trailer]: fields are counted from 1, and the first holds the marker".to_owned());
                1
            })
        };
        let count = declared.count.map(&mut field);
        let fields: Vec<(String, usize)> =
            declared.sums.into_iter().map(|(column, number)| (column, field(number))).collect();
        let marker = folded(&declared.marker);
        if marker.is_empty() {
            self.problems.push("[trailer]: the marker is empty".to_owned());
        }
        if count.is_none() && fields.is_empty() {
            self.problems.push("[trailer]: declares neither `count` nor `sums`".to_owned());
        }
        let sums = fields.into_iter().filter_map(|(column, field)| {
            self.amount_column("[trailer]", &column).map(|column| DeclaredSum { column, field })
        });
        Trailer { marker, count, sums: sums.collect(), required: declared.required }
    }

    fn total(&mut self, declared: declaration::Total) -> Option<Total> {
        let column = self.amount_column("[total]", &declared.column)?;
        let currency = match (self.value_column("currency"), declared.currency) {
            (Some(column), None) => Currency::Column(column),
            (None, Some(currency)) => Currency::Constant(currency),
            (Some(_), Some(_)) => {
                self.problems
                    .push("[total]: the contract has a currency column, so `currency` is not given".to_owned());
                return None;
            }
            (None, None) => {
                self.problems
                    .push("[total]: the contract has no currency column, so `currency` must be given".to_owned());
                return None;
            }
        };
        Some(Total { column, currency })
    }

    fn amount_column(&mut self, part: &str, name: &str) -> Option<usize> {
        let body = self.contract.body_schema();
        let index = self.value_column(name);
        let money = index.and_then(|index| body.fields().get(index + 3)).map(|field| Kind::of(field.data_type()));
        if !matches!(money, Some(Some(Kind::Decimal { scale: 2, .. }))) {
            self.problems.push(format!("{part}: {name} is no amount column of {}", self.contract.name));
            return None;
        }
        index
    }

    fn value_column(&self, name: &str) -> Option<usize> {
        self.contract.body_schema().index_of(name).ok().and_then(|index| index.checked_sub(3))
    }
}

/// What the dialect says for every column.
struct Defaults {
    numbers: NumberFormat,
    dates: Vec<DateFormat>,
    nulls: Vec<String>,
    snapshot: bool,
}

impl Defaults {
    fn rule(&self, kind: Kind, nullable: bool) -> Rule {
        Rule {
            nullable,
            nulls: self.nulls.clone(),
            numbers: self.numbers.clone(),
            dates: self.dates.clone(),
            ..Rule::plain(kind)
        }
    }
}

fn numbers(dialect: &declaration::Dialect) -> NumberFormat {
    let mut thousands: Vec<char> = dialect.thousands.chars().collect();
    if thousands.contains(&' ') {
        // What people call a blank, systems write as a blank, a no-break space or a narrow one.
        thousands.extend(['\u{a0}', '\u{202f}', '\u{2009}']);
    }
    NumberFormat { decimal: dialect.decimal, thousands, trailing_minus: dialect.trailing_minus }
}
