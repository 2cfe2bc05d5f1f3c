package org.attune.hub;

import org.attune.error.HubException;
import org.attune.files.HubCache;

import java.net.URI;
import java.util.Map;
import java.util.Optional;

/// Asks whether the Hub answers at all.
final class HubAnswer {
    private HubAnswer() {}

    /// Asks the endpoint for its list of models, one of them.
    ///
    /// @return what is wrong; empty if it answers
    static Optional<String> problem(HubSettings settings) {
        if (settings.offline()) {
            return Optional.of("not asked: HF_HUB_OFFLINE is set");
        }
        URI url = URI.create(settings.endpoint() + "/api/models?limit=1");
        var about = new HubRepository(HubCache.Kind.MODELS, "models", HubCache.MAIN);
        try (HubReply _ = new HubClient(settings).get(url, Map.of(), about)) {
            return Optional.empty();
        } catch (HubException e) {
            return Optional.of(e.getMessage());
        }
    }
}
