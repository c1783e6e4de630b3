sealgate_unit_test(dialer_guard dial)
sealgate_unit_test(dial dial PkgConfig::LIBEVENT)
sealgate_unit_test(dialer_quota dial)
sealgate_unit_test(proxy_answer proxy_answer)
