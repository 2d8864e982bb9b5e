"""The two gaps of ministack. It makes an HTTP API without the routes that are in its Body (an OpenAPI document, which SAM writes): this makes them by
the API. And it keeps the maximum concurrency of a queue's event source as the text that a parameter is, and then, for a queue without an order, compares
it with a number: no queue is received from any more. This says the number. Then it prints what a program beside the deployed product must know
(internal/local, DeployedSettings).
"""

import os
import shlex
import sys

import boto3

stack = sys.argv[1]
cloudformation, gateway = boto3.client("cloudformation"), boto3.client("apigatewayv2")
outputs = {o["OutputKey"]: o["OutputValue"] for o in cloudformation.describe_stacks(StackName=stack)["Stacks"][0]["Outputs"]}
parameters = {p["ParameterKey"]: p["ParameterValue"] for p in cloudformation.describe_stacks(StackName=stack)["Stacks"][0]["Parameters"]}
functions = {
    r["LogicalResourceId"]: r["PhysicalResourceId"]
    for r in cloudformation.describe_stack_resources(StackName=stack)["StackResources"]
    if r["ResourceType"] == "AWS::Lambda::Function"
}
template = cloudformation.get_template(StackName=stack, TemplateStage="Processed")["TemplateBody"]
body = template["Resources"]["Api"]["Properties"]["Body"]
api = outputs["ApiUrl"].split("//")[1].split(".")[0]


def resolved(value):
    return parameters[value["Ref"]] if isinstance(value, dict) else value


authorizers = {}
for name, scheme in body["components"]["securitySchemes"].items():
    jwt = scheme["x-amazon-apigateway-authorizer"]["jwtConfiguration"]
    authorizers[name] = gateway.create_authorizer(
        ApiId=api, Name=name, AuthorizerType="JWT", IdentitySource=["$request.header.Authorization"],
        JwtConfiguration={"Issuer": resolved(jwt["issuer"]), "Audience": [resolved(a) for a in jwt["audience"]]},
    )["AuthorizerId"]

ANY = "x-amazon-apigateway-any-method"
integrations = {}
for path, methods in body["paths"].items():
    for method, operation in methods.items():
        uri = operation["x-amazon-apigateway-integration"]["uri"]["Fn::Sub"]
        function = functions[uri.split("${")[-1].split(".Arn}")[0]]
        if function not in integrations:
            arn = f"arn:aws:lambda:{os.environ['AWS_REGION']}:000000000000:function:{function}"
            integrations[function] = gateway.create_integration(
                ApiId=api, IntegrationType="AWS_PROXY", IntegrationUri=arn, PayloadFormatVersion="2.0", IntegrationMethod="POST"
            )["IntegrationId"]
        needed = [name for s in operation.get("security", []) for name in s if name in authorizers]
        authorized = {"AuthorizationType": "JWT", "AuthorizerId": authorizers[needed[0]]} if needed else {}
        gateway.create_route(ApiId=api, RouteKey=f"{'ANY' if method == ANY else method.upper()} {path}", Target=f"integrations/{integrations[function]}", **authorized)

compute = boto3.client("lambda")
for source in compute.list_event_source_mappings()["EventSourceMappings"]:
    compute.update_event_source_mapping(UUID=source["UUID"], ScalingConfig={"MaximumConcurrency": int(source["ScalingConfig"]["MaximumConcurrency"])})

for name, value in {
    "API_URL": f"{os.environ['AWS_ENDPOINT_URL']}/_aws/execute-api/{api}/$default",
    "TABLE_NAME": outputs["TableName"],
    "QUEUE_URL": outputs["WorkQueueUrl"],
    "RECONCILE_QUEUE_URL": outputs["ReconcileQueueUrl"],
    "DEAD_LETTERS_URL": outputs["DeadLettersUrl"],
    "SECRET_PREFIX": outputs["AppSecretName"].rsplit("/", 1)[0],
    "STACK_NAME": stack,
}.items():
    print(f"{name}={shlex.quote(value)}")
