"""boto3 over all of IAM that the server has: made, listed, changed, deleted; pages, errors, and botocore's own model of the service.

Run by tests/clients.rs, which sets the endpoint and the owner's access key in the environment.
"""

import io
import json
import os
import time
import urllib.error
import urllib.parse
import urllib.request
import xml.etree.ElementTree as tree

import boto3
from botocore import xform_name
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.exceptions import ClientError

ENDPOINT = os.environ["AWS_ENDPOINT_URL"]
# What a value may be the server says, not the client.
CONFIG = Config(retries={"max_attempts": 1}, parameter_validation=False)


def client(service, **how):
    return boto3.client(service, endpoint_url=ENDPOINT, config=CONFIG, **{"region_name": "us-east-1", **how})


iam = client("iam")


def fails(code, call, *args, **how):
    try:
        call(*args, **how)
    except ClientError as error:
        got = error.response["Error"]
        assert got["Code"] == code, got
        return got["Message"], error.response["ResponseMetadata"]["HTTPStatusCode"]
    raise AssertionError(f"{call.__name__} {how} succeeded instead of {code}")


def document(action="secretsmanager:GetSecretValue"):
    return {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": action, "Resource": "*"}]}


TRUST = {"Version": "2012-10-17", "Statement": [
    {"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::000000000000:root"}, "Action": "sts:AssumeRole"}]}


def pages(operation, result, size, **how):
    """All of a list, page by page; each page but the last is full."""
    found = []
    for page in iam.get_paginator(operation).paginate(PaginationConfig={"PageSize": size}, **how):
        assert len(page[result]) == size or not page["IsTruncated"], page
        assert page["IsTruncated"] == ("Marker" in page), page
        found += page[result]
    return found


def users():
    for name in ("alice", "bob", "carol", "dave", "erin"):
        made = iam.create_user(UserName=name, Path="/teams/" if name in ("bob", "dave") else "/", Tags=[{"Key": "n", "Value": name}])
        assert made["User"]["Tags"] == [{"Key": "n", "Value": name}]
    for size in (1, 2, 5, 100):
        assert [user["UserName"] for user in pages("list_users", "Users", size)] == ["alice", "bob", "carol", "dave", "erin"]
        assert [user["UserName"] for user in pages("list_users", "Users", size, PathPrefix="/teams/")] == ["bob", "dave"]
    assert "Tags" not in iam.list_users()["Users"][0]
    alice = iam.get_user(UserName="alice")["User"]
    assert alice["Arn"] == "arn:aws:iam::000000000000:user/alice" and abs(alice["CreateDate"].timestamp() - time.time()) < 60
    assert iam.get_user()["User"]["Arn"] == "arn:aws:iam::000000000000:root"

    iam.tag_user(UserName="alice", Tags=[{"Key": f"k{n:02}", "Value": "v"} for n in range(10)] + [{"Key": "N", "Value": "new"}])
    iam.untag_user(UserName="alice", TagKeys=["k00", "missing"])
    assert pages("list_user_tags", "Tags", 3, UserName="alice") == (
        [{"Key": "N", "Value": "new"}] + [{"Key": f"k{n:02}", "Value": "v"} for n in range(1, 10)])
    for n in range(4):
        iam.put_user_policy(UserName="alice", PolicyName=f"p{n}", PolicyDocument=json.dumps(document("kms:Decrypt")))
    assert pages("list_user_policies", "PolicyNames", 3, UserName="alice") == ["p0", "p1", "p2", "p3"]
    got = iam.get_user_policy(UserName="alice", PolicyName="p0")
    assert got["PolicyDocument"] == document("kms:Decrypt") and got["UserName"] == "alice" and got["PolicyName"] == "p0"
    assert fails("NoSuchEntity", iam.get_user_policy, UserName="alice", PolicyName="x") == (
        "The user policy with name x cannot be found.", 404)
    assert fails("DeleteConflict", iam.delete_user, UserName="alice")[1] == 409
    for n in range(4):
        iam.delete_user_policy(UserName="alice", PolicyName=f"p{n}")
    assert iam.list_groups_for_user(UserName="alice")["Groups"] == []
    fails("NoSuchEntity", iam.list_groups_for_user, UserName="nobody")

    iam.put_user_permissions_boundary(UserName="alice", PermissionsBoundary="arn:aws:iam::aws:policy/AdministratorAccess")
    boundary = iam.get_user(UserName="alice")["User"]["PermissionsBoundary"]
    assert boundary["PermissionsBoundaryArn"] == "arn:aws:iam::aws:policy/AdministratorAccess"
    iam.delete_user_permissions_boundary(UserName="alice")
    assert "PermissionsBoundary" not in iam.get_user(UserName="alice")["User"]
    iam.update_user(UserName="erin", NewUserName="eve", NewPath="/left/")
    assert iam.get_user(UserName="eve")["User"]["Arn"] == "arn:aws:iam::000000000000:user/left/eve"
    fails("NoSuchEntity", iam.get_user, UserName="erin")
    assert fails("EntityAlreadyExists", iam.update_user, UserName="eve", NewUserName="bob") == (
        "User with name bob already exists.", 409)


