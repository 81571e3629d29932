//! Reads request bodies whole, within limits.

use std::fmt;
use std::time::Duration;

use bytes::{Buf, Bytes};
use http_body::Body;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use strongroom_envelope::{SecretBytes, wipe};
use tokio::sync::{Semaphore, SemaphorePermit};

/// Why a request's body could not be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum BodyError {
    /// Longer than [`Limits::max_body`](crate::Limits::max_body).
    TooLong,
    /// Its framing is not valid HTTP.
    Malformed,
    /// It ended early, or took longer than [`Limits::patience`](crate::Limits::patience).
    Incomplete,
}

impl fmt::Display for BodyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TooLong => "the body is too long",
            Self::Malformed => "the body is not well-formed HTTP",
            Self::Incomplete => "the body did not arrive whole in time",
        })
    }
}

impl std::error::Error for BodyError {}

/// Bytes that are wiped when the last handle to them is dropped.
#[must_use]
pub fn wiped(bytes: SecretBytes) -> Bytes {
    struct Owner(SecretBytes);
    impl AsRef<[u8]> for Owner {
        fn as_ref(&self) -> &[u8] {
            self.0.expose()
        }
    }
    Bytes::from_owner(Owner(bytes))
}

/// Reads a whole body into memory that is wiped on drop. A body whose announced length exceeds
/// `longest` is not read at all. `memory` holds a permit for each KiB that all bodies together may
/// occupy.
pub(crate) async fn collect<B>(
    body: B,
    longest: usize,
    patience: Duration,
    memory: &Semaphore,
) -> Result<Bytes, BodyError>
where
    B: Body,
    B::Error: std::error::Error + Send + Sync + 'static,
{
    if body.size_hint().lower() > longest as u64 {
        return Err(BodyError::TooLong);
    }
    let collect = async {
        // An announced length reserves no memory: the request is not authenticated yet.
        let mut whole = SecretBytes::default();
        let mut taken: Option<SemaphorePermit<'_>> = None;
        let mut body = std::pin::pin!(Limited::new(body, longest));
        while let Some(frame) = body.frame().await {
            let Ok(mut data) = frame?.into_data() else { continue };
            let data = data.copy_to_bytes(data.remaining());
            let wanted = (whole.len() + data.len()).div_ceil(1024);
            let more = wanted.saturating_sub(taken.as_ref().map_or(0, SemaphorePermit::num_permits));
            if more > 0 {
                let more = memory.acquire_many(u32::try_from(more).unwrap_or(u32::MAX)).await?;
                match &mut taken {
                    Some(taken) => taken.merge(more),
                    none => *none = Some(more),
                }
            }
            whole.extend_from_slice(&data);
            // Wipes hyper's buffer too, unless it is shared with other data.
            if let Ok(mut data) = data.try_into_mut() {
                wipe(&mut data);
            }
        }
        Ok::<_, Box<dyn std::error::Error + Send + Sync>>(whole)
    };
    match tokio::time::timeout(patience, collect).await {
        Ok(Ok(whole)) => Ok(wiped(whole)),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(BodyError::TooLong),
        Ok(Err(error)) if is_malformed(&*error) => Err(BodyError::Malformed),
        Ok(Err(_)) | Err(_) => Err(BodyError::Incomplete),
    }
}

/// Whether reading failed because of the body's content rather than the connection.
fn is_malformed(error: &(dyn std::error::Error + 'static)) -> bool {
    use std::io::ErrorKind::{InvalidData, InvalidInput};
    std::iter::successors(Some(error), |error| error.source()).any(|error| {
        error
            .downcast_ref::<std::io::Error>()
            .is_some_and(|error| matches!(error.kind(), InvalidData | InvalidInput))
    })
}

#[cfg(test)]
mod tests {
    use http_body_util::Full;

    use super::*;

    async fn collected(body: &'static [u8], longest: usize, kib: usize) -> Result<Bytes, BodyError> {
        let memory = Semaphore::new(kib);
        collect(Full::new(Bytes::from_static(body)), longest, Duration::from_millis(50), &memory).await
    }

    #[tokio::test]
    async fn a_body_is_whole_or_there_is_none() {
        assert_eq!(collected(b"whole", 5, 1).await.unwrap(), "whole");
        assert_eq!(collected(b"longer", 5, 1).await, Err(BodyError::TooLong));
        // Other bodies occupy all the memory.
        assert_eq!(collected(b"whole", 5, 0).await, Err(BodyError::Incomplete));
    }
}
