# From a name to a socket, without messages and views: what tests link.
sealgate_module(dial
    SOURCES connector.c dial.c dialer_guard.c dialer_quota.c lookup.c resolver.c resolver_channel.c
            resolver_question.c
    PUBLIC config
    PRIVATE PkgConfig::CARES PkgConfig::LIBEVENT)