def access_keys():
    made = [iam.create_access_key(UserName="alice")["AccessKey"] for _ in range(2)]
    assert fails("LimitExceeded", iam.create_access_key, UserName="alice") == (
        "Cannot exceed quota for AccessKeysPerUser: 2", 409)
    listed = pages("list_access_keys", "AccessKeyMetadata", 1, UserName="alice")
    assert {key["AccessKeyId"] for key in listed} == {key["AccessKeyId"] for key in made}
    assert all(key["Status"] == "Active" and key["UserName"] == "alice" for key in listed)
    ids = [key["AccessKeyId"] for key in made]
    hers = dict(aws_access_key_id=ids[0], aws_secret_access_key=made[0]["SecretAccessKey"])
    own = client("iam", **hers)
    # Without a name it is about who signed, who has to be allowed.
    text, status = fails("AccessDenied", own.list_access_keys)
    assert status == 403 and "iam:ListAccessKeys on resource: arn:aws:iam::000000000000:user/alice" in text, text
    iam.put_user_policy(UserName="alice", PolicyName="own", PolicyDocument=json.dumps(document(["iam:*AccessKey*", "iam:GetUser"])))
    assert own.get_user()["User"]["UserName"] == "alice"
    assert {key["AccessKeyId"] for key in own.list_access_keys()["AccessKeyMetadata"]} == set(ids)
    own.update_access_key(AccessKeyId=ids[1], Status="Inactive")
    assert sorted(key["Status"] for key in own.list_access_keys()["AccessKeyMetadata"]) == ["Active", "Inactive"]
    other = client("sts", aws_access_key_id=ids[1], aws_secret_access_key=made[1]["SecretAccessKey"])
    assert fails("InvalidClientTokenId", other.get_caller_identity)[1] == 403
    own.update_access_key(AccessKeyId=ids[1], Status="Active")
    assert other.get_caller_identity()["Arn"].endswith("user/alice")
    own.delete_access_key(AccessKeyId=ids[1])
    third = own.create_access_key()["AccessKey"]
    assert third["UserName"] == "alice"
    own.delete_access_key(AccessKeyId=third["AccessKeyId"])
    own.delete_access_key(AccessKeyId=ids[0])
    fails("InvalidClientTokenId", own.list_access_keys)
    fails("NoSuchEntity", iam.delete_access_key, UserName="alice", AccessKeyId=ids[0])
    iam.delete_user_policy(UserName="alice", PolicyName="own")

    # The owner's own.
    first = os.environ["AWS_ACCESS_KEY_ID"]
    assert [key["AccessKeyId"] for key in iam.list_access_keys()["AccessKeyMetadata"]] == [first]
    mine = iam.create_access_key()["AccessKey"]
    root = client("iam", aws_access_key_id=mine["AccessKeyId"], aws_secret_access_key=mine["SecretAccessKey"])
    assert {key["AccessKeyId"] for key in root.list_access_keys()["AccessKeyMetadata"]} == {first, mine["AccessKeyId"]}
    # The key that signs may delete itself; then it is over.
    root.delete_access_key(AccessKeyId=mine["AccessKeyId"])
    fails("InvalidClientTokenId", root.list_access_keys)
    fails("NoSuchEntity", iam.delete_access_key, AccessKeyId=mine["AccessKeyId"])


