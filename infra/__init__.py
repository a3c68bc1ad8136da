"""The CDK app of the reference deployment: a warm standby over two AWS regions."""
