package org.attune.trainers.parity;

import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.files.HubCache;
import org.attune.models.DtypeChoice;
import org.attune.models.ModelSetup;
import org.attune.tensor.Engine;
import org.attune.tensor.TensorScope;
import org.attune.testing.Fixtures;
import org.attune.trainers.config.DataConfig;
import org.attune.trainers.config.LoraSettings;
import org.attune.trainers.config.ReferenceKind;
import org.attune.trainers.opening.PolicySetup;
import org.attune.trainers.opening.ReferenceSetup;
import org.attune.trainers.ppo.CriticSetup;
import org.attune.trainers.ppo.PpoConfig;
import org.attune.trainers.ppo.ValueModelKind;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.function.UnaryOperator;

/// Models of a run that are the policy's own base are in memory once, others are not.
@Tag("fixtures-trl")
class SharedWeightsFixtureTest {
    @TempDir private Path folder;

    private Path model;

    @BeforeEach
    void findModel() {
        model = Fixtures.fixture("trl/model");
    }

    /// Bytes that the critic's and the reference's weights take beside the policy's.
    private long taken(UnaryOperator<PpoConfig> change) {
        PpoConfig config =
                change.apply(
                        PpoConfig.defaults()
                                .withModel(
                                        m ->
                                                m.withModelNameOrPath(model.toString())
                                                        .withDevice("cpu")
                                                        .withDtype(DtypeChoice.FLOAT32))
                                .withLora(_ -> LoraSettings.allLinear(1, 2))
                                .withCritic(c -> c.withValueModel(ValueModelKind.SEPARATE))
                                .withData(_ -> DataConfig.of("none"))
                                .withReference(
                                        r ->
                                                r.withReference(ReferenceKind.MODEL)
                                                        .withRefModelNameOrPath(model.toString()))
                                .withRewards(r -> r.withRewardFuncs(List.of("gsm8k"))));
        var hub = new HubCache(folder);
        return Engine.call(
                () -> {
                    try (var setup = ModelSetup.open(config.model(), hub);
                            var policy =
                                    PolicySetup.load(
                                            setup,
                                            config.lora(),
                                            config.training(),
                                            false,
                                            List::of)) {
                        long before = TensorScope.liveBytes();
                        try (var references = new ReferenceSetup(setup, policy, hub);
                                var critic = CriticSetup.open(config, setup, policy, folder, hub)) {
                            references.open(
                                    config.referenceKind(),
                                    config.model(),
                                    config.reference().asReference());
                            assertTrue(critic.memory(config.training()).optimizer() > 0);
                            return TensorScope.liveBytes() - before;
                        }
                    }
                });
    }

    @Test
    void adaptersAndReferencesOnThePolicysBaseShareItsWeights() throws IOException {
        Path copy = Files.createDirectory(folder.resolve("copy"));
        try (var files = Files.list(model)) {
            for (Path file : files.toList()) {
                Files.copy(file, copy.resolve(file.getFileName()));
            }
        }
        long shared = taken(c -> c);
        long own = taken(c -> c.withCritic(v -> v.withValueUsePeft(false)));
        long other = taken(c -> c.withReference(r -> r.withRefModelNameOrPath(copy.toString())));
        long size = Files.size(model.resolve("model.safetensors"));
        assertTrue(shared < size / 2, shared + " of " + size);
        assertTrue(own > shared + size, "a critic that is trained whole: " + own);
        assertTrue(other > shared + size / 2, "a reference of other files: " + other);
    }
}