def roles():
    for n in range(5):
        made = iam.create_role(RoleName=f"r{n}", Path="/teams/" if n % 2 else "/", AssumeRolePolicyDocument=json.dumps(TRUST))["Role"]
        assert made["AssumeRolePolicyDocument"] == TRUST and made["MaxSessionDuration"] == 3600
    for size in (1, 2, 5):
        assert [role["RoleName"] for role in pages("list_roles", "Roles", size)] == [f"r{n}" for n in range(5)]
    assert [role["RoleName"] for role in iam.list_roles(PathPrefix="/teams/")["Roles"]] == ["r1", "r3"]
    iam.update_role(RoleName="r0", Description="first", MaxSessionDuration=7200)
    iam.update_role(RoleName="r0", Description="second")
    role = iam.get_role(RoleName="r0")["Role"]
    assert role["Description"] == "second" and role["MaxSessionDuration"] == 7200
    assert iam.update_role_description(RoleName="r0", Description="third")["Role"]["Description"] == "third"
    narrow = json.loads(json.dumps(TRUST).replace(":root", ":user/alice"))
    iam.update_assume_role_policy(RoleName="r0", PolicyDocument=json.dumps(narrow))
    assert iam.get_role(RoleName="r0")["Role"]["AssumeRolePolicyDocument"] == narrow
    assert fails("MalformedPolicyDocument", iam.update_assume_role_policy, RoleName="r0", PolicyDocument="{}")[1] == 400
    iam.tag_role(RoleName="r0", Tags=[{"Key": "a", "Value": "1"}, {"Key": "b", "Value": ""}])
    iam.untag_role(RoleName="r0", TagKeys=["a"])
    assert iam.list_role_tags(RoleName="r0")["Tags"] == [{"Key": "b", "Value": ""}]
    iam.put_role_policy(RoleName="r0", PolicyName="own", PolicyDocument=json.dumps(document()))
    assert iam.list_role_policies(RoleName="r0")["PolicyNames"] == ["own"]
    assert iam.get_role_policy(RoleName="r0", PolicyName="own")["PolicyDocument"] == document()
    iam.put_role_permissions_boundary(RoleName="r0", PermissionsBoundary="arn:aws:iam::aws:policy/AdministratorAccess")
    assert iam.get_role(RoleName="r0")["Role"]["PermissionsBoundary"]["PermissionsBoundaryType"] == "Policy"
    iam.delete_role_permissions_boundary(RoleName="r0")
    assert iam.list_instance_profiles_for_role(RoleName="r0")["InstanceProfiles"] == []
    iam.get_waiter("role_exists").wait(RoleName="r0")


