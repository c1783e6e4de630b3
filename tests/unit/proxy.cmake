sealgate_unit_test(response_body proxy)
sealgate_unit_test(refusal proxy PkgConfig::JANSSON)
sealgate_unit_test(task proxy)
sealgate_unit_test(socks5 proxy)
