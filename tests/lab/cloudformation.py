"""A CloudFormation template: read, and what comes of it for given parameters.

Knows what our template uses and no more; anything else is an error.
"""

import re

import yaml

REGION, ACCOUNT = "eu-central-1", "123456789012"
PSEUDO = {"AWS::Partition": "aws", "AWS::Region": REGION, "AWS::AccountId": ACCOUNT}
NOTHING = object()


class _Loader(yaml.SafeLoader):
    """Short forms (!Sub x) become long ones ({"Fn::Sub": x}), as they are in JSON."""

    def construct_function(self, suffix, node):
        if isinstance(node, yaml.ScalarNode):
            value = self.construct_scalar(node)
        else:
            value = self.construct_sequence(node, deep=True)
        return {suffix if suffix == "Ref" else f"Fn::{suffix}": value}

    def construct_mapping(self, node, deep=False):
        keys = [self.construct_object(key) for key, _ in node.value]
        if len(set(keys)) < len(keys):
            raise ValueError(f"line {node.start_mark.line + 1}: a key is there twice: {keys}")
        return super().construct_mapping(node, deep)


_Loader.add_multi_constructor("!", _Loader.construct_function)


def load(path):
    with open(path, encoding="utf-8") as file:
        # A loader of its own, which is a safe one.
        return yaml.load(file, _Loader)


class Stack:
    """What becomes of the template: resources by type and name, {"Type": …, "Properties": …}."""

    def __init__(self, template, **parameters):
        self._template = template
        self._values = dict(PSEUDO)
        for name, terms in template["Parameters"].items():
            self._values[name] = parameters.pop(name, terms["Default"])
        if parameters:
            raise KeyError(f"no such parameters: {sorted(parameters)}")
        self.resources = {name: self.resolve(resource)
                          for name, resource in template["Resources"].items()}

    def resolve(self, value):
        if isinstance(value, list):
            return [one for one in map(self.resolve, value) if one is not NOTHING]
        if not isinstance(value, dict):
            return value
        if len(value) == 1:
            (name, argument), = value.items()
            if name == "Ref":
                return self._reference(argument)
            if name.startswith("Fn::"):
                return getattr(self, f"_{name[4:].lower()}")(argument)
        pairs = ((key, self.resolve(one)) for key, one in value.items())
        return {key: one for key, one in pairs if one is not NOTHING}

    def _reference(self, name):
        if name == "AWS::NoValue":
            return NOTHING
        if name in self._values:
            return self._values[name]
        return self._name(name)

    def _name(self, logical):
        resource = self._template["Resources"][logical]
        key, = (key for key in resource["Properties"] if key.endswith("Name") and key in (
            "QueueName", "RoleName", "InstanceProfileName", "ManagedPolicyName", "AlarmName"))
        return self.resolve(resource["Properties"][key])

    def _sub(self, text):
        return re.sub(r"\$\{([\w:]+)\}", lambda match: str(self._reference(match[1])), text)

    def _getatt(self, argument):
        logical, attribute = argument.split(".")
        kind = self._template["Resources"][logical]["Type"]
        return {
            ("AWS::SQS::Queue", "Arn"): f"arn:aws:sqs:{REGION}:{ACCOUNT}:{self._name(logical)}",
            ("AWS::SQS::Queue", "QueueName"): self._name(logical),
            ("AWS::IAM::Role", "Arn"): f"arn:aws:iam::{ACCOUNT}:role/{self._name(logical)}",
        }[kind, attribute]

    def _if(self, argument):
        condition, then, otherwise = argument
        return self.resolve(then if self.resolve(self._template["Conditions"][condition])
                            else otherwise)

    def _equals(self, argument):
        one, other = self.resolve(argument)
        return one == other

    def _not(self, argument):
        one, = self.resolve(argument)
        return not one
