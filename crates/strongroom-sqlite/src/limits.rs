//! The limits of a SQLite file.

use strongroom_records::Limits;

pub(crate) const LIMITS: Limits =
    Limits { key: 4096, value: 16 << 20, batch_operations: 10_000, batch_bytes: 64 << 20, scan: 1000 };
