sealgate_unit_test(h2_session http)
sealgate_unit_test(h2_flow http)
sealgate_unit_test(h2_flood http PkgConfig::NGHTTP2)
sealgate_unit_test(h2_head http)
sealgate_unit_test(h2_fields http PkgConfig::NGHTTP2)
sealgate_unit_test(h2_request http)
sealgate_unit_test(h2_guard http)
sealgate_unit_test(h2_memory http PkgConfig::NGHTTP2)
sealgate_unit_test(h2_secret http PkgConfig::NGHTTP2)
# That test knows every block that is allocated.
if(TARGET h2_secret_test)
    target_link_options(h2_secret_test PRIVATE
        -Wl,--wrap=malloc -Wl,--wrap=calloc -Wl,--wrap=free)
endif()
