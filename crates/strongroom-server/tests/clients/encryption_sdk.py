"""The AWS Encryption SDK with a KMS master key provider: encrypted here, decrypted there, with its context."""

import os

import aws_encryption_sdk
import boto3
from aws_encryption_sdk import CommitmentPolicy, StrictAwsKmsMasterKeyProvider
from botocore.session import Session

kms = boto3.client("kms", endpoint_url=os.environ["AWS_ENDPOINT_URL"], region_name="us-east-1")
arns = [kms.create_key(Description=text)["KeyMetadata"]["Arn"] for text in ("one", "two")]
# The SDK makes clients of its own, region by region; they find the endpoint in the environment.
session = Session()
client = aws_encryption_sdk.EncryptionSDKClient(commitment_policy=CommitmentPolicy.REQUIRE_ENCRYPT_REQUIRE_DECRYPT)
both = StrictAwsKmsMasterKeyProvider(key_ids=arns, botocore_session=session)
context = {"table": "orders", "row": "7"}
plaintext = os.urandom(10_000)
sealed, _ = client.encrypt(source=plaintext, key_provider=both, encryption_context=context)
for arn in arns:
    # Each of the two keys opens it alone.
    one = StrictAwsKmsMasterKeyProvider(key_ids=[arn], botocore_session=session)
    opened, header = client.decrypt(source=sealed, key_provider=one)
    assert opened == plaintext
    assert all(header.encryption_context[name] == value for name, value in context.items())
kms.disable_key(KeyId=arns[0])
try:
    client.decrypt(source=sealed, key_provider=StrictAwsKmsMasterKeyProvider(key_ids=[arns[0]], botocore_session=session))
    raise AssertionError("a disabled key opens nothing")
except aws_encryption_sdk.exceptions.DecryptKeyError:
    pass
changed = bytearray(sealed)
changed[-5] ^= 1
try:
    client.decrypt(source=bytes(changed), key_provider=StrictAwsKmsMasterKeyProvider(key_ids=[arns[1]], botocore_session=session))
    raise AssertionError("what was changed does not open")
except Exception as error:
    assert not isinstance(error, AssertionError), error
print("all good with the encryption SDK")
