//! Page tokens: opaque, tamper-evident, bound to their query, and valid in another process or after
//! a restart.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use strongroom_envelope::Label;
use strongroom_store::{Error, ErrorKind};

use crate::error::{sealing, storage};
use crate::storage::secrets::Storage;

const LABEL: Label = Label::new("strongroom-pag");
const MAX_LEN: usize = 4096;

impl Storage<'_> {
    /// A token that says where a listing continues. `query` is everything that must be the same on
    /// the next page.
    pub(crate) fn page_token(self, query: &[u8], position: &[u8]) -> Result<String, Error> {
        let key = self.0.records.derive(LABEL).map_err(storage)?;
        let mut sealed = Vec::new();
        self.0.records.sealer().seal_box(&key, LABEL, query, position, &mut sealed).map_err(sealing)?;
        Ok(URL_SAFE_NO_PAD.encode(sealed))
    }

    /// Where the listing continues.
    pub(crate) fn page_position(self, query: &[u8], token: &str) -> Result<Vec<u8>, Error> {
        let invalid = || Error::new(ErrorKind::InvalidNextToken, "The NextToken value is invalid.");
        if token.is_empty() || token.len() > MAX_LEN {
            return Err(invalid());
        }
        let sealed = URL_SAFE_NO_PAD.decode(token).map_err(|_| invalid())?;
        let key = self.0.records.derive(LABEL).map_err(storage)?;
        let position =
            self.0.records.sealer().open_box(&key, LABEL, query, &sealed).map_err(|_| invalid())?;
        Ok(position.expose().to_vec())
    }
}
