"""`washnode contract`: from a source to a contract on the chain."""

from node.commands.common import group
from node.commands.contract_build import abi, build, disasm
from node.commands.contract_deploy import deploy
from node.commands.contract_simulate import simulate
from node.commands.contract_standard import standard
from node.commands.contract_test import test


@group()
def contract() -> None:
    """Build, test, try and deploy contracts."""


for _command in (abi, build, deploy, disasm, simulate, standard, test):
    contract.add_command(_command)
