//! Made-up Swedish names, with the letters that break encodings: å, ä, ö, é, ü.

/// Given names.
pub const GIVEN: [&str; 48] = [
    "Åke",
    "Åsa",
    "Örjan",
    "Älva",
    "Björn",
    "Märta",
    "Göran",
    "Sören",
    "Håkan",
    "Désirée",
    "Jürgen",
    "Zoë",
    "Malin",
    "Fatima",
    "Ali",
    "Nils",
    "Greta",
    "Elsa",
    "Vera",
    "Olle",
    "Karin",
    "Lars",
    "Anna",
    "Erik",
    "Sofia",
    "Johan",
    "Maja",
    "Leo",
    "Aisha",
    "Omar",
    "Ingrid",
    "Bengt",
    "Kerstin",
    "Sven",
    "Ulla",
    "Tove",
    "Hanna",
    "Filip",
    "Saga",
    "Noor",
    "Ebba",
    "Ivar",
    "Astrid",
    "Knut",
    "Linnéa",
    "Tuva",
    "Sixten",
    "Yusuf",
];

/// First parts of family names; with [`FAMILY_END`] they make names that few real people bear.
pub const FAMILY_START: [&str; 32] = [
    "Åker", "Ängs", "Ö", "Sjö", "Blå", "Grön", "Häll", "Kråk", "Räv", "Tång", "Mård", "Älg", "Björk", "Lärk", "Näs",
    "Fjäll", "Gräs", "Säv", "Vår", "Höst", "Krån", "Stjärn", "Hav", "Torp", "Skog", "Sten", "Lund", "Berg", "Dal",
    "Ros", "Silver", "Korn",
];

/// Last parts of family names.
pub const FAMILY_END: [&str; 16] = [
    "mård", "tång", "spång", "höök", "kvarn", "löv", "gård", "sköld", "fjärd", "vång", "hjälm", "strå", "näbb", "bo",
    "lykta", "ström",
];

/// Streets.
pub const STREETS: [&str; 16] = [
    "Storgatan",
    "Lillagatan",
    "Bakgatan",
    "Ängsvägen",
    "Åvägen",
    "Östra Hamngatan",
    "Björkstigen",
    "Södra Bryggan",
    "Kråkvägen",
    "Månstigen",
    "Tranvägen",
    "Älggränd",
    "Nätgatan",
    "Fjärilsstigen",
    "Rådmansgränd",
    "Kålgårdsvägen",
];

/// Lines of business.
pub const TRADES: [&str; 16] = [
    "Plåt",
    "Färg",
    "Garn",
    "Bullar",
    "Städ",
    "Måleri",
    "Åkeri",
    "Kök",
    "Böcker",
    "Trädgård",
    "Rör",
    "El",
    "Möbler",
    "Tryckeri",
    "Låssmed",
    "Kött & Fågel",
];

/// The departments of the city: code and name. District codes are made up.
pub const DEPARTMENTS: [(&str, &str); 8] = [
    ("101", "Åkerby stadsdelsförvaltning"),
    ("102", "Ängslund stadsdelsförvaltning"),
    ("103", "Östra hamnens stadsdelsförvaltning"),
    ("104", "Björkhöjdens stadsdelsförvaltning"),
    ("105", "Kråknäs stadsdelsförvaltning"),
    ("106", "Södra bryggans stadsdelsförvaltning"),
    ("107", "Tranebergs stadsdelsförvaltning"),
    ("110", "Utbildningsförvaltningen"),
];

/// Receiving bankgiro numbers: the first two stand in Bankgirot's manuals as examples, the others are made up in
/// the same ranges with a valid check digit. Each of the first three has an agreement of its own.
pub const BANKGIROS: [&str; 3] = ["50501055", "9912346", "99900003"];