def policies():
    made = iam.create_policy(
        PolicyName="readers", Path="/teams/", Description="who reads", PolicyDocument=json.dumps(document()),
        Tags=[{"Key": "team", "Value": "orders"}])["Policy"]
    arn = made["Arn"]
    assert arn == "arn:aws:iam::000000000000:policy/teams/readers" and made["DefaultVersionId"] == "v1"
    assert made["AttachmentCount"] == 0 and made["IsAttachable"] is True
    assert fails("EntityAlreadyExists", iam.create_policy, PolicyName="Readers", PolicyDocument=json.dumps(document()))[1] == 409
    for n in range(3):
        iam.create_policy(PolicyName=f"p{n}", PolicyDocument=json.dumps(document()))
    own = ["p0", "p1", "p2", "readers"]
    for size in (1, 3, 100):
        assert [policy["PolicyName"] for policy in pages("list_policies", "Policies", size, Scope="Local")] == own
        assert [policy["PolicyName"] for policy in pages("list_policies", "Policies", size)] == (
            own + ["AWSKeyManagementServicePowerUser", "AdministratorAccess"])
    assert [policy["Arn"] for policy in iam.list_policies(Scope="AWS")["Policies"]][1] == "arn:aws:iam::aws:policy/AdministratorAccess"
    assert iam.list_policies(OnlyAttached=True)["Policies"] == []
    iam.attach_user_policy(UserName="alice", PolicyArn=arn)
    iam.attach_role_policy(RoleName="r0", PolicyArn=arn)
    iam.attach_role_policy(RoleName="r0", PolicyArn="arn:aws:iam::aws:policy/AdministratorAccess")
    iam.put_user_permissions_boundary(UserName="bob", PermissionsBoundary=arn)
    got = iam.get_policy(PolicyArn=arn)["Policy"]
    assert got["AttachmentCount"] == 2 and got["PermissionsBoundaryUsageCount"] == 1
    assert got["Description"] == "who reads" and got["Tags"] == [{"Key": "team", "Value": "orders"}]
    admin = iam.get_policy(PolicyArn="arn:aws:iam::aws:policy/AdministratorAccess")["Policy"]
    assert admin["AttachmentCount"] == 1 and admin["PolicyId"] == "ANPAIWMBCKSKIEE64ZLYK"
    assert [policy["PolicyName"] for policy in iam.list_policies(OnlyAttached=True)["Policies"]] == ["readers", "AdministratorAccess"]
    assert [policy["PolicyName"] for policy in iam.list_policies(PolicyUsageFilter="PermissionsBoundary")["Policies"]] == ["readers"]
    assert [policy["PolicyName"] for policy in iam.list_policies(PathPrefix="/teams/")["Policies"]] == ["readers"]
    assert pages("list_attached_role_policies", "AttachedPolicies", 1, RoleName="r0") == [
        {"PolicyName": "readers", "PolicyArn": arn},
        {"PolicyName": "AdministratorAccess", "PolicyArn": "arn:aws:iam::aws:policy/AdministratorAccess"}]
    assert iam.list_attached_role_policies(RoleName="r0", PathPrefix="/teams/")["AttachedPolicies"][0]["PolicyName"] == "readers"
    assert iam.list_attached_user_policies(UserName="alice")["AttachedPolicies"] == [{"PolicyName": "readers", "PolicyArn": arn}]
    entities = iam.list_entities_for_policy(PolicyArn=arn)
    assert [user["UserName"] for user in entities["PolicyUsers"]] == ["alice", "bob"]
    assert [role["RoleName"] for role in entities["PolicyRoles"]] == ["r0"] and entities["PolicyGroups"] == []
    assert iam.list_entities_for_policy(PolicyArn=arn, EntityFilter="Role")["PolicyUsers"] == []

    second = iam.create_policy_version(PolicyArn=arn, PolicyDocument=json.dumps(document("kms:*")), SetAsDefault=True)["PolicyVersion"]
    assert second["VersionId"] == "v2" and second["IsDefaultVersion"] is True
    assert iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"] == "v2"
    assert [(one["VersionId"], one["IsDefaultVersion"]) for one in pages("list_policy_versions", "Versions", 1, PolicyArn=arn)] == [
        ("v2", True), ("v1", False)]
    assert iam.get_policy_version(PolicyArn=arn, VersionId="v1")["PolicyVersion"]["Document"] == document()
    iam.set_default_policy_version(PolicyArn=arn, VersionId="v1")
    iam.delete_policy_version(PolicyArn=arn, VersionId="v2")
    fails("DeleteConflict", iam.delete_policy_version, PolicyArn=arn, VersionId="v1")
    fails("NoSuchEntity", iam.get_policy_version, PolicyArn=arn, VersionId="v7")
    iam.tag_policy(PolicyArn=arn, Tags=[{"Key": "x", "Value": "y"}])
    iam.untag_policy(PolicyArn=arn, TagKeys=["team"])
    assert iam.list_policy_tags(PolicyArn=arn)["Tags"] == [{"Key": "x", "Value": "y"}]
    assert fails("DeleteConflict", iam.delete_policy, PolicyArn=arn) == ("Cannot delete a policy attached to entities.", 409)
    missing = arn.replace("readers", "none")
    assert fails("NoSuchEntity", iam.get_policy, PolicyArn=missing) == (f"Policy {missing} was not found.", 404)
    fails("NoSuchEntity", iam.attach_role_policy, RoleName="r0", PolicyArn=missing)
    fails("NoSuchEntity", iam.detach_role_policy, RoleName="r1", PolicyArn=arn)


