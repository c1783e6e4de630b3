sealgate_unit_test(messages messages)
sealgate_unit_test(channel channel PkgConfig::LIBEVENT)
sealgate_unit_test(key_files key_files)
sealgate_unit_test(views_in_use channel worker_views)
