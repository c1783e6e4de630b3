sealgate_unit_test(dialer process PkgConfig::LIBEVENT)
