package org.attune.serve;

import org.apache.commons.rng.simple.RandomSource;
import org.attune.adapter.LoraConfig;
import org.attune.adapter.LoraInitialisation;
import org.attune.adapter.ModuleSelection;
import org.attune.files.HubCache;
import org.attune.model.layer.Decoder;
import org.attune.models.LoadedModel;
import org.attune.models.ModelConfig;
import org.attune.models.ModelSetup;
import org.attune.models.ScorerPurpose;
import org.attune.models.TrainedModelWriter;
import org.attune.policy.Policy;
import org.attune.tensor.Engine;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// Adapters and reward models of the embedded model that mean nothing.
public final class RandomModels {
    private RandomModels() {}

    /// Writes an adapter that changes answers into a new folder.
    ///
    /// @return the folder
    public static Path adapter(Path out, long seed) {
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

    /// Writes a reward model into a new folder.
    ///
    /// @return the folder
    public static Path reward(Path out) {
        return scorer(out, ScorerPurpose.REWARD);
    }

    /// Writes a model with a score head into a new folder.
    ///
    /// @return the folder
    static Path scorer(Path out, ScorerPurpose purpose) {
        return scorer(out, purpose, ScriptedModels.MODEL);
    }

    /// Writes a model with a score head into a new folder.
    ///
    /// @param base it is made of
    /// @return the folder
    static Path scorer(Path out, ScorerPurpose purpose, Path base) {
        ModelConfig config = ModelConfig.of(base.toAbsolutePath().toString());
        Engine.run(
                () -> {
                    try (var setup = ModelSetup.open(config, new HubCache(out));
                            Decoder decoder = setup.loadScorer(purpose, 5);
                            Policy policy =
                                    Policy.withAllWeights(decoder, Policy.Options.defaults())) {
                        new TrainedModelWriter(setup, policy).write(out);
                    } catch (IOException e) {
                        throw new UncheckedIOException(e);
                    }
                });
        return out;
    }
}
