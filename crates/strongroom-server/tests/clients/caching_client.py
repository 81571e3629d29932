"""The official caching client for Python: values by stage, a moved stage after a refresh, decorators, errors."""

import os
import time

import boto3
from aws_secretsmanager_caching import InjectKeywordedSecretString, InjectSecretString, SecretCache, SecretCacheConfig
from botocore.exceptions import ClientError

client = boto3.client("secretsmanager", endpoint_url=os.environ["AWS_ENDPOINT_URL"], region_name="us-east-1")
client.create_secret(Name="cached", SecretString='{"user":"app","password":"one"}')
client.create_secret(Name="cached/bytes", SecretBinary=b"\x01\x02")
cache = SecretCache(config=SecretCacheConfig(secret_refresh_interval=1), client=client)
assert cache.get_secret_string("cached") == '{"user":"app","password":"one"}'
assert cache.get_secret_binary("cached/bytes") == b"\x01\x02"
client.put_secret_value(SecretId="cached", SecretString='{"user":"app","password":"two"}')
for _ in range(50):
    if "two" in cache.get_secret_string("cached"):
        break
    time.sleep(0.1)
assert cache.get_secret_string("cached") == '{"user":"app","password":"two"}'
assert cache.get_secret_string("cached", version_stage="AWSPREVIOUS") == '{"user":"app","password":"one"}'


@InjectSecretString("cached", cache)
def whole(secret):
    return secret


@InjectKeywordedSecretString(secret_id="cached", cache=cache, name="user", word="password")
def parts(name, word):
    return name, word


assert "two" in whole() and parts() == ("app", "two")
try:
    cache.get_secret_string("nobody")
    raise AssertionError("nobody is there")
except ClientError as error:
    assert error.response["Error"]["Code"] == "ResourceNotFoundException"
print("all good with the caching client")
