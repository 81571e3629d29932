//! Listing the versions of a secret.

use strongroom_records::Key;
use strongroom_store::validate::Violations;
use strongroom_store::{Error, ListSecretVersionIds, VersionPage};
use strongroom_types::Timestamp;

use crate::call::Call;
use crate::permission::Gate;
use crate::read::list::{Lister, page_size, page_token_length};
use crate::storage::Storage;

impl Lister<'_> {
    pub(crate) async fn list_versions(
        self,
        call: &Call<'_>,
        request: &ListSecretVersionIds,
    ) -> Result<VersionPage, Error> {
        let mut violations = Violations::new();
        violations.secret_id(&request.id);
        let size = page_size(&mut violations, request.max_results);
        page_token_length(&mut violations, request.next_token.as_deref());
        violations.finish()?;
        let storage = Storage(self.0);
        let head = Gate(self.0).existing(call, &request.id).await?.head;
        let arn = head.arn(self.0.realm()).clone();
        let query = format!("versions {arn} {}", request.include_deprecated);
        let mut listed: Vec<_> = head
            .versions
            .iter()
            .filter(|version| {
                version.sealed.is_some() && (request.include_deprecated || !version.stages.is_empty())
            })
            .collect();
        // In the order of the positions that tokens hold: a clock may stand still or step back
        // between two versions.
        listed.sort_by_cached_key(|version| position_of(version.created, version.id.as_str()));
        let mut versions = listed.into_iter().peekable();
        if let Some(token) = &request.next_token {
            // The position is the time and id of the last version shown, and holds even if that one
            // is gone.
            let position = storage.page_position(query.as_bytes(), token)?;
            while versions
                .next_if(|version| position_of(version.created, version.id.as_str()) <= position)
                .is_some()
            {}
        }
        let mut page = VersionPage { arn, name: head.name.clone(), versions: Vec::new(), next_token: None };
        let mut last = Vec::new();
        while page.versions.len() < size {
            let Some(version) = versions.next() else { return Ok(page) };
            last = position_of(version.created, version.id.as_str());
            let mut metadata = version.metadata();
            let accessed = self.0.notes().last(&head, Some(&version.id), version.accessed);
            metadata.last_accessed = accessed.map(Timestamp::from_millis);
            page.versions.push(metadata);
        }
        if versions.peek().is_some() {
            page.next_token = Some(storage.page_token(query.as_bytes(), &last)?);
        }
        Ok(page)
    }
}

fn position_of(created: i64, id: &str) -> Vec<u8> {
    Key::default().then_time(Timestamp::from_millis(created)).then(id).as_bytes().to_vec()
}
