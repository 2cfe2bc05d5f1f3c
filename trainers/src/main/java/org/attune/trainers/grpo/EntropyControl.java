package org.attune.trainers.grpo;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;

import org.attune.error.CheckpointException;
import org.attune.json.Json;
import org.attune.trainers.loop.CheckpointPart;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/// The weight of the entropy bonus, step by step: constant, or led so that the policy's entropy
/// comes to a target ([He et al. 2025, Skywork-OR1](https://arxiv.org/abs/2505.22312)). As in TRL,
/// a
/// step's entropy sets the weight of the next one, which counts only where that entropy was at most
/// the target; so there is no bonus in the first step.
final class EntropyControl implements CheckpointPart {
    private static final String FILE = "entropy.json";

    private final EntropyConfig config;
    private double coefficient;
    private double last = Double.POSITIVE_INFINITY;

    EntropyControl(EntropyConfig config) {
        this.config = config;
        coefficient = config.entropyCoef();
    }

    /// Whether there is a bonus in this run, if not in each of its steps.
    boolean isOn() {
        return config.hasBonus();
    }

    /// The weight in the step to come.
    double applied() {
        return config.useAdaptiveEntropy() && last > config.entropyTarget() ? 0 : coefficient;
    }

    /// The weight as it is led, applied or not.
    double coefficient() {
        return coefficient;
    }

    /// Ends a step.
    ///
    /// @param entropy mean of the tokens that the bonus is for, nats
    void update(double entropy) {
        if (!config.useAdaptiveEntropy()) {
            return;
        }
        coefficient =
                entropy <= config.entropyTarget()
                        ? Math.min(coefficient + config.entropyCoefDelta(), config.entropyCoefMax())
                        : Math.max(
                                coefficient - config.entropyCoefDelta(), config.entropyCoefMin());
        last = entropy;
    }

    @Override
    public void save(Path folder) throws IOException {
        if (config.useAdaptiveEntropy()) {
            ObjectNode state = Json.object();
            state.put("entropy_coef", coefficient);
            if (Double.isFinite(last)) {
                state.put("last_entropy", last);
            }
            Files.write(folder.resolve(FILE), Json.MAPPER.writeValueAsBytes(state));
        }
    }

    @Override
    public void restore(Path folder) {
        if (!config.useAdaptiveEntropy()) {
            return;
        }
        Path file = folder.resolve(FILE);
        try {
            JsonNode state = Json.MAPPER.readTree(file.toFile());
            coefficient = state.get("entropy_coef").asDouble();
            last = state.path("last_entropy").asDouble(Double.POSITIVE_INFINITY);
        } catch (IOException | RuntimeException e) {
            throw new CheckpointException(file + " can't be read: " + e, e);
        }
    }
}
