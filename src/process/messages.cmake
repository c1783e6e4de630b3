# The codec alone and the channel above it: what fuzzing and unit tests link.
sealgate_module(messages
    SOURCES message_field.c messages.c
    PUBLIC base policy)
sealgate_module(descriptor
    SOURCES descriptor.c
    PUBLIC base)
sealgate_module(channel
    SOURCES channel.c channel_frame.c peer.c presented_views.c sealed_file.c view_floor.c view_mac.c
    PUBLIC messages
    PRIVATE descriptor observe PkgConfig::LIBEVENT)
