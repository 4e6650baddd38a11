//! Input files, made by the synthetic city once and kept for the next run.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use chrono::Days;
use city::bank::Bank;
use city::erp::Erp;
use city::output::Landing;
use city::payment::{Channel, Payment};
use city::people::{Registry, customers};
use city::{City, einvoice, payments, suppliers};

use crate::report::note;

const SEED: u64 = 1;

/// Customers and payments of a city of scale 1.
const CUSTOMERS: usize = 2_000;
const PAYMENTS: u64 = 2_500;

/// Open items in the register of a city of scale 1, a little less than there are.
const ITEMS: u64 = 3_000;

/// Bytes of the register of open items and of e-invoices in a city of scale 1, a little less than there are.
const REGISTER_BYTES: u64 = 470_000;
const EINVOICES_SCALE: u32 = 10;

/// Files that the parsers read.
pub struct ParserInput {
    /// One BgMax file of one day, larger than asked for.
    pub bgmax: PathBuf,
    /// The city's e-invoices, one a file, together about 10 MB: read again and again.
    pub ubl: PathBuf,
    /// One register of open customer items, of the size asked for.
    pub register: PathBuf,
}

/// Files for the parsers, each of at least `bytes` (but for e-invoices).
///
/// # Errors
/// When they cannot be written.
pub fn parser_input(dir: &Path, bytes: u64) -> Result<ParserInput> {
    let scale = u32::try_from(bytes.div_ceil(REGISTER_BYTES)).unwrap_or(u32::MAX);
    let root = once(&dir.join(format!("parse-{scale}")), |dir| {
        let (landing, as_of) = (Landing::new(dir), city::default_as_of());
        let mut registry = Registry::default();
        let customers = customers(SEED, CUSTOMERS * scale as usize, &mut registry);
        let mut plan = payments::Plan::new(SEED, scale, as_of, &customers);
        one_file(&mut plan.payments, as_of);
        let bank = Bank::new(&landing, &customers, &plan.ledger.items).write(&plan.payments)?;
        Erp { landing: &landing, as_of, customers: &customers, ledger: &plan.ledger }
            .write(&bank.payments, &bank.deposits)?;
        let documents = suppliers::plan(SEED, EINVOICES_SCALE, as_of, &mut registry);
        for (number, document) in (1..).zip(&documents.documents) {
            einvoice::write(&landing, &format!("einvoice/{number:07}.xml"), document, &documents.suppliers)?;
        }
        Ok(())
    })?;
    let day = city::default_as_of().format("%Y%m%d");
    let landing = root.join("landing");
    Ok(ParserInput {
        bgmax: landing.join(format!("bank/BGMAX_{day}_OCR.txt")),
        ubl: landing.join("einvoice"),
        register: landing.join(format!("erp/AGR_KUNDRESKONTRA_{day}.txt")),
    })
}

/// Puts all payments of the month into one file of one day, one deposit a bankgiro: as large as a file gets.
fn one_file(payments: &mut [Payment], day: chrono::NaiveDate) {
    for payment in &mut *payments {
        (payment.date, payment.channel) = (day, Channel::Bank);
    }
    payments.sort_by(|a, b| (a.currency, a.bankgiro).cmp(&(b.currency, b.bankgiro)));
}

/// A month of the bank's files, as the bank sends them, with at least `wanted` payments.
///
/// # Errors
/// When they cannot be written.
pub fn bank(dir: &Path, wanted: u64) -> Result<PathBuf> {
    let scale = u32::try_from(wanted.div_ceil(PAYMENTS)).unwrap_or(u32::MAX);
    let root = once(&dir.join(format!("bank-{scale}")), |dir| {
        let customers = customers(SEED, CUSTOMERS * scale as usize, &mut Registry::default());
        let plan = payments::Plan::new(SEED, scale, city::default_as_of(), &customers);
        Bank::new(&Landing::new(dir), &customers, &plan.ledger.items).write(&plan.payments)?;
        Ok(())
    })?;
    Ok(root.join("landing"))
}

/// What a ledger in service gets.
pub struct Live {
    /// The register with at least as many open items as asked for.
    pub register: PathBuf,
    /// BgMax files of a thousand payments or a few less, in order.
    pub payments: Vec<PathBuf>,
}

/// A register of at least `items` open items, and `seconds` files of a thousand payments of some of them.
///
/// # Errors
/// When they cannot be written.
pub fn live(dir: &Path, items: u64, seconds: usize) -> Result<Live> {
    let scale = u32::try_from(items.div_ceil(ITEMS)).unwrap_or(u32::MAX);
    let root = once(&dir.join(format!("live-{scale}-{seconds}")), |dir| {
        let (landing, as_of) = (Landing::new(dir), city::default_as_of());
        let customers = customers(SEED, CUSTOMERS * scale as usize, &mut Registry::default());
        let mut plan = payments::Plan::new(SEED, scale, as_of, &customers);
        plan.payments.truncate(seconds * 1_000);
        for (second, payments) in (1..).zip(plan.payments.chunks_mut(1_000)) {
            let day = as_of.checked_sub_days(Days::new(second)).context("a day for each file")?;
            one_file(payments, day);
        }
        plan.payments.reverse();
        let bank = Bank::new(&landing, &customers, &plan.ledger.items).write(&plan.payments)?;
        Erp { landing: &landing, as_of, customers: &customers, ledger: &plan.ledger }
            .write(&bank.payments, &bank.deposits)?;
        Ok(())
    })?;
    let day = city::default_as_of().format("%Y%m%d");
    let payments = files(&root.join("landing/bank"))?.into_iter();
    Ok(Live {
        register: root.join(format!("landing/erp/AGR_KUNDRESKONTRA_{day}.txt")),
        payments: payments.filter(|file| file.to_string_lossy().ends_with("_OCR.txt")).collect(),
    })
}

/// The landing places of a city.
///
/// # Errors
/// When they cannot be written.
pub fn city(dir: &Path, scale: u32) -> Result<PathBuf> {
    let root = once(&dir.join(format!("city-{scale}")), |dir| {
        City::generate(SEED, scale).write(dir)?;
        Ok(())
    })?;
    Ok(root.join("landing"))
}

/// Makes a folder if it is not there; one that was left half made is made anew.
///
/// # Errors
/// When it cannot be made.
pub fn once(dir: &Path, make: impl FnOnce(&Path) -> Result<()>) -> Result<PathBuf> {
    let what = || format!("making {}", dir.display());
    if !dir.exists() {
        note(&what());
        let staged = dir.with_extension("new");
        if staged.exists() {
            fs::remove_dir_all(&staged).with_context(what)?;
        }
        fs::create_dir_all(&staged).with_context(what)?;
        make(&staged).with_context(what)?;
        fs::rename(&staged, dir).with_context(what)?;
    }
    Ok(dir.to_owned())
}

/// The files of a folder, by name.
///
/// # Errors
/// When it cannot be read.
pub fn files(dir: &Path) -> Result<Vec<PathBuf>> {
    let what = || format!("reading {}", dir.display());
    let entries = fs::read_dir(dir).with_context(what)?;
    let mut paths = entries.map(|entry| entry.map(|entry| entry.path())).collect::<Result<Vec<_>, _>>()?;
    paths.sort();
    Ok(paths)
}
