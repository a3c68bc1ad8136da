"""What a lab is: two regions that speak AWS, in an account or on this machine."""