def account():
    for size in (1, 3, 1000):
        found = {"UserDetailList": [], "RoleDetailList": [], "Policies": []}
        for page in iam.get_paginator("get_account_authorization_details").paginate(PaginationConfig={"PageSize": size}):
            for name, items in found.items():
                items += page[name]
            assert page["GroupDetailList"] == []
        assert [user["UserName"] for user in found["UserDetailList"]] == ["alice", "bob", "carol", "dave", "eve"]
        assert [role["RoleName"] for role in found["RoleDetailList"]] == [f"r{n}" for n in range(5)]
        assert [policy["PolicyName"] for policy in found["Policies"]] == ["p0", "p1", "p2", "readers", "AdministratorAccess"]
        first = found["RoleDetailList"][0]
        assert first["RolePolicyList"] == [{"PolicyName": "own", "PolicyDocument": document()}]
        assert len(first["AttachedManagedPolicies"]) == 2 and first["Tags"] == [{"Key": "b", "Value": ""}]
        assert found["Policies"][3]["PolicyVersionList"][0]["Document"] == document()
    only = iam.get_account_authorization_details(Filter=["Role"])
    assert only["UserDetailList"] == [] and len(only["RoleDetailList"]) == 5


def permissions():
    """Each operation asks for the permission of its name."""
    key = iam.create_access_key(UserName="dave")["AccessKey"]
    his = client("iam", aws_access_key_id=key["AccessKeyId"], aws_secret_access_key=key["SecretAccessKey"])
    arn = "arn:aws:iam::000000000000:policy/p0"
    given = {
        "UserName": "alice", "RoleName": "r0", "PolicyArn": arn, "PolicyName": "n", "PolicyDocument": json.dumps(document()),
        "AssumeRolePolicyDocument": json.dumps(TRUST), "Tags": [{"Key": "a", "Value": "b"}], "TagKeys": ["a"],
        "PermissionsBoundary": arn, "VersionId": "v1", "AccessKeyId": key["AccessKeyId"], "Status": "Inactive", "Description": "d",
        "MaxItems": 5,
    }
    for name in operations():
        shape = iam.meta.service_model.operation_model(name).input_shape
        wanted = [member for member in shape.members if member in shape.required_members or member == "UserName"]
        asked = {member: given[member] for member in wanted}
        if name == "UpdateAssumeRolePolicy":
            asked["PolicyDocument"] = json.dumps(TRUST)
        text, status = fails("AccessDenied", getattr(his, xform_name(name)), **asked)
        action = "UpdateRole" if name == "UpdateRoleDescription" else name
        assert status == 403 and f"iam:{action}" in text, (name, text)
    # A session of a role is no user: it has to say whom it means.
    iam.put_user_policy(UserName="dave", PolicyName="assume", PolicyDocument=json.dumps(document("sts:AssumeRole")))
    sts = client("sts", aws_access_key_id=key["AccessKeyId"], aws_secret_access_key=key["SecretAccessKey"])
    taken = sts.assume_role(RoleArn=iam.get_role(RoleName="r1")["Role"]["Arn"], RoleSessionName="run")["Credentials"]
    session = client("iam", aws_access_key_id=taken["AccessKeyId"], aws_secret_access_key=taken["SecretAccessKey"],
                     aws_session_token=taken["SessionToken"])
    for call in (session.get_user, session.list_access_keys, session.create_access_key):
        assert fails("ValidationError", call)[0] == "Must specify userName when calling with non-User credentials"
    iam.delete_user_policy(UserName="dave", PolicyName="assume")
    iam.delete_access_key(UserName="dave", AccessKeyId=key["AccessKeyId"])


def send(name, members):
    """A form as it is: status, code and text of the answer."""
    body = urllib.parse.urlencode({"Action": name, "Version": "2010-05-08", **members})
    request = AWSRequest("POST", ENDPOINT + "/", data=body, headers={"Content-Type": "application/x-www-form-urlencoded"})
    SigV4Auth(boto3.Session().get_credentials(), "iam", "us-east-1").add_auth(request)
    try:
        with urllib.request.urlopen(urllib.request.Request(ENDPOINT + "/", body.encode(), dict(request.headers))) as answer:
            return answer.status, None, None
    except urllib.error.HTTPError as error:
        root = tree.parse(io.BytesIO(error.read())).getroot()
        return error.code, root.findtext("Error/Code"), root.findtext("Error/Message")


def operations():
    """Those of botocore's model that the server has: it refuses a member that nobody knows."""
    names = iam.meta.service_model.operation_names
    codes = {name: send(name, {"ThereIsNoSuchMember": "x"})[1] for name in names}
    assert set(codes.values()) == {"InvalidAction", "InvalidParameterCombination"}, codes
    return [name for name, code in codes.items() if code != "InvalidAction"]


