"""boto3 over TLS: the life of a secret, and a policy that looks at the transport."""

import json
import os

import boto3
import botocore.exceptions
from botocore.config import Config

trusted, stranger = os.environ["TRUSTED"], os.environ["STRANGER"]
once = Config(retries={"total_max_attempts": 1}, connect_timeout=5, read_timeout=5)


def client(service, **kwargs):
    return boto3.client(service, config=once, **{"verify": trusted, **kwargs})


secrets, iam = client("secretsmanager"), client("iam")
made = secrets.create_secret(Name="db", SecretString="v")
assert secrets.get_secret_value(SecretId="db")["SecretString"] == "v"

# Whoever may read over TLS only may, here.
iam.create_user(UserName="reader")
policy = {
    "Version": "2012-10-17",
    "Statement": {
        "Effect": "Allow",
        "Action": "secretsmanager:GetSecretValue",
        "Resource": made["ARN"],
        "Condition": {"Bool": {"aws:SecureTransport": "true"}},
    },
}
iam.put_user_policy(UserName="reader", PolicyName="tls", PolicyDocument=json.dumps(policy))
key = iam.create_access_key(UserName="reader")["AccessKey"]
reader = client(
    "secretsmanager", aws_access_key_id=key["AccessKeyId"], aws_secret_access_key=key["SecretAccessKey"]
)
assert reader.get_secret_value(SecretId="db")["SecretString"] == "v"

# Another authority's word is not taken, and nothing is answered in the clear.
try:
    client("secretsmanager", verify=stranger).list_secrets()
    raise SystemExit("a certificate of another authority was taken")
except botocore.exceptions.SSLError:
    pass
try:
    client("secretsmanager", endpoint_url=os.environ["CLEAR_URL"]).list_secrets()
    raise SystemExit("answered in the clear")
except botocore.exceptions.BotoCoreError:
    pass
print("all good")
