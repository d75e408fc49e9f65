"""Checks Kubernetes manifests against the real schemas, and gives them back as JSON.

Usage: validate.py [VERSION,VERSION CRD_FILE...] < manifests.yaml

The kinds of Kubernetes itself are checked strictly (an unknown key is a fault) against each version, by kubernetes-validate, which
has their schemas. Other kinds are checked against the definitions in the files, as the API server would, and for unknown keys.
Rules in CEL are not run. Without arguments nothing is checked. Prints {"documents": [...], "problems": ["Kind/name: ..."]}.
"""

import json
import sys

import jsonschema
import kubernetes_validate
import yaml


class UniqueKeys(yaml.SafeLoader):
    """PyYAML takes the last of two equal keys; Kubernetes takes neither."""


def unique_mapping(loader, node):
    keys = [loader.construct_object(key) for key, _ in node.value]
    for key in keys:
        if keys.count(key) > 1:
            raise yaml.constructor.ConstructorError(None, None, f"the key {key} is there twice", node.start_mark)
    return loader.construct_mapping(node, deep=True)


UniqueKeys.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, unique_mapping)


def strict(schema):
    """What a structural schema of a CRD means: a key that it does not name is pruned, so nobody should write it."""
    if isinstance(schema, list):
        return [strict(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    made = {key: strict(value) for key, value in schema.items() if not key.startswith("x-") and key != "format"}
    if schema.get("x-kubernetes-int-or-string"):
        made["type"] = ["integer", "string"]
    if isinstance(schema.get("properties"), dict) and not schema.get("x-kubernetes-preserve-unknown-fields"):
        made.setdefault("additionalProperties", False)
    return made


def definitions(files):
    """The schema of each kind that CRD files define, by API version and kind."""
    found = {}
    for file in files:
        with open(file, encoding="utf-8") as text:
            # These come from elsewhere and are large: the plain loader will do, in C where it is there.
            for crd in yaml.load_all(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)):
                spec = crd["spec"]
                for version in spec["versions"]:
                    schema = strict(version["schema"]["openAPIV3Schema"])
                    # The API server has its own for the rest of it.
                    schema["properties"]["metadata"] = {"type": "object"}
                    found[f"{spec['group']}/{version['name']}", spec["names"]["kind"]] = schema
    return found


def faults(document, versions, crds):
    key = document["apiVersion"], document["kind"]
    if key in crds:
        errors = jsonschema.Draft202012Validator(crds[key]).iter_errors(document)
        yield from (f"{'.'.join(map(str, error.path))}: {error.message}" for error in errors)
        return
    for version in versions:
        try:
            kubernetes_validate.validate(document, version, strict=True)
        except kubernetes_validate.ValidationError as error:
            yield f"{version}: {'.'.join(map(str, error.path))}: {error.message}"
        except kubernetes_validate.SchemaNotFoundError as error:
            yield error.message


def main():
    versions = sys.argv[1].split(",") if len(sys.argv) > 1 else []
    crds = definitions(sys.argv[2:])
    documents = [document for document in yaml.load_all(sys.stdin, Loader=UniqueKeys) if document is not None]
    problems = [
        f"{document['kind']}/{document['metadata']['name']}: {fault}"
        for document in documents
        for fault in faults(document, versions, crds)
    ]
    json.dump({"documents": documents, "problems": problems}, sys.stdout)


main()
