package org.attune.trainers.config;

import jakarta.validation.Valid;

import org.attune.optim.ParameterGroup;
import org.attune.optim.ParameterGroups;
import org.attune.records.CopyMethods;

import java.util.ArrayList;
import java.util.List;
import java.util.OptionalDouble;

/// Which parameters learn at another rate, or decay otherwise.
///
/// @param loraplusLrRatio learning rate of LoRA's B, biases and norms to that of its A; unset: the
///     same ([Hayou et al. 2024](https://arxiv.org/abs/2402.12354), LoRA+)
/// @param loraplusLrEmbedding with it, learning rate of LoRA pairs of embeddings; PEFT: 1e-6
/// @param paramGroups by name; a parameter is in the first that matches it
@CopyMethods
public record GroupConfig(
        @InRange(min = 0, minOpen = true) OptionalDouble loraplusLrRatio,
        @InRange(min = 0) double loraplusLrEmbedding,
        List<@Valid GroupSpec> paramGroups)
        implements GroupConfigCopies {
    public GroupConfig {
        paramGroups = List.copyOf(paramGroups);
    }

    /// The defaults, as listed at the parameters.
    public static GroupConfig defaults() {
        return GroupConfigCopies.blank().withLoraplusLrEmbedding(1e-6);
    }

    /// The groups that the optimizer takes.
    ///
    /// @param learningRate of the run
    /// @param weightDecay of the run
    ParameterGroups groups(double learningRate, double weightDecay) {
        var groups = new ArrayList<ParameterGroup>();
        paramGroups.forEach(spec -> groups.add(spec.group(learningRate)));
        loraplusLrRatio.ifPresent(
                ratio -> {
                    groups.add(ParameterGroup.loraEmbedding(loraplusLrEmbedding / learningRate));
                    groups.add(ParameterGroup.loraB(ratio));
                });
        return new ParameterGroups(weightDecay, groups);
    }

    /// Whether a rate is given that stands in a ratio to the run's.
    boolean hasRates() {
        return loraplusLrRatio.isPresent()
                || paramGroups.stream().anyMatch(group -> group.lr().isPresent());
    }
}
