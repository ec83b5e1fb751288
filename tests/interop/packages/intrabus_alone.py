"""intrabus: a node with its brokers, two modules; all in one process."""

from intrabus import BusInterface, CommunicationNode

with CommunicationNode("local"):
    server = BusInterface("server", request_handler=lambda message: {"received": message})
    client = BusInterface("client")
    for number in range(20):
        answer = client.send_request("server", {"ping": number}, timeout=10)
        assert answer["received"]["ping"] == number, answer
    assert client.send_request("intrabus.node", {"command": "node.get_health"}, timeout=10)["status"]
    server.stop()
    client.stop()
print("right")
