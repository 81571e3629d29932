//! Moving a custom label.

use strongroom_store::{Error, ErrorKind, SecretRef, Stage, UpdateSecretVersionStage};
use strongroom_types::CallContext;

use super::history::number;
use super::{ParameterStore, unsupported};
use crate::caller::own_store;
use crate::error::parameters::error;

impl ParameterStore {
    /// Checks Secrets Manager's rules first: moving a label requires naming the version that has
    /// it.
    pub(super) async fn move_label(
        &self,
        cx: &CallContext,
        request: UpdateSecretVersionStage,
    ) -> Result<SecretRef, Error> {
        const NAME: &str = "UpdateSecretVersionStage";
        own_store(cx, NAME)?;
        let named = |error: Error| error.during(NAME);
        let label = request.stage.as_str();
        if [Stage::CURRENT, Stage::PREVIOUS, Stage::PENDING].contains(&request.stage) {
            let text = "in Parameter Store the newest version is always current, and AWS's labels cannot be moved: to roll back, put the old value again";
            return Err(unsupported(NAME, text));
        }
        let parameter = self.names.of(&request.id).map_err(named)?;
        let labels = self.history(&parameter, NAME).await?.labels();
        let (from, to) = (request.remove_from.as_ref(), request.move_to.as_ref());
        labels.move_stage(&request.stage, from, to).map_err(|refused| named(refused.into()))?;
        let invalid = match (to.and_then(number), from.and_then(number)) {
            (Some(to), _) => {
                let call = self.client.label_parameter_version().name(&parameter).parameter_version(to);
                let answer = call.labels(label).send().await.map_err(|failed| error(NAME, true, failed))?;
                answer.invalid_labels
            }
            (None, Some(from)) => {
                let call = self.client.unlabel_parameter_version().name(&parameter).parameter_version(from);
                let answer = call.labels(label).send().await.map_err(|failed| error(NAME, true, failed))?;
                answer.invalid_labels
            }
            // Unreachable: `move_stage` refuses it.
            (None, None) => None,
        };
        if invalid.is_some_and(|invalid| !invalid.is_empty()) {
            let text = "a label in Parameter Store consists of letters, digits and _.- and does not begin with a digit, aws or ssm";
            return Err(named(Error::new(ErrorKind::InvalidParameter, text).with("label", label)));
        }
        Ok(self.reference(&parameter))
    }
}
