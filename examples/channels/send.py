"""Hands one message to the provider `post` of the workspace `bank`, and asks what became of it and of another."""

from pathlib import Path

from cultiva.contracts.delivery import Message
from cultiva.definitions.loading import load_workspace
from cultiva.execution.channels.service import open_provider

bank = load_workspace(Path("bank"), overrides={"data": "data"})
print("carried by post:", *(channel.name for channel in bank.policy.channels if channel.provider == "post"))
post = open_provider(bank.providers["post"], root=bank.root)
for receipt in post.send([Message("d-1", "13800000001", {"text": "您好，您的存款即将到期"})]):
    print("sent:", receipt.key, receipt.sent, receipt.reference)
for fate in post.look_up(["d-1", "d-2"]):
    print("asked:", fate.key, fate.sent)
post.close()
