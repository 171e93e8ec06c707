"""A real S3-compatible server (moto) on a free port, with the bucket `posts`.

Prints one line of JSON: endpoint, accessKeyId, secretAccessKey. With `signed`, requests whose signature is wrong or missing are
refused from then on; with `public`, anybody may read and write. Ends with its standard input.
"""

import json
import os
import sys

signed = sys.argv[1] == 'signed'
SETUP_ACTIONS = 4
os.environ['INITIAL_NO_AUTH_ACTION_COUNT'] = str(SETUP_ACTIONS) if signed else 'inf'
os.environ['MOTO_S3_DEFAULT_MAX_KEYS'] = '7'  # listings of more than one page without thousands of objects

import boto3  # noqa: E402
from moto.server import ThreadedMotoServer  # noqa: E402

replies, sys.stdout = sys.stdout, sys.stderr
server = ThreadedMotoServer(ip_address='127.0.0.1', port=0, verbose=False)
server.start()
host, port = server.get_host_and_port()
endpoint = f'http://{host}:{port}'
client = lambda service: boto3.client(  # noqa: E731
    service, endpoint_url=endpoint, region_name='us-east-1', aws_access_key_id='setup', aws_secret_access_key='setup'
)

iam = client('iam')
iam.create_user(UserName='crosscheck')
policy = {'Version': '2012-10-17', 'Statement': [{'Effect': 'Allow', 'Action': '*', 'Resource': '*'}]}
iam.put_user_policy(UserName='crosscheck', PolicyName='all', PolicyDocument=json.dumps(policy))
key = iam.create_access_key(UserName='crosscheck')['AccessKey']
client('s3').create_bucket(Bucket='posts')
if not signed:
    everything = {'Effect': 'Allow', 'Principal': '*', 'Action': 's3:*', 'Resource': 'arn:aws:s3:::posts/*'}
    public = {'Version': '2012-10-17', 'Statement': [everything]}
    client('s3').put_bucket_policy(Bucket='posts', Policy=json.dumps(public))

reply = {'endpoint': endpoint, 'accessKeyId': key['AccessKeyId'], 'secretAccessKey': key['SecretAccessKey']}
print(json.dumps(reply), file=replies, flush=True)
sys.stdin.read()
os._exit(0)
