"""What is there in an account and Region, by the list of each type's own service: the port `flows.ports.Inventory`.

inventory  all of a place: the lists in their order, the tags that they do not tell, each resource once
calls      which calls list what, and what has to be asked first
reading    one item of an answer, taken for a resource
progress   what of a place is read so far: what is there, what AWS made by itself, what failed
tagging    tags in bulk, by the Resource Groups Tagging API
"""

from ownertag.sources.inventory.inventory import AwsInventory

__all__ = ["AwsInventory"]
