"""What is measured: each module has one function, `measure`, which yields figures."""
