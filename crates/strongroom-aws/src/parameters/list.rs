//! Listing parameters.

use aws_sdk_ssm::types::{ParameterMetadata, ParameterStringFilter};
use strongroom_store::validate::Violations;
use strongroom_store::{Error, Filter, ListSecrets, SecretMetadata, SecretPage, SortBy, SortOrder, Stage};
use strongroom_types::CallContext;

use super::history::{MANAGED_KEY, time, unreadable, version_id};
use super::{ParameterStore, unsupported};
use crate::caller::own_store;
use crate::error::parameters::error;

/// The maximum number of parameters per page.
const PAGE: i64 = 50;

fn filter(key: &str, option: &str, values: Vec<String>) -> Result<ParameterStringFilter, Error> {
    let filter = ParameterStringFilter::builder().key(key).option(option).set_values(Some(values));
    filter.build().map_err(|_| unreadable("ParameterFilters"))
}

impl ParameterStore {
    pub(super) async fn list(&self, cx: &CallContext, request: ListSecrets) -> Result<SecretPage, Error> {
        const NAME: &str = "ListSecrets";
        own_store(cx, NAME)?;
        let named = |error: Error| error.during(NAME);
        let mut violations = Violations::new();
        if let Some(most) = request.max_results {
            violations.number("maxResults", most, 1, 100);
        }
        Filter::check(&request.filters, &mut violations).map_err(named)?;
        violations.finish().map_err(named)?;
        if (request.sort_by, request.sort_order) != (SortBy::default(), SortOrder::default()) {
            return Err(unsupported(NAME, "Parameter Store does not support sort orders"));
        }
        let mut filters = vec![filter("Type", "Equals", vec!["SecureString".to_owned()])?];
        if !self.names.base.is_empty() {
            filters.push(filter("Path", "Recursive", vec![self.names.base.clone()])?);
        }
        for asked in &request.filters {
            let Some(prefixes) = asked.name_prefixes() else {
                return Err(unsupported(NAME, "Parameter Store supports only filters by name prefix"));
            };
            // Only saves pages: the filters are applied to each result below.
            if self.names.base.is_empty() && filters.len() == 1 {
                filters.push(filter("Name", "BeginsWith", prefixes.to_vec())?);
            }
        }
        let most = request.max_results.unwrap_or(PAGE).min(PAGE);
        let call = self
            .client
            .describe_parameters()
            .set_parameter_filters(Some(filters))
            .max_results(i32::try_from(most).unwrap_or(50))
            .set_next_token(request.next_token);
        let answer = call.send().await.map_err(|failed| error(NAME, false, failed))?;
        let mut secrets = Vec::new();
        for told in answer.parameters.unwrap_or_default() {
            let Some(secret) = self.listed(told).map_err(named)? else { continue };
            if request.filters.iter().all(|filter| filter.matches(&secret)) {
                secrets.push(secret);
            }
        }
        Ok(SecretPage { secrets, next_token: answer.next_token })
    }

    fn listed(&self, told: ParameterMetadata) -> Result<Option<SecretMetadata>, Error> {
        let parameter = told.name.ok_or_else(|| unreadable("Name"))?;
        let Some(name) = self.names.secret(&parameter) else { return Ok(None) };
        let changed = time(told.last_modified_date)?;
        let mut metadata = SecretMetadata::new(self.names.arn(&parameter), name, changed);
        metadata.description = told.description.filter(|text| !text.is_empty());
        metadata.kms_key_id = told.key_id.filter(|key| key != MANAGED_KEY);
        metadata.versions = [(version_id(told.version), [Stage::CURRENT].into())].into();
        Ok(Some(metadata))
    }
}
