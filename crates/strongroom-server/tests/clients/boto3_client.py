"""boto3 against the server: the operations of both services, sessions, errors, and signatures that are not good.

Run by tests/clients.rs, which sets the endpoint and the owner's access key in the environment.
"""

import base64
import json
import os
import time
import uuid

import boto3
import botocore
from botocore.config import Config
from botocore.exceptions import ClientError

ENDPOINT = os.environ["AWS_ENDPOINT_URL"]
CONFIG = Config(retries={"max_attempts": 1})


def client(service, **how):
    return boto3.client(service, endpoint_url=ENDPOINT, config=CONFIG, **{"region_name": "us-east-1", **how})


def fails(code, call, *args, **how):
    try:
        call(*args, **how)
    except ClientError as error:
        got = error.response["Error"]
        assert got["Code"] == code, got
        assert error.response["ResponseMetadata"]["RequestId"]
        return got["Message"]
    raise AssertionError(f"{call.__name__} {how} succeeded instead of {code}")


def secrets():
    sm = client("secretsmanager")
    made = sm.create_secret(
        Name="prod/db",
        Description="orders",
        SecretString='{"user":"app","password":"s3cr\u00e9t"}',
        Tags=[{"Key": "team", "Value": "orders"}],
    )
    arn, first = made["ARN"], made["VersionId"]
    assert arn.startswith("arn:aws:secretsmanager:us-east-1:000000000000:secret:prod/db-")
    for secret_id in ("prod/db", arn, arn[:-7]):
        got = sm.get_secret_value(SecretId=secret_id)
        assert json.loads(got["SecretString"])["password"] == "s3cr\u00e9t" and got["VersionId"] == first
        assert got["VersionStages"] == ["AWSCURRENT"] and got["Name"] == "prod/db" and "SecretBinary" not in got
        assert abs(got["CreatedDate"].timestamp() - time.time()) < 60
    token = str(uuid.uuid4())
    put = sm.put_secret_value(SecretId="prod/db", SecretBinary=b"\x00\xff bytes", ClientRequestToken=token)
    assert put["VersionId"] == token and put["VersionStages"] == ["AWSCURRENT"]
    again = sm.put_secret_value(SecretId="prod/db", SecretBinary=b"\x00\xff bytes", ClientRequestToken=token)
    assert again["VersionId"] == token
    message = fails(
        "ResourceExistsException", sm.put_secret_value, SecretId="prod/db", SecretString="x", ClientRequestToken=token
    )
    assert message.startswith("You can't use ClientRequestToken")
    assert sm.get_secret_value(SecretId="prod/db")["SecretBinary"] == b"\x00\xff bytes"
    old = sm.get_secret_value(SecretId="prod/db", VersionStage="AWSPREVIOUS")
    assert old["VersionId"] == first
    described = sm.describe_secret(SecretId="prod/db")
    assert described["VersionIdsToStages"] == {first: ["AWSPREVIOUS"], token: ["AWSCURRENT"]}
    assert described["Tags"] == [{"Key": "team", "Value": "orders"}] and described["Description"] == "orders"
    sm.update_secret_version_stage(
        SecretId="prod/db", VersionStage="AWSCURRENT", RemoveFromVersionId=token, MoveToVersionId=first
    )
    assert sm.get_secret_value(SecretId="prod/db")["VersionId"] == first
    listed = sm.list_secret_version_ids(SecretId="prod/db", IncludeDeprecated=True)["Versions"]
    assert {one["VersionId"] for one in listed} == {first, token}
    sm.update_secret(SecretId="prod/db", Description="old orders")
    sm.tag_resource(SecretId="prod/db", Tags=[{"Key": "stage", "Value": "prod"}])
    sm.untag_resource(SecretId="prod/db", TagKeys=["team"])
    assert sm.describe_secret(SecretId="prod/db")["Tags"] == [{"Key": "stage", "Value": "prod"}]

    for number in range(25):
        sm.create_secret(Name=f"many/{number:02}", SecretString=str(number))
    names = [s["Name"] for page in sm.get_paginator("list_secrets").paginate(
        Filters=[{"Key": "name", "Values": ["many/"]}], SortBy="name", SortOrder="desc",
        PaginationConfig={"PageSize": 10}) for s in page["SecretList"]]
    assert names == [f"many/{number:02}" for number in reversed(range(25))], names
    batch = sm.batch_get_secret_value(SecretIdList=["many/03", "none", "prod/db"])
    assert [one["Name"] for one in batch["SecretValues"]] == ["many/03", "prod/db"]
    assert batch["Errors"] == [{
        "SecretId": "none", "ErrorCode": "ResourceNotFoundException",
        "Message": "Secrets Manager can't find the specified secret."}], batch["Errors"]
    assert len(sm.get_random_password(PasswordLength=20, ExcludePunctuation=True)["RandomPassword"]) == 20

    policy = json.dumps({"Version": "2012-10-17", "Statement": [{
        "Effect": "Allow", "Principal": {"AWS": "999999999999"}, "Action": "secretsmanager:GetSecretValue", "Resource": "*"}]})
    sm.put_resource_policy(SecretId="prod/db", ResourcePolicy=policy, BlockPublicPolicy=True)
    assert sm.get_resource_policy(SecretId="prod/db")["ResourcePolicy"] == policy
    assert sm.validate_resource_policy(SecretId="prod/db", ResourcePolicy=policy)["PolicyValidationPassed"] is True
    sm.delete_resource_policy(SecretId="prod/db")
    assert "ResourcePolicy" not in sm.get_resource_policy(SecretId="prod/db")

    deleted = sm.delete_secret(SecretId="prod/db", RecoveryWindowInDays=7)
    assert 6.9 * 86400 < deleted["DeletionDate"].timestamp() - time.time() < 7.1 * 86400
    fails("InvalidRequestException", sm.get_secret_value, SecretId="prod/db")
    sm.restore_secret(SecretId="prod/db")
    sm.delete_secret(SecretId="prod/db", ForceDeleteWithoutRecovery=True)
    message = fails("ResourceNotFoundException", sm.get_secret_value, SecretId="prod/db")
    assert message == "Secrets Manager can't find the specified secret."
    message = fails("ValidationException", sm.get_secret_value, SecretId="a b")
    assert message.startswith("Invalid name. Must be a valid name")
    fails("InvalidParameterException", sm.create_secret, Name="x", SecretString="a", SecretBinary=b"b")
    fails("UnknownOperationException", sm.rotate_secret, SecretId="many/01")
    # Another region is another place.
    fails("ResourceNotFoundException", client("secretsmanager", region_name="eu-central-1").get_secret_value, SecretId="many/01")


