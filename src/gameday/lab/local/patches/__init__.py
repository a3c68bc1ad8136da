"""What moto 5.2.5 does not do as AWS does, put right: one module a service, each checked against upstream at start."""
