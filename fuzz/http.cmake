sealgate_fuzz_target(h1_request http)
sealgate_fuzz_target(h1_response http)
sealgate_fuzz_target(coding http)
