"""What Customer.io's operations and the control API answer."""
