package org.attune.serve;

import org.attune.error.ConfigException;
import org.attune.json.Json;

import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;

/// Which of the served models answers a request for a name: the one of its release, if there is
/// one, or that of the user's side of a split. Thread-safe.
final class Traffic {
    private final String split; // the name whose requests are split
    private final Map<String, Double> shares;
    private final Map<String, String> released = new ConcurrentHashMap<>(); // by the name asked for

    /// @param split the name whose requests are split
    /// @param shares of its users, by the names of what answers them
    Traffic(String split, Map<String, Double> shares) {
        this.split = split;
        this.shares = new LinkedHashMap<>(shares);
        shares.forEach(
                (name, share) -> {
                    if (!(share > 0 && share < 1)) {
                        throw ConfigException.about(
                                "split",
                                "the share of %s is %s; accepted: above 0 and below 1"
                                        .formatted(name, share));
                    }
                });
        double sum = shares.values().stream().mapToDouble(Double::doubleValue).sum();
        if (sum > 1) {
            throw ConfigException.about(
                    "split", "the shares are %s in all; at most 1".formatted(sum));
        }
    }

    /// Has another model answer requests for a name.
    ///
    /// @return what answered them before
    String release(String asked, String served) {
        return Optional.ofNullable(released.put(asked, served)).orElse(asked);
    }

    /// Has a model answer for itself again.
    void withdraw(String asked) {
        released.remove(asked);
    }

    /// The name of what answers a request. A user always has the same.
    String answering(String asked, Fields body) throws ApiException {
        if (asked.equals(split) && !shares.isEmpty()) {
            double place = place(key(body));
            for (Map.Entry<String, Double> side : shares.entrySet()) {
                place -= side.getValue();
                if (place < 0) {
                    return side.getKey();
                }
            }
        }
        return released.getOrDefault(asked, asked);
    }

    /// Who asks; a request that doesn't say so is told by the beginning of its conversation.
    private static String key(Fields body) throws ApiException {
        Optional<String> user = user(body);
        if (user.isPresent()) {
            return user.get();
        }
        for (Object message : body.list("messages", Integer.MAX_VALUE)) {
            if (message instanceof Map<?, ?> map && "user".equals(map.get("role"))) {
                return Json.write(map);
            }
        }
        return "";
    }

    /// The user that a request names, in any of its forms.
    static Optional<String> user(Fields body) throws ApiException {
        Optional<String> user = body.text("user");
        if (user.isEmpty()) {
            user = body.text("safety_identifier");
        }
        if (user.isEmpty() && body.value("metadata") instanceof Map<?, ?> metadata) {
            user = Optional.ofNullable(metadata.get("user_id")).map(String::valueOf);
        }
        return user.filter(name -> !name.isBlank());
    }

    /// A number from 0 to 1 that is the same on all machines.
    private static double place(String key) {
        UUID hash = UUID.nameUUIDFromBytes(key.getBytes(StandardCharsets.UTF_8));
        return (hash.getMostSignificantBits() >>> 16) * 0x1p-48;
    }
}
