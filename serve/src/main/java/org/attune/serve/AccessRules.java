package org.attune.serve;

import java.util.List;
import java.util.Optional;

/// Who may ask a server.
///
/// @param keys who gives one of them in `Authorization: Bearer …` is let in; none: everybody is
/// @param cookie name of a cookie that may hold a key too, which a browser gets that asks for
///     `?token=KEY`; unset: there is none
/// @param hosts names in the `Host` of requests besides `localhost`, as behind a proxy
/// @param origins web pages of others that may ask, each as browsers name it in `Origin`
public record AccessRules(
        List<String> keys, Optional<String> cookie, List<String> hosts, List<String> origins) {
    public AccessRules {
        keys = List.copyOf(keys);
        hosts = List.copyOf(hosts);
        origins = List.copyOf(origins);
    }
}