def model():
    """Each member of botocore's model is understood or refused by name, and held to the model's constraints."""
    def good(shape, member):
        """A value of the right form, of something that is not there."""
        if member in ("AccessKeyId",):
            return "AKIANOTTHEREATALL000"
        if shape.name == "arnType":
            return "arn:aws:iam::000000000000:policy/none"
        if shape.type_name == "list":
            return None
        if "enum" in shape.metadata:
            return shape.metadata["enum"][0]
        return {"VersionId": "v1", "Path": "/", "NewPath": "/", "PathPrefix": "/"}.get(member, "nobody")

    checked = 0
    names = operations()
    for name in names:
        shape = iam.meta.service_model.operation_model(name).input_shape
        required = {}
        for member in shape.required_members:
            value = good(shape.members[member], member)
            if value is None:
                item = shape.members[member].member
                required.update({f"{member}.member.1.Key": "a", f"{member}.member.1.Value": "b"} if item.type_name == "structure"
                                else {f"{member}.member.1": "a"})
            else:
                required[member] = value
        # What the model asks for is asked for here.
        for member in shape.required_members:
            rest = {key: value for key, value in required.items() if key.split(".")[0] != member}
            status, code, text = send(name, rest)
            assert (status, code) == (400, "ValidationError") and "must not be null" in text, (name, member, code, text)
        for member, kind in shape.members.items():
            bad = []
            if kind.type_name == "string":
                if "max" in kind.metadata:
                    bad.append("/" + "a" * kind.metadata["max"] + "/")
                if kind.metadata.get("min"):
                    bad.append("")
                if "enum" in kind.metadata:
                    bad.append("Nothing")
                if "pattern" in kind.metadata and member != "Marker":
                    bad += ["\u20ac", "\x00"]
                if member in ("Path", "NewPath", "PathPrefix"):
                    bad += ["teams", "a b"]
                if member in ("Path", "NewPath"):
                    bad += ["/../", "/teams", "//"]
            elif kind.type_name == "integer":
                bad += ["abc", "", "1.5", str(kind.metadata["min"] - 1), str(kind.metadata["max"] + 1)]
            elif kind.type_name == "boolean":
                bad += ["abc", ""]
            for value in bad:
                answer = send(name, {**required, member: value})
                supported = answer[1] != "InvalidParameterCombination"
                assert answer[0] == 400, (name, member, value[:20], answer)
                assert answer[1] in ("ValidationError", "MalformedInput", "InvalidInput") or not supported, (name, member, answer)
                checked += 1
            if kind.type_name == "list":
                for index in ("0", "2", "x", "01"):
                    part = {f"{member}.member.{index}.Key": "a", f"{member}.member.{index}.Value": "b"}
                    assert send(name, {**required, **part})[1] == "MalformedInput" or index == "2" and f"{member}.member.1" in str(required)
                    checked += 1
    assert len(names) >= 50 and checked > 500, (len(names), checked)


def ends():
    for user in iam.list_users()["Users"]:
        name = user["UserName"]
        for policy in iam.list_attached_user_policies(UserName=name)["AttachedPolicies"]:
            iam.detach_user_policy(UserName=name, PolicyArn=policy["PolicyArn"])
        iam.delete_user_permissions_boundary(UserName=name)
        iam.delete_user(UserName=name)
    for role in iam.list_roles()["Roles"]:
        name = role["RoleName"]
        for policy in iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"]:
            iam.detach_role_policy(RoleName=name, PolicyArn=policy["PolicyArn"])
        for policy in iam.list_role_policies(RoleName=name)["PolicyNames"]:
            iam.delete_role_policy(RoleName=name, PolicyName=policy)
        iam.delete_role(RoleName=name)
    for policy in iam.list_policies(Scope="Local")["Policies"]:
        iam.delete_policy(PolicyArn=policy["Arn"])
    assert iam.list_users()["Users"] == iam.list_roles()["Roles"] == iam.list_policies(Scope="Local")["Policies"] == []


users()
access_keys()
roles()
policies()
account()
permissions()
model()
ends()
print("all good with boto3", boto3.__version__)
