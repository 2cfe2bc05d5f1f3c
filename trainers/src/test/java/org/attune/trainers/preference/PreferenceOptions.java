package org.attune.trainers.preference;

import com.fasterxml.jackson.databind.JsonNode;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.OptionalDouble;

/// Builds an objective from TRL's option names, as recorded in the fixtures.
public final class PreferenceOptions {
    private PreferenceOptions() {}

    /// The loss with a TRL name.
    static PreferenceLoss loss(String name, double beta, double smoothing, double tau) {
        return DpoLossType.valueOf(name.toUpperCase(Locale.ROOT))
                .loss(new DpoLossType.Settings(beta, smoothing, tau, 0));
    }

    public static PreferenceObjective objective(JsonNode config) {
        double beta = config.path("beta").asDouble(0.1);
        double smoothing = config.path("label_smoothing").asDouble(0);
        double tau = config.path("discopop_tau").asDouble(0.05);
        List<PreferenceObjective.Term> terms = new ArrayList<>();
        JsonNode names = config.get("loss_type");
        for (int i = 0; i < names.size(); i++) {
            double weight = config.path("loss_weights").path(i).asDouble(1);
            String name = names.get(i).asText();
            terms.add(new PreferenceObjective.Term(loss(name, beta, smoothing, tau), weight));
        }
        JsonNode alpha = config.path("ld_alpha");
        return new PreferenceObjective(
                terms,
                FDivergence.valueOf(
                                config.path("f_divergence_type")
                                        .asText("reverse_kl")
                                        .toUpperCase(Locale.ROOT))
                        .of(config.path("f_alpha_divergence_coef").asDouble(0.5)),
                alpha.isNumber() ? OptionalDouble.of(alpha.asDouble()) : OptionalDouble.empty());
    }
}
