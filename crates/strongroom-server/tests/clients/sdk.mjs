// The AWS SDK for JavaScript: a secret's life, paging, errors as its own types, keys.

import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import {
  CreateSecretCommand, DeleteSecretCommand, DescribeSecretCommand, GetSecretValueCommand, InvalidRequestException,
  ListSecretVersionIdsCommand, PutSecretValueCommand, ResourceExistsException, ResourceNotFoundException,
  RestoreSecretCommand, SecretsManagerClient, UpdateSecretVersionStageCommand, paginateListSecrets,
} from "@aws-sdk/client-secrets-manager";
import {
  CreateAliasCommand, CreateKeyCommand, DecryptCommand, DisableKeyCommand, DisabledException, EncryptCommand,
  GenerateDataKeyCommand, InvalidCiphertextException, KMSClient, NotFoundException, DescribeKeyCommand,
} from "@aws-sdk/client-kms";

const options = { endpoint: process.env.AWS_ENDPOINT_URL, region: "us-east-1", maxAttempts: 1 };
const sm = new SecretsManagerClient(options);
const send = (Command, input) => sm.send(new Command(input));

const made = await send(CreateSecretCommand, { Name: "js/db", SecretString: "one", Tags: [{ Key: "team", Value: "js" }] });
const token = randomUUID();
const put = { SecretId: "js/db", SecretBinary: new Uint8Array([0, 255]), ClientRequestToken: token };
await send(PutSecretValueCommand, put);
assert.equal((await send(PutSecretValueCommand, put)).VersionId, token);
await assert.rejects(send(PutSecretValueCommand, { ...put, SecretBinary: undefined, SecretString: "x" }), ResourceExistsException);
const got = await send(GetSecretValueCommand, { SecretId: made.ARN });
assert.deepEqual([...got.SecretBinary], [0, 255]);
assert.ok(Math.abs(got.CreatedDate - Date.now()) < 60_000);
assert.equal((await send(GetSecretValueCommand, { SecretId: "js/db", VersionStage: "AWSPREVIOUS" })).SecretString, "one");
const described = await send(DescribeSecretCommand, { SecretId: "js/db" });
assert.deepEqual(described.VersionIdsToStages, { [made.VersionId]: ["AWSPREVIOUS"], [token]: ["AWSCURRENT"] });
await send(UpdateSecretVersionStageCommand, {
  SecretId: "js/db", VersionStage: "AWSCURRENT", RemoveFromVersionId: token, MoveToVersionId: made.VersionId,
});
assert.equal((await send(GetSecretValueCommand, { SecretId: "js/db" })).SecretString, "one");
assert.equal((await send(ListSecretVersionIdsCommand, { SecretId: "js/db" })).Versions.length, 2);
for (let n = 0; n < 12; n++) await send(CreateSecretCommand, { Name: `js/many/${n}`, SecretString: `${n}` });
const names = [];
const pages = paginateListSecrets({ client: sm, pageSize: 5 }, { Filters: [{ Key: "name", Values: ["js/many/"] }] });
for await (const page of pages) names.push(...page.SecretList.map((secret) => secret.Name));
assert.equal(new Set(names).size, 12);
await send(DeleteSecretCommand, { SecretId: "js/db", RecoveryWindowInDays: 7 });
await assert.rejects(send(GetSecretValueCommand, { SecretId: "js/db" }), InvalidRequestException);
await send(RestoreSecretCommand, { SecretId: "js/db" });
await send(DeleteSecretCommand, { SecretId: "js/db", ForceDeleteWithoutRecovery: true });
await assert.rejects(send(GetSecretValueCommand, { SecretId: "js/db" }), (error) =>
  error instanceof ResourceNotFoundException && error.message === "Secrets Manager can't find the specified secret.");

const kms = new KMSClient(options);
const call = (Command, input) => kms.send(new Command(input));
const { KeyMetadata: key } = await call(CreateKeyCommand, {});
await call(CreateAliasCommand, { AliasName: "alias/js", TargetKeyId: key.KeyId });
const context = { EncryptionContext: { a: "b" } };
const sealed = await call(EncryptCommand, { KeyId: "alias/js", Plaintext: Buffer.from("plain"), ...context });
const opened = await call(DecryptCommand, { CiphertextBlob: sealed.CiphertextBlob, ...context });
assert.equal(Buffer.from(opened.Plaintext).toString(), "plain");
await assert.rejects(call(DecryptCommand, { CiphertextBlob: sealed.CiphertextBlob }), InvalidCiphertextException);
assert.equal((await call(GenerateDataKeyCommand, { KeyId: key.Arn, KeySpec: "AES_128" })).Plaintext.length, 16);
await call(DisableKeyCommand, { KeyId: key.KeyId });
await assert.rejects(call(EncryptCommand, { KeyId: key.KeyId, Plaintext: Buffer.from("x") }), DisabledException);
await assert.rejects(call(DescribeKeyCommand, { KeyId: randomUUID() }), NotFoundException);
console.log("all good with the SDK for JavaScript");
