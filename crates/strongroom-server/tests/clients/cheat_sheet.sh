#!/bin/sh
# The AWS CLI's everyday commands, as people type them.
set -eu
directory=$(mktemp -d)
trap 'rm -rf "$directory"' EXIT
cd "$directory"
fails() { # code, then a command
    code=$1; shift
    if "$@" > out 2> err; then echo "succeeded instead of $code: $*" >&2; exit 1; fi
    grep -q "($code)" err || { echo "not $code: $(cat err)" >&2; exit 1; }
}
is() { [ "$1" = "$2" ] || { echo "'$1' is not '$2'" >&2; exit 1; }; }
sm() { aws secretsmanager "$@"; }

sm create-secret --name cli/db --description orders --secret-string '{"user":"app"}' --tags Key=team,Value=orders > made
printf 'from a file' > value
sm create-secret --name cli/file --secret-string file://value > /dev/null
printf '\001\002' > bytes
sm create-secret --name cli/bytes --secret-binary fileb://bytes > /dev/null
is "$(sm get-secret-value --secret-id cli/db --query SecretString --output text)" '{"user":"app"}'
is "$(sm get-secret-value --secret-id cli/file --query SecretString --output text)" 'from a file'
is "$(sm get-secret-value --secret-id cli/bytes --query SecretBinary --output text)" 'AQI='
sm put-secret-value --secret-id cli/db --secret-string two > /dev/null
is "$(sm get-secret-value --secret-id cli/db --version-stage AWSPREVIOUS --query SecretString --output text)" '{"user":"app"}'
is "$(sm list-secret-version-ids --secret-id cli/db --query 'length(Versions)')" 2
is "$(sm list-secrets --filters Key=name,Values=cli/ Key=tag-key,Values=team --query 'SecretList[].Name' --output text)" cli/db
is "$(sm list-secrets --filter Key=name,Values=cli/ --page-size 1 --query 'length(SecretList)')" 3
sm delete-secret --secret-id cli/db --recovery-window-in-days 7 > /dev/null
fails InvalidRequestException sm get-secret-value --secret-id cli/db
sm restore-secret --secret-id cli/db > /dev/null
is "$(sm get-secret-value --secret-id cli/db --query SecretString --output text)" two
sm delete-secret --secret-id cli/db --force-delete-without-recovery > /dev/null
fails ResourceNotFoundException sm get-secret-value --secret-id cli/db

key=$(aws kms create-key --query KeyMetadata.KeyId --output text)
aws kms create-alias --alias-name alias/cli --target-key-id "$key"
printf 'plain' > plain
aws kms encrypt --key-id alias/cli --plaintext fileb://plain --encryption-context a=b --query CiphertextBlob --output text | base64 -d > sealed
aws kms decrypt --ciphertext-blob fileb://sealed --encryption-context a=b --query Plaintext --output text | base64 -d > opened
cmp plain opened
fails InvalidCiphertextException aws kms decrypt --ciphertext-blob fileb://sealed

# A role, as somebody takes it on from a shell.
aws iam create-user --user-name cli > /dev/null
trust='{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"AWS":"000000000000"},"Action":"sts:AssumeRole"}}'
aws iam create-role --role-name cli-reader --assume-role-policy-document "$trust" > /dev/null
allow() { printf '{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"%s","Resource":"*"}}' "$1"; }
aws iam put-user-policy --user-name cli --policy-name assume --policy-document "$(allow sts:AssumeRole)"
aws iam put-role-policy --role-name cli-reader --policy-name read --policy-document "$(allow secretsmanager:GetSecretValue)"
aws iam create-access-key --user-name cli --query 'AccessKey.[AccessKeyId,SecretAccessKey]' --output text > key
AWS_ACCESS_KEY_ID=$(cut -f1 key) AWS_SECRET_ACCESS_KEY=$(cut -f2 key) aws sts assume-role \
    --role-arn arn:aws:iam::000000000000:role/cli-reader --role-session-name shell \
    --query 'Credentials.[AccessKeyId,SecretAccessKey,SessionToken]' --output text > session
AWS_ACCESS_KEY_ID=$(cut -f1 session) AWS_SECRET_ACCESS_KEY=$(cut -f2 session) AWS_SESSION_TOKEN=$(cut -f3 session)
export AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN
is "$(aws sts get-caller-identity --query Arn --output text)" arn:aws:sts::000000000000:assumed-role/cli-reader/shell
is "$(sm get-secret-value --secret-id cli/file --query SecretString --output text)" 'from a file'
fails AccessDeniedException sm put-secret-value --secret-id cli/file --secret-string no
echo "all good with the AWS CLI"
