"""The service models of AWS as JSON: per service and operation, the members of the input with their types and words.

Run by tests/members.rs. A structure that holds itself is cut off.
"""

import json

import botocore.loaders

SERVICES = ("kms", "secretsmanager", "sts", "iam")


def shape(shapes, name, above=()):
    found = shapes[name]
    told = {"type": found["type"]}
    if "enum" in found:
        told["words"] = found["enum"]
    if name in above:
        return told
    if found["type"] == "structure":
        told["members"] = {
            member: shape(shapes, inner["shape"], (*above, name)) for member, inner in found["members"].items()
        }
    if found["type"] == "list":
        told["each"] = shape(shapes, found["member"]["shape"], (*above, name))
    return told


def operations(service):
    model = botocore.loaders.Loader().load_service_model(service, "service-2")
    for name, operation in model["operations"].items():
        given = operation.get("input")
        yield name, shape(model["shapes"], given["shape"])["members"] if given else {}


print(json.dumps({service: dict(operations(service)) for service in SERVICES}))