def keys():
    kms = client("kms")
    key = kms.create_key(Description="orders", Tags=[{"TagKey": "team", "TagValue": "orders"}])["KeyMetadata"]
    key_id, arn = key["KeyId"], key["Arn"]
    assert key["Enabled"] and key["KeyState"] == "Enabled" and key["EncryptionAlgorithms"] == ["SYMMETRIC_DEFAULT"]
    kms.create_alias(AliasName="alias/orders", TargetKeyId=key_id)
    context = {"table": "orders"}
    sealed = kms.encrypt(KeyId="alias/orders", Plaintext=b"42", EncryptionContext=context)
    assert sealed["KeyId"] == arn
    opened = kms.decrypt(CiphertextBlob=sealed["CiphertextBlob"], EncryptionContext=context)
    assert opened["Plaintext"] == b"42" and opened["KeyId"] == arn
    assert fails("InvalidCiphertextException", kms.decrypt, CiphertextBlob=sealed["CiphertextBlob"]) == ""
    data = kms.generate_data_key(KeyId=arn, KeySpec="AES_256", EncryptionContext=context)
    assert len(data["Plaintext"]) == 32
    assert kms.decrypt(CiphertextBlob=data["CiphertextBlob"], EncryptionContext=context, KeyId=arn)["Plaintext"] == data["Plaintext"]
    assert "Plaintext" not in kms.generate_data_key_without_plaintext(KeyId=arn, NumberOfBytes=16)
    fails("ValidationException", kms.generate_data_key, KeyId=arn)
    other = kms.create_key()["KeyMetadata"]["KeyId"]
    moved = kms.re_encrypt(
        CiphertextBlob=sealed["CiphertextBlob"], SourceEncryptionContext=context, DestinationKeyId=other)
    assert kms.decrypt(CiphertextBlob=moved["CiphertextBlob"])["Plaintext"] == b"42"
    mac_key = kms.create_key(KeySpec="HMAC_256", KeyUsage="GENERATE_VERIFY_MAC")["KeyMetadata"]["KeyId"]
    mac = kms.generate_mac(KeyId=mac_key, Message=b"m", MacAlgorithm="HMAC_SHA_256")["Mac"]
    assert kms.verify_mac(KeyId=mac_key, Message=b"m", MacAlgorithm="HMAC_SHA_256", Mac=mac)["MacValid"]
    fails("KMSInvalidMacException", kms.verify_mac, KeyId=mac_key, Message=b"n", MacAlgorithm="HMAC_SHA_256", Mac=mac)
    assert len(kms.generate_random(NumberOfBytes=24)["Plaintext"]) == 24
    found = {k["KeyId"] for page in kms.get_paginator("list_keys").paginate(PaginationConfig={"PageSize": 2}) for k in page["Keys"]}
    assert {key_id, other, mac_key} <= found
    assert [a["AliasName"] for a in kms.list_aliases(KeyId=key_id)["Aliases"]] == ["alias/orders"]
    assert kms.list_resource_tags(KeyId=key_id)["Tags"] == [{"TagKey": "team", "TagValue": "orders"}]
    kms.enable_key_rotation(KeyId=key_id, RotationPeriodInDays=180)
    assert kms.get_key_rotation_status(KeyId=key_id)["RotationPeriodInDays"] == 180
    kms.rotate_key_on_demand(KeyId=key_id)
    assert kms.decrypt(CiphertextBlob=sealed["CiphertextBlob"], EncryptionContext=context)["Plaintext"] == b"42"
    assert len(kms.list_key_rotations(KeyId=key_id)["Rotations"]) == 1
    policy = kms.get_key_policy(KeyId=key_id, PolicyName="default")["Policy"]
    kms.put_key_policy(KeyId=key_id, PolicyName="default", Policy=policy)
    grant = kms.create_grant(KeyId=key_id, GranteePrincipal="arn:aws:iam::999999999999:user/x", Operations=["Decrypt"],
                             Constraints={"EncryptionContextSubset": context})
    listed = kms.list_grants(KeyId=key_id)["Grants"]
    assert listed[0]["GrantId"] == grant["GrantId"] and listed[0]["Constraints"] == {"EncryptionContextSubset": context}
    kms.revoke_grant(KeyId=key_id, GrantId=grant["GrantId"])
    kms.disable_key(KeyId=key_id)
    assert fails("DisabledException", kms.encrypt, KeyId=key_id, Plaintext=b"x") == f"{arn} is disabled."
    kms.enable_key(KeyId=key_id)
    planned = kms.schedule_key_deletion(KeyId=other, PendingWindowInDays=7)
    assert planned["KeyState"] == "PendingDeletion"
    kms.cancel_key_deletion(KeyId=other)
    fails("NotFoundException", kms.describe_key, KeyId=str(uuid.uuid4()))
    fails("UnknownOperationException", kms.sign, KeyId=key_id, Message=b"m", SigningAlgorithm="ECDSA_SHA_256")
    fails("DryRunOperationException", kms.encrypt, KeyId=key_id, Plaintext=b"x", DryRun=True)
    imported = kms.create_key(Origin="EXTERNAL")["KeyMetadata"]
    assert imported["KeyState"] == "PendingImport"
    client("secretsmanager").create_secret(Name="own/key", SecretString="v", KmsKeyId="alias/orders")
    uses = client("secretsmanager").list_secret_version_ids(SecretId="own/key")["Versions"][0]["KmsKeyIds"]
    assert uses == [arn]


