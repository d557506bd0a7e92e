"""Answers that a careless reader takes for success, or trips over."""

WEIRD = {
    "duplicate_keys": b'{"code":50000,"code":0,"message":"OK","request_id":"x","data":{}}',
    "nan": b'{"code":NaN,"message":"OK","request_id":"x","data":{}}',
    "nested": b'{"code":0,"data":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "text_code": b'{"code":"0","message":"OK","request_id":"x","data":{}}',
    "true_code": b'{"code":true,"message":"OK","request_id":"x","data":{}}',
    "false_code": b'{"code":false,"message":"OK","request_id":"x","data":{}}',
    "float_code": b'{"code":0.0,"message":"OK","request_id":"x","data":{}}',
    "no_code": b'{"message":"OK","request_id":"x","data":{}}',
    "list": b'[{"code":0}]',
    "null": b"null",
    "empty": b"",
    "not_utf8": b'{"code":0,"message":"\xff\xfe"}',
    "odd_message": b'{"code":40002,"message":{"why":["<b>"]},"request_id":7,"data":null}',
}
