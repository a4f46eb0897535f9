"""Another client of S3 and DynamoDB than ours: boto3. One command per run, JSON in and out.

Arguments: endpoint, key id, secret, command; its parameters come as JSON on standard input.
"""

import base64
import json
import sys
from concurrent.futures import ThreadPoolExecutor

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

endpoint, key_id, secret, command = sys.argv[1:5]
parameters = json.load(sys.stdin)
config = Config(retries={"max_attempts": 8}, connect_timeout=5, read_timeout=20)


def client(service):
    return boto3.client(
        service,
        endpoint_url=endpoint,
        aws_access_key_id=key_id,
        aws_secret_access_key=secret,
        region_name="us-east-1",
        config=config,
    )


def dump(bucket):
    s3, objects = client("s3"), {}
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket):
        for entry in page.get("Contents", []):
            found = s3.get_object(Bucket=bucket, Key=entry["Key"])
            objects[entry["Key"]] = {
                "body": base64.b64encode(found["Body"].read()).decode(),
                "encoding": found.get("ContentEncoding"),
                "type": found.get("ContentType"),
            }
    return objects


def put(bucket, objects):
    s3 = client("s3")

    def put_one(item):
        key, found = item
        extra = {"ContentEncoding": found["encoding"]} if found.get("encoding") else {}
        s3.put_object(Bucket=bucket, Key=key, Body=base64.b64decode(found["body"]), **extra)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(put_one, objects.items()))


def create_table(table, key="pk", kind="S", units=None):
    """A table on demand, or with this provisioned capacity."""
    capacity = {"ReadCapacityUnits": units, "WriteCapacityUnits": units}
    billing = {"BillingMode": "PAY_PER_REQUEST"}
    if units:
        billing = {"BillingMode": "PROVISIONED", "ProvisionedThroughput": capacity}
    client("dynamodb").create_table(
        TableName=table,
        KeySchema=[{"AttributeName": key, "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": key, "AttributeType": kind}],
        **billing,
    )


def items(table):
    """Every item, bytes in base64."""
    pages = client("dynamodb").get_paginator("scan").paginate(TableName=table, ConsistentRead=True)
    found = [item for page in pages for item in page["Items"]]
    return json.loads(json.dumps(found, default=lambda data: base64.b64encode(data).decode()))


def put_items(table, items):
    """Items in the protocol's JSON, bytes in base64."""
    dynamo = client("dynamodb")

    def decoded(value):
        return {"B": base64.b64decode(value["B"])} if "B" in value else value

    for item in items:
        item = {name: decoded(value) for name, value in item.items()}
        dynamo.put_item(TableName=table, Item=item)


def delete_item(table, pk):
    client("dynamodb").delete_item(TableName=table, Key={"pk": {"S": pk}})


def user(name, policy):
    """A user with exactly this policy; its new key and secret."""
    iam = client("iam")
    iam.create_user(UserName=name)
    iam.put_user_policy(UserName=name, PolicyName="p", PolicyDocument=json.dumps(policy))
    key = iam.create_access_key(UserName=name)["AccessKey"]
    return {"key_id": key["AccessKeyId"], "secret": key["SecretAccessKey"]}


commands = {
    "ready": lambda: len(client("s3").list_buckets()["Buckets"]),
    "create": lambda bucket: client("s3").create_bucket(Bucket=bucket) and None,
    "dump": dump,
    "put": put,
    "delete": lambda bucket, key: client("s3").delete_object(Bucket=bucket, Key=key) and None,
    "create_table": create_table,
    "items": items,
    "put_items": put_items,
    "delete_item": delete_item,
    "user": user,
}
try:
    json.dump(commands[command](**parameters), sys.stdout)
except ClientError as error:
    sys.exit(str(error))
