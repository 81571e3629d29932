//! The caches' statistics as metrics of the `metrics` crate. The program installs the recorder.

use std::time::Duration;

use metrics::{counter, gauge};

use crate::kms::CachedKmsStats;
use crate::stats::CacheStats;

#[allow(clippy::cast_precision_loss, reason = "a gauge is a float")]
fn float(count: usize) -> f64 {
    count as f64
}

impl CacheStats {
    /// Publishes these statistics as metrics with the label `cache`, the cache's name. Call it
    /// regularly. Counters: `strongroom_cache_hits_total`, `_misses_total`,
    /// `_refused_total`, `_refreshes_total`, `_failures_total`, `_stale_total`,
    /// `_reads_lost_total`. Gauges: `strongroom_cache_entries`, `_bytes`, `_oldest_seconds` and
    /// `_reads_waiting`.
    pub fn publish(&self, cache: &str) {
        let name = || ("cache", cache.to_owned());
        counter!("strongroom_cache_hits_total", &[name()]).absolute(self.hits);
        counter!("strongroom_cache_misses_total", &[name()]).absolute(self.misses);
        counter!("strongroom_cache_refused_total", &[name()]).absolute(self.refused);
        counter!("strongroom_cache_refreshes_total", &[name()]).absolute(self.refreshes);
        counter!("strongroom_cache_failures_total", &[name()]).absolute(self.failures);
        counter!("strongroom_cache_stale_total", &[name()]).absolute(self.stale);
        counter!("strongroom_cache_reads_lost_total", &[name()]).absolute(self.reads_lost);
        gauge!("strongroom_cache_entries", &[name()]).set(float(self.entries));
        gauge!("strongroom_cache_bytes", &[name()]).set(float(self.bytes));
        gauge!("strongroom_cache_oldest_seconds", &[name()]).set(Duration::as_secs_f64(&self.oldest));
        gauge!("strongroom_cache_reads_waiting", &[name()]).set(float(self.reads_waiting));
    }
}

impl CachedKmsStats {
    /// Like [`CacheStats::publish`], for data keys: `strongroom_data_key_cache_hits_total`,
    /// `_misses_total` and `_entries`.
    pub fn publish(&self, cache: &str) {
        let name = || ("cache", cache.to_owned());
        counter!("strongroom_data_key_cache_hits_total", &[name()]).absolute(self.hits);
        counter!("strongroom_data_key_cache_misses_total", &[name()]).absolute(self.misses);
        gauge!("strongroom_data_key_cache_entries", &[name()]).set(float(self.entries));
    }
}

#[cfg(test)]
mod tests {
    use metrics_exporter_prometheus::PrometheusBuilder;

    use super::*;

    #[test]
    fn every_count_has_a_series() {
        let recorder = PrometheusBuilder::new().build_recorder();
        let stats = CacheStats {
            hits: 1,
            misses: 2,
            refused: 13,
            refreshes: 3,
            failures: 4,
            stale: 5,
            entries: 6,
            bytes: 7,
            oldest: Duration::from_millis(1500),
            reads_waiting: 8,
            reads_lost: 9,
        };
        metrics::with_local_recorder(&recorder, || {
            stats.publish("secrets");
            stats.publish("secrets");
            CachedKmsStats { hits: 10, misses: 11, entries: 12 }.publish("keys");
        });
        let page = recorder.handle().render();
        for (series, value) in [
            ("cache_hits_total", "1"),
            ("cache_misses_total", "2"),
            ("cache_refused_total", "13"),
            ("cache_refreshes_total", "3"),
            ("cache_failures_total", "4"),
            ("cache_stale_total", "5"),
            ("cache_entries", "6"),
            ("cache_bytes", "7"),
            ("cache_oldest_seconds", "1.5"),
            ("cache_reads_waiting", "8"),
            ("cache_reads_lost_total", "9"),
        ] {
            let line = format!("strongroom_{series}{{cache=\"secrets\"}} {value}\n");
            assert!(page.contains(&line), "{line} {page}");
        }
        for (series, value) in [("hits_total", 10), ("misses_total", 11), ("entries", 12)] {
            let line = format!("strongroom_data_key_cache_{series}{{cache=\"keys\"}} {value}\n");
            assert!(page.contains(&line), "{line} {page}");
        }
    }
}
