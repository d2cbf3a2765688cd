"""What must hold under load, each as one check: `make load` prints what came of all of them."""
