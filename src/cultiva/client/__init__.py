"""A typed client of Cultiva's HTTP API; it imports nothing else of Cultiva, so it can be copied elsewhere."""

from cultiva.client.calls import Client
from cultiva.client.problems import ApiProblem

__all__ = ["ApiProblem", "Client"]
