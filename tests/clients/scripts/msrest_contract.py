"""Print the wire contract of the installed `azure-batch` 11 to 14. Runs in that client's environment."""

import enum
import json

from azure.batch import models


def properties(model):
    rules = getattr(model, "_validation", {})
    found = {}
    for attribute, field in model._attribute_map.items():
        rule = rules.get(attribute, {})
        marks = ("!" if rule.get("required") else "") + ("~" if rule.get("readonly") else "")
        found[field["key"].replace("\\.", ".")] = field["type"] + marks
    return found


classes = {name: item for name, item in vars(models).items() if isinstance(item, type)}
print(  # noqa: T201
    json.dumps(
        {
            "models": {
                name: properties(item) for name, item in classes.items() if hasattr(item, "_attribute_map")
            },
            "enums": {
                name: [value.value for value in item]
                for name, item in classes.items()
                if isinstance(item, enum.EnumMeta)
            },
        }
    )
)
