"""What tests and benchmarks share: stand-ins for AWS, fakes, made records, simulated time.

Stand-ins play AWS at the network's edge; fakes pass the contract suites of the ports. Nothing here imports a
test or a benchmark.
"""
