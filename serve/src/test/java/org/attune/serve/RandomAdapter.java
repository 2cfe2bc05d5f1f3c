package org.attune.serve;

import org.apache.commons.rng.simple.RandomSource;
import org.attune.adapter.LoraConfig;
import org.attune.adapter.LoraInitialisation;
import org.attune.adapter.ModuleSelection;
import org.attune.models.LoadedModel;
import org.attune.models.ModelConfig;
import org.attune.policy.Policy;
import org.attune.tensor.Engine;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// Adapters for the embedded model that change its answers and mean nothing.
public final class RandomAdapter {
    private RandomAdapter() {}

    /// Writes one into a new folder.
    ///
    /// @return the folder
    public static Path write(Path out, long seed) {
        var config =
                new LoraConfig(
                        4,
                        400,
                        0,
                        false,
                        false,
                        new ModuleSelection.Names(List.of("q_proj", "down_proj")),
                        Optional.empty(),
                        List.of(),
                        List.of(),
                        Map.of(),
                        Map.of(),
                        List.of(),
                        false,
                        LoraInitialisation.RANDOM_BOTH,
                        "CAUSAL_LM",
                        Optional.empty());
        String base = ScriptedModels.MODEL.toString();
        try (LoadedModel model = LoadedModel.open(ModelConfig.of(base))) {
            Engine.run(
                    () -> {
                        try (Policy policy =
                                Policy.withFreshAdapter(
                                        model.decoder(),
                                        config,
                                        RandomSource.XO_SHI_RO_256_PP.create(seed),
                                        Policy.Options.defaults())) {
                            policy.saveAdapter(out, "base");
                        }
                    });
        }
        return out;
    }
}
