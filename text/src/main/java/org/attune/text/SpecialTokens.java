package org.attune.text;

import static org.attune.api.Api.Status.EXPERIMENTAL;

import org.attune.api.Api;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;

/// The special tokens a model's configuration names, by role: `bos_token`, `eos_token`,
/// `pad_token`, `unk_token` and others. Chat templates see them as variables of these names.
///
/// @param byRole vocabulary text of each token, by role, in the configuration's order
@Api(EXPERIMENTAL)
public record SpecialTokens(Map<String, String> byRole) {
    public SpecialTokens {
        byRole = Collections.unmodifiableMap(new LinkedHashMap<>(byRole));
    }

    /// No special tokens.
    public static SpecialTokens none() {
        return new SpecialTokens(Map.of());
    }

    public Optional<String> bos() {
        return Optional.ofNullable(byRole.get("bos_token"));
    }

    public Optional<String> eos() {
        return Optional.ofNullable(byRole.get("eos_token"));
    }

    public Optional<String> pad() {
        return Optional.ofNullable(byRole.get("pad_token"));
    }

    public Optional<String> unk() {
        return Optional.ofNullable(byRole.get("unk_token"));
    }
}
