sealgate_fuzz_target(socks5 proxy)
sealgate_fuzz_target(client_hello proxy)
