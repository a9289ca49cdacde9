"""Request bodies against the contract: names, types, required properties, spelling of enums.

What comes out is in wire names and in canonical form: enum values as the contract spells them, numbers as
numbers, durations and times in the service's form, explicit nulls gone. What the values *mean* is judged by
the service.

One decision is ours, as no public text settles it: a property that is not in the contract is refused with
``UnsupportedProperty`` (a body that is no JSON object with ``InvalidRequestBody``). Read-only properties are
refused at the top of a body and dropped inside it, where clients send back what they were given
(``imageReference.exactVersion``).
"""

from __future__ import annotations

from typing import Any

import orjson

from batch_emulator.rest.contract import Contract, Property
from batch_emulator.rest.errors import refusal
from batch_emulator.rest.values import parse_time
from batch_emulator.service.durations import format_duration, parse_duration
from batch_emulator.service.entities import Json
from batch_emulator.service.times import format_time

# The values of these never appear in an error, as they are or contain secrets.
SECRET_PROPERTIES = frozenset(
    {
        "accountKey", "containerUrl", "httpUrl", "password", "protectedSettings", "sasKey", "sshPrivateKey",
        "storageContainerUrl",
    }
)  # fmt: skip
_NAMED_VALUE = "value"  # of an environment setting, a metadata item, an upload header
_SHOWN_CHARACTERS = 200


def parse_json(raw: bytes) -> Any:
    """The JSON of a request body.

    :raises BatchError: ``InvalidRequestBody``.
    """
    try:
        return orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise refusal("InvalidRequestBody", Reason="The body is not valid JSON.") from error


def validate_body(body: Any, model: str, contract: Contract) -> Json:
    """The body in canonical form.

    :param model: name of the contract's model that the body must be.
    :raises BatchError: ``InvalidRequestBody``, ``MissingRequiredProperty``, ``UnsupportedProperty``,
        ``InvalidPropertyValue``.
    """
    if not isinstance(body, dict):
        raise refusal("InvalidRequestBody", Reason="The body must be a JSON object.")
    return _Validator(contract).model(body, model, "", refuse_read_only=True)


class _Validator:
    def __init__(self, contract: Contract) -> None:
        self._contract = contract

    def model(self, value: Any, name: str, path: str, *, refuse_read_only: bool = False) -> Json:
        if not isinstance(value, dict):
            raise _invalid(path, None, "It must be an object.")
        properties = self._contract.models[name]
        clean: Json = {}
        for key, item in value.items():
            if key.startswith("odata."):
                continue
            here = f"{path}.{key}" if path else key
            known = properties.get(key)
            if known is None or (known.read_only and refuse_read_only):
                raise refusal("UnsupportedProperty", PropertyName=here, Reason=_why_unsupported(known))
            if item is not None and not known.read_only:
                clean[key] = self._value(item, known.type, here)
        for key, known in properties.items():
            if known.required and not known.read_only and key not in clean:
                raise refusal("MissingRequiredProperty", PropertyName=f"{path}.{key}" if path else key)
        return clean

    def _value(self, value: Any, type_name: str, path: str) -> Any:
        if type_name[0] == "[":
            if not isinstance(value, list):
                raise _invalid(path, value, "It must be a list.")
            return [self._value(item, type_name[1:-1], f"{path}.{n}") for n, item in enumerate(value)]
        if type_name[0] == "{":
            if not isinstance(value, dict):
                raise _invalid(path, None, "It must be an object.")
            return {key: self._value(item, type_name[1:-1], f"{path}.{key}") for key, item in value.items()}
        if type_name in self._contract.models:
            return self.model(value, type_name, path)
        if type_name in self._contract.enums:
            return self._enum(value, type_name, path)
        return _SCALARS[type_name](value, path)

    def _enum(self, value: Any, type_name: str, path: str) -> str:
        allowed = self._contract.enums[type_name]
        if isinstance(value, str):
            for spelling in allowed:
                if spelling.lower() == value.lower():
                    return spelling
        raise _invalid(path, value, f"It must be one of: {', '.join(allowed)}.")


def _string(value: Any, path: str) -> str:
    if not isinstance(value, str):
        raise _invalid(path, value, "It must be a string.")
    return value


def _boolean(value: Any, path: str) -> bool:
    # Azure CLI sends flags as text.
    if isinstance(value, str) and value.lower() in ("true", "false"):
        return value.lower() == "true"
    if not isinstance(value, bool):
        raise _invalid(path, value, "It must be true or false.")
    return value


def _integer(value: Any, path: str, limit: int = 2**31) -> int:
    number = value
    if isinstance(value, str):
        digits = value.strip()
        number = int(digits) if digits.removeprefix("-").isdecimal() and len(digits) <= 20 else None
    if not isinstance(number, int) or isinstance(number, bool):
        raise _invalid(path, value, "It must be an integer.")
    if not -limit <= number < limit:
        raise _invalid(path, value, f"It must be between {-limit} and {limit - 1}.")
    return number


def _int64(value: Any, path: str) -> int:
    return _integer(value, path, 2**63)


def _number(value: Any, path: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _invalid(path, value, "It must be a number.")
    return float(value)


def _duration(value: Any, path: str) -> str:
    try:
        return format_duration(parse_duration(_string(value, path)))
    except ValueError as error:
        raise _invalid(path, value, f"It must be an ISO 8601 duration such as PT15M: {error}.") from error


def _time(value: Any, path: str) -> str:
    try:
        return format_time(parse_time(_string(value, path)))
    except ValueError as error:
        raise _invalid(path, value, "It must be an ISO 8601 time such as 2026-01-31T08:00:00Z.") from error


_SCALARS: dict[str, Any] = {
    "string": _string,
    "boolean": _boolean,
    "integer": _integer,
    "int64": _int64,
    "number": _number,
    "duration": _duration,
    "datetime": _time,
    "any": lambda value, path: value,
}


def _why_unsupported(known: Property | None) -> str:
    return "It is read-only." if known else "There is no property of this name here in this api-version."


def _invalid(path: str, value: Any, reason: str) -> Exception:
    values = {"PropertyName": path}
    names = path.split(".")
    secret = names[-1] == _NAMED_VALUE or not SECRET_PROPERTIES.isdisjoint(names)
    if value is not None and not secret:
        values["PropertyValue"] = str(value)[:_SHOWN_CHARACTERS]
    return refusal("InvalidPropertyValue", **values, Reason=reason)
