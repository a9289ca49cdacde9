"""Refusals that HTTP alone can decide, and the one form in which every refusal is written.

Source: Azure Batch REST reference, *Batch status and error codes*. Refusals that need to know what the
account contains come from the service.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from batch_emulator.rest.assumptions import message_trailer
from batch_emulator.rest.values import valid_text
from batch_emulator.service.errors import BatchError, ErrorKind

ERRORS_CONTEXT = "Microsoft.Azure.Batch.Protocol.Entities.Container.errors/@Element"

_MESSAGES: dict[str, tuple[int, str]] = {
    "AuthenticationFailed": (
        403,
        "Server failed to authenticate the request. Make sure the value of Authorization header is formed "
        "correctly including the signature.",
    ),
    "CertificateNotFound": (404, "The specified certificate does not exist."),
    "ConditionNotMet": (
        412,
        "The condition specified in the conditional header was not met for the resource.",
    ),
    "FileNotFound": (404, "The specified file does not exist."),
    "InsufficientAccountPermissions": (
        403,
        "The account being accessed does not have sufficient permissions to execute this operation.",
    ),
    "InternalError": (500, "Server encountered an internal error. Please try again after some time."),
    "InvalidAuthenticationInfo": (
        400,
        "The authentication information was not provided in the correct format. Verify the value of "
        "Authorization header.",
    ),
    "InvalidHeaderValue": (
        400,
        "The value provided for one of the HTTP headers was not in the correct format.",
    ),
    "InvalidHttpVerb": (400, "The HTTP verb specified was not recognized by the server."),
    "InvalidPropertyValue": (
        400,
        "The value provided for one of the properties in the request body is invalid.",
    ),
    "InvalidQueryParameterValue": (
        400,
        "Value for one of the query parameters specified in the request URI is invalid.",
    ),
    "InvalidRange": (416, "The range specified is invalid for the current size of the resource."),
    "InvalidRequestBody": (400, "The specified Request Body is not syntactically valid."),
    "InvalidUri": (400, "The requested URI does not represent any resource on the server."),
    "MissingRequiredProperty": (400, "A required property was not specified in the request body."),
    "MissingRequiredQueryParameter": (
        400,
        "A query parameter that's mandatory for this request is not specified.",
    ),
    "MultipleConditionHeadersNotSupported": (400, "Multiple condition headers are not supported."),
    "NotImplemented": (501, "The requested operation is not implemented on the specified resource."),
    "OperationInvalidForCurrentState": (
        409,
        "The specified operation is not valid for the current state of the resource.",
    ),
    "OperationTimedOut": (500, "The operation could not be completed within the permitted time."),
    "OutOfRangeInput": (400, "One of the request inputs is out of range."),
    "OutOfRangeQueryParameterValue": (
        400,
        "A query parameter specified in the request URI is outside the permissible range.",
    ),
    "RequestBodyTooLarge": (413, "The request body is too large and exceeds the maximum permissible limit."),
    "ResourceNotFound": (404, "The specified resource does not exist."),
    "ServerBusy": (503, "The server is currently unable to receive requests. Please retry your request."),
    "TaskFilesCleanedup": (409, "The files of the specified task are cleaned up."),
    "TaskFilesUnavailable": (409, "The node or the files of the specified task are not available."),
    "TooManyRequests": (429, "Too many requests were sent. Please retry your request after some time."),
    "UnsupportedHttpVerb": (405, "The resource doesn't support the specified HTTP verb."),
    "UnsupportedProperty": (400, "One of the properties specified in the request body is not supported."),
    "UnsupportedQueryParameter": (
        400,
        "One of the query parameters specified in the request URI is not supported.",
    ),
    "UnsupportedRequestVersion": (400, "The specified version in the request is not supported."),
}

KINDS = {code: ErrorKind(code, status, message) for code, (status, message) in _MESSAGES.items()}


def refusal(code: str, /, **values: str) -> BatchError:
    """The error for one of the codes above, to be raised.

    :param values: key/value pairs of the body, e.g. ``PropertyName=...``, ``Reason=...``.
    """
    return BatchError(KINDS[code], values)


def error_body(error: BatchError, base_url: str, request_id: str, now: datetime) -> dict[str, Any]:
    """The body of a refused request, in the service's shape (no ``error`` wrapper).

    :param base_url: scheme, host and port the client used.
    """
    context = {"odata.metadata": f"{base_url}/$metadata#{ERRORS_CONTEXT}"}
    return context | error_core(error, message_trailer(request_id, now))


def error_core(error: BatchError, trailer: str = "") -> dict[str, Any]:
    """Code, message and values of a refusal.

    :param trailer: follows the service's sentence in the message.
    """
    message = {"lang": "en-US", "value": error.kind.message + trailer}
    body: dict[str, Any] = {"code": error.code, "message": message}
    if error.values:
        body["values"] = [{"key": key, "value": valid_text(value)} for key, value in error.values.items()]
    return body
