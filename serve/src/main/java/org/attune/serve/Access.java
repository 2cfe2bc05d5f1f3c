package org.attune.serve;

import com.sun.net.httpserver.Headers;

import org.attune.error.ConfigException;
import org.attune.hash.Sha256;

import java.net.InetAddress;
import java.net.URI;
import java.security.MessageDigest;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;

/// Who is let in: keys, the name by which the server was asked for, and web pages. A page of a
/// stranger, opened in a browser on this machine, must not reach the server: neither by a name
/// that leads here, nor by a form. Immutable.
final class Access {
    private static final String BEARER = "bearer ";
    private static final Set<String> OWN_PAGES = Set.of("same-origin", "none");
    private static final String TOKEN = "token=";

    /// The page that takes the token out of the address. It leads on by itself, since a browser
    /// doesn't send a strict cookie along a redirect that began on another site.
    static final String WELCOME =
            "<!DOCTYPE html><html lang=\"en\"><meta charset=\"utf-8\"><title>Attune</title><link"
                    + " rel=\"icon\" href=\"data:,\"><meta http-equiv=\"refresh\""
                    + " content=\"0;url=/\"><a href=\"/\">Go on</a>";

    private final List<byte[]> keys; // hashed, so that all comparisons take the same time
    private final Optional<String> cookie;
    private final List<String> hosts;
    private final List<String> origins;

    /// @throws ConfigException if others than this machine could ask without a key
    Access(HttpDoor.Rules rules, String host, InetAddress address) {
        if (!address.isLoopbackAddress() && rules.keys().isEmpty()) {
            throw new ConfigException(
                    ("host is %s, so others can ask too, but there is no key; give one"
                                    + " (ATTUNE_API_KEY or --api-key-file), or listen at 127.0.0.1")
                            .formatted(host));
        }
        for (String key : rules.keys()) {
            if (key.isBlank()) {
                throw new ConfigException("a key is empty; accepted: at least one character");
            }
        }
        keys = rules.keys().stream().map(Access::hash).toList();
        cookie = rules.cookie();
        hosts = rules.hosts().stream().map(h -> h.toLowerCase(Locale.ROOT)).toList();
        origins = rules.origins();
    }

    private static byte[] hash(String key) {
        return Sha256.of(key);
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
        if (!isKnown(given(headers).orElse(""))) {
            throw new ApiException(
                    401,
                    "invalid_api_key",
                    cookie.isEmpty()
                            ? "the key is missing or wrong; send \"Authorization: Bearer KEY\""
                            : "this browser isn't known yet: open the address that the command"
                                    + " printed, which has a token");
        }
    }

    private boolean isKnown(String given) {
        byte[] hash = hash(given);
        boolean isKnown = false;
        for (byte[] key : keys) {
            isKnown |= MessageDigest.isEqual(key, hash);
        }
        return isKnown;
    }

    /// Whether a request brings a key in its address, which a cookie then takes the place of.
    boolean isFirstVisit(URI uri) {
        String query = uri.getQuery();
        return cookie.isPresent()
                && query != null
                && query.startsWith(TOKEN)
                && isKnown(query.substring(TOKEN.length()));
    }

    /// The header that leaves a request's token in the browser, out of the reach of scripts.
    String cookie(URI uri) {
        return "%s=%s; Path=/; HttpOnly; SameSite=Strict"
                .formatted(cookie.orElseThrow(), uri.getQuery().substring(TOKEN.length()));
    }

    /// The key of a request; Anthropic's clients have another header for it.
    private Optional<String> given(Headers headers) {
        String authorization = headers.getFirst("Authorization");
        if (authorization != null && authorization.toLowerCase(Locale.ROOT).startsWith(BEARER)) {
            return Optional.of(authorization.substring(BEARER.length()).strip());
        }
        Optional<String> key = Optional.ofNullable(headers.getFirst("x-api-key"));
        return key.or(() -> cookie.flatMap(name -> cookie(headers, name)));
    }

    private static Optional<String> cookie(Headers headers, String name) {
        String start = name + "=";
        return Stream.ofNullable(headers.get("Cookie"))
                .flatMap(List::stream)
                .flatMap(line -> Arrays.stream(line.split(";")))
                .map(String::strip)
                .filter(one -> one.startsWith(start))
                .map(one -> one.substring(start.length()))
                .findFirst();
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