def people():
    iam, sts, sm, kms = client("iam"), client("sts"), client("secretsmanager"), client("kms")
    me = sts.get_caller_identity()
    assert me["Arn"] == "arn:aws:iam::000000000000:root" and me["Account"] == "000000000000"
    alice = iam.create_user(UserName="alice", Tags=[{"Key": "team", "Value": "orders"}])["User"]
    key = iam.create_access_key(UserName="alice")["AccessKey"]
    hers = {"aws_access_key_id": key["AccessKeyId"], "aws_secret_access_key": key["SecretAccessKey"]}
    assert client("sts", **hers).get_caller_identity()["Arn"] == alice["Arn"]
    sm.create_secret(Name="story", SecretString="v")
    message = fails("AccessDeniedException", client("secretsmanager", **hers).get_secret_value, SecretId="story")
    assert "no identity-based policy allows the secretsmanager:GetSecretValue action" in message, message
    allow = lambda *actions: json.dumps({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Action": list(actions), "Resource": "*"}]})
    iam.put_user_policy(UserName="alice", PolicyName="read", PolicyDocument=allow("secretsmanager:GetSecretValue", "sts:AssumeRole"))
    assert client("secretsmanager", **hers).get_secret_value(SecretId="story")["SecretString"] == "v"
    # Under a customer key it takes another permission.
    kms.create_alias(AliasName="alias/story", TargetKeyId=kms.create_key()["KeyMetadata"]["KeyId"])
    sm.update_secret(SecretId="story", KmsKeyId="alias/story")
    message = fails("AccessDeniedException", client("secretsmanager", **hers).get_secret_value, SecretId="story")
    assert message == "Access to KMS is not allowed"
    trust = json.dumps({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Principal": {"AWS": alice["Arn"]}, "Action": "sts:AssumeRole"}]})
    role = iam.create_role(RoleName="reader", AssumeRolePolicyDocument=trust)["Role"]
    assert role["AssumeRolePolicyDocument"] == json.loads(trust)
    iam.put_role_policy(RoleName="reader", PolicyName="read", PolicyDocument=allow("secretsmanager:GetSecretValue", "kms:Decrypt"))
    taken = client("sts", **hers).assume_role(RoleArn=role["Arn"], RoleSessionName="run-1", DurationSeconds=900)
    given = taken["Credentials"]
    session = {"aws_access_key_id": given["AccessKeyId"], "aws_secret_access_key": given["SecretAccessKey"],
               "aws_session_token": given["SessionToken"]}
    assert client("sts", **session).get_caller_identity()["Arn"].endswith(":assumed-role/reader/run-1")
    assert client("secretsmanager", **session).get_secret_value(SecretId="story")["SecretString"] == "v"
    fails("AccessDeniedException", client("secretsmanager", **session).put_secret_value, SecretId="story", SecretString="w")
    # The account is the same in every region.
    fails("ResourceNotFoundException", client("secretsmanager", region_name="eu-west-1").get_secret_value, SecretId="story")
    fails("AccessDeniedException", client("secretsmanager", region_name="eu-west-1", **hers).list_secrets)
    fails("AccessDenied", client("sts", **hers).assume_role, RoleArn=role["Arn"] + "x", RoleSessionName="run-1")
    fails("EntityAlreadyExists", iam.create_user, UserName="alice")

    # Signatures that are not good.
    fails("UnrecognizedClientException", client("secretsmanager", **session | {"aws_session_token": "bm9uZQ=="}).list_secrets)
    fails("UnrecognizedClientException", client("secretsmanager", aws_access_key_id="AKIANOBODYNOBODY", aws_secret_access_key="x").list_secrets)
    fails("InvalidSignatureException", client("secretsmanager", **hers | {"aws_secret_access_key": "x"}).list_secrets)
    unsigned = client("secretsmanager")
    unsigned.meta.events.register("choose-signer.secretsmanager.*", lambda **_: botocore.UNSIGNED)
    fails("MissingAuthenticationTokenException", unsigned.list_secrets)
    iam.delete_access_key(UserName="alice", AccessKeyId=key["AccessKeyId"])
    fails("UnrecognizedClientException", client("secretsmanager", **hers).list_secrets)


secrets()
keys()
people()
print("all good with boto3", boto3.__version__)
