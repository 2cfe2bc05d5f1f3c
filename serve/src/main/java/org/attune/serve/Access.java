package org.attune.serve;

import com.sun.net.httpserver.Headers;

import org.attune.error.ConfigException;

import java.net.InetAddress;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;

/// Who is let in: keys, the name by which the server was asked for, and web pages. A page of a
/// stranger, opened in a browser on this machine, must not reach the server: neither by a name
/// that leads here, nor by a form. Immutable.
final class Access {
    private static final String BEARER = "bearer ";
    private static final Set<String> OWN_PAGES = Set.of("same-origin", "none");

    private final List<byte[]> keys; // hashed, so that all comparisons take the same time
    private final List<String> hosts;
    private final List<String> origins;

    /// @throws ConfigException if others than this machine could ask without a key
    Access(ServeConfig config, InetAddress address) {
        if (!address.isLoopbackAddress() && config.keys().isEmpty()) {
            throw new ConfigException(
                    ("host is %s, so others can ask too, but there is no key; give one"
                                    + " (ATTUNE_API_KEY or --api-key-file), or listen at 127.0.0.1")
                            .formatted(config.host()));
        }
        for (String key : config.keys()) {
            if (key.isBlank()) {
                throw new ConfigException("a key is empty; accepted: at least one character");
            }
        }
        keys = config.keys().stream().map(Access::hash).toList();
        hosts = config.allowedHosts().stream().map(h -> h.toLowerCase(Locale.ROOT)).toList();
        origins = config.allowedOrigins();
    }

    private static byte[] hash(String key) {
        try {
            return MessageDigest.getInstance("SHA-256")
                    .digest(key.getBytes(StandardCharsets.UTF_8));
        } catch (java.security.NoSuchAlgorithmException e) {
            throw new IllegalStateException(e); // every JDK has it
        }
    }

    /// Refuses a request that came by a name that isn't this server's.
    void requireHost(Headers headers) throws ApiException {
        String host = headers.getFirst("Host");
        if (host == null || headers.get("Host").size() != 1) {
            throw new ApiException(400, "invalid_host", "a request has exactly one Host");
        }
        String name = host.replaceFirst(":\\d*$", "").toLowerCase(Locale.ROOT);
        if (!name.equals("localhost") && !isAddress(name) && !hosts.contains(name)) {
            throw new ApiException(
                    421,
                    "misdirected_request",
                    "this server isn't %s; if it is, start it with --allow-host".formatted(name));
        }
    }

    /// Whether a host is a number: no page can make one lead elsewhere.
    private static boolean isAddress(String name) {
        return name.matches("\\d{1,3}(\\.\\d{1,3}){3}") || name.matches("\\[[0-9a-f:.%]+]");
    }

    /// Refuses a request without one of the keys.
    void requireKey(Headers headers) throws ApiException {
        if (keys.isEmpty()) {
            return;
        }
        byte[] given = hash(given(headers).orElse(""));
        boolean isKnown = false;
        for (byte[] key : keys) {
            isKnown |= MessageDigest.isEqual(key, given);
        }
        if (!isKnown) {
            throw new ApiException(
                    401,
                    "invalid_api_key",
                    "the key is missing or wrong; send \"Authorization: Bearer KEY\"");
        }
    }

    /// The key of a request; Anthropic's clients have another header for it.
    private static Optional<String> given(Headers headers) {
        String authorization = headers.getFirst("Authorization");
        if (authorization != null && authorization.toLowerCase(Locale.ROOT).startsWith(BEARER)) {
            return Optional.of(authorization.substring(BEARER.length()).strip());
        }
        return Optional.ofNullable(headers.getFirst("x-api-key"));
    }

    /// Refuses what a page of somebody else asks for.
    void requireOrigin(Headers headers) throws ApiException {
        String origin = headers.getFirst("Origin");
        String site = headers.getFirst("Sec-Fetch-Site");
        boolean isOwn =
                origin == null
                        ? site == null || OWN_PAGES.contains(site)
                        : isAllowed(origin) || isSame(origin, headers.getFirst("Host"));
        if (!isOwn) {
            throw new ApiException(
                    403,
                    "origin_not_allowed",
                    "a page of %s may not ask here; --allow-origin permits it"
                            .formatted(origin == null ? "another site" : origin));
        }
    }

    private static boolean isSame(String origin, String host) {
        return origin.equals("http://" + host);
    }

    private boolean isAllowed(String origin) {
        return origins.contains(origin);
    }

    /// The origin that a page may read the answer from, if it is allowed to.
    Optional<String> readableFrom(Headers headers) {
        return Optional.ofNullable(headers.getFirst("Origin")).filter(this::isAllowed);
    }
}
